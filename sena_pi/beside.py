"""Work that goes on beside other work, and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def beside(work: Callable[[], Coroutine[Any, Any, T]]) -> AsyncIterator[asyncio.Future[T]]:
    """Run `work` while the context lasts; it is cancelled, and has ended, when that is left.

    What it raises is raised to those who await the future, and to nobody else. What the context
    raises comes out as it is, not in a group.
    """
    result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    failure: Exception | None = None
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_into(result, work))
        try:
            yield result
        except Exception as error:  # noqa: BLE001 - it is raised again below
            failure = error
        finally:
            task.cancel()
    if failure is not None:
        raise failure


async def _into(result: asyncio.Future[T], work: Callable[[], Coroutine[Any, Any, T]]) -> None:
    try:
        result.set_result(await work())
    except asyncio.CancelledError:
        result.cancel()
        raise
    except Exception as error:  # noqa: BLE001 - whoever awaits the future is told
        result.set_exception(error)
        result.exception()  # nobody may
