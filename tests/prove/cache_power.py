"""Power cuts of the response cache: what a card that reorders and tears writes may be left with.

`scripts/prove cache_power [CUTS [FIRST_SEED]]`, by default 2,000 cuts, 100 of each of 20 writers,
half of them soon after files were made, renamed or deleted. The writes and syncs of a writing
process are recorded, SQLite's own included; each cut leaves what
was synced and any part of the rest. The control is the same with syncs that do nothing. A part can
be run again, or the rest later, by its first seed.
"""

from __future__ import annotations

import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.cache.cuts import Verdict, cut_at, moments_of, writer_events
from tests.prove.figures import machine

CUTS_A_WRITER = 100
STEPS = 400


def cut_writer(seed: int, cuts: int) -> tuple[Verdict, Verdict]:
    """Cut the power of one writer; what was found, and what where syncs do nothing."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        events = writer_events(place, seed=seed, steps=STEPS)
        chance = random.Random(seed)
        moments = moments_of(events, cuts, chance)
        real = cut_at(events, moments, place, chance)
        control = cut_at(events, moments[::5], place, chance, honest=False)
        return real, control


def main() -> None:
    cuts = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    logging.getLogger("sena_pi").setLevel(logging.ERROR)
    print(machine(), flush=True)
    start = time.monotonic()
    real, control = Verdict(), Verdict()
    while real.cuts < cuts:
        one, other = cut_writer(seed, min(CUTS_A_WRITER, cuts - real.cuts))
        real, control = real + one, control + other
        seed += 1
        print(f"syncs obeyed: {real}", flush=True)
    print(f"syncs ignored (the control): {control}")
    print(f"{time.monotonic() - start:.0f} s; the next seed is {seed}; {machine()}")
    print("\n".join(real.faults[:20]))
    if real.faults or not control.lost:
        sys.exit("FAILED")


if __name__ == "__main__":
    main()
