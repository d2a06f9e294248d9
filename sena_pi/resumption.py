"""Work that can be put off: stopped where it is, and begun again where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Resumable:
    """Work that is begun again after it was held. Belongs to the event loop.

    Args:
        work: begins it, and begins it again; keeps what it needs for that.

    Attributes:
        resumptions: how often it was begun again.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.resumptions = 0
        self._work = work
        self._going = asyncio.Event()
        self._going.set()
        self._task: asyncio.Task[None] | None = None

    async def run(self, tasks: asyncio.TaskGroup) -> None:
        """Do the work to its end, held or not, as a task of this group, which it ends if it fails.

        Cancelled: the group ends the work.
        """
        while True:
            await self._going.wait()
            task = self._task = tasks.create_task(self._work())
            await asyncio.wait({task})
            if not task.cancelled():
                return

    def hold(self) -> None:
        """Stop for a while. Returns at once; no more of the work is done from now on."""
        self._going.clear()
        if self._task is not None:
            self._task.cancel()

    def resume(self) -> None:
        """Begin again."""
        self.resumptions += 1
        self._going.set()
