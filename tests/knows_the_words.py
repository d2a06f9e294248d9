"""A transcriber that knows what is said, and tells no more of it than was said so far."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import numpy as np

from sena_pi.audio import Utterance
from sena_pi.stages import Transcript
from tests.endpointing_corpus import Said
from tests.endpointing_sentences import PAUSE
from tests.speech import RATE_HZ

TRANSCRIBER_S: Final = 0.1
HEARD_EARLY: Final = RATE_HZ // 4
"""By so many samples the detector may lose the end of a part in noise, and all of it was heard."""


class KnowsTheWords:
    """A `Transcriber` that is told the utterance, and tells as much of it as was said by then.

    Attributes:
        utterance: what is being said.
        tell: told the words at once: whoever else hears the sound knows no more of them.
    """

    def __init__(self) -> None:
        self.utterance: Said | None = None
        self.tell: Callable[[str], None] = lambda _words: None

    async def transcribe(self, utterance: Utterance) -> Transcript:
        """After `TRANSCRIBER_S`, as `Transcriber.transcribe`."""
        loop = asyncio.get_running_loop()
        ready_s = loop.time() + TRANSCRIBER_S
        assert self.utterance is not None
        ends = self.utterance.ends
        begin = found(self.utterance.pcm[: 2 * ends[0]], utterance.pcm)
        said = utterance.speech_end_sample - begin
        parts = max(1, sum(end <= said + HEARD_EARLY for end in ends))
        text = words(PAUSE.join(self.utterance.text.split(PAUSE)[:parts]))
        self.tell(text)
        await asyncio.sleep(ready_s - loop.time())
        return Transcript(text)


def found(piece: bytes, sound: bytes) -> int:
    """The sample of `sound` where `piece` begins: where their shapes agree most, in noise, too."""
    heard, sought = (
        np.frombuffer(pcm, dtype="<i2")[: len(pcm) // 8 * 4].reshape(-1, 4).mean(axis=1)
        for pcm in (sound, piece)
    )
    places = heard.size - sought.size + 1
    if places < 1:
        return 0
    size = 1 << (heard.size + sought.size).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.fft.rfft(sought, size).conj()
    agrees = np.fft.irfft(spectrum, size)[:places]
    energy = np.concatenate(([0.0], np.cumsum(heard**2)))
    there = energy[sought.size :] - energy[:places]
    softest = 0.05 * float(np.sum(sought**2))
    return int((agrees / np.sqrt(there + softest)).argmax()) * 4


def words(text: str) -> str:
    """What was said, without the pauses."""
    return " ".join(text.replace(PAUSE, " ").split())
