"""Opens the connections of a turn while the person still speaks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

from sena_pi.errors import CloudError

CONNECTIONS: Final = 2
"""One for the answer, one for its speech, which begins before the answer has ended."""
OPEN_FOR_S: Final = 90.0
"""Connections that were used are kept open for two minutes."""
TIMEOUT_S: Final = 5.0


class Connecting:
    """DNS, TCP and TLS take a part of a second, which is over by the time somebody has asked.

    Args:
        connect: opens one connection; may raise CloudError, which is left to the question.
        may: asked before; False: the cloud is not to be asked now.
        monotonic: seconds that never go back.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[None]],
        may: Callable[[], bool],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._may = may
        self._monotonic = monotonic
        self._wanted = asyncio.Event()
        self._last_s: float | None = None

    def turn_began(self) -> None:
        """Somebody is about to ask something. Returns at once."""
        self._wanted.set()

    async def run(self) -> None:
        """Open connections when they are wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if self._is_open() or not self._may():
                continue
            async with asyncio.TaskGroup() as tasks:
                for _ in range(CONNECTIONS):
                    tasks.create_task(self._open())

    def _is_open(self) -> bool:
        now_s = self._monotonic()
        is_open = self._last_s is not None and now_s - self._last_s < OPEN_FOR_S
        self._last_s = now_s
        return is_open

    async def _open(self) -> None:
        # The question meets the same trouble, and tells it.
        with contextlib.suppress(CloudError, TimeoutError):
            async with asyncio.timeout(TIMEOUT_S):
                await self._connect()
