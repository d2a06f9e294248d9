"""How long the cloud is waited for, in one attempt at an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sena_pi.answer import Answer
from sena_pi.deadlines import Deadlines
from sena_pi.errors import CloudSilent


class CloudPatience:
    """Bounds of waits; they begin when this is made. What is over them raises CloudSilent."""

    def __init__(self, deadlines: Deadlines, answer: Answer) -> None:
        self._deadlines = deadlines
        self._answer = answer
        self._began_s = time.monotonic()

    def until_answer(self) -> AbstractAsyncContextManager[None]:
        """Bounds a wait for the beginning of an answer."""
        deadline_s = self._deadlines.answer_s
        left_s = deadline_s - (time.monotonic() - self._began_s)
        return _deadline(left_s, f"no answer began for {deadline_s:g} s")

    def until_more(self) -> AbstractAsyncContextManager[None]:
        """Bounds a wait for more words of it; the first sentence must come in time, too."""
        gap_s = self._deadlines.gap_s
        more = _deadline(gap_s, f"nothing more of the answer came for {gap_s:g} s")
        if self._answer.first_sentence_ns is not None:
            return more
        left_s = self._deadlines.answer_s - (time.monotonic() - self._began_s)
        return self.until_answer() if left_s < gap_s else more


@asynccontextmanager
async def _deadline(seconds: float, what: str) -> AsyncIterator[None]:
    # A wait that is over at once would never notice that its time was over before.
    if seconds <= 0:
        raise CloudSilent(what)
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise CloudSilent(what) from None
