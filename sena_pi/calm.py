"""Keeps Python's garbage collector from stopping everything when somebody has just spoken.

A full collection looks at every object there is, most of them modules, classes and functions that
live as long as the process, and meanwhile no thread runs: not the loop, not the light. So what is
there after the start is taken out of its sight, once; and full collections are made when nobody
talks to the assistant, and not at any other time.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

WARM_S: Final = 30.0
"""When the start is over: clips are spoken, the cache is open, the connection is made."""
EVERY_S: Final = 60.0
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


async def calm_down(
    idle: Callable[[], Awaitable[None]], *, warm_s: float = WARM_S, every_s: float = EVERY_S
) -> None:
    """Freeze when the start is over; from then on collect in full only while nobody talks.

    Until cancelled. Young objects are collected as ever, in a millisecond or so.

    Args:
        idle: waits until no turn is going on.
        warm_s: how long a start takes.
        every_s: from one full collection to the next.
    """
    thresholds = gc.get_threshold()
    await asyncio.sleep(warm_s)
    await idle()
    took_s = freeze()
    _log.info(
        "garbage collection: %d objects are overlooked from now on, %.0f ms each time",
        gc.get_freeze_count(),
        1000 * took_s,
    )
    gc.set_threshold(*thresholds[:2], _NEVER)
    try:
        while True:
            await asyncio.sleep(every_s)
            await idle()
            gc.collect()
    finally:
        gc.set_threshold(*thresholds)
