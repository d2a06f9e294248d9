"""From a question to sentences: the models in order, our own answers, or a reason for none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from sena_pi.apologies import CUT, NO_ANSWER, apology
from sena_pi.errors import AllowanceSpent, CloudError, CloudUnreachable, SenaError, WorkerError
from sena_pi.report import Source
from sena_pi.sentences import SentenceSplitter
from sena_pi.speakable import speakable
from sena_pi.stages import (
    Exchange,
    Header,
    Intent,
    Known,
    LanguageModel,
    Memory,
    Question,
    Response,
    Transcriber,
)

FIRST_SIGN_TIMEOUT_S = 8.0
"""Longest wait for an answer's header; the turn's finer deadlines lie inside it."""
GAP_TIMEOUT_S = 4.0
"""Longest silence inside an answer, before it counts as cut."""

Say = Callable[[str], Awaitable[None]]
"""Takes the next sentence to be spoken; may wait."""


class OwnWords(Protocol):
    """What our own code says to an intent."""

    @property
    def text(self) -> str:
        """Safe to speak; may be empty."""

    @property
    def ends_conversation(self) -> bool:
        """The person said goodbye."""


class Answers(Protocol):
    """Our own answers."""

    def answer(self, intent: Intent, heard: str, conversation: Sequence[Exchange]) -> OwnWords:
        """The words for an intent; instant."""


@dataclass(slots=True)
class Answer:
    """An answer as far as it has come.

    Attributes:
        header: what is known about it; defaults until it arrived.
        source: where it comes from, None while there is none.
        model: engine and model that answered.
        sentences: what was given to be spoken.
        known: the answer as it was remembered, None when it was not.
        transcript_ns: monotonic time when the question was known as text.
        first_text_ns: monotonic time of the first words.
        complete: it ended as its author meant it to.
        ends_conversation: the person said goodbye.
        problems: what went wrong on the way.
    """

    header: Header = field(default_factory=Header)
    source: Source | None = None
    model: str = ""
    sentences: list[str] = field(default_factory=list)
    known: Known | None = None
    transcript_ns: int | None = None
    first_text_ns: int | None = None
    complete: bool = False
    ends_conversation: bool = False
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mind:
    """Who answers.

    Attributes:
        cloud: asked first, None without a key or when it is switched off.
        local: answers what it has rules for; needs no network.
        answers: the words for intents, whoever understood them.
        memory: remembers the cloud's answers, None where nothing is to be remembered.
        transcriber: understands speech on the device, for a memory that is asked before the
            cloud is; None where the cloud does.
        first_sign_timeout_s: longest wait for the cloud's header.
        gap_timeout_s: longest silence inside an answer.
    """

    cloud: LanguageModel | None
    local: LanguageModel
    answers: Answers
    memory: Memory | None = None
    transcriber: Transcriber | None = None
    first_sign_timeout_s: float = FIRST_SIGN_TIMEOUT_S
    gap_timeout_s: float = GAP_TIMEOUT_S

    async def answer(self, question: Question, answer: Answer, say: Say) -> None:
        """Answer a question sentence by sentence, filling `answer` as it goes; never silent.

        A cloud that fails before its first words is followed by the local rules, and by a
        spoken reason when they don't know either. Cancelled: nothing is left running.
        """
        if self.cloud is None:
            await self._ask_local(question, answer, say)
            return
        try:
            question = await self._transcribed(question)
            if question.text and await self._recalled(
                Header(heard=question.text), question, answer, say
            ):
                return
            await self._ask(self.cloud, Source.CLOUD, question, answer, say)
        except (CloudError, AllowanceSpent) as error:
            answer.problems.append(f"{type(error).__name__}: {error}")
            if answer.first_text_ns is not None:
                await say(CUT)
            else:
                await self._fall_back(error, question, answer, say)

    async def _transcribed(self, question: Question) -> Question:
        """The question with its text, where that can be known on the device."""
        if question.text or question.utterance is None or self.transcriber is None:
            return question
        try:
            transcript = await self.transcriber.transcribe(question.utterance)
        except WorkerError:
            return question  # the cloud understands it
        return replace(question, text=transcript.text)

    async def _recalled(self, asked: Header, question: Question, answer: Answer, say: Say) -> bool:
        """Say what was answered to this before; False when it must be asked."""
        if self.memory is None or not asked.heard:
            return False
        heard_ns = time.monotonic_ns()
        known = await self.memory.recall(asked, question.conversation)
        if known is None:
            return False
        answer.header = Header(heard=asked.heard, language=known.language)
        answer.source, answer.model, answer.known = Source.CACHE, known.model, known
        answer.transcript_ns, answer.first_text_ns = heard_ns, time.monotonic_ns()
        for sentence in known.sentences:
            await _say_of(answer, sentence, say)
        answer.complete = True
        return True

    async def _fall_back(
        self, reason: SenaError, question: Question, answer: Answer, say: Say
    ) -> None:
        """The local rules, if they understand; what they don't, the cloud's failure explains."""

        async def say_if_understood(sentence: str) -> None:
            if answer.header.heard:
                await say(sentence)

        await self._ask_local(question, answer, say_if_understood)
        if not answer.header.heard:
            answer.source = None
            await say(apology(reason))

    async def _ask_local(self, question: Question, answer: Answer, say: Say) -> None:
        try:
            await self._ask(self.local, Source.RULE, question, answer, say)
        except WorkerError as error:
            answer.problems.append(str(error))
            await say(NO_ANSWER)

    async def _ask(
        self, model: LanguageModel, source: Source, question: Question, answer: Answer, say: Say
    ) -> None:
        async with model.respond(question) as response:
            # The local ears keep a deadline of their own.
            first_sign_s = self.first_sign_timeout_s if source is Source.CLOUD else None
            async with _deadline(first_sign_s, "no answer began"):
                asked = await response.asked()
            # The answer's stream goes on meanwhile, and is cut when it is not needed.
            if source is Source.CLOUD and await self._recalled(asked, question, answer, say):
                return
            async with _deadline(first_sign_s, "no answer began"):
                answer.header = await response.header()
            answer.model = model.name
            answer.source = source
            answer.transcript_ns = time.monotonic_ns()
            if answer.header.intent is not None:
                await self._answer_ourselves(answer.header.intent, question, answer, say)
            else:
                await _pass_on(response, answer, say, self.gap_timeout_s)

    async def _answer_ourselves(
        self, intent: Intent, question: Question, answer: Answer, say: Say
    ) -> None:
        if intent is Intent.WRONG and self.memory is not None:
            await self.memory.forget_last()
        spoken = self.answers.answer(intent, answer.header.heard, question.conversation)
        answer.source = Source.RULE
        answer.first_text_ns = time.monotonic_ns()
        answer.ends_conversation = spoken.ends_conversation
        answer.complete = True
        splitter = SentenceSplitter()
        for sentence in [*splitter.feed(spoken.text), *splitter.flush()]:
            await _say_of(answer, sentence, say)


async def _say_of(answer: Answer, sentence: str, say: Say) -> None:
    """Say a sentence of the answer itself, not one about it."""
    answer.sentences.append(sentence)
    await say(sentence)


async def _pass_on(response: Response, answer: Answer, say: Say, gap_timeout_s: float) -> None:
    """Sentences as soon as they are whole; each made safe before any voice sees it."""
    splitter = SentenceSplitter()

    async def say_safely(sentences: list[str]) -> None:
        for sentence in filter(None, map(speakable, sentences)):
            if answer.first_text_ns is None:
                answer.first_text_ns = time.monotonic_ns()
            await _say_of(answer, sentence, say)

    deltas = response.deltas()
    while True:
        async with _deadline(gap_timeout_s, "nothing more of the answer came"):
            delta = await anext(deltas, None)
        if delta is None:
            break
        await say_safely(splitter.feed(delta))
    await say_safely(splitter.flush())
    answer.complete = response.complete
    if answer.first_text_ns is None:
        answer.problems.append("the answer held nothing that can be spoken")
        await say(NO_ANSWER)


@asynccontextmanager
async def _deadline(seconds: float | None, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise CloudUnreachable(f"{what} for {seconds:g} s") from None
