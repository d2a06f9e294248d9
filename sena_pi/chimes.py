"""Short soft sounds that say what the assistant does. Made by arithmetic, kept in memory."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PEAK: Final = 0.12
"""Of full scale: 18 dB below it, softer than speech."""
ATTACK_S: Final = 0.006
"""A sound that starts at once clicks."""

_FULL_SCALE: Final = 32767
_OVERTONE: Final = 0.25


class Chime(StrEnum):
    """What a chime says."""

    WAKE = "wake"
    DONE = "done"
    ERROR = "error"
    MUTE = "mute"


@dataclass(frozen=True, slots=True)
class _Note:
    hz: float
    start_s: float
    length_s: float


# Up: go on. Down: over. Twice the same: no. One alone: silence now. Lower notes would be
# taken for a voice: 311 Hz has a speech probability of 0.7.
_SCORES: Final[dict[Chime, tuple[_Note, ...]]] = {
    Chime.WAKE: (_Note(659.3, 0.0, 0.06), _Note(987.8, 0.045, 0.075)),
    Chime.DONE: (_Note(783.99, 0.0, 0.06), _Note(587.3, 0.045, 0.075)),
    Chime.ERROR: (_Note(622.3, 0.0, 0.065), _Note(622.3, 0.085, 0.065)),
    Chime.MUTE: (_Note(659.3, 0.0, 0.09),),
}


def length_s(chime: Chime) -> float:
    """How long a chime sounds."""
    return max(note.start_s + note.length_s for note in _SCORES[chime])


def samples(chime: Chime, rate_hz: int) -> bytes:
    """A chime as mono 16-bit samples; the same on every call. Takes 10 ms on a desktop core."""
    mixed = [0.0] * round(length_s(chime) * rate_hz)
    for note in _SCORES[chime]:
        first = round(note.start_s * rate_hz)
        for n in range(min(round(note.length_s * rate_hz), len(mixed) - first)):
            mixed[first + n] += _strength(n / rate_hz, note)
    loudest = max(map(abs, mixed))
    scale = PEAK * _FULL_SCALE / loudest
    return array("h", (round(value * scale) for value in mixed)).tobytes()


def _strength(time_s: float, note: _Note) -> float:
    """A struck bell, faded to nothing at its end."""
    left = 1 - time_s / note.length_s
    attack = min(1.0, time_s / ATTACK_S)
    phase = 2 * math.pi * note.hz * time_s
    return attack * left * left * (math.sin(phase) + _OVERTONE * math.sin(2 * phase))
