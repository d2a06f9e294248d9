"""The wall clock as the cache needs it: asked at every look-up, believed only when it is set."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from sena_pi.clock import is_trusted

_ASK_AGAIN_S: Final = 30.0


class TrustedTime:
    """Seconds since 1970, or None while this machine can't know the time.

    Whether it can is looked up twice a minute: that takes a system call and some files.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], float] = time.time,
        trusted: Callable[[], bool] = is_trusted,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._trusted = trusted
        self._monotonic = monotonic
        self._asked_at = float("-inf")
        self._is_trusted = False

    def __call__(self) -> float | None:
        """The time. Returns at once."""
        now = self._monotonic()
        if now - self._asked_at >= _ASK_AGAIN_S:
            self._asked_at = now
            self._is_trusted = self._trusted()
        return self._wall() if self._is_trusted else None
