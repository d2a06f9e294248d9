"""A simulated room that is heard: what the speaker plays comes back into the microphone."""

from __future__ import annotations

import threading
from typing import Final

from sena_pi.audio import MICROPHONE_FORMAT, SAMPLE_BYTES, AudioFormat
from sena_pi.resampling import Resampler
from sena_pi.sound_track import SoundTrack

_RATE_HZ: Final = MICROPHONE_FORMAT.rate_hz
_REFLECTIONS: Final = ((0.0, 1.0), (0.011, -0.5), (0.027, 0.35), (0.048, -0.2), (0.083, 0.1))
"""Seconds after the direct sound, and strength: a small furnished room."""
_ONE_SOUND_S: Final = 0.001


class RoomEcho:
    """The way from the speaker to the microphone. `played` and `heard` may be of two threads.

    Args:
        level_db: of the echo against what is played; negative.
        delay_s: of the direct sound.
    """

    def __init__(self, level_db: float, delay_s: float) -> None:
        self._gain = 10 ** (level_db / 20)
        self._delay_s = delay_s
        self._lock = threading.Lock()
        self._track = SoundTrack()
        self._resampler: Resampler | None = None
        self._due_s = 0.0

    def played(self, pcm: bytes, rate_hz: int, at_s: float) -> None:
        """These samples are played from this monotonic time on."""
        with self._lock:
            if self._resampler is None:
                self._resampler = Resampler(AudioFormat(rate_hz), _RATE_HZ)
            converted = self._resampler.convert(pcm)
            # One sound in pieces stays one: what a resampler keeps back must not tear it.
            one = abs(at_s - self._due_s) < _ONE_SOUND_S
            self._track.add(converted, self._track.end if one else round(at_s * _RATE_HZ))
            self._due_s = at_s + len(pcm) // SAMPLE_BYTES / rate_hz

    def silenced(self, at_s: float) -> None:
        """What was to be played after this time is not."""
        with self._lock:
            self._track.add(b"", min(self._track.end, round(at_s * _RATE_HZ)))
            self._due_s = 0.0

    def mixed(self, pcm: bytes, at_s: float) -> bytes:
        """What a microphone hears that would hear `pcm`, from this time on, in a silent room."""
        import numpy as np

        heard = np.frombuffer(pcm, np.int16).astype(np.float32)
        end = round((at_s - self._delay_s) * _RATE_HZ) + len(heard)
        with self._lock:
            for late_s, strength in _REFLECTIONS:
                echo = self._track.window(end - round(late_s * _RATE_HZ), len(heard))
                heard += self._gain * strength * echo
        return np.clip(np.rint(heard), -32768, 32767).astype(np.int16).tobytes()
