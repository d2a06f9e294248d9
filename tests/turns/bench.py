"""A whole assistant on a bench: real brain, scripted model and voice, an obedient room."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from sena_pi.assistant import Assistant
from sena_pi.attempt import Stages
from sena_pi.audio import Utterance
from sena_pi.clips import Clips
from sena_pi.conversation import Conversation
from sena_pi.deadlines import Deadlines
from sena_pi.follow_up import FollowUps, FollowUpSettings
from sena_pi.guess import Spending
from sena_pi.guesses import Overhearer
from sena_pi.phases import Phase
from sena_pi.report import TurnReport
from sena_pi.simulated.cloudless import ScriptedAnswer, ScriptedLanguageModel, ScriptedSynthesizer
from sena_pi.stages import (
    Exchange,
    Header,
    Intent,
    Memory,
    Question,
    Synthesizer,
    Transcriber,
    WakeEvent,
)
from sena_pi.thinking import Mind
from sena_pi.voice_ladder import VoiceLadder
from sena_pi.voice_race import Race
from tests.room import StoryLight, StoryMicrophone, StorySpeaker

UTTERANCE = Utterance(bytes(3200), 1600)
NEVER = Deadlines().scaled(1000)
"""For stories in which nobody is kept waiting."""
NOT_UNDERSTOOD = "Sorry, I didn't get that."


@dataclass(frozen=True)
class Words:
    """What our own code says."""

    text: str
    ends_conversation: bool = False


class StoryAnswers:
    """Our own answers: the intent's name, and goodbye ends the conversation.

    Attributes:
        given: what was answered, in order.
    """

    def __init__(self) -> None:
        self.given: list[tuple[Intent, str]] = []

    def answer(self, intent: Intent, heard: str, conversation: Sequence[Exchange]) -> Words:
        self.given.append((intent, heard))
        return Words(f"Own {intent}.", intent is Intent.GOODBYE)


def understands(heard: str, intent: Intent) -> Callable[[Question], ScriptedAnswer]:
    """A local model that understands one thing, whatever is said."""
    return lambda _: ScriptedAnswer(header=Header(heard=heard, intent=intent))


def understands_nothing(_: Question) -> ScriptedAnswer:
    return ScriptedAnswer(words=(NOT_UNDERSTOOD,))


def answered(*words: str, heard: str = "a question") -> ScriptedAnswer:
    """A cloud's answer."""
    return ScriptedAnswer(words=words, header=Header(heard=heard))


class Bench:
    """The assistant and its room. Make it inside a running loop."""

    def __init__(
        self,
        cloud: Iterable[ScriptedAnswer] | None = (),
        local: Callable[[Question], ScriptedAnswer] = understands_nothing,
        voices: Sequence[Synthesizer] | None = None,
        *,
        overhearer: Overhearer | None = None,
        hearing: bool | None = True,
        deadlines: Deadlines | None = None,
        memory: Memory | None = None,
        transcriber: Transcriber | None = None,
        race: Race | None = None,
        follow_ups: FollowUpSettings | None = None,
        spending: Spending | None = None,
    ) -> None:
        self.cloud = None if cloud is None else ScriptedLanguageModel(cloud)
        self.local = ScriptedLanguageModel(otherwise=local)
        self.answers = StoryAnswers()
        self.voice = ScriptedSynthesizer()
        self.clips = Clips()
        self.microphone = StoryMicrophone(time.monotonic_ns)
        self.speaker = StorySpeaker(time.monotonic_ns)
        self.light = StoryLight()
        self.reports: list[TurnReport] = []
        self.triggers = 0
        self.conversation = Conversation()
        self.assistant = Assistant(
            Stages(
                self.microphone,
                self.speaker,
                self.light,
                Mind(
                    self.cloud,
                    self.local,
                    self.answers,
                    memory,
                    transcriber,
                    deadlines or NEVER,
                    spending or Spending(),
                ),
                VoiceLadder(voices or [self.voice], race),
                self.clips,
            ),
            self.conversation,
            follow_ups=FollowUps(follow_ups) if follow_ups else None,
            overhearer=overhearer,
            on_trigger=self._count_trigger,
            on_report=self.reports.append,
        )
        if hearing is not None:
            self.assistant.hearing(on=hearing)

    def _count_trigger(self) -> None:
        self.triggers += 1

    async def ask(self) -> None:
        """The wake word, and a question."""
        self.wake()
        await self.reached(Phase.LISTENING)
        self.microphone.hears(UTTERANCE)

    def wake(self) -> None:
        self.assistant.woken(WakeEvent("jarvis", "scripted", 0))

    async def reached(self, phase: Phase) -> None:
        await self.light.reached(phase)

    async def turn_ended(self) -> TurnReport:
        """Wait until all is quiet; the last turn's report."""
        async with asyncio.timeout(10):
            await self.assistant.idle()
        return self.reports[-1]

    async def answer_to_question(self) -> TurnReport:
        """Ask, and wait for the end."""
        await self.ask()
        return await self.turn_ended()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until a condition holds; for what shows on no light."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


def tell(story: Callable[[Bench], Awaitable[None]], **bench: object) -> Bench:
    """Run a story; fails if a task, an answer or a sentence is left open after it."""

    async def main() -> Bench:
        it = Bench(**bench)  # type: ignore[arg-type]
        await it.clips.render(ScriptedSynthesizer())
        async with _running(it.assistant):
            await it.assistant.idle()
            await story(it)
        assert {asyncio.current_task()} == asyncio.all_tasks()
        assert 0 == it.voice.open_sentences
        assert 0 == it.local.open_answers + (it.cloud.open_answers if it.cloud else 0)
        return it

    return asyncio.run(main())


@contextlib.asynccontextmanager
async def _running(assistant: Assistant) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(assistant.run())
        try:
            yield
        finally:
            running.cancel()
