"""What was said so far: a few exchanges, forgotten after a silence."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from sena_pi.stages import Exchange


class Conversation:
    """The last exchanges, oldest first, until nobody has spoken for `forget_after_s`."""

    def __init__(
        self,
        longest: int = 5,
        forget_after_s: float = 120.0,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=longest)
        self._forget_after_s = forget_after_s
        self._monotonic = monotonic
        self._last_s = monotonic()

    def recent(self) -> Sequence[Exchange]:
        """What a person still expects us to know."""
        if self._monotonic() - self._last_s > self._forget_after_s:
            self._exchanges.clear()
        return tuple(self._exchanges)

    def recent_with(self, heard: str, spoken: str) -> Sequence[Exchange]:
        """As `recent`, with an exchange that is not over yet, and is not remembered by this."""
        said = [*self._exchanges, *([Exchange(heard, spoken)] if heard and spoken else [])]
        return tuple(deque(said, self._exchanges.maxlen))

    def add(self, heard: str, spoken: str) -> None:
        """Remember an exchange; one without words on both sides is not one."""
        if heard or spoken:
            self._last_s = self._monotonic()
        if heard and spoken:
            self._exchanges.append(Exchange(heard, spoken))

    def forget(self) -> None:
        """Start afresh."""
        self._exchanges.clear()
