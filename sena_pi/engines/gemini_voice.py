"""Gemini speaks one sentence at a time, as sound that arrives while it is made."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from sena_pi.audio import SAMPLE_BYTES, AudioChunk
from sena_pi.engines.gemini import Gemini
from sena_pi.engines.gemini_stream import GeminiStream, Piece, Request
from sena_pi.errors import CloudUnreachable, SynthesisFailed
from sena_pi.pcm_stream import PcmStream

LONGEST_SENTENCE_S: Final = 60.0
_LONGEST_RESPONSE_BYTES: Final = int(LONGEST_SENTENCE_S) * 48_000 * SAMPLE_BYTES


class GeminiVoice:
    """A `Synthesizer` of the Gemini API.

    Args:
        gemini: the connection; whoever made it closes it.
    """

    def __init__(self, gemini: Gemini) -> None:
        self._gemini = gemini

    @property
    def name(self) -> str:
        """Engine, model and voice."""
        settings = self._gemini.settings
        return f"gemini/{settings.voice_model}/{settings.voice}"

    def synthesize(self, sentence: str, language: str = "en") -> GeminiSpeech:  # noqa: ARG002
        """Start speaking when the context is entered.

        The model finds the language out by itself. The sentence is all that is sent: the model
        reads everything aloud, instructions too.

        Raises:
            ValueError: there is nothing to say.
        """
        if not sentence.strip():
            raise ValueError("a sentence needs words")
        settings = self._gemini.settings
        voice = {"prebuilt_voice_config": {"voice_name": settings.voice}}
        request = Request(
            model=settings.voice_model,
            contents=[{"role": "user", "parts": [{"text": sentence}]}],
            # No temperature and the like: the model refuses them.
            config={"response_modalities": ["AUDIO"], "speech_config": {"voice_config": voice}},
            thinks=False,
            longest_bytes=_LONGEST_RESPONSE_BYTES,
        )
        return GeminiSpeech(self._gemini.stream(request))


class GeminiSpeech:
    """The sound of one sentence: the context in which it arrives, and its iterator."""

    def __init__(self, stream: GeminiStream) -> None:
        self._stream = stream
        self._sound = PcmStream(LONGEST_SENTENCE_S)
        self._finish = ""

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stream.__aexit__(kind, error, traceback)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AudioChunk:
        """The next chunk; there is at least one, or an error.

        Raises:
            SynthesisFailed: the voice sent no sound, not all of it, or none that can be played.
            CloudError: the request was refused, or the connection broke.
        """
        while True:
            try:
                piece = await anext(self._stream)
            except StopAsyncIteration:
                self._check_end()
                raise
            chunk = self._take(piece)
            if chunk is not None:
                return chunk

    def _take(self, piece: Piece) -> AudioChunk | None:
        if piece.blocked:
            raise SynthesisFailed(f"the voice refused the sentence ({piece.blocked})")
        self._finish = piece.finish or self._finish
        return self._sound.feed(piece.sound, piece.mime_type) if piece.sound else None

    def _check_end(self) -> None:
        if not self._finish:
            raise CloudUnreachable("the voice's sound was cut")
        if self._finish != "STOP":
            raise SynthesisFailed(f"the voice stopped speaking ({self._finish})")
        if not self._sound.seconds:
            raise SynthesisFailed("the voice sent no sound")
