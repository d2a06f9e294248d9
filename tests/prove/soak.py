"""Soak: turns mixed with faults, through the whole appliance, and what it has grown by since.

The real brain, audio worker, cache and google-genai client, on simulated sound in a hurry, against
a loopback server; deadlines a fifth as long as usual. `scripts/prove soak [--turns N]`, by default
1,000, about 0.25 s each. A part of a longer run is begun with `--from N`: the kinds of turns go on
where the part before ended. Memory is the brain's RSS and the PSS of all processes.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.prove.figures import machine, reported
from tests.soak import Growth, Soaked, soak

LIMIT_MB = 5.0


def verdict(soaked: Soaked) -> tuple[list[str], bool]:
    """Lines for people, and whether the promise was kept."""
    growth: Growth = soaked.growth
    kept = growth.rss_mb <= LIMIT_MB and not growth.left
    lines = [
        f"turns {soaked.turns}: "
        + ", ".join(f"{count} {name}" for name, count in sorted(soaked.kinds.items())),
        "outcomes: " + ", ".join(f"{n} {name}" for name, n in sorted(soaked.outcomes.items())),
        f"since turn {soaked.warm_up}: brain RSS {growth.rss_mb:+.1f} MB (at most +{LIMIT_MB:g}), "
        f"all processes PSS {growth.pss_mb:+.1f} MB",
        "left: " + (", ".join(f"{n:+d} {name}" for name, n in growth.left.items()) or "nothing"),
    ]
    return lines, kept


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/prove soak")
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--warm-up", type=int, default=None, help="by default half, at most 500")
    parser.add_argument("--from", type=int, default=0, dest="first", help="turns made before")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    warm_up = min(500, args.turns // 2) if args.warm_up is None else args.warm_up
    print(machine(), flush=True)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder
        soaked = asyncio.run(
            soak(Path(folder), args.turns, warm_up=warm_up, first=args.first, told=print)
        )
    lines, kept = verdict(soaked)
    print(*lines, sep="\n")
    reported("soak", {
        "turns": soaked.turns,
        "brain's RSS, MB": soaked.growth.rss_mb,
        "all PSS, MB": soaked.growth.pss_mb,
        "left": sum(map(abs, soaked.growth.left.values())),
    })  # fmt: skip
    took_s = time.monotonic() - began_s
    print(f"{took_s:.0f} s, {took_s / args.turns:.2f} s a turn; {machine()}")
    print(f"the next part: --from {args.first + args.turns}")
    if not kept:
        sys.exit("NOT KEPT")


if __name__ == "__main__":
    main()
