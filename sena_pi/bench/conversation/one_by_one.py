"""The prototype's way: hear, then the whole answer, then the whole speech, then play.

The same microphone, endpointer, language model, voice and speaker as the appliance has, with
nothing that overlaps, and without a memory of answers.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sena_pi.audio import AudioChunk
from sena_pi.conversation import Conversation
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.errors import SenaError
from sena_pi.local_answers import LocalAnswers
from sena_pi.report import Outcome, Source, Timeline, TurnReport
from sena_pi.settings import Settings, values
from sena_pi.stages import Heard, LanguageModel, Mark, Question, Synthesizer, WakeEvent


class OneByOne:
    """Takes turns; one that fails is reported, and the next one is taken.

    Attributes:
        audio: microphone, wake word and speaker.
        listening: set once the microphone has been heard through the wake word.
    """

    def __init__(
        self,
        settings: Settings,
        model: LanguageModel,
        voice: Synthesizer,
        *,
        on_report: Callable[[TurnReport], None],
        on_spoken: Callable[[dict[str, Any]], None],
    ) -> None:
        self.listening = asyncio.Event()
        self.audio = Audio(
            audio_settings(settings),
            AudioListeners(detection=self._woken, hearing=self._hearing, spoken=on_spoken),
        )
        self._model = model
        self._voice = voice
        self._on_report = on_report
        kept = settings.conversation
        self._conversation = Conversation(kept.turns, kept.forget_after_s)
        self._wakes: asyncio.Queue[str] = asyncio.Queue()
        self._idle = asyncio.Event()
        self._idle.set()

    async def idle(self) -> None:
        """Wait until no turn is going on."""
        await self._idle.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take turns while the context lasts."""
        async with asyncio.TaskGroup() as tasks:
            work = [tasks.create_task(self.audio.run()), tasks.create_task(self._take_turns())]
            try:
                yield
            finally:
                for task in work:
                    task.cancel()

    def _woken(self, wake: WakeEvent) -> None:
        if self._idle.is_set():  # the prototype could not be interrupted
            self._idle.clear()
            self._wakes.put_nowait(wake.word)

    def _hearing(self, on: bool) -> None:  # noqa: FBT001 - a listener
        if on:
            self.listening.set()

    async def _take_turns(self) -> None:
        for number in itertools.count(1):
            self._idle.set()
            word = await self._wakes.get()
            self._on_report(await self._take_turn(str(number), word))

    async def _take_turn(self, name: str, word: str) -> TurnReport:
        timeline = Timeline()
        outcome, question, words = Outcome.FAILED, "", ""
        problems: tuple[str, ...] = ()
        heard: Heard | None = None
        try:
            heard = await self.audio.hear(name, "detection")
            timeline.speech_end, timeline.endpoint = heard.speech_end_ns, heard.endpoint_ns
            if heard.utterance is None:
                outcome = Outcome.NOTHING_HEARD
            else:
                recent = self._conversation.recent()
                question, words = await self._think(Question(heard.utterance, conversation=recent))
                timeline.transcript = timeline.first_text = time.monotonic_ns()
                timeline.first_sentence = timeline.first_text  # all of it at once
                sound = await self._speech(words)
                timeline.first_sound = time.monotonic_ns()  # that, too
                mark = await self._play(sound)
                timeline.first_audio = mark.passed_ns
                outcome = Outcome.ANSWERED
                self._conversation.add(question, words)
        except SenaError as error:
            problems = (f"{type(error).__name__}: {error}",)
        timeline.end = time.monotonic_ns()
        return TurnReport(
            turn=name,
            trigger=word,
            outcome=outcome,
            heard=question,
            answered=words,
            source=Source.CLOUD if words else None,
            model=self._model.name,
            voice=self._voice.name,
            ms=timeline.milliseconds(),
            problems=problems,
            speech_end_sample=heard.speech_end_sample if heard else None,
        )

    async def _think(self, question: Question) -> tuple[str, str]:
        """The question as text and the whole answer."""
        async with self._model.respond(question) as response:
            header = await response.header()
            words = "".join([delta async for delta in response.deltas()])
        if header.intent is not None and not words:
            words = LocalAnswers(cloud=True).answer(header.intent, header.heard).text
        return header.heard, words

    async def _speech(self, words: str) -> list[AudioChunk]:
        """The whole answer's sound."""
        async with self._voice.synthesize(words) as chunks:
            return [chunk async for chunk in chunks]

    async def _play(self, sound: list[AudioChunk]) -> Mark:
        """Play it all; when its first sample was with the device."""
        speaker = self.audio.speaker
        speaker.begin()
        mark = speaker.mark()
        for chunk in sound:
            await speaker.play(chunk)
        await speaker.drain()
        return mark


def audio_settings(settings: Settings) -> dict[str, Any]:
    """What the audio worker is told: as for the appliance, with simulated sound."""
    plain = values(settings)
    return {
        "wake": plain["wake"],
        "listening": plain["listening"],
        "microphone": "",
        "speaker": "",
        "simulate": {"hurry": False, "record_to": None},
    }
