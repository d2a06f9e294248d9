"""Conversations in a simulated room: the real audio worker, in real time, with a scripted mind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from sena_pi.assistant import Assistant
from sena_pi.attempt import Stages
from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from sena_pi.conversation import Conversation
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.follow_up import FollowUps
from sena_pi.phases import Phase
from sena_pi.report import Outcome, TurnReport
from sena_pi.simulated.cloudless import ScriptedAnswer, ScriptedLanguageModel, ScriptedSynthesizer
from sena_pi.stages import Exchange, Header
from sena_pi.thinking import Mind
from sena_pi.voice_ladder import VoiceLadder
from tests.room import StoryLight
from tests.speech import say
from tests.turns.bench import NEVER, StoryAnswers, understands_nothing

BOUND_S = 60.0
"""No figure, only an end."""


class Home:
    """An assistant with real ears and a real mouth, and somebody who speaks to it."""

    def __init__(self, folder: Path, cloud: list[ScriptedAnswer]) -> None:
        self.cloud = ScriptedLanguageModel(cloud)
        self.reports: list[TurnReport] = []
        self.light = StoryLight()
        self.conversation = Conversation()
        self.hears = asyncio.Event()
        self._folder = folder
        self._reported = asyncio.Event()
        self.audio = Audio(
            {"simulate": {}, "listening": {"no_speech_s": 1.5}},
            AudioListeners(
                detection=lambda wake: self.assistant.woken(wake), hearing=self._hearing
            ),
        )
        mind = Mind(
            self.cloud,
            ScriptedLanguageModel(otherwise=understands_nothing),
            StoryAnswers(),
            deadlines=NEVER,
        )
        voice = VoiceLadder([ScriptedSynthesizer()])
        self.assistant = Assistant(
            Stages(self.audio, self.audio.speaker, self.light, mind, voice),
            self.conversation,
            follow_ups=FollowUps(),
            on_report=self._report,
        )

    def _hearing(self, on: bool) -> None:  # noqa: FBT001 - a listener
        self.assistant.hearing(on=on)
        self.hears.set()

    def _report(self, report: TurnReport) -> None:
        self.reports.append(report)
        self._reported.set()

    async def say(self, text: str) -> None:
        path = self._folder / "said.wav"
        path.write_bytes(wav_bytes(say(text, "slt"), MICROPHONE_FORMAT))
        await self.audio.simulate(str(path))

    async def reported(self, turns: int) -> None:
        while len(self.reports) < turns:
            self._reported.clear()
            await self._reported.wait()


@contextlib.asynccontextmanager
async def home(folder: Path, *cloud: ScriptedAnswer) -> AsyncIterator[Home]:
    it = Home(folder, list(cloud))
    async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(it.audio.run()), tasks.create_task(it.assistant.run())]
        await it.hears.wait()
        await it.audio.speaker.ready.wait()
        yield it
        for task in running:
            task.cancel()


def test_a_person_speaks_on_without_a_wake_word(tmp_path: Path) -> None:
    """What is said after an answer is heard as its follow-up; then the room is silent again."""

    async def story() -> None:
        first = ScriptedAnswer(("Which one?",), Header(heard="first", expects_reply=True))
        second = ScriptedAnswer(("That one.",), Header(heard="second"))
        async with home(tmp_path, first, second) as here:
            await here.say("jarvis, what time is it")
            await here.reported(1)
            await here.light.reached(Phase.LISTENING)
            await here.say("the blue one with the long name")
            await here.reported(3)
            await here.assistant.idle()
            by = [(report.trigger, report.outcome) for report in here.reports]
            expected = [
                ("jarvis", Outcome.ANSWERED),
                ("follow-up", Outcome.ANSWERED),
                ("follow-up", Outcome.NOTHING_HEARD),
            ]
            assert expected == by
            assert 2 == len(here.cloud.questions)
            asked = here.cloud.questions[1]
            assert asked.utterance is not None
            assert 1.0 < asked.utterance.seconds < 4.0
            assert [Exchange("first", "Which one?")] == list(asked.conversation)

    asyncio.run(story())


def test_an_answer_goes_on_when_nobody_follows_its_interruption(tmp_path: Path) -> None:
    """A wake word in the middle, and silence: all of the answer is heard, and known once."""
    sentences = ["This is the first of them.", "Then comes a second one.", "Here is the third."]

    async def story() -> None:
        answer = ScriptedAnswer((" ".join(sentences),), Header(heard="first"))
        async with home(tmp_path, answer) as here:
            await here.say("jarvis, what time is it")
            await here.light.reached(Phase.SPEAKING)
            await here.say("jarvis")
            await here.light.reached(Phase.LISTENING)
            cut_s = here.audio.speaker.played_s
            await here.light.reached(Phase.SPEAKING)
            await here.reported(2)
            nobody, whole = here.reports
            assert ("2", Outcome.NOTHING_HEARD) == (nobody.turn, nobody.outcome)
            assert ("1", Outcome.ANSWERED, 1) == (whole.turn, whole.outcome, whole.resumed)
            assert [Exchange("first", " ".join(sentences))] == list(here.conversation.recent())
            assert 0.0 < cut_s < sum(map(len, sentences)) / 15.0

    asyncio.run(story())
