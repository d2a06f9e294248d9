"""A key that could not be checked is looked at again; a refused one is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sena_pi.errors import KeyRefused, KeyUnchecked
from sena_pi.wake import WakeSettings, choose_from
from sena_pi.wake_retry import WakeRetry
from tests.test_wake_choice import House

UNCHECKED = {"key_unchecked": True}
CHECKED = {"key_unchecked": False}
BOUND_S = 10.0


class Story:
    """An audio worker that tells how it began, and a person who may be talking."""

    def __init__(self, *begins: dict[str, Any]) -> None:
        self.restarts = 0
        self.quiet = asyncio.Event()
        self.quiet.set()
        self._begins = list(begins)
        self._restarted = asyncio.Event()
        self.retry = WakeRetry(self._restart, self._idle, retry_s=0.001)
        self.begin()

    def begin(self) -> None:
        if self._begins:
            self.retry.ready(self._begins.pop(0))

    async def _idle(self) -> None:
        await self.quiet.wait()

    def _restart(self) -> None:
        self.restarts += 1
        self._restarted.set()
        self.begin()

    async def restarted(self) -> None:
        async with asyncio.timeout(BOUND_S):
            await self._restarted.wait()
        self._restarted.clear()


async def _some_looks() -> None:
    """Time enough for several attempts."""
    for _ in range(20):
        await asyncio.sleep(0.002)


def tell(story: Any) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            it = Story(*story.begins)
            running = tasks.create_task(it.retry.run())
            await story(it)
            running.cancel()

    asyncio.run(main())


def begins(*workers: dict[str, Any]):
    def mark(story: Any) -> Any:
        story.begins = workers
        return story

    return mark


def test_a_key_that_could_not_be_checked_is_looked_at_again() -> None:
    """As often as it takes, and no more once it is good."""

    @begins(UNCHECKED, UNCHECKED, CHECKED)
    async def story(it: Story) -> None:
        await it.restarted()
        await it.restarted()
        await _some_looks()
        assert 2 == it.restarts

    tell(story)


def test_nothing_is_started_anew_for_a_checked_key() -> None:
    """Nor for none at all, or one that was refused."""

    @begins(CHECKED)
    async def story(it: Story) -> None:
        await _some_looks()
        assert 0 == it.restarts

    tell(story)


def test_who_talks_is_not_interrupted() -> None:
    """The worker is the ear that hears them."""

    @begins(UNCHECKED, CHECKED)
    async def story(it: Story) -> None:
        it.quiet.clear()
        await _some_looks()
        assert 0 == it.restarts
        it.quiet.set()
        await it.restarted()

    tell(story)


@pytest.mark.parametrize(
    ("error", "unchecked"),
    [(KeyUnchecked("porcupine: no answer"), True), (KeyRefused("porcupine: refused"), False)],
)
def test_only_a_key_that_nobody_was_asked_about_is_unchecked(
    error: KeyUnchecked | KeyRefused,
    unchecked: bool,  # noqa: FBT001 - a parameter
) -> None:
    """A refused one stays refused; asking every hour would not change that."""
    choice = choose_from(House(error).rungs, WakeSettings())
    assert (unchecked, not unchecked) == (choice.key_unchecked, choice.key_refused)
