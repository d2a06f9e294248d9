"""Volume and mute: set by button, voice and command line, in force at once, kept on the card."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from sena_pi.body.kept import Kept, KeptStore
from sena_pi.gain import LOUDEST
from sena_pi.phrases import understand

STEP: Final = 10
QUIETEST: Final = STEP
"""What "quieter" ends at: silence must be asked for by its number."""

_UP: Final = re.compile(r"\b(up|louder|raise|increase|higher|speak up)\b")
_DOWN: Final = re.compile(r"\b(down|quieter|softer|lower|decrease|reduce)\b")
_NUMBER: Final = re.compile(r"\b(\d{1,3})\b")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where what is set takes effect; each returns at once and never raises.

    Attributes:
        volume: takes 0 to 100.
        muted: closes the microphone, or opens it.
    """

    volume: Callable[[int], None]
    muted: Callable[[bool], None]


class Controls:
    """What a person has set, in force and on the card. Belongs to the event loop.

    Setting blocks until it is on the card, some milliseconds as a rule: whoever is told that the
    microphone is closed must find it closed after a power cut. It is rare, and a person waits.
    """

    def __init__(self, store: KeptStore, sinks: Sinks) -> None:
        """Reads what was set; `sinks` are told of changes only."""
        self._store = store
        self._sinks = sinks
        self._kept = store.load()

    @property
    def kept(self) -> Kept:
        """What is in force."""
        return self._kept

    def set_volume(self, percent: int) -> bool:
        """From now on it is so loud, 0 to 100; False when the card does not keep it."""
        self._kept = replace(self._kept, volume=max(0, min(percent, LOUDEST)))
        self._sinks.volume(self._kept.volume)
        return self._save()

    def step(self, by: int) -> bool:
        """Louder or quieter, never silent; False when the card does not keep it."""
        return self.set_volume(stepped(self._kept.volume, by))

    def set_muted(self, *, on: bool) -> bool:
        """Close the microphone, or open it; False when the card does not keep it.

        Closing comes before everything else, and opening after it is kept.
        """
        if on:
            self._sinks.muted(True)  # noqa: FBT003 - a listener
        self._kept = replace(self._kept, muted=on)
        saved = self._save()
        if not on:
            self._sinks.muted(False)  # noqa: FBT003 - a listener
        _log.info("microphone: %s", "closed by a person" if on else "open again")
        return saved

    # `ControlDeeds`: what is asked for by voice. A voice may mute, and can't unmute.

    def volume(self, heard: str) -> str:
        """Do what was heard and say so, as `ControlDeeds.volume`."""
        wanted = asked_volume(heard, self._kept.volume)
        if wanted is None:
            return f"The volume is {self._kept.volume} percent."
        if wanted == self._kept.volume and wanted == LOUDEST:
            return "That's as loud as I can be."
        saved = self.set_volume(wanted)
        told = f"The volume is now {self._kept.volume} percent."
        return told if saved else f"{told} I could not save that; after a restart it is as before."

    def mute(self) -> str:
        """Close the microphone and say so, as `ControlDeeds.mute`."""
        saved = self.set_muted(on=True)
        told = "My microphone is off. To switch it on, hold my button for a second."
        return told if saved else f"{told} I could not save that; after a restart it is on again."

    def _save(self) -> bool:
        try:
            self._store.save(self._kept)
        except OSError as error:
            _log.error(
                "%s can't be written: %s; volume and mute are forgotten at a restart",
                self._store.path,
                error.strerror,
            )
            return False
        return True


def stepped(volume: int, by: int) -> int:
    """A volume one step louder or quieter; from below the quietest it does not go further down."""
    return min(LOUDEST, max(min(volume, QUIETEST), volume + by))


def asked_volume(heard: str, now: int) -> int | None:
    """The volume that is asked for, 0 to 100; None when none is.

    Args:
        heard: the question, from our own grammar or freely worded.
        now: the present volume.
    """
    understood = understand(heard)
    if understood is not None and understood.percent is not None:
        return understood.percent
    text = heard.casefold()
    number = _NUMBER.search(text)
    if number:
        return min(int(number[1]), LOUDEST)
    if _UP.search(text):
        return stepped(now, STEP)
    return stepped(now, -STEP) if _DOWN.search(text) else None
