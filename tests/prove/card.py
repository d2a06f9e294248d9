"""The card: an image is booted in QEMU, left at rest, used, damaged, updated, and its power is cut.

`scripts/prove card IMAGE --key KEY ...`: the same as `scripts/test-image`, whose figures are kept
and told together with the others.
"""

from __future__ import annotations

import sys

from tests.image import run


def main() -> None:
    """Run what was asked for."""
    sys.exit(run.main(sys.argv[1:]))


if __name__ == "__main__":
    main()
