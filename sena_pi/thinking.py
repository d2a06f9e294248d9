"""From a question to sentences: the models in order, our own answers, or a reason for none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeVar

from sena_pi.answer import Answer
from sena_pi.beside import beside
from sena_pi.cloud_patience import CloudPatience
from sena_pi.deadlines import Deadlines
from sena_pi.errors import AllowanceSpent, CloudError, WorkerError
from sena_pi.guess import Guess, Spending
from sena_pi.phrase_ends import unfinished
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

T = TypeVar("T")

HEAD_START_S: Final = 0.1
"""How long the device may take to understand a question before the cloud is asked as well."""
_HAS_EFFECTS: Final = {Intent.TIMER, Intent.VOLUME, Intent.MUTE, Intent.FORGET, Intent.WRONG}
"""What changes something when it is answered."""
_MAY_GO_ON: Final = {Intent.TIMER, Intent.VOLUME}
"""What is a phrase, and may be the beginning of another."""

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


@dataclass(frozen=True, slots=True)
class Mind:
    """Who answers.

    Attributes:
        cloud: asked first, None without a key or when it is switched off.
        local: answers what it has rules for; needs no network.
        answers: the words for intents, whoever understood them.
        memory: remembers the cloud's answers, None where nothing is to be remembered.
        transcriber: understands speech on the device, beside the cloud; None where only the
            cloud does.
        deadlines: how long the cloud is waited for.
        spending: what may be spent before it is certain that the person has finished.
        language: BCP 47 tag of what the transcriber understands.
    """

    cloud: LanguageModel | None
    local: LanguageModel
    answers: Answers
    memory: Memory | None = None
    transcriber: Transcriber | None = None
    deadlines: Deadlines = field(default_factory=Deadlines)
    spending: Spending = field(default_factory=Spending)
    language: str = "en"

    async def answer(
        self,
        question: Question,
        answer: Answer,
        say: Say,
        tell: Tell,
        guess: Guess | None = None,
    ) -> None:
        """Answer a question sentence by sentence, filling `answer` as it goes; never silent.

        A cloud that fails before its first words is followed by the local rules, and by a
        reason when they don't know either. On a guess nothing is done that can't be taken back
        before it is confirmed. Cancelled: nothing is left running.
        """
        patience = CloudPatience(self.deadlines, answer)
        guess = guess or Guess.certain()
        await _Thinking(self, question, answer, say, tell, guess, patience).run()


@dataclass(slots=True)
class _Thinking:
    """One question on its way to an answer."""

    mind: Mind
    question: Question
    answer: Answer
    say: Say
    tell: Tell
    guess: Guess
    patience: CloudPatience

    async def run(self) -> None:
        answer = self.answer
        try:
            if self.mind.cloud is None:
                await self._ask_local()
            else:
                async with beside(self._understood_here) as here:
                    await self._ask_both(here, self.mind.cloud)
        except WorkerError as error:
            answer.problems.append(str(error))
            await self._explain(Reason.TROUBLE)
        except (CloudError, AllowanceSpent) as error:
            answer.problems.append(f"{type(error).__name__}: {error}")
            if answer.first_sentence_ns is not None:
                await self._explain(Reason.CUT)
            else:
                await self._fall_back(reason_for(error))
        else:
            # Of our own answers, some are silence.
            if answer.first_sentence_ns is None and answer.source is not Source.RULE:
                answer.problems.append("the answer held nothing that can be spoken")
                await self._explain(Reason.TROUBLE)

    # On the device and in the cloud.

    async def _understood_here(self) -> _Found | None:
        """What the device answers by itself; None: the cloud must be asked."""
        question, transcriber = self.question, self.mind.transcriber
        text = question.text
        if not text and question.utterance is not None and transcriber is not None:
            try:
                text = (await transcriber.transcribe(question.utterance)).text
            except WorkerError:
                return None  # the cloud understands it
        if not text:
            return None
        heard_ns = time.monotonic_ns()
        self.question = replace(question, text=text)
        rules = Question(text=text, conversation=question.conversation)
        async with self.mind.local.respond(rules) as response:
            header = await response.header()
        if header.intent is None:
            header = Header(heard=text, language=self.mind.language)
        known = await self._remembered(header) if header.intent is None else None
        if header.intent is None and known is None:
            self._tell_if_unfinished(text)
            return None
        self.answer.transcript_ns = heard_ns
        return _Found(header, known)

    async def _ask_both(self, here: asyncio.Future[_Found | None], cloud: LanguageModel) -> None:
        """The first that knows answers; the device has a head start."""
        await asyncio.wait({here}, timeout=HEAD_START_S)
        try:
            if await _unless_found(here, self.guess.leave_to_ask):
                async with cloud.respond(self.question) as response:
                    if await self._answered_by_cloud(cloud, response, here):
                        return
        except (CloudError, AllowanceSpent):
            if self.answer.first_sentence_ns is not None or await here is None:
                raise
        found = await here
        assert found is not None  # noqa: S101 - what is found here ends the wait for the cloud
        if found.known is not None:
            await self._say_known(found.header, found.known)
        else:
            self.answer.header, self.answer.model = found.header, self.mind.local.name
            await self._answer_ourselves(found.header)

    async def _answered_by_cloud(
        self, cloud: LanguageModel, response: Response, here: asyncio.Future[_Found | None]
    ) -> bool:
        """Answer by this response; False as soon as the device knows the answer."""
        async with self.patience.until_answer():
            asked = await _unless_found(here, response.asked)
        if asked is None:
            return False
        self.answer.transcript_ns = time.monotonic_ns()
        # The answer's stream goes on meanwhile, and is cut when it is not needed.
        known = await self._remembered(asked)
        if known is not None:
            await self._say_known(asked, known)
            return True
        self._tell_if_unfinished(asked.heard)
        async with self.patience.until_answer():
            header = await response.header()
        await self._answer_by(cloud, Source.CLOUD, response, header)
        return True

    def _tell_if_unfinished(self, text: str) -> None:
        if unfinished(text):
            self.guess.phrase(complete=False)

    # Without the cloud.

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
        await self._explain(reason)

    async def _explain(self, reason: Reason) -> None:
        self.answer.worded.set()
        await self.tell(reason)

    # From memory, by our own code, by a model.

    async def _remembered(self, asked: Header) -> Known | None:
        """What was answered to this before, where the same is right again."""
        memory = self.mind.memory
        if memory is None or not asked.heard:
            return None
        known = await memory.recall(asked, self.question.conversation)
        self.answer.looked_up_ns = time.monotonic_ns()
        return known

    async def _say_known(self, asked: Header, known: Known) -> None:
        # Asked before in these words: they are a whole question.
        self.guess.phrase(complete=True)
        answer = self.answer
        answer.header = Header(heard=asked.heard, language=known.language)
        answer.source, answer.model, answer.known = Source.CACHE, known.model, known
        for sentence in known.sentences:
            await self._say(sentence)
        answer.complete = True

    async def _answer_by(
        self, model: LanguageModel, source: Source, response: Response, header: Header
    ) -> None:
        answer = self.answer
        answer.header, answer.model, answer.source = header, model.name, source
        if answer.transcript_ns is None:
            answer.transcript_ns = time.monotonic_ns()
        if header.intent is not None:
            await self._answer_ourselves(header)
        else:
            await self._pass_on(response)

    async def _answer_ourselves(self, header: Header) -> None:
        answer, memory, intent = self.answer, self.mind.memory, header.intent
        assert intent is not None  # noqa: S101 - the callers have looked
        answer.source = Source.RULE
        if intent not in _MAY_GO_ON:
            self.guess.phrase(complete=True)
        if intent in _HAS_EFFECTS:
            await self.guess.confirmed()
        if intent is Intent.WRONG and memory is not None:
            await memory.forget_last()
        spoken = self.mind.answers.answer(intent, header.heard, self.question.conversation)
        answer.ends_conversation = spoken.ends_conversation
        answer.complete = True
        answer.has_words()
        splitter = SentenceSplitter(first_clause=True, language=header.language)
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
            self.answer.has_words()
            await self._say_safely(splitter.feed(delta))
        await self._say_safely(splitter.flush())
        self.answer.complete = response.complete
        self.answer.header = await response.header()

    async def _say_safely(self, sentences: Sequence[str]) -> None:
        for sentence in filter(None, map(speakable, sentences)):
            await self._say(sentence)

    async def _say(self, sentence: str) -> None:
        """Say a sentence of the answer itself, not one about it."""
        self.answer.says(sentence)
        await self.say(sentence)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the device can answer by itself.

    Attributes:
        header: what was asked; with an intent unless the answer is known.
        known: the answer as it was remembered.
    """

    header: Header
    known: Known | None


async def _unless_found(
    here: asyncio.Future[_Found | None], work: Callable[[], Coroutine[Any, Any, T]]
) -> T | None:
    """What `work` gives, or raises; None, and it is cancelled, once the device knows the answer."""

    def found() -> bool:
        return here.done() and here.result() is not None

    if found():
        return None
    async with beside(work) as result:
        while not (result.done() or found()):
            waited: set[asyncio.Future[Any]] = {result} if here.done() else {result, here}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        return result.result() if result.done() else None
