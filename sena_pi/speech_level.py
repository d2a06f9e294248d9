"""How loud somebody speaks, from the beginning of what they say."""

from __future__ import annotations

import math
from array import array
from operator import mul
from typing import Final

from sena_pi.audio import MICROPHONE_FORMAT

FRAME_S: Final = 0.01
LOOK_S: Final = 0.5
"""How long after the first sound of speech the level is known."""
LEAD_S: Final = 0.3
"""Silence kept in front of the first sound of speech."""

_FRAME_SAMPLES: Final = round(FRAME_S * MICROPHONE_FORMAT.rate_hz)
_FRAME_BYTES: Final = _FRAME_SAMPLES * MICROPHONE_FORMAT.frame_bytes
_ABOVE_FLOOR_DB: Final = 10.0
_FAINTEST_DB: Final = 20.0
_LOUD_PART: Final = 0.75


class SpeechLevel:
    """Holds an utterance back until the level of its speech is known.

    Levels are in decibels of mean square over one unit of a 16-bit sample: full scale is 90 dB.

    Attributes:
        held: the sound so far, but for silence long before speech.
    """

    def __init__(self) -> None:
        self.held = bytearray()
        self._levels_db: list[float] = []

    def add(self, pcm: bytes) -> None:
        """Take more sound, 16 kHz mono."""
        self.held += pcm
        done = len(self._levels_db) * _FRAME_BYTES
        for at in range(done, len(self.held) - _FRAME_BYTES + 1, _FRAME_BYTES):
            self._levels_db.append(_level_db(self.held[at : at + _FRAME_BYTES]))
        start = self._speech_start()
        surplus = (len(self._levels_db) if start is None else start) - round(LEAD_S / FRAME_S)
        if surplus > 0:
            del self.held[: surplus * _FRAME_BYTES]
            del self._levels_db[:surplus]

    @property
    def known(self) -> bool:
        """Enough speech was heard."""
        start = self._speech_start()
        return start is not None and (len(self._levels_db) - start) * FRAME_S >= LOOK_S

    @property
    def speech_db(self) -> float | None:
        """Level of the louder part of the speech so far; None when there was none."""
        threshold_db = self._threshold_db()
        speech = sorted(level for level in self._levels_db if level > threshold_db)
        return speech[int(_LOUD_PART * len(speech))] if speech else None

    def _speech_start(self) -> int | None:
        threshold_db = self._threshold_db()
        return next((n for n, level in enumerate(self._levels_db) if level > threshold_db), None)

    def _threshold_db(self) -> float:
        """Between the room's noise, the tenth part that is quietest, and speech."""
        if not self._levels_db:
            return _FAINTEST_DB
        floor_db = sorted(self._levels_db)[len(self._levels_db) // 10]
        return max(_FAINTEST_DB, floor_db + _ABOVE_FLOOR_DB)


def _level_db(frame: bytes | bytearray) -> float:
    samples = array("h", bytes(frame))
    return 10 * math.log10(sum(map(mul, samples, samples)) / _FRAME_SAMPLES + 1)
