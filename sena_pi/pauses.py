"""Pauses of a person who is listened to, as the brain has them.

In this order for a turn: paused, (resumed, paused)*, and then its `Heard`; nothing after that.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The person goes on; the pause told last was no end.

    Attributes:
        turn: who listens.
        speech_start_sample: stream position where speech goes on.
    """

    turn: str
    speech_start_sample: int
