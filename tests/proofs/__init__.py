"""What proofs printed, kept with its circumstances in `docs/proofs`, and the page made of it."""
