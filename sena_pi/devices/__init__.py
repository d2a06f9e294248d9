"""What the brain holds of the outside world: clients of the worker processes."""
