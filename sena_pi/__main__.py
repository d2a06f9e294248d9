"""`python -m sena_pi` is the `sena` command."""

import sys

from sena_pi.cli import main

if __name__ == "__main__":
    sys.exit(main())
