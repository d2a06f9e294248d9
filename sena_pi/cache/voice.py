"""A voice that remembers how it said a sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import chain
from typing import Final

from sena_pi.audio import AudioChunk
from sena_pi.cache.keys import SpeechKey
from sena_pi.cache.service import CacheService, Spoken
from sena_pi.errors import SynthesisFailed
from sena_pi.stages import Synthesizer

LONGEST_S: Final = 60.0
"""A sentence that takes longer is not remembered."""

Decode = Callable[[bytes], Iterator[AudioChunk]]
"""Ogg/Opus to sound, piece by piece. Raises ValueError, at once or later, when it is damaged."""


class CachedVoice:
    """A `Synthesizer` whose sentences are looked for in the cache first.

    What it then has to speak itself it hands to the cache, sentence by sentence, each only when
    it was spoken whole.
    """

    def __init__(self, voice: Synthesizer, cache: CacheService, decode: Decode) -> None:
        self._voice = voice
        self._cache = cache
        self._decode = decode

    @property
    def name(self) -> str:
        """That of the voice."""
        return self._voice.name

    @asynccontextmanager
    async def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        """As the voice's; a sentence from the cache is there at once."""
        key = SpeechKey(sentence, language, self.name)
        chunks = await self._cache.speech(key, self._begun)
        if chunks is not None:
            yield _one_by_one(chunks)
            return
        async with self._voice.synthesize(sentence, language) as spoken:
            yield self._heard(key, spoken)

    def _begun(self, sound: bytes) -> Iterator[AudioChunk]:
        """The sound, its first piece decoded: so it is known to be good."""
        chunks = self._decode(sound)
        first = next(chunks, None)
        if first is None:
            raise ValueError("there is no sound in it")
        return chain([first], chunks)

    async def _heard(
        self, key: SpeechKey, chunks: AsyncIterator[AudioChunk]
    ) -> AsyncIterator[AudioChunk]:
        pcm = bytearray()
        seconds = 0.0
        last: AudioChunk | None = None
        same_format = True
        async for chunk in chunks:
            same_format &= last is None or last.format == chunk.format
            last = chunk
            seconds += chunk.seconds
            if seconds <= LONGEST_S:
                pcm += chunk.pcm
            yield chunk
        if last is not None and same_format and 0 < seconds <= LONGEST_S:
            self._cache.spoke(Spoken(key, last.format, bytes(pcm)))


async def _one_by_one(chunks: Iterator[AudioChunk]) -> AsyncIterator[AudioChunk]:
    try:
        for chunk in chunks:
            yield chunk
    except (ValueError, OSError) as error:
        raise SynthesisFailed(f"a sentence in the cache broke off: {error}") from None
