"""Clocks that a story sets: the machine's own, the wall's, and power cuts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sena_pi.timers.instants import Instant
from sena_pi.timers.ringing import Ringing

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY_AFTERNOON = datetime(2026, 11, 23, 15, 0, tzinfo=BERLIN)


class StoryClocks:
    """The clocks of a machine without a battery: while it is off, its wall clock stands still.

    Attributes:
        instant: what all clocks show.
    """

    def __init__(
        self, at: datetime = MONDAY_AFTERNOON, *, trusted: bool = True, zone: ZoneInfo = BERLIN
    ) -> None:
        self._true_s = at.timestamp()
        self._behind_s = 0.0
        self._boot, self._boot_s = 1, 100.0
        self._zone = zone
        self.trusted = trusted

    def __call__(self) -> Instant:
        unix_s = self._true_s - self._behind_s
        return Instant(f"boot {self._boot}", self._boot_s, unix_s, self.trusted, self._zone)

    def passes(self, seconds: float) -> None:
        """Time passes."""
        self._true_s += seconds
        self._boot_s += seconds

    def power_cut(self, seconds: float, *, network: bool = True) -> None:
        """Off for so long; afterwards the clock is set only where there is a network."""
        self._true_s += seconds
        self._behind_s += seconds
        self._boot, self._boot_s = self._boot + 1, 10.0
        self.trusted = False
        if network:
            self.is_set()

    def is_set(self) -> None:
        """The wall clock is right from now on."""
        self._behind_s = 0.0
        self.trusted = True

    def jumps(self, seconds: float) -> None:
        """Somebody sets the wall clock to another time."""
        self._behind_s -= seconds

    def moves(self, zone: ZoneInfo) -> None:
        """The person takes it to another time zone."""
        self._zone = zone


class StoryRinger:
    """A `Ringer` that keeps what it was told: names of what rings, [] for silence."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []

    def ring(self, ringing: Sequence[Ringing]) -> None:
        assert ringing, "silence is told otherwise"
        self.told.append([one.entry.name for one in ringing])

    def silence(self) -> None:
        self.told.append([])

    @property
    def rings(self) -> bool:
        return bool(self.told and self.told[-1])


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop and its threads run until a condition holds."""
    for _ in range(8000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to that")
