"""What makes a ringing timer noticed, and what rings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sena_pi.timers.entries import Entry


@dataclass(frozen=True, slots=True)
class Ringing:
    """A timer or an alarm that rings.

    Attributes:
        entry: which.
        since_boot_s: when it began to ring, in seconds since the machine started.
        late_s: how long before it ought to have rung.
    """

    entry: Entry
    since_boot_s: float
    late_s: float


class Ringer(Protocol):
    """Sound or light. Its methods are called on the event loop, return at once, never raise."""

    def ring(self, ringing: Sequence[Ringing]) -> None:
        """All these ring from now on, until the next `ring` or `silence`; never none."""

    def silence(self) -> None:
        """Nothing rings any more. Idempotent."""


class Switch(Protocol):
    """Returns at once, never raises."""

    def __call__(self, *, on: bool) -> None:
        """On or off; off twice is off."""


class SwitchRinger:
    """A `Ringer` that only switches something on and off, such as a light."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    def ring(self, ringing: Sequence[Ringing]) -> None:  # noqa: ARG002 - whatever it is
        """On, as `Ringer.ring`."""
        self._switch(on=True)

    def silence(self) -> None:
        """Off, as `Ringer.silence`."""
        self._switch(on=False)
