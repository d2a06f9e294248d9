"""Power cuts of the response cache: what a card that reorders and tears writes may be left with.

`scripts/prove cache_power [CUTS [FIRST_SEED]]`, by default 2,000 cuts, 100 of each of 20 seeds:
half of them of a writer that began with nothing, half of one that went on after a cut. The writes
and syncs of each process are recorded, SQLite's own included; a cut leaves what was synced and any
part of the rest, and every other one comes soon after files were made, renamed or deleted. The
control is the same with syncs that do nothing. The rest can be run later, by its first seed.
"""

from __future__ import annotations

import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.cache.cuts import Verdict, cut_at, left_by, moments_of, writer_life
from tests.prove.figures import machine, reported

CUTS_A_SEED = 100
STEPS = 400


def cut_writers(seed: int, cuts: int) -> tuple[Verdict, Verdict]:
    """Cut the power of a writer, and of one that goes on after such a cut.

    Returns:
        What was found, and what where syncs do nothing.
    """
    chance = random.Random(seed)
    real, control, found = Verdict(), Verdict(), dict[str, bytes]()
    for count in (cuts - cuts // 2, cuts // 2):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            life = writer_life(place, seed=seed, steps=STEPS, found=found)
            moments = moments_of(life.events, count, chance)
            real += cut_at(life, moments, place, chance)
            control += cut_at(life, moments[::5], place, chance, honest=False)
            found = left_by(life, chance)
    return real, control


def main() -> None:
    cuts = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    logging.getLogger("sena_pi").setLevel(logging.ERROR)
    print(machine(), flush=True)
    start = time.monotonic()
    real, control = Verdict(), Verdict()
    while real.cuts < cuts:
        one, other = cut_writers(seed, min(CUTS_A_SEED, cuts - real.cuts))
        real, control = real + one, control + other
        seed += 1
        print(f"syncs obeyed: {real}", flush=True)
    print(f"syncs ignored (the control): {control}")
    print(f"{time.monotonic() - start:.0f} s; the next seed is {seed}; {machine()}")
    reported("syncs obeyed", real.counts())
    reported("syncs ignored (the control)", control.counts())
    print("\n".join(real.faults[:20]))
    if real.faults or not control.lost:
        sys.exit("FAILED")


if __name__ == "__main__":
    main()
