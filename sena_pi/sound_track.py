"""The last seconds of some 16 kHz sound, by stream position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sena_pi.audio import FRAME_SAMPLES, MICROPHONE_FORMAT

if TYPE_CHECKING:
    import numpy as np

KEPT_S: Final = 2.5
"""How far back a track goes."""


class SoundTrack:
    """What was heard or played lately; silence where there was nothing. One thread's.

    Attributes:
        end: position just after the last sample.
    """

    def __init__(self) -> None:
        self._pcm = bytearray()
        self.end = 0

    def add(self, pcm: bytes, start: int) -> None:
        """More sound; what was there at or after its start is overwritten."""
        kept = 2 * round(KEPT_S * MICROPHONE_FORMAT.rate_hz)
        if start > self.end:
            self._pcm += bytes(min(kept, 2 * (start - self.end)))
        elif start < self.end:
            del self._pcm[max(0, len(self._pcm) - 2 * (self.end - start)) :]
        self._pcm += pcm
        self.end = start + len(pcm) // 2
        del self._pcm[:-kept]

    def window(self, end: int, samples: int) -> np.ndarray:
        """That many samples up to a position, as int16."""
        import numpy as np

        found = np.zeros(samples, np.int16)
        track = np.frombuffer(bytes(self._pcm), np.int16)
        first = self.end - len(track)
        start, stop = max(first, end - samples), min(self.end, end)
        if start < stop:
            found[start - end + samples : stop - end + samples] = track[
                start - first : stop - first
            ]
        return found

    def peak(self, samples: int) -> int:
        """The largest of the last samples."""
        window = self.window(self.end, samples).astype(int)
        return int(abs(window).max(initial=0))

    def loudest(self, end: int, samples: int) -> float:
        """Level of the loudest frame in a window, as root mean square."""
        frames = samples // FRAME_SAMPLES
        window = self.window(end, frames * FRAME_SAMPLES).astype(float)
        means = (window.reshape(frames, FRAME_SAMPLES) ** 2).mean(axis=1)
        return float(means.max() ** 0.5)
