"""Hot-plug: seconds until another microphone is heard, and until the chosen one is back.

A real audio worker with scripted devices. `scripts/prove plugs [TRIALS]`, about 15 s a trial.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.prove.figures import machine, measured, reported, spread
from tests.scripted_plugs_worker import FOLDER
from tests.test_plugs import Desk, desk

A, B = "A@1-1.1", "B@1-1.2"
HEARD = {A: "A (usb:0d8c:0014@1-1.1)", B: "B (usb:0d8c:0014@1-1.2)"}


async def timed(it: Desk, name: str) -> float:
    """Wait until it is heard; how long that took."""
    start = time.monotonic()
    await it.hears(HEARD[name])
    return time.monotonic() - start


async def measure(folder: Path, trials: int) -> None:
    stood_in, jolted, back = [], [], []
    async with desk(folder, A, B, microphone="@1-1.2") as it:
        await it.hears(HEARD[B])
        for _ in range(trials):
            it.pull(B)
            await asyncio.sleep(1.0)
            it.plug(B)
            jolted.append(await timed(it, B))
            it.pull(B)
            stood_in.append(await timed(it, A))
            it.plug(B)
            back.append(await timed(it, B))
    reported("away for a second, heard again since it is back", measured(jolted, "s"))
    reported("pulled, another one heard", measured(stood_in, "s"))
    reported("plugged in again, the chosen one heard", measured(back, "s"))
    print(f"away for a second, heard again since it is back:  {spread(jolted, 's')}")
    print(f"pulled, another one heard:                        {spread(stood_in, 's')}")
    print(f"plugged in again, the chosen one heard:           {spread(back, 's')}")


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "plugs"
        folder.mkdir()
        os.environ[FOLDER] = str(folder)
        asyncio.run(measure(folder, trials))


if __name__ == "__main__":
    main()
