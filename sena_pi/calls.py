"""What people call the assistant for, until it has the time to look."""

from __future__ import annotations

import asyncio

from sena_pi.turn import Trigger


class Calls:
    """The last thing that was asked for: a turn, or to be left alone. Belongs to the event loop."""

    def __init__(self) -> None:
        self._trigger: Trigger | None = None
        self._called = asyncio.Event()

    @property
    def waiting(self) -> bool:
        """There is one that nobody has taken."""
        return self._called.is_set()

    @property
    def trigger(self) -> Trigger | None:
        """What starts the turn that is asked for; None: none is."""
        return self._trigger

    def put(self, trigger: Trigger | None) -> None:
        """Ask for this; None: to be left alone. What was asked for before does not count."""
        self._trigger = trigger
        self._called.set()

    def take(self) -> Trigger | None:
        """What was asked for last; None: to be left alone, or nothing."""
        trigger, self._trigger = self._trigger, None
        self._called.clear()
        return trigger

    async def wait(self) -> None:
        """Until there is one."""
        await self._called.wait()
