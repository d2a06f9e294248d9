"""The seam between the light and whatever lamps there are."""

from __future__ import annotations

from typing import Protocol

from sena_pi.body.patterns import Frame
from sena_pi.errors import SenaError


class LampsLost(SenaError):
    """The lamps can't be lit: no bus, no pins, or the library that drives them is missing."""


class Lamps(Protocol):
    """A row or ring of lamps, open. Owned by one thread."""

    @property
    def count(self) -> int:
        """How many lamps there are."""

    def light(self, frame: Frame) -> None:
        """Show a frame of `count` colours; blocks for a millisecond or so.

        Raises:
            LampsLost: they can't be lit any more.
        """

    def close(self) -> None:
        """Give the bus or the pins back. Idempotent, never raises."""
