"""One turn, from the trigger to the last word: hear, think, speak.

Thinking, synthesising and playing overlap: three tasks of one TaskGroup hand on through bounded
queues, so a cancelled turn ends them all, and a slow speaker slows the rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sena_pi.audio import AudioChunk
from sena_pi.errors import SenaError, SynthesisFailed
from sena_pi.phases import Phase
from sena_pi.report import Outcome, Timeline, TurnReport
from sena_pi.stages import (
    EndedTurn,
    Exchange,
    Heard,
    Microphone,
    Question,
    Since,
    Speaker,
    StatusLight,
)
from sena_pi.thinking import Answer, Mind
from sena_pi.voice_ladder import TurnVoice, VoiceLadder

SENTENCES_AHEAD = 2
CHUNKS_AHEAD = 64
"""Chunks of sound synthesised ahead of the speaker, a few seconds."""


_LATE_REPORT_S = 0.15
"""The speaker tells its position every tenth of a second."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What a turn is made with."""

    microphone: Microphone
    speaker: Speaker
    light: StatusLight
    mind: Mind
    voice: VoiceLadder


@dataclass(frozen=True, slots=True)
class Trigger:
    """What started a turn.

    Attributes:
        by: the wake word, or "press".
        since: from where on audio is asked for.
    """

    by: str
    since: Since


class Turn:
    """One turn. `run` it once; it may be cancelled at any await, and `report` then tells."""

    def __init__(
        self,
        name: str,
        trigger: Trigger,
        stages: Stages,
        conversation: Sequence[Exchange],
        *,
        on_audio: Callable[[bytes], None] = lambda _pcm: None,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.name = name
        self.trigger = trigger
        self.answer = Answer()
        self._stages = stages
        self._conversation = conversation
        self._on_audio = on_audio
        self._now_ns = now_ns
        self._timeline = Timeline()
        self._heard: Heard | None = None
        self._voice: TurnVoice = stages.voice.for_turn()
        self._sentences: list[tuple[str, float]] = []
        self._outcome = Outcome.FAILED

    async def run(self) -> None:
        """Hear, think and speak.

        Raises:
            WorkerError: the microphone or the speaker is lost.
            SynthesisFailed: no voice can speak.
        """
        try:
            heard = await self._hear()
            if heard.utterance is None:
                self._outcome = Outcome.NOTHING_HEARD
                return
            await self._answer(Question(heard.utterance, conversation=self._conversation))
            self._outcome = Outcome.ANSWERED
        except asyncio.CancelledError:
            self._outcome = Outcome.INTERRUPTED
            raise
        finally:
            self._timeline.end = self._now_ns()
            self._remember()

    @property
    def spoken(self) -> str:
        """The sentences that were really heard, as far as the speaker has told."""
        played_s = self._stages.speaker.played_s
        return " ".join(
            sentence for sentence, end_s in self._sentences if end_s <= played_s + _LATE_REPORT_S
        )

    def report(self) -> TurnReport:
        """How the turn went; complete once `run` has ended."""
        timeline, answer = self._timeline, self.answer
        timeline.transcript = answer.transcript_ns
        timeline.first_text = answer.first_text_ns
        if self._sentences or timeline.first_text is not None:
            timeline.first_audio = self._stages.speaker.first_sample_ns
        return TurnReport(
            turn=self.name,
            trigger=self.trigger.by,
            outcome=self._outcome,
            heard=answer.header.heard,
            answered=self.spoken,
            source=answer.source,
            tier=answer.known.tier if answer.known else "",
            model=answer.model,
            voice=", ".join(self._voice.spoken_by),
            ms=timeline.milliseconds(),
            problems=tuple(answer.problems),
            speech_end_sample=self._heard.speech_end_sample if self._heard else None,
        )

    def _remember(self) -> None:
        memory = self._stages.mind.memory
        if memory is None:
            return
        answer, endpoint = self.answer, self._timeline.endpoint
        sounded = self._stages.speaker.first_sample_ns if self._sentences else None
        memory.turn_ended(
            EndedTurn(
                header=answer.header,
                conversation=self._conversation,
                sentences=tuple(answer.sentences),
                model=answer.model,
                known=answer.known,
                whole=self._outcome is Outcome.ANSWERED and answer.complete and self._voice.whole,
                first_audio_ms=(sounded - endpoint) / 1e6 if sounded and endpoint else None,
            )
        )

    async def _hear(self) -> Heard:
        self._stages.light.show(Phase.LISTENING)
        heard = await self._stages.microphone.hear(self.name, self.trigger.since, self._on_audio)
        self._heard = heard
        self._timeline.speech_end = heard.speech_end_ns
        self._timeline.endpoint = heard.endpoint_ns
        return heard

    async def _answer(self, question: Question) -> None:
        self._stages.light.show(Phase.THINKING)
        self._stages.speaker.begin()
        sentences: asyncio.Queue[str | None] = asyncio.Queue(SENTENCES_AHEAD)
        sounds: asyncio.Queue[AudioChunk | str | None] = asyncio.Queue(CHUNKS_AHEAD)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._synthesize(sentences, sounds))
                tasks.create_task(self._play(sounds))
                await self._stages.mind.answer(question, self.answer, sentences.put)
                await sentences.put(None)
        except* SenaError as group:
            raise _first(group) from None

    async def _synthesize(
        self,
        sentences: asyncio.Queue[str | None],
        sounds: asyncio.Queue[AudioChunk | str | None],
    ) -> None:
        while (sentence := await sentences.get()) is not None:
            language = self.answer.header.language
            async with self._voice.synthesize(sentence, language) as chunks:
                async for chunk in chunks:
                    await sounds.put(chunk)
            await sounds.put(sentence)
        await sounds.put(None)

    async def _play(self, sounds: asyncio.Queue[AudioChunk | str | None]) -> None:
        speaker = self._stages.speaker
        speaking = False
        sentence_start_s = 0.0
        while (sound := await sounds.get()) is not None:
            if isinstance(sound, str):
                # A run that was flushed takes no more sound: what was dropped was not said.
                if speaker.queued_s > sentence_start_s:
                    self._sentences.append((sound, speaker.queued_s))
                sentence_start_s = speaker.queued_s
                continue
            if not speaking:
                speaking = True
                self._stages.light.show(Phase.SPEAKING)
            await speaker.play(sound)
        await speaker.drain()


def _first(group: BaseExceptionGroup[SenaError]) -> SenaError:
    """The error a person should hear of, of those that ended the tasks together."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return _first(error)
        if isinstance(error, SynthesisFailed):
            return error
    error = group.exceptions[0]
    assert isinstance(error, SenaError)  # noqa: S101 - groups were looked into above
    return error
