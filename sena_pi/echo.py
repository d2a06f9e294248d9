"""How much of what a microphone heard is the echo of what a speaker played. Pure arithmetic.

Any room and any speaker that is not overdriven is nearly a linear filter, so an echo can be
foretold from what was played, and a person can't. No engine, model or text is needed for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sena_pi.audio import MICROPHONE_FORMAT

if TYPE_CHECKING:
    import numpy as np

EARLIEST_S: Final = -0.05
"""An echo may seem to come before its sound by this much: both clocks are read in steps."""
LATEST_S: Final = 0.45
"""Longest way from the speaker's queue through the room to the microphone's frame."""

_RATE_HZ: Final = MICROPHONE_FORMAT.rate_hz
_WINDOW: Final = 512
_HOP: Final = 128
# 190 Hz to 6.2 kHz: below is hum, and above it many a small speaker gives nothing.
_LOWEST_BIN, _HIGHEST_BIN, _EVERY_BIN = 6, 200, 3
_BANDS: Final = 16
_BAND_FLOOR: Final = 3e4
"""Power of a band in a silent room: below it nothing is compared."""
_TAPS_BEFORE, _TAPS_AFTER = 3, 3
"""Around the best delay, in hops: the room's answer to one sound lasts longer than a window."""
_REGULAR: Final = 1e-3
_PARTS: Final = 4


def played_samples(heard_samples: int) -> int:
    """How many samples `echo_share` wants of what was played: those heard, and the way there."""
    return heard_samples + _samples(LATEST_S) - _samples(EARLIEST_S)


def echo_share(heard: np.ndarray, played: np.ndarray) -> float:
    """The part, 0 to 1, of the heard energy that a linear echo of the played sound explains.

    Takes 5 ms on a desktop core for a second of sound. Of unrelated sound, the filter's freedom
    explains a quarter. Each of four parts has a delay of its own: where a device that was late
    tore the sound, only the torn part does not fit.

    Args:
        heard: 16 kHz samples, a second or more.
        played: `played_samples(len(heard))` samples, from `LATEST_S` before the first heard one
            to `-EARLIEST_S` after the last.
    """
    import numpy as np

    size = len(heard) // _PARTS
    explained = total = 0.0
    for start in range(0, size * _PARTS, size):
        part = heard[start : start + size]
        energy = float((part.astype(np.float64) ** 2).sum())
        explained += energy * _share(part, played[start : start + played_samples(size)])
        total += energy
    return explained / total if total else 0.0


def _share(heard: np.ndarray, played: np.ndarray) -> float:
    import numpy as np

    near, far = _spectrogram(heard), _spectrogram(played)
    energy = float((np.abs(near) ** 2).sum())
    if energy == 0.0 or not far.any():
        return 0.0
    frames = len(near)
    best = _best_delay(near, far)
    first, last = max(0, best - _TAPS_BEFORE), min(len(far) - frames, best + _TAPS_AFTER - 1)
    # For each bin of its own: a filter of a few taps over time, by least squares.
    taps = np.stack([far[at : at + frames] for at in range(first, last + 1)], axis=2)
    system = taps.transpose(1, 0, 2)
    target = near.T[:, :, None]
    adjoint = system.conj().transpose(0, 2, 1)
    gram = adjoint @ system
    size = gram.shape[1]
    trace = np.trace(gram, axis1=1, axis2=2).real[:, None, None]
    gram = gram + (_REGULAR * (trace / size + 1)) * np.eye(size, dtype=np.float32)
    rest = target - system @ np.linalg.solve(gram, adjoint @ target)
    return 1.0 - float((np.abs(rest) ** 2).sum()) / energy


def _spectrogram(samples: np.ndarray) -> np.ndarray:
    """Frames by bins, complex."""
    import numpy as np

    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float32), _WINDOW)[::_HOP]
    spectra = np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), axis=1)
    return spectra[:, _LOWEST_BIN:_HIGHEST_BIN:_EVERY_BIN].astype(np.complex64)


def _best_delay(near: np.ndarray, far: np.ndarray) -> int:
    """The step into `far` at which its loudness over time and pitch is most like `near`'s."""
    import numpy as np

    def loudness(spectra: np.ndarray) -> np.ndarray:
        bands = np.array_split(np.abs(spectra) ** 2, _BANDS, axis=1)
        return np.log(np.stack([band.sum(axis=1) for band in bands], axis=1) + _BAND_FLOOR)

    heard, played = loudness(near), loudness(far)
    heard = heard - heard.mean(axis=0)
    likeness = []
    for at in range(len(played) - len(heard) + 1):
        part = played[at : at + len(heard)]
        part = part - part.mean(axis=0)
        norm = np.sqrt((heard**2).sum() * (part**2).sum()) + 1e-9
        likeness.append(float((heard * part).sum() / norm))
    return int(np.argmax(likeness))


def _samples(seconds: float) -> int:
    return round(seconds * _RATE_HZ)
