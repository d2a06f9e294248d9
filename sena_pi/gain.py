"""Loudness of samples: how loud a percentage is, and samples multiplied without a click."""

from __future__ import annotations

from array import array
from typing import Final

LOUDEST: Final = 100
_RANGE_DB: Final = 40


def gain_of(percent: int) -> float:
    """What samples are multiplied by for a volume of 0 to 100.

    Every ten of it are 4 dB: steps that sound alike, all the way down. 100 leaves samples as they
    are, 50 is -20 dB, 1 nearly -40 dB, and 0 is silence.
    """
    if percent <= 0:
        return 0.0
    return float(10 ** ((min(percent, LOUDEST) / LOUDEST - 1) * _RANGE_DB / 20))


class Gain:
    """Multiplies samples; a change is spread over one block, so that it does not click.

    `set` may be called from any thread, `applied` belongs to one.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self._gain = self._now = gain

    def set(self, gain: float) -> None:
        """From the next block on it is this, 0 to 1."""
        self._gain = gain

    def applied(self, pcm: bytes) -> bytes:
        """The next block of signed 16-bit samples, multiplied."""
        if not pcm:
            return pcm
        begin, end = self._now, self._gain
        self._now = end
        if begin == end == 1.0:
            return pcm
        samples = array("h", pcm)
        if begin == end:
            return array("h", [int(sample * end) for sample in samples]).tobytes()
        step = (end - begin) / len(samples)
        return array(
            "h", [int(sample * (begin + n * step)) for n, sample in enumerate(samples, 1)]
        ).tobytes()
