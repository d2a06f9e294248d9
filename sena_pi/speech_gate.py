"""Lets speech through, and how loud it is; silence long before, within and after it stays out.

A recogniser works as hard on silence as on speech, and what it learns of the microphone from
silence is wrong. So of every silence only a little is kept.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from operator import mul
from typing import Final

from sena_pi.audio import MICROPHONE_FORMAT

LOOK_S: Final = 0.5
"""How long after the first sound of speech its level is known, and the gate opens."""
LEAD_S: Final = 0.3
"""Silence kept in front of the first sound of speech."""
TAIL_S: Final = 0.3
"""Silence kept after speech."""
RESUME_S: Final = 0.15
"""Sound kept from before speech goes on: it may begin too softly to be told from silence."""

_FRAME_S: Final = 0.01
_FRAME_BYTES: Final = MICROPHONE_FORMAT.frame_bytes * round(_FRAME_S * MICROPHONE_FORMAT.rate_hz)
_ABOVE_FLOOR_DB: Final = 10.0
_FAINTEST_DB: Final = 20.0
_LOUD_PART: Final = 0.75


class SpeechGate:
    """One utterance on its way to a recogniser.

    Levels are in decibels of mean square over one unit of a 16-bit sample: full scale is 90 dB.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._held: deque[tuple[bytes, float]] = deque()
        self._threshold_db: float | None = None
        self._speech_db: float | None = None
        self._silent_frames = 0
        self._pause: deque[bytes] = deque(maxlen=round(RESUME_S / _FRAME_S))

    @property
    def speech_db(self) -> float | None:
        """Level of the louder part of the speech that opened the gate; None while it is shut."""
        return self._speech_db

    def take(self, pcm: bytes) -> bytes:
        """Take more sound, 16 kHz mono; what of it, and of the sound before, passes now."""
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % _FRAME_BYTES
        self._rest = pcm[whole:]
        passed = []
        for at in range(0, whole, _FRAME_BYTES):
            frame = pcm[at : at + _FRAME_BYTES]
            level_db = _level_db(frame)
            if self._threshold_db is None:
                passed += self._hold(frame, level_db)
            else:
                passed += self._pass(frame, level_db, self._threshold_db)
        return b"".join(passed)

    def end(self) -> bytes:
        """There is no more sound; what of a short utterance was still held back."""
        return b"".join(self._open()) if self._threshold_db is None else b""

    def _hold(self, frame: bytes, level_db: float) -> list[bytes]:
        self._held.append((frame, level_db))
        start = self._speech_start()
        if start is None:
            start = len(self._held)
        if (len(self._held) - start) * _FRAME_S >= LOOK_S:
            return self._open()
        for _ in range(start - round(LEAD_S / _FRAME_S)):
            self._held.popleft()
        return []

    def _open(self) -> list[bytes]:
        threshold_db = self._floor_db() + _ABOVE_FLOOR_DB
        speech_db = sorted(level for _, level in self._held if level > threshold_db)
        if not speech_db:
            return []
        self._threshold_db = threshold_db
        self._speech_db = speech_db[int(_LOUD_PART * len(speech_db))]
        passed = []
        for frame, level_db in self._held:
            passed += self._pass(frame, level_db, threshold_db)
        self._held.clear()
        return passed

    def _pass(self, frame: bytes, level_db: float, threshold_db: float) -> list[bytes]:
        if level_db > threshold_db:
            passed = [*self._pause, frame]
            self._pause.clear()
            self._silent_frames = 0
            return passed
        self._silent_frames += 1
        if self._silent_frames * _FRAME_S <= TAIL_S:
            return [frame]
        self._pause.append(frame)
        return []

    def _speech_start(self) -> int | None:
        threshold_db = self._floor_db() + _ABOVE_FLOOR_DB
        return next((n for n, (_, level) in enumerate(self._held) if level > threshold_db), None)

    def _floor_db(self) -> float:
        """The room's noise: the tenth part of what is held that is quietest."""
        levels_db = sorted(level for _, level in self._held)
        floor_db = levels_db[len(levels_db) // 10] if levels_db else 0.0
        return max(_FAINTEST_DB - _ABOVE_FLOOR_DB, floor_db)


def _level_db(frame: bytes) -> float:
    samples = array("h", frame)
    return 10 * math.log10(sum(map(mul, samples, samples)) / len(samples) + 1)
