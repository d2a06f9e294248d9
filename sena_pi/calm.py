"""Keeps Python's garbage collector from stopping everything when somebody has just spoken.

A full collection looks at every object there is, most of them modules, classes and functions that
live as long as the process, and meanwhile no thread runs: not the loop, not the light. So what is
there after the start is taken out of its sight, once; and full collections are made when a turn
has just ended, when nobody is about to begin another one, and not at any other time.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import time
from typing import Final, Protocol

WARM_S: Final = 30.0
"""When the start is over: clips are spoken, the cache is open, the connection is made."""
EVERY_S: Final = 3600.0
"""Longest time without a full collection, where there are no turns."""
_NEVER: Final = 2**30
"""Collections of the middle generation before a full one: not by themselves."""

_log = logging.getLogger(__name__)


def freeze() -> float:
    """Collect once more, and overlook from now on all that is left.

    Only once in a process: what is overlooked is never freed as part of a circle.

    Returns:
        Seconds of processor time that the collection took: what later ones are spared.
    """
    began_s = time.thread_time()
    gc.collect()
    took_s = time.thread_time() - began_s
    gc.freeze()
    return took_s


class TakesTurns(Protocol):
    """Somebody who takes turns, such as an `Assistant`."""

    async def idle(self) -> None:
        """Wait until no turn is going on and none has been asked for."""

    async def called(self) -> None:
        """Wait until a turn is asked for, from now on."""


async def calm_down(
    assistant: TakesTurns, *, warm_s: float = WARM_S, every_s: float = EVERY_S
) -> None:
    """Freeze when the start is over; from then on collect in full only after a turn.

    Until cancelled. Young objects are collected as ever, in a millisecond or so.

    Args:
        assistant: is not to be disturbed.
        warm_s: how long a start takes.
        every_s: longest time without a full collection.
    """
    thresholds = gc.get_threshold()
    await asyncio.sleep(warm_s)
    await assistant.idle()
    took_s = freeze()
    _log.info(
        "garbage collection: %d objects are overlooked from now on, %.0f ms each time",
        gc.get_freeze_count(),
        1000 * took_s,
    )
    gc.set_threshold(*thresholds[:2], _NEVER)
    try:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await assistant.called()
            await assistant.idle()
            gc.collect()
    finally:
        gc.set_threshold(*thresholds)
