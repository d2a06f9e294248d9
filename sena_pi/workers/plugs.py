"""Devices that come and go: the one that was chosen, or another until it is back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sena_pi.sound import DeviceLost, SoundDevice
from sena_pi.sound_choice import Direction, substitutes

SUBSTITUTE_AFTER_S: Final = 3.0
"""How long the chosen device is waited for: one that was jolted is back within two seconds."""
LOOK_EVERY_S: Final = 2.0
"""How often it is looked whether cards came or went, while another stands in."""

Stream = TypeVar("Stream")


@dataclass(frozen=True, slots=True)
class Opened(Generic[Stream]):
    """An open stream.

    Attributes:
        stream: the stream.
        instead_of: the name of the chosen device, where this is not it; else "".
    """

    stream: Stream
    instead_of: str = ""


class Opener:
    """Opens one device, and after `SUBSTITUTE_AFTER_S` of failing whatever else there is."""

    def __init__(
        self,
        wanted: str,
        direction: Direction,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`wanted` is a name or an identity; "": the default, and no other."""
        self._wanted = wanted
        self._direction: Direction = direction
        self._monotonic = monotonic
        self._since_s = monotonic()

    @property
    def may_substitute(self) -> bool:
        """The device has been waited for long enough that another may stand in."""
        return self._monotonic() - self._since_s >= SUBSTITUTE_AFTER_S

    def open(
        self, open_stream: Callable[[str], Stream], devices: Callable[[], Sequence[SoundDevice]]
    ) -> Opened[Stream]:
        """Open it, or another.

        Args:
            open_stream: opens by name or identity; raises DeviceLost.
            devices: what is there; only asked when something has to stand in.

        Raises:
            DeviceLost: nothing can be opened, or it is too soon for another.
        """
        try:
            return Opened(open_stream(self._wanted))
        except DeviceLost:
            # Whoever chose none gets the default, and no guess.
            if not self._wanted or not self.may_substitute:
                raise
            for other in substitutes(devices(), self._direction):
                with contextlib.suppress(DeviceLost):
                    return Opened(open_stream(other.address), instead_of=self._wanted)
            raise


class PlugWatch:
    """Whether it is time to look for the chosen device again: some card came or went meanwhile."""

    def __init__(
        self, stale: Callable[[], bool], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._stale = stale
        self._monotonic = monotonic
        self._looked_s = monotonic()

    def changed(self) -> bool:
        """Looks at most every `LOOK_EVERY_S`; False in between."""
        now_s = self._monotonic()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        return self._stale()
