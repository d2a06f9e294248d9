"""Figures proven by a command: `scripts/prove NAME`. Never part of the test suite."""
