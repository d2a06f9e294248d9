"""What an answer needs, and which of it is not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sena_pi.clock import is_trusted
from sena_pi.keys import KeyStore
from sena_pi.network import default_routes


class Need(StrEnum):
    """One of them; in the order in which a person should see to them."""

    MICROPHONE = "microphone"
    SPEAKER = "speaker"
    KEY = "key"
    CLOCK = "clock"
    NETWORK = "network"


NEEDS: Final = tuple(Need)


@dataclass(frozen=True, slots=True)
class Needs:
    """Where it is looked.

    Attributes:
        hears: whether a microphone is heard, or is closed because a person wants it so.
        sounds: whether there is a speaker.
        keys: where a key of the cloud is looked for; None: the cloud is not wanted.
        root: where `proc` and `sys` are.
    """

    hears: Callable[[], bool]
    sounds: Callable[[], bool]
    keys: KeyStore | None
    root: Path = Path("/")

    def missing(self) -> frozenset[Need]:
        """What is not there now; reads some small files and waits for nothing."""
        here = {Need.MICROPHONE: self.hears(), Need.SPEAKER: self.sounds()}
        # Without the cloud the clock is still what alarms and "what time is it" need.
        here[Need.CLOCK] = is_trusted(self.root)
        if self.keys is not None:
            here[Need.KEY] = self.keys.states()[0].origin is not None
            here[Need.NETWORK] = bool(default_routes(self.root))
        return frozenset(what for what, there in here.items() if not there)
