"""Work beside other work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sena_pi.beside import beside
from sena_pi.errors import CloudSilent


def tell(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()
        assert {asyncio.current_task()} == asyncio.all_tasks()

    asyncio.run(main())


async def gives(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def breaks() -> int:
    await asyncio.sleep(0)
    raise CloudSilent("x")


def test_its_result_can_be_awaited() -> None:
    """As that of a task."""

    async def story() -> None:
        async with beside(lambda: gives(7)) as result:
            assert 7 == await result

    tell(story)


def test_it_ends_with_the_context() -> None:
    """Cancelled and over, not left behind."""

    async def story() -> None:
        async with beside(asyncio.Event().wait) as result:
            await asyncio.sleep(0)
        assert result.cancelled()

    tell(story)


def test_what_it_raises_is_raised_where_it_is_awaited() -> None:
    """And as it is, not in a group."""

    async def story() -> None:
        async with beside(breaks) as result:
            with pytest.raises(CloudSilent):
                await result

    tell(story)


def test_what_it_raises_concerns_nobody_else() -> None:
    """Who does not ask is not told."""

    async def story() -> None:
        async with beside(breaks):
            for _ in range(5):
                await asyncio.sleep(0)

    tell(story)


def test_what_the_context_raises_comes_out_as_it_is() -> None:
    """A cloud's error is still one, whatever goes on beside it."""

    async def story() -> None:
        with pytest.raises(CloudSilent):
            async with beside(asyncio.Event().wait):
                raise CloudSilent("x")

    tell(story)


def test_cancelling_the_context_ends_it() -> None:
    """A turn that is given up leaves nothing."""

    async def story() -> None:
        async def work() -> None:
            async with beside(asyncio.Event().wait):
                await asyncio.Event().wait()

        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    tell(story)
