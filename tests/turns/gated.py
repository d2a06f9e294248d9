"""A language model in a story's hands: it says what and when the story wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sena_pi.stages import Header, Question, Response


class GatedModel:
    """A `LanguageModel` whose answers wait for the story; one at a time.

    Attributes:
        words: what the story gives; None is the end.
        questions: all that was asked.
        open_answers: contexts that are entered and not left.
    """

    name = "gated/answers"

    def __init__(self) -> None:
        self.words: asyncio.Queue[str | None] = asyncio.Queue()
        self.questions: list[Question] = []
        self.open_answers = 0
        self._header: Header | None = None
        self._began = asyncio.Event()

    def begin(self, header: Header | None = None) -> None:
        """The header comes."""
        self._header = header or Header(heard="a question")
        self._began.set()

    def end(self) -> None:
        """The answer is complete."""
        self.words.put_nowait(None)

    @asynccontextmanager
    async def respond(self, question: Question) -> AsyncIterator[Response]:
        self.questions.append(question)
        self.open_answers += 1
        try:
            yield _Gated(self)
        finally:
            self.open_answers -= 1


class _Gated:
    def __init__(self, model: GatedModel) -> None:
        self._model = model
        self.complete = False

    async def asked(self) -> Header:
        return await self.header()

    async def header(self) -> Header:
        await self._model._began.wait()
        assert self._model._header is not None
        return self._model._header

    async def deltas(self) -> AsyncIterator[str]:
        while (words := await self._model.words.get()) is not None:
            yield words
        self.complete = True
