"""What a microphone tells while a person speaks, beside the sound itself.

In this order for a turn: paused, (resumed, paused)*, and then its `Heard`; nothing after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sena_pi.audio import Utterance


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The person has stopped, perhaps for good: time to begin what can be thrown away.

    Attributes:
        turn: who listens.
        utterance: what was said up to now.
        speech_end_sample: stream position where speech ended, as far as is known by now.
        end_sample: stream position where this was told: names the pause.
    """

    turn: str
    utterance: Utterance
    speech_end_sample: int
    end_sample: int


class Listener(Protocol):
    """Follows what is being said, on the event loop. Each returns at once."""

    def audio(self, pcm: bytes) -> None:
        """The next piece, 16 kHz mono."""

    def paused(self, pause: SpeechPaused) -> None:
        """The person has stopped, perhaps for good."""

    def resumed(self, pcm: bytes) -> None:
        """The person goes on: the pause told last was no end. All that was said so far."""


class Nobody:
    """A `Listener` who waits for the end."""

    def audio(self, pcm: bytes) -> None:
        """Is waited for."""

    def paused(self, pause: SpeechPaused) -> None:
        """May be the end, or not."""

    def resumed(self, pcm: bytes) -> None:
        """It was not."""
