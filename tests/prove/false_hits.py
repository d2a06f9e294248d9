"""Pairs of questions: those falsely taken for the same one, and the share of those rightly taken.

`scripts/prove false_hits`. No speed is measured.
"""

from __future__ import annotations

import sys

from tests.cache.questions import SETS, false_hits, shared
from tests.prove.figures import reported


def main() -> int:
    """Print the figures; exit status 1 when any pair is wrong."""
    status = 0
    for which in SETS:
        count, wrong = false_hits(which)
        print(f"{which}: {len(wrong)} of {count} pairs that must not share an answer do")
        reported(f"{which}: must not share", {"pairs": count, "share": len(wrong)})
        for pair in wrong:
            print("   ", *pair, sep=" | ")
            status = 1
    there, found = shared()
    share = found.total() / there.total()
    reported("should share", {"pairs": there.total(), "share": found.total()})
    print(f"{found.total()} of {there.total()} pairs that should share one do, {share:.0%}:")
    for kind, count in there.items():
        print(f"    {kind:32} {found[kind]:3} of {count}")
    return status


if __name__ == "__main__":
    sys.exit(main())
