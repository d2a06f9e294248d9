"""Connections are opened while the person still speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sena_pi.connecting import CONNECTIONS, OPEN_FOR_S, Connecting
from sena_pi.errors import CloudUnreachable


class Doors:
    """Counts connections that were opened; may be shut."""

    def __init__(self, error: Exception | None = None) -> None:
        self.opened = 0
        self.may = True
        self.now_s = 1000.0
        self.error = error

    async def open(self) -> None:
        self.opened += 1
        if self.error is not None:
            raise self.error


def tell(doors: Doors, story: Callable[[Connecting], Awaitable[None]]) -> None:
    async def main() -> None:
        connecting = Connecting(doors.open, lambda: doors.may, monotonic=lambda: doors.now_s)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(connecting.run())
            await story(connecting)
            running.cancel()

    asyncio.run(main())


async def turn(connecting: Connecting) -> None:
    connecting.turn_began()
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_turn_finds_its_connections_open() -> None:
    """One for the answer, one for its speech; those that are in use are not opened again."""
    doors = Doors()

    async def story(connecting: Connecting) -> None:
        await turn(connecting)
        assert CONNECTIONS == doors.opened
        doors.now_s += OPEN_FOR_S - 1
        await turn(connecting)
        assert CONNECTIONS == doors.opened
        doors.now_s += OPEN_FOR_S
        await turn(connecting)
        assert 2 * CONNECTIONS == doors.opened

    tell(doors, story)


def test_a_cloud_that_rests_is_left_alone() -> None:
    """Not asked by a question, not asked ahead of one."""
    doors = Doors()
    doors.may = False

    async def story(connecting: Connecting) -> None:
        await turn(connecting)
        assert 0 == doors.opened

    tell(doors, story)


def test_trouble_is_left_to_the_question() -> None:
    """A network that is down ends nothing, and is tried again at the next turn."""
    doors = Doors(CloudUnreachable("no network"))

    async def story(connecting: Connecting) -> None:
        await turn(connecting)
        doors.now_s += OPEN_FOR_S
        await turn(connecting)
        assert 2 * CONNECTIONS == doors.opened

    tell(doors, story)
