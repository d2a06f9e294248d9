"""A real audio worker, whose microphone and speaker fail when a test says so."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sena_pi.devices.audio import Audio, AudioListeners

BOUND_S = 40.0
"""No figure, only an end."""
BOTH = "in out"


class FaultyDesk:
    """The audio worker, and one device that hears and plays."""

    def __init__(self, folder: Path) -> None:
        self.hearing: list[bool] = []
        self._folder = folder
        self._changed = asyncio.Event()
        self.audio = Audio(
            {},
            AudioListeners(hearing=self._hears),
            argv=(sys.executable, "-m", "tests.scripted_faulty_worker"),
        )

    def device(self, words: str) -> None:
        """From now on the device is so."""
        unfinished = self._folder.parent / "unfinished"
        unfinished.write_text(words)
        unfinished.rename(self._folder / "Headset")

    def _hears(self, on: bool) -> None:  # noqa: FBT001 - a listener
        self.hearing.append(on)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def faulty_desk(folder: Path, words: str = BOTH) -> AsyncIterator[FaultyDesk]:
    """Running, and heard."""
    it = FaultyDesk(folder)
    it.device(words)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(it.audio.run())
        try:
            await it.until(lambda: it.hearing == [True])
            yield it
        finally:
            running.cancel()
