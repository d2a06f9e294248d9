"""Gemini understands a question, by sound or by text, and answers it in one streamed call."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

from sena_pi.answer_header import ANSWER_SCHEMA, MAX_ANSWER_BYTES, AnswerReader
from sena_pi.engines.gemini import Gemini
from sena_pi.engines.gemini_stream import GeminiStream, Request
from sena_pi.errors import CloudDeclined, CloudError, CloudUnreachable
from sena_pi.prompts import SYSTEM_INSTRUCTION, language_hint
from sena_pi.stages import Header, Question

_LONGEST_RESPONSE_BYTES: Final = 65_536
_USUAL_LANGUAGE: Final = "en"
"""As the prompt says where the settings do not."""


class GeminiModel:
    """A `LanguageModel` of the Gemini API.

    Args:
        gemini: the connection; whoever made it closes it.
    """

    def __init__(self, gemini: Gemini) -> None:
        self._gemini = gemini

    @property
    def name(self) -> str:
        """Engine and model."""
        return f"gemini/{self._gemini.settings.model}"

    def respond(self, question: Question) -> GeminiResponse:
        """Start answering when the context is entered.

        Raises:
            ValueError: the question has neither sound nor text.
        """
        if question.utterance is None and not question.text.strip():
            raise ValueError("a question needs an utterance or a text")
        settings = self._gemini.settings
        request = Request(
            model=settings.model,
            contents=_contents(question),
            config={
                "system_instruction": SYSTEM_INSTRUCTION + language_hint(settings.language),
                "response_mime_type": "application/json",
                "response_schema": ANSWER_SCHEMA,
                "max_output_tokens": settings.max_output_tokens,
            },
            thinks=True,
            longest_bytes=_LONGEST_RESPONSE_BYTES,
        )
        typed = question.text if question.utterance is None else ""
        reader = AnswerReader(settings.language or _USUAL_LANGUAGE)
        return GeminiResponse(self._gemini.stream(request), reader, typed)


class GeminiResponse:
    """A `Response`, and the context in which it arrives. One task reads it."""

    def __init__(self, stream: GeminiStream, reader: AnswerReader, typed: str) -> None:
        self._stream = stream
        self._typed = typed
        self._reader = reader
        self._asked: Header | None = None
        self._header: Header | None = None
        self._words: deque[str] = deque()
        self._spoke = False
        self._finish = ""
        self._over = False
        self._error: CloudError | None = None

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

    async def asked(self) -> Header:
        """Wait for what was heard, and its language.

        Raises:
            CloudError: the answer will not come.
        """
        while self._asked is None:
            if self._error is not None:
                raise self._error
            await self._advance()
        return self._as_typed(self._asked)

    async def header(self) -> Header:
        """Wait for the words or an intent; what has not come takes the default of `Header`.

        After the last of the words: all of the header, if the answer was not cut.

        Raises:
            CloudError: the answer will not come.
        """
        while self._header is None:
            if self._error is not None:
                raise self._error
            await self._advance()
        return self._as_typed(self._header)

    def deltas(self) -> AsyncIterator[str]:
        """The words to speak, as they arrive; each is given once."""
        return _Deltas(self)

    @property
    def complete(self) -> bool:
        """The answer ended by itself, and it was one whole object."""
        return self._over and self._error is None and self._reader.whole

    async def next_words(self) -> str:
        """The next words; "" after the last.

        Raises:
            CloudError: the answer was cut, or there was nothing in it to speak or to do.
        """
        while not self._words and not self._over:
            await self._advance()
        if self._words:
            return self._words.popleft()
        if self._error is not None:
            raise self._error
        return ""

    async def _advance(self) -> None:
        """Take the next piece of the response, or its end."""
        try:
            piece = await anext(self._stream)
        except StopAsyncIteration:
            self._end(None)
        except CloudError as error:
            self._end(error)
        else:
            if piece.blocked:
                self._end(CloudDeclined(f"Gemini refused the question ({piece.blocked})"))
                return
            self._finish = piece.finish or self._finish
            self._speak(self._reader.feed(piece.text))
            self._asked, self._header = self._reader.asked, self._reader.opening
            if self._reader.too_long:
                self._end(CloudDeclined(f"the answer is over {MAX_ANSWER_BYTES} bytes; it is cut"))

    def _end(self, error: CloudError | None) -> None:
        late_words = self._reader.finish()
        self._speak(late_words)
        self._over = True
        self._error = error or self._fault()
        if self._error is None:
            self._asked, self._header = self._reader.asked, self._reader.header
        elif late_words and self._header is None:
            self._asked, self._header = self._reader.asked, self._reader.opening

    def _fault(self) -> CloudError | None:
        """What is wrong with a response that ended without an error."""
        if not self._finish:
            return CloudUnreachable("Gemini's answer was cut")
        if self._finish != "STOP":
            return CloudDeclined(f"Gemini stopped answering ({self._finish})")
        header = self._reader.header
        if not self._spoke and (header is None or header.intent is None):
            return CloudDeclined("there were no words in Gemini's answer")
        return None

    def _speak(self, words: str) -> None:
        if words:
            self._words.append(words)
            self._spoke = True

    def _as_typed(self, header: Header) -> Header:
        return replace(header, heard=self._typed) if self._typed else header


class _Deltas:
    def __init__(self, response: GeminiResponse) -> None:
        self._response = response

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        words = await self._response.next_words()
        if not words:
            raise StopAsyncIteration
        return words


def _contents(question: Question) -> list[dict[str, Any]]:
    """The turns of the conversation, and last the question: a model's turn there is refused."""
    turns = [
        {"role": role, "parts": [{"text": text}]}
        for exchange in question.conversation
        if exchange.heard.strip() and exchange.spoken.strip()  # empty parts are refused
        for role, text in (("user", exchange.heard), ("model", exchange.spoken))
    ]
    if question.utterance is None:
        asked: dict[str, Any] = {"text": question.text}
    else:
        asked = {"inline_data": {"mime_type": "audio/wav", "data": question.utterance.wav()}}
    return [*turns, {"role": "user", "parts": [asked]}]
