"""Examining a microphone and a speaker through the audio worker, whoever's it is.

The assistant that runs does this with its own worker, since a sound device has one owner; a command
without one starts a worker for it. What is heard stays in the worker: only levels are told.
"""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sena_pi.audio import FRAME_S, AudioChunk, AudioFormat
from sena_pi.devices.audio import Audio
from sena_pi.errors import WorkerError
from sena_pi.stages import Speaker

LISTEN_S: Final = 3.0
SPEAKER_TIMEOUT_S: Final = 3.0
_LOOK_EVERY_S: Final = 0.02
_TONE_FORMAT: Final = AudioFormat(rate_hz=24_000)
_TONE_S: Final = 0.6
_TONE_HZ: Final = 660.0
_TONE_PEAK: Final = 6000


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a microphone delivered.

    Attributes:
        device: its name, None: there is none.
        absence: why there is none.
        seconds: how long it was listened to.
        frames: frames that came, of 32 ms.
        lost_frames: frames that did not, as far as can be known.
        loudest_dbfs: loudest sample; None: there were only zeros.
        noise_dbfs: loudest sample of the quietest tenth of a second that was no silence of zeros.
        clipped_s: how long samples reached the end of the scale, in tenths of a second.
        zeros_s: for how long all samples have been exactly zero, at the end.
    """

    device: str | None
    absence: str
    seconds: float
    frames: int = 0
    lost_frames: int = 0
    loudest_dbfs: float | None = None
    noise_dbfs: float | None = None
    clipped_s: float = 0.0
    zeros_s: float = 0.0

    @property
    def expected_frames(self) -> float:
        """What a microphone in good order delivers in that time."""
        return self.seconds / FRAME_S

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Hearing:
        """What `as_dict` made."""
        return cls(**data)


async def listen(audio: Audio, seconds: float = LISTEN_S) -> Hearing:
    """Follow the worker's heartbeats for so long."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    first: Mapping[str, Any] = audio.health.heartbeat
    beats: list[Mapping[str, Any]] = []
    while loop.time() - began_s < seconds:
        await asyncio.sleep(_LOOK_EVERY_S)
        beat = audio.health.heartbeat
        if beat and (not beats or beat is not beats[-1]) and beat is not first:
            beats.append(beat)
    return _judged(audio, first, beats, loop.time() - began_s)


def _judged(
    audio: Audio, first: Mapping[str, Any], beats: list[Mapping[str, Any]], seconds: float
) -> Hearing:
    last = beats[-1] if beats else {}
    if not last.get("capturing"):
        absence = last.get("text") or "the audio worker does not answer"
        return Hearing(None, absence, round(seconds, 2))
    peaks = [beat["peak_dbfs"] for beat in beats if beat["peak_dbfs"] is not None]
    return Hearing(
        device=audio.health.microphone,
        absence="",
        seconds=round(seconds, 2),
        frames=last["frames"] - first.get("frames", 0),
        lost_frames=last["lost_frames"] - first.get("lost_frames", 0),
        loudest_dbfs=max(peaks, default=None),
        noise_dbfs=min(peaks, default=None),
        clipped_s=round(sum(peak >= 0 for peak in peaks) / 10, 1),
        zeros_s=last["zeros_s"],
    )


async def play_tone(speaker: Speaker) -> float:
    """Play a short tone; how long the device took to begin, in ms.

    Raises:
        WorkerError: there is no speaker, or it does not play.
    """
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        async with asyncio.timeout(SPEAKER_TIMEOUT_S):
            speaker.begin()
            for chunk in tone().pieces(0.1):
                await speaker.play(chunk)
            await speaker.drain()
    except TimeoutError:
        await speaker.flush()
        raise WorkerError(f"the speaker played nothing for {SPEAKER_TIMEOUT_S:g} s") from None
    first_ns = speaker.first_sample_ns
    if first_ns is None:
        raise WorkerError("the speaker was interrupted")
    return round(first_ns / 1e6 - began_s * 1000, 1)


def tone() -> AudioChunk:
    """Faded in and out: a tone that begins at once is a click."""
    rate_hz = _TONE_FORMAT.rate_hz
    samples = int(_TONE_S * rate_hz)
    fade = rate_hz // 20
    pcm = array(
        "h",
        (
            round(
                _TONE_PEAK
                * min(1.0, n / fade, (samples - n) / fade)
                * math.sin(2 * math.pi * _TONE_HZ * n / rate_hz)
            )
            for n in range(samples)
        ),
    )
    return AudioChunk(_TONE_FORMAT, pcm.tobytes())
