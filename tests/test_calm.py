"""The garbage collector stops nobody who talks."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from sena_pi.calm import calm_down


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class Talk:
    """Idle when it is told to be."""

    def __init__(self) -> None:
        self.quiet = asyncio.Event()
        self.asked = 0

    async def idle(self) -> None:
        self.asked += 1
        await self.quiet.wait()


def calmed(talk: Talk) -> asyncio.Task[None]:
    return asyncio.ensure_future(calm_down(talk.idle, warm_s=0, every_s=0))


async def rounds(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0.001)


def test_nothing_is_frozen_while_somebody_talks() -> None:
    """And then all that is there."""

    async def story() -> None:
        talk = Talk()
        calming = calmed(talk)
        await rounds()
        assert (1, 0) == (talk.asked, gc.get_freeze_count())
        talk.quiet.set()
        await rounds()
        assert gc.get_freeze_count() > 1000
        calming.cancel()

    asyncio.run(story())


def test_full_collections_come_when_nobody_talks_and_only_then() -> None:
    """Circles that were made since are freed; the collector does not come by itself."""
    thresholds = gc.get_threshold()

    async def story() -> None:
        talk = Talk()
        talk.quiet.set()
        calming = calmed(talk)
        await rounds()
        assert gc.get_threshold()[2] > 1_000_000
        collections = gc.get_stats()[2]["collections"]
        await rounds()
        assert gc.get_stats()[2]["collections"] > collections
        talk.quiet.clear()
        await rounds()
        collections = gc.get_stats()[2]["collections"]
        await rounds()
        assert collections == gc.get_stats()[2]["collections"]
        calming.cancel()
        await asyncio.wait([calming])
        assert thresholds == gc.get_threshold()

    asyncio.run(story())
