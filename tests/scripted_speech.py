"""Speech for the endpointer that is no speech: loud or quiet frames, and what a detector says."""

from __future__ import annotations

from collections.abc import Sequence

from sena_pi.audio import FRAME_S, MICROPHONE_FORMAT
from sena_pi.endpointer import Endpoint, Endpointer, News
from tests.speech import frames_of, quiet


def loud(seconds: float) -> bytes:
    """A square tone at a quarter of full scale."""
    return b"\x00\x20\x00\xe0" * (round(seconds * MICROPHONE_FORMAT.rate_hz) // 2)


def told(
    endpointer: Endpointer, probabilities: Sequence[float], pcm: bytes | None = None
) -> list[News]:
    """All that an endpointer tells, up to the endpoint."""
    pcm = quiet(len(probabilities) * FRAME_S) if pcm is None else pcm
    news = []
    for frame, probability in zip(frames_of(pcm), probabilities, strict=True):
        event = endpointer.feed(frame, probability)
        if event is not None:
            news.append(event)
        if isinstance(event, Endpoint):
            break
    return news


def script(*frames: int) -> tuple[list[float], bytes]:
    """Speech and silence in turn, so many frames of each: probabilities and sound."""
    probabilities, pcm = [], b""
    for place, count in enumerate(frames):
        spoken = place % 2 == 0
        probabilities += [0.9 if spoken else 0.05] * count
        seconds = count * FRAME_S
        pcm += loud(seconds) if spoken else quiet(seconds)
    return probabilities, pcm
