"""The service as it is installed: units, packages, and a machine that boots them."""
