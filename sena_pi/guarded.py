"""A cloud model and a cloud voice behind a circuit breaker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from sena_pi.audio import AudioChunk
from sena_pi.breaker import Attempt, Breaker, State
from sena_pi.errors import CloudError
from sena_pi.stages import LanguageModel, Question, Response, Synthesizer


class Credential(Protocol):
    """The key that is used, which a person may replace."""

    async def version(self) -> int:
        """A number that changes with the key; looks for a new one, and puts it to use."""


class Guard:
    """A breaker, and the key that its dependency is asked with.

    Args:
        breaker: of the dependency.
        credential: looked at only while the key is refused; None: it can't change.
    """

    def __init__(self, breaker: Breaker, credential: Credential | None = None) -> None:
        self._breaker = breaker
        self._credential = credential
        self._version = 0

    async def attempt(self) -> Attempt:
        """Leave to ask once, as `Breaker.attempt`.

        Raises:
            CloudResting: it must not be asked now.
        """
        if self._breaker.state is State.REFUSED and self._credential is not None:
            version = await self._credential.version()
            if version != self._version:
                self._version = version
                self._breaker.key_changed()
        return self._breaker.attempt()


class GuardedModel:
    """A `LanguageModel` that is not asked while it rests."""

    def __init__(self, model: LanguageModel, guard: Guard) -> None:
        self._model = model
        self._guard = guard

    @property
    def name(self) -> str:
        """That of the model."""
        return self._model.name

    @asynccontextmanager
    async def respond(self, question: Question) -> AsyncIterator[Response]:
        """As the model's. What the consumer gives up on in the context, as a CloudError, counts.

        Raises:
            CloudResting: the model failed before.
        """
        with await self._guard.attempt() as attempt:
            try:
                async with self._model.respond(question) as response:
                    yield response
            except CloudError as error:
                attempt.failed(error)
                raise
            attempt.worked()


class GuardedVoice:
    """A `Synthesizer` that is not asked while it rests.

    One that is slow, and left for it, has not failed: to judge that is its consumer's.
    """

    def __init__(self, voice: Synthesizer, guard: Guard) -> None:
        self._voice = voice
        self._guard = guard

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
            CloudResting: the voice failed before.
        """
        with await self._guard.attempt() as attempt:
            try:
                async with self._voice.synthesize(sentence, language) as chunks:
                    yield _watched(chunks, attempt)
            except CloudError as error:
                attempt.failed(error)
                raise


async def _watched(
    chunks: AsyncIterator[AudioChunk], attempt: Attempt
) -> AsyncIterator[AudioChunk]:
    sounded = False
    try:
        async for chunk in chunks:
            if not sounded:
                sounded = True
                attempt.worked()
            yield chunk
    except CloudError as error:
        attempt.failed(error)
        raise
