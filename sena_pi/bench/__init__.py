"""Benchmarks and proofs that run as commands: `python -m sena_pi.bench.<name>`."""
