"""One go at an answer: thought of and made into sound, to be played or to be thrown away."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace

from sena_pi.answer import Answer
from sena_pi.clips import Clips
from sena_pi.errors import SenaError, SynthesisFailed
from sena_pi.guess import Guess
from sena_pi.playback import Notice, Sound
from sena_pi.reasons import Reason
from sena_pi.stages import Microphone, Question, Speaker, StatusLight
from sena_pi.thinking import Mind
from sena_pi.voice_ladder import TurnVoice, VoiceLadder

SENTENCES_AHEAD = 2
CHUNKS_AHEAD = 64
"""Chunks of sound synthesised ahead of the speaker, a few seconds."""


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


class Attempt:
    """An answer on its way: thinking and synthesising overlap, through bounded queues.

    Attributes:
        guess: whether the person has finished.
        answer: what is known of the answer so far.
        voice: speaks it.
        sounds: what is to be played, in order; None at its end.
        sounded: set once there is some.
        first_sound_ns: monotonic time when the first sound came from the voice.
        began_ns: monotonic time when this was begun.
    """

    def __init__(self, question: Question, guess: Guess, stages: Stages) -> None:
        self.guess = guess
        self.answer = Answer()
        self.voice: TurnVoice = stages.voice.for_turn()
        self.sounds: asyncio.Queue[Sound | None] = asyncio.Queue(CHUNKS_AHEAD)
        self.sounded = asyncio.Event()
        self.first_sound_ns: int | None = None
        self.began_ns = time.monotonic_ns()
        self._question = question
        self._mind = stages.mind
        self._clips = stages.clips
        self._task: asyncio.Task[None] | None = None
        self._failure: asyncio.Future[SenaError] = asyncio.get_running_loop().create_future()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin, as a task of this group. What fails is kept until somebody wants to know."""
        self._task = tasks.create_task(self._run())

    def drop(self) -> None:
        """Give it up. Returns at once; nothing more comes of it."""
        if self._task is not None:
            self._task.cancel()

    @property
    def failed(self) -> bool:
        """Nothing more comes of it."""
        return self._failure.done()

    async def failure(self) -> None:
        """Wait until it fails, and raise why; for ever if it does not.

        Raises:
            SynthesisFailed: no voice can speak.
            WorkerError: a process is lost that is needed.
        """
        raise await self._failure

    async def notice(self, reason: Reason, *, ends: bool) -> Notice:
        """A reason to be told; spoken now where that was not done before."""
        clip = self._clips.reason(reason)
        if not clip.sound:
            async with self.voice.synthesize(clip.text, clip.language) as chunks:
                clip = replace(clip, sound=tuple([chunk async for chunk in chunks]))
        return Notice(str(reason), clip, ends)

    async def _run(self) -> None:
        try:
            await self._make()
        except* SenaError as group:
            self._failure.set_result(first_of(group))

    async def _make(self) -> None:
        sentences: asyncio.Queue[str | Notice | None] = asyncio.Queue(SENTENCES_AHEAD)

        async def tell(reason: Reason) -> None:
            self.answer.worded.set()
            await sentences.put(await self.notice(reason, ends=True))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._synthesize(sentences))
            await self._mind.answer(self._question, self.answer, sentences.put, tell, self.guess)
            await sentences.put(None)

    async def _synthesize(self, sentences: asyncio.Queue[str | Notice | None]) -> None:
        while (sentence := await sentences.get()) is not None:
            if not isinstance(sentence, Notice):
                language = self.answer.header.language
                async with self.voice.synthesize(sentence, language) as chunks:
                    async for chunk in chunks:
                        self._has_sounded()
                        await self.sounds.put(chunk)
            else:
                self.sounded.set()
            await self.sounds.put(sentence)
        await self.sounds.put(None)

    def _has_sounded(self) -> None:
        if self.first_sound_ns is None:
            self.first_sound_ns = time.monotonic_ns()
            self.sounded.set()


def first_of(group: BaseExceptionGroup[SenaError]) -> SenaError:
    """The error a person should hear of, of those that ended tasks together."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return first_of(error)
        if isinstance(error, SynthesisFailed):
            return error
    error = group.exceptions[0]
    assert isinstance(error, SenaError)  # noqa: S101 - groups were looked into above
    return error
