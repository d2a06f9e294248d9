"""A wake word engine whose key could not be checked is tried again, while nobody talks.

Meanwhile another engine listens. The audio worker chooses its engine when it starts, so a new
attempt is a new worker: a second or two without ears, once an hour at most.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

RETRY_S: Final = 3600.0

_log = logging.getLogger(__name__)


class WakeRetry:
    """Starts the audio worker anew where that may bring a better engine.

    Args:
        restart: has a new worker started; returns at once.
        idle: waits until nobody talks.
        retry_s: how long after a worker began with a key that could not be checked.
    """

    def __init__(
        self,
        restart: Callable[[], object],
        idle: Callable[[], Awaitable[None]],
        *,
        retry_s: float = RETRY_S,
    ) -> None:
        self._restart = restart
        self._idle = idle
        self._retry_s = retry_s
        self._unchecked = asyncio.Event()

    def ready(self, worker: dict[str, Any]) -> None:
        """A worker is ready: what it tells of its wake engine."""
        if worker.get("key_unchecked"):
            self._unchecked.set()
        else:
            self._unchecked.clear()

    async def run(self) -> None:
        """Try again whenever it is time, until cancelled."""
        while True:
            await self._unchecked.wait()
            await asyncio.sleep(self._retry_s)
            await self._idle()
            if self._unchecked.is_set():
                self._unchecked.clear()
                _log.info("the AccessKey is looked at again: the audio worker starts anew")
                self._restart()
