"""The hazardous processes: each owns what can hang, crash or block."""
