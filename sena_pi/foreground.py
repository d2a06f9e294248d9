"""A command in the foreground: its signals, and its keyboard."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

EXIT_OK = 0
LEAVE_S: Final = 1.0
"""How long threads that nobody waits for may hold up the end."""


@contextlib.contextmanager
def enter_is_the_button(press: Callable[[], None]) -> Iterator[None]:
    """Where there is a keyboard and no button yet, Enter is the button."""
    if not sys.stdin.isatty():
        yield
        return
    loop = asyncio.get_running_loop()

    def line() -> None:
        if sys.stdin.readline():
            press()
        else:
            loop.remove_reader(sys.stdin)

    loop.add_reader(sys.stdin, line)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)


@contextlib.contextmanager
def told_by_signal(tell: Callable[[], None]) -> Iterator[None]:
    """SIGUSR1 has it told."""
    loop = asyncio.get_running_loop()

    def told(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(tell)

    signal.signal(signal.SIGUSR1, told)
    signal.siginterrupt(signal.SIGUSR1, False)  # noqa: FBT003 - its only form
    try:
        yield
    finally:
        # One that comes too late must not kill; the loop would put back the default, which does.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def until_terminated(work: Coroutine[Any, Any, int]) -> int:
    """Run until it ends, or SIGTERM or Ctrl-C comes: then everything is closed in order.

    A thread that still looks up a name, which nothing can end, is left behind after `LEAVE_S`: the
    process then ends at once.
    """
    leaving = threading.Timer(LEAVE_S, _leave)
    leaving.daemon = True

    async def main() -> int:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio.run made it
        terminated = asyncio.Event()

        def terminate() -> None:
            terminated.set()
            task.cancel()

        loop.add_signal_handler(signal.SIGTERM, terminate)
        try:
            return await work
        except asyncio.CancelledError:
            if not terminated.is_set():
                raise
            # All is closed by now. What follows waits for threads, without end if need be.
            leaving.start()
            return EXIT_OK

    try:
        return asyncio.run(main())
    finally:
        leaving.cancel()


def _leave() -> None:
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(EXIT_OK)
