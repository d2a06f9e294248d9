"""Fillers and reasons as sound: made ahead, so that they can be heard when all else fails."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sena_pi.audio import AudioChunk
from sena_pi.errors import CloudError, EngineUnavailable, SynthesisFailed, WorkerError
from sena_pi.languages import Catalogue, catalogue
from sena_pi.reasons import Reason
from sena_pi.stages import Synthesizer

QUIET: Final = 200
"""Samples up to here, of 32,768, count as silence at the ends of a clip."""
_CHUNK_S: Final = 0.2

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clip:
    """A text, and its sound where that has been made.

    Attributes:
        text: the words.
        language: their BCP 47 tag.
        voice: who spoke them; "" while nobody has.
        sound: chunks in order; none while nobody has spoken them.
    """

    text: str
    language: str
    voice: str = ""
    sound: tuple[AudioChunk, ...] = field(default=(), repr=False)


class Clips:
    """All fillers and reasons of a language, in RAM: a second of speech is some 45 KB.

    Args:
        texts: what is said; English where nothing else is given.
    """

    def __init__(self, texts: Catalogue | None = None) -> None:
        self._texts = texts or catalogue()
        self._clips = {text: Clip(text, self._texts.language) for text in self._all()}
        self._turns = itertools.cycle(self._texts.fillers)

    def filler(self) -> Clip:
        """The next filler: they take turns."""
        return self._clips[next(self._turns)]

    def reason(self, reason: Reason) -> Clip:
        """The words for a reason."""
        return self._clips[self._texts.reasons[reason]]

    async def render(self, voice: Synthesizer) -> bool:
        """Have everything spoken by this voice, one text after the other, and keep the sound.

        What this voice has spoken already is not made again, and what it can't speak stays as it
        was. Cancelled: what was made until then is kept.

        Returns:
            Whether all clips are this voice's now.
        """
        failed = 0
        for text in self._all():
            if self._clips[text].voice == voice.name:
                continue
            sound = await _spoken(voice, text, self._texts.language)
            if sound:
                self._clips[text] = Clip(text, self._texts.language, voice.name, sound)
            else:
                failed += 1
        if failed:
            _log.warning("%s could not speak %d of %d clips", voice.name, failed, len(self._clips))
        return not failed

    def _all(self) -> Iterator[str]:
        # Reasons first: they matter more.
        yield from self._texts.reasons.values()
        yield from self._texts.fillers


async def _spoken(voice: Synthesizer, text: str, language: str) -> tuple[AudioChunk, ...]:
    """The sound of a text, whole; nothing where the voice fails."""
    try:
        async with voice.synthesize(text, language) as chunks:
            return _trimmed([chunk async for chunk in chunks if chunk.samples])
    except (SynthesisFailed, CloudError, EngineUnavailable, WorkerError):
        return ()


def _trimmed(chunks: list[AudioChunk]) -> tuple[AudioChunk, ...]:
    """The same without the silence at its ends: an answer may be waiting behind it."""
    if len({chunk.format for chunk in chunks}) != 1:
        return tuple(chunks)
    audio_format = chunks[0].format
    pcm = b"".join(chunk.pcm for chunk in chunks)
    frames = np.frombuffer(pcm, dtype="<i2").reshape(-1, audio_format.channels)
    loud = np.flatnonzero(np.abs(frames.astype(np.int32)).max(axis=1) > QUIET)
    if not loud.size:
        return ()
    heard = frames[loud[0] : loud[-1] + 1].tobytes()
    return tuple(AudioChunk(audio_format, heard).pieces(_CHUNK_S))
