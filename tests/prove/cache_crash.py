"""Kills of processes that write the response cache at full speed, and what they leave.

`scripts/prove cache_crash [KILLS [SEED]]`, by default 1,000, all on one cache that each writer
takes over from the one before. A part can be run with another seed.
"""

from __future__ import annotations

import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.cache.cuts import Verdict
from tests.cache.kills import kill_writers
from tests.prove.figures import machine, reported

AT_ONCE = 100


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    logging.getLogger("sena_pi").setLevel(logging.ERROR)
    print(machine(), flush=True)
    start = time.monotonic()
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as folder:
        while verdict.cuts < kills:
            lives = min(AT_ONCE, kills - verdict.cuts)
            verdict += kill_writers(Path(folder), lives, chance, first=verdict.cuts)
            print(f"killed: {verdict}", flush=True)
    print(f"{time.monotonic() - start:.0f} s; {machine()}")
    reported("killed", verdict.counts())
    print("\n".join(verdict.faults[:20]))
    if verdict.faults:
        sys.exit("FAILED")


if __name__ == "__main__":
    main()
