"""The seam between the button and whatever switch there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from sena_pi.errors import SenaError

Edge: TypeAlias = Callable[[bool], None]
"""Told that the switch was closed (True) or opened, from any thread; must return at once."""


class SwitchLost(SenaError):
    """There is no button: no pin, or the library that reads it is missing."""


class Switch(Protocol):
    """A push button, open. It tells each edge, bounces included."""

    @property
    def pressed(self) -> bool:
        """It is down now."""

    def close(self) -> None:
        """Give it back. Idempotent; no edge is told afterwards."""
