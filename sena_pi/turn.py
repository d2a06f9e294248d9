"""One turn, from the trigger to the last word: hear, think, speak.

Thinking, synthesising and playing overlap: tasks of one TaskGroup hand on through bounded queues,
so a cancelled turn ends them all, and a slow speaker slows the rest. One task more keeps the person
company while nothing comes; what it says goes through the same speaker, in its turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sena_pi.audio import AudioChunk
from sena_pi.clips import Clip, Clips
from sena_pi.errors import SenaError, SynthesisFailed
from sena_pi.phases import Phase
from sena_pi.reasons import Reason
from sena_pi.report import Outcome, Timeline, TurnReport
from sena_pi.stages import (
    EndedTurn,
    Exchange,
    Heard,
    Mark,
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
FILLER: Final = "filler"
"""How a report calls one."""

_LATE_REPORT_S = 0.15
"""The speaker tells its position every tenth of a second."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What a turn is made with.

    Attributes:
        microphone: hears the question.
        speaker: plays the answer.
        light: shows what is going on.
        mind: answers; its deadlines are those of the turn.
        voice: speaks.
        clips: what is said when there is no answer, or none yet.
    """

    microphone: Microphone
    speaker: Speaker
    light: StatusLight
    mind: Mind
    voice: VoiceLadder
    clips: Clips = field(default_factory=Clips)


@dataclass(frozen=True, slots=True)
class Trigger:
    """What started a turn.

    Attributes:
        by: the wake word, or "press".
        since: from where on audio is asked for.
    """

    by: str
    since: Since


@dataclass(frozen=True, slots=True)
class _Notice:
    """A filler or a reason, on its way to the speaker.

    Attributes:
        name: as the report calls it.
        clip: what is heard.
        ends: nothing else is waited for; while something is, the light goes on showing that.
    """

    name: str
    clip: Clip
    ends: bool


_Sentences = asyncio.Queue[str | _Notice | None]
_Sounds = asyncio.Queue[AudioChunk | str | _Notice | None]
"""Chunks of a sentence and then the sentence itself; notices; None at the end."""


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
        self._spoken: list[tuple[str, float]] = []
        self._sentence_start_s = 0.0
        self._told: list[_Notice] = []
        self._marks: dict[str, Mark] = {}
        self._worded = asyncio.Event()
        self._sounded = asyncio.Event()
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
    def listening(self) -> bool:
        """The question is still being heard."""
        return self._heard is None

    @property
    def spoken(self) -> str:
        """The sentences that were really heard, as far as the speaker has told."""
        played_s = self._stages.speaker.played_s
        return " ".join(
            sentence for sentence, end_s in self._spoken if end_s <= played_s + _LATE_REPORT_S
        )

    def report(self) -> TurnReport:
        """How the turn went; complete once `run` has ended."""
        timeline, answer = self._timeline, self.answer
        timeline.transcript = answer.transcript_ns
        timeline.first_text = answer.first_text_ns
        timeline.filler = self._passed_ns(FILLER)
        timeline.reason = self._passed_ns("reason")
        timeline.first_audio = self._passed_ns("answer")
        voices = self._voice.spoken_by or dict.fromkeys(notice.clip.voice for notice in self._told)
        return TurnReport(
            turn=self.name,
            trigger=self.trigger.by,
            outcome=self._outcome,
            heard=answer.header.heard,
            answered=self.spoken,
            told=tuple(notice.name for notice in self._told),
            source=answer.source,
            tier=answer.known.tier if answer.known else "",
            model=answer.model,
            voice=", ".join(filter(None, voices)),
            ms=timeline.milliseconds(),
            problems=tuple(answer.problems),
            speech_end_sample=self._heard.speech_end_sample if self._heard else None,
        )

    def _remember(self) -> None:
        memory = self._stages.mind.memory
        if memory is None:
            return
        answer, endpoint = self.answer, self._timeline.endpoint
        sounded = self._passed_ns("answer")
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
        sounds = _Sounds(CHUNKS_AHEAD)
        failure: SenaError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                making = tasks.create_task(self._make(question, sounds))
                company = tasks.create_task(self._keep_company(sounds))
                in_time = await self._play(sounds)
                making.cancel()
                company.cancel()
        except* SenaError as group:
            # Raised below: what is raised in here comes out as a group before Python 3.11.4.
            failure = _first(group)
        if failure is not None:
            raise failure
        if not in_time:
            turn_s = self._stages.mind.deadlines.turn_s
            self.answer.problems.append(f"the turn took longer than {turn_s:g} s")
            await self._play_notice(await self._notice(Reason.TOO_LONG, ends=True))
        await self._stages.speaker.drain()

    async def _make(self, question: Question, sounds: _Sounds) -> None:
        """Think and synthesise; ends with the answer."""
        sentences = _Sentences(SENTENCES_AHEAD)

        async def say(sentence: str) -> None:
            self._worded.set()
            await sentences.put(sentence)

        async def tell(reason: Reason) -> None:
            self._worded.set()
            await sentences.put(await self._notice(reason, ends=True))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._synthesize(sentences, sounds))
            await self._stages.mind.answer(question, self.answer, say, tell)
            await sentences.put(None)

    async def _synthesize(self, sentences: _Sentences, sounds: _Sounds) -> None:
        while (sentence := await sentences.get()) is not None:
            if isinstance(sentence, _Notice):
                self._sounded.set()
                await sounds.put(sentence)
                continue
            language = self.answer.header.language
            async with self._voice.synthesize(sentence, language) as chunks:
                async for chunk in chunks:
                    self._sounded.set()
                    await sounds.put(chunk)
            await sounds.put(sentence)
        await sounds.put(None)

    async def _keep_company(self, sounds: _Sounds) -> None:
        """While nothing comes of the answer: first a filler, then a reason."""
        deadlines = self._stages.mind.deadlines
        fills = deadlines.filler_s < deadlines.reason_s
        if fills and await self._is_missed(self._worded, deadlines.filler_s):
            filler = self._stages.clips.filler()
            if filler.sound:  # to make it now would take longer than to wait
                await sounds.put(_Notice(FILLER, filler, ends=False))
        if await self._is_missed(self._sounded, deadlines.reason_s):
            notice = await self._notice(self.answer.trouble or Reason.SLOW, ends=False)
            if not self._sounded.is_set():
                await sounds.put(notice)

    async def _is_missed(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for something until so long after the endpoint; True when it did not come."""
        try:
            async with asyncio.timeout(seconds - self._since_endpoint_s()):
                await event.wait()
        except TimeoutError:
            return not event.is_set()
        return False

    async def _notice(self, reason: Reason, *, ends: bool) -> _Notice:
        """A reason to be told; spoken now where that was not done before."""
        clip = self._stages.clips.reason(reason)
        if not clip.sound:
            async with self._voice.synthesize(clip.text, clip.language) as chunks:
                clip = replace(clip, sound=tuple([chunk async for chunk in chunks]))
        return _Notice(str(reason), clip, ends)

    async def _play(self, sounds: _Sounds) -> bool:
        """Play all that comes; False when the turn's time was over and nothing could be heard."""
        while True:
            try:
                async with asyncio.timeout(self._longest_wait_s()):
                    sound = await sounds.get()
            except TimeoutError:
                return False
            match sound:
                case None:
                    return True
                case _Notice():
                    await self._play_notice(sound)
                case AudioChunk():
                    await self._play_answer(sound)
                case _:
                    self._sentence_ended(sound)

    async def _play_answer(self, chunk: AudioChunk) -> None:
        if "answer" not in self._marks:
            self._marks["answer"] = self._stages.speaker.mark()
            self._stages.light.show(Phase.SPEAKING)
        await self._stages.speaker.play(chunk)

    async def _play_notice(self, notice: _Notice) -> None:
        """Each is said once in a turn."""
        if any(told.name == notice.name for told in self._told):
            return
        self._told.append(notice)
        speaker = self._stages.speaker
        self._marks.setdefault(FILLER if notice.name == FILLER else "reason", speaker.mark())
        if notice.ends:
            self._stages.light.show(Phase.SPEAKING)
        for chunk in notice.clip.sound:
            await speaker.play(chunk)
        self._sentence_start_s = speaker.queued_s

    def _sentence_ended(self, sentence: str) -> None:
        # A run that was flushed takes no more sound: what was dropped was not said.
        queued_s = self._stages.speaker.queued_s
        if queued_s > self._sentence_start_s:
            self._spoken.append((sentence, queued_s))
        self._sentence_start_s = queued_s

    def _since_endpoint_s(self) -> float:
        endpoint_ns = self._timeline.endpoint
        return (self._now_ns() - endpoint_ns) / 1e9 if endpoint_ns is not None else 0.0

    def _longest_wait_s(self) -> float:
        """For more sound: what is left of the turn, and what is still being heard.

        Between two sentences of a long answer there may be a pause.
        """
        speaker, deadlines = self._stages.speaker, self._stages.mind.deadlines
        left_s = deadlines.turn_s - self._since_endpoint_s()
        pause_s = deadlines.filler_s if "answer" in self._marks else 0.0
        return max(left_s, speaker.queued_s - speaker.played_s + pause_s)

    def _passed_ns(self, mark: str) -> int | None:
        return self._marks[mark].passed_ns if mark in self._marks else None


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
