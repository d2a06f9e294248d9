"""A cloud model and a cloud voice that keep to the day's allowance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sena_pi.allowance import Allowance, Kind
from sena_pi.audio import AudioChunk
from sena_pi.errors import AllowanceSpent
from sena_pi.stages import LanguageModel, Question, Response, Synthesizer


class CappedModel:
    """A `LanguageModel` whose questions are counted before they are asked."""

    def __init__(self, model: LanguageModel, allowance: Allowance) -> None:
        self._model = model
        self._allowance = allowance

    @property
    def name(self) -> str:
        """That of the model."""
        return self._model.name

    @asynccontextmanager
    async def respond(self, question: Question) -> AsyncIterator[Response]:
        """As the model's.

        Raises:
            AllowanceSpent: nothing is asked any more today; the message is to be spoken.
        """
        self._allowance.take_request()
        async with self._model.respond(question) as response:
            yield response


class CappedVoice:
    """A `Synthesizer` whose sound is counted as it comes, heard or not."""

    def __init__(self, voice: Synthesizer, allowance: Allowance) -> None:
        self._voice = voice
        self._allowance = allowance

    @property
    def name(self) -> str:
        """That of the voice."""
        return self._voice.name

    @asynccontextmanager
    async def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        """As the voice's.

        Raises:
            AllowanceSpent: the cloud's voice rests until tomorrow; another one speaks.
        """
        if self._allowance.spent(Kind.SPEECH):
            raise AllowanceSpent("the cloud's voice has spoken as long as it may today")
        async with self._voice.synthesize(sentence, language) as chunks:
            yield self._counted(chunks)

    async def _counted(self, chunks: AsyncIterator[AudioChunk]) -> AsyncIterator[AudioChunk]:
        async for chunk in chunks:
            self._allowance.add_speech(chunk.seconds)
            yield chunk
