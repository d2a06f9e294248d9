"""`python -m sena_pi.bench.cache`."""

from __future__ import annotations

import argparse
import sys

from sena_pi.bench.cache.command_line import add_arguments, options_from
from sena_pi.bench.cache.run import run
from sena_pi.errors import SenaError


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m sena_pi.bench.cache", description="Cache designs side by side."
    )
    add_arguments(parser)
    try:
        return run(options_from(parser.parse_args()))
    except SenaError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
