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
    """Somebody who takes turns, when a story says so."""

    def __init__(self) -> None:
        self.quiet = asyncio.Event()
        self.calls = asyncio.Event()
        self.asked = 0

    async def idle(self) -> None:
        self.asked += 1
        await self.quiet.wait()

    async def called(self) -> None:
        await self.calls.wait()

    def begins(self) -> None:
        self.quiet.clear()
        self.calls.set()

    def ends(self) -> None:
        self.calls.clear()
        self.quiet.set()


def full_collections() -> int:
    return gc.get_stats()[2]["collections"]


async def rounds(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0.001)


def test_nothing_is_frozen_while_somebody_talks() -> None:
    """And then all that is there."""

    async def story() -> None:
        talk = Talk()
        calming = asyncio.ensure_future(calm_down(talk, warm_s=0))
        await rounds()
        assert (1, 0) == (talk.asked, gc.get_freeze_count())
        talk.quiet.set()
        await rounds()
        assert gc.get_freeze_count() > 1000
        calming.cancel()

    asyncio.run(story())


def test_a_full_collection_comes_after_each_turn_and_at_no_other_time() -> None:
    """Not while it goes on, not before the next one; afterwards all is as it was."""
    thresholds = gc.get_threshold()

    async def story() -> None:
        talk = Talk()
        talk.ends()
        calming = asyncio.ensure_future(calm_down(talk, warm_s=0))
        await rounds()
        assert gc.get_threshold()[2] > 1_000_000
        for _ in range(3):
            before = full_collections()
            await rounds()
            talk.begins()
            await rounds()
            assert before == full_collections()
            talk.ends()
            await rounds()
            assert before + 1 == full_collections()
        calming.cancel()
        await asyncio.wait([calming])
        assert thresholds == gc.get_threshold()

    asyncio.run(story())


def test_without_turns_it_comes_now_and_then() -> None:
    """Circles of the background must not pile up for ever."""

    async def story() -> None:
        talk = Talk()
        talk.ends()
        calming = asyncio.ensure_future(calm_down(talk, warm_s=0, every_s=0.001))
        await rounds()
        before = full_collections()
        await rounds()
        assert before < full_collections()
        calming.cancel()

    asyncio.run(story())
