"""From a question to sentences: the models in order, our own answers, or a reason for none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from sena_pi.deadlines import Deadlines
from sena_pi.errors import AllowanceSpent, CloudError, CloudSilent, WorkerError
from sena_pi.reasons import Reason, reason_for
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

Say = Callable[[str], Awaitable[None]]
"""Takes the next sentence to be spoken; may wait."""
Tell = Callable[[Reason], Awaitable[None]]
"""Takes a reason for there being no answer, or no more of it; may wait."""


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
        trouble: why there is no answer yet, as far as that is known.
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
    trouble: Reason | None = None
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
        deadlines: how long the cloud is waited for.
    """

    cloud: LanguageModel | None
    local: LanguageModel
    answers: Answers
    memory: Memory | None = None
    transcriber: Transcriber | None = None
    deadlines: Deadlines = field(default_factory=Deadlines)

    async def answer(self, question: Question, answer: Answer, say: Say, tell: Tell) -> None:
        """Answer a question sentence by sentence, filling `answer` as it goes; never silent.

        A cloud that fails before its first words is followed by the local rules, and by a
        reason when they don't know either. Cancelled: nothing is left running.
        """
        await _Thinking(self, question, answer, say, tell, _Patience(self.deadlines, answer)).run()


@dataclass(slots=True)
class _Thinking:
    """One question on its way to an answer."""

    mind: Mind
    question: Question
    answer: Answer
    say: Say
    tell: Tell
    patience: _Patience

    async def run(self) -> None:
        answer, cloud = self.answer, self.mind.cloud
        try:
            if cloud is None:
                await self._ask_local()
            elif not await self._recalled_here():
                await self._ask_cloud(cloud)
        except WorkerError as error:
            answer.problems.append(str(error))
            await self.tell(Reason.TROUBLE)
        except (CloudError, AllowanceSpent) as error:
            answer.problems.append(f"{type(error).__name__}: {error}")
            if answer.first_text_ns is not None:
                await self.tell(Reason.CUT)
            else:
                await self._fall_back(reason_for(error))
        else:
            if answer.first_text_ns is None:
                answer.problems.append("the answer held nothing that can be spoken")
                await self.tell(Reason.TROUBLE)

    async def _recalled_here(self) -> bool:
        """Answer from memory what is understood on the device, where that can be."""
        question, transcriber = self.question, self.mind.transcriber
        if not question.text and question.utterance is not None and transcriber is not None:
            try:
                text = (await transcriber.transcribe(question.utterance)).text
            except WorkerError:
                return False  # the cloud understands it
            self.question = replace(question, text=text)
        return await self._recalled(Header(heard=self.question.text))

    async def _recalled(self, asked: Header) -> bool:
        """Say what was answered to this before; False when it must be asked."""
        memory, answer = self.mind.memory, self.answer
        if memory is None or not asked.heard:
            return False
        heard_ns = time.monotonic_ns()
        known = await memory.recall(asked, self.question.conversation)
        if known is None:
            return False
        answer.header = Header(heard=asked.heard, language=known.language)
        answer.source, answer.model, answer.known = Source.CACHE, known.model, known
        answer.transcript_ns, answer.first_text_ns = heard_ns, time.monotonic_ns()
        for sentence in known.sentences:
            await self._say(sentence)
        answer.complete = True
        return True

    async def _ask_cloud(self, cloud: LanguageModel) -> None:
        async with cloud.respond(self.question) as response:
            async with self.patience.until_answer():
                asked = await response.asked()
            # The answer's stream goes on meanwhile, and is cut when it is not needed.
            if await self._recalled(asked):
                return
            async with self.patience.until_answer():
                header = await response.header()
            await self._answer_by(cloud, Source.CLOUD, response, header)

    async def _ask_local(self) -> None:
        """The local rules, and that they did not understand. The ears keep their own deadline."""
        local = self.mind.local
        async with local.respond(self.question) as response:
            await self._answer_by(local, Source.RULE, response, await response.header())

    async def _fall_back(self, reason: Reason) -> None:
        """The local rules, if they understand; what they don't, the reason explains."""
        # The rules may have to listen first: whoever keeps the person company knows why already.
        self.answer.trouble = reason
        local = self.mind.local
        try:
            async with local.respond(self.question) as response:
                header = await response.header()
                if header.heard:
                    await self._answer_by(local, Source.RULE, response, header)
                    return
        except WorkerError as error:
            self.answer.problems.append(str(error))
        await self.tell(reason)

    async def _answer_by(
        self, model: LanguageModel, source: Source, response: Response, header: Header
    ) -> None:
        answer = self.answer
        answer.header, answer.model, answer.source = header, model.name, source
        answer.transcript_ns = time.monotonic_ns()
        if header.intent is not None:
            await self._answer_ourselves(header.intent)
        else:
            await self._pass_on(response)

    async def _answer_ourselves(self, intent: Intent) -> None:
        answer, memory = self.answer, self.mind.memory
        if intent is Intent.WRONG and memory is not None:
            await memory.forget_last()
        heard, conversation = answer.header.heard, self.question.conversation
        spoken = self.mind.answers.answer(intent, heard, conversation)
        answer.source = Source.RULE
        answer.first_text_ns = time.monotonic_ns()
        answer.ends_conversation = spoken.ends_conversation
        answer.complete = True
        splitter = SentenceSplitter(first_clause=True, language=self.answer.header.language)
        for sentence in [*splitter.feed(spoken.text), *splitter.flush()]:
            await self._say(sentence)

    async def _pass_on(self, response: Response) -> None:
        """Sentences as soon as they are whole; each made safe before any voice sees it."""
        splitter = SentenceSplitter(first_clause=True, language=self.answer.header.language)
        deltas = response.deltas()
        while True:
            async with self.patience.until_more():
                delta = await anext(deltas, None)
            if delta is None:
                break
            await self._say_safely(splitter.feed(delta))
        await self._say_safely(splitter.flush())
        self.answer.complete = response.complete

    async def _say_safely(self, sentences: Sequence[str]) -> None:
        for sentence in filter(None, map(speakable, sentences)):
            if self.answer.first_text_ns is None:
                self.answer.first_text_ns = time.monotonic_ns()
            await self._say(sentence)

    async def _say(self, sentence: str) -> None:
        """Say a sentence of the answer itself, not one about it."""
        self.answer.sentences.append(sentence)
        await self.say(sentence)


class _Patience:
    """How long the cloud is waited for, in one turn; it begins when this is made."""

    def __init__(self, deadlines: Deadlines, answer: Answer) -> None:
        self._deadlines = deadlines
        self._answer = answer
        self._began_s = time.monotonic()

    def until_answer(self) -> AbstractAsyncContextManager[None]:
        """Bounds a wait for the beginning of an answer."""
        deadline_s = self._deadlines.answer_s
        left_s = deadline_s - (time.monotonic() - self._began_s)
        return _deadline(left_s, f"no answer began for {deadline_s:g} s")

    def until_more(self) -> AbstractAsyncContextManager[None]:
        """Bounds a wait for more words of it; the first sentence must come in time, too."""
        gap_s = self._deadlines.gap_s
        more = _deadline(gap_s, f"nothing more of the answer came for {gap_s:g} s")
        if self._answer.first_text_ns is not None:
            return more
        left_s = self._deadlines.answer_s - (time.monotonic() - self._began_s)
        return self.until_answer() if left_s < gap_s else more


@asynccontextmanager
async def _deadline(seconds: float, what: str) -> AsyncIterator[None]:
    # A wait that is over at once would never notice that its time was over before.
    if seconds <= 0:
        raise CloudSilent(what)
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise CloudSilent(what) from None
