"""A room for stories: a microphone that hears what the story says, a speaker, a light.

The fakes obey the rules of the real parts: one turn listens at a time, at most a second waits
unplayed, what is flushed was not heard, and a dead worker is a `WorkerError`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from sena_pi.audio import AudioChunk, Utterance
from sena_pi.errors import WorkerError
from sena_pi.pauses import Listener, Nobody, SpeechPaused
from sena_pi.phases import Phase
from sena_pi.stages import Heard, Mark, Since

LONGEST_UNPLAYED_S = 1.0


class StoryMicrophone:
    """A `Microphone`: `hears` ends the listening that is going on.

    Attributes:
        asked: (turn, since) of each listening, in order.
        no_speech_s: how long each of them waits for the first word.
        given_up: turns whose listening was cancelled.
        phrases: (pause, complete) of each hint that was given.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.asked: list[tuple[str, Since]] = []
        self.no_speech_s: list[float | None] = []
        self.given_up: list[str] = []
        self._now_ns = now_ns
        self.phrases: list[tuple[int, bool]] = []
        self._listening: asyncio.Future[Heard] | None = None
        self._listener: Listener = Nobody()
        self._pauses = itertools.count(1)

    async def hear(
        self, turn: str, since: Since, listener: Listener, *, no_speech_s: float | None = None
    ) -> Heard:
        if self._listening is not None:
            raise WorkerError("another turn is still listening")
        self.asked.append((turn, since))
        self.no_speech_s.append(no_speech_s)
        self._listener = listener
        self._listening = asyncio.get_running_loop().create_future()
        try:
            return await self._listening
        except asyncio.CancelledError:
            self.given_up.append(turn)
            raise
        finally:
            self._listening = None

    @property
    def listens(self) -> bool:
        """A turn is listening."""
        return self._listening is not None

    def catches(self, pcm: bytes) -> None:
        """A piece of what is being said."""
        assert self._listening is not None, "nobody listens"
        self._listener.audio(pcm)

    def pauses(self, utterance: Utterance) -> None:
        """Somebody has said this, and stops, perhaps for good."""
        assert self._listening is not None, "nobody listens"
        turn = self.asked[-1][0]
        self._listener.paused(SpeechPaused(turn, utterance, 0, next(self._pauses)))

    def resumes(self, pcm: bytes = b"") -> None:
        """Somebody goes on."""
        assert self._listening is not None, "nobody listens"
        self._listener.resumed(pcm)

    def phrase(self, pause: SpeechPaused, *, complete: bool) -> None:
        self.phrases.append((pause.end_sample, complete))

    def hears(self, utterance: Utterance | None) -> None:
        """Somebody said this, or nothing at all."""
        assert self._listening is not None, "nobody listens"
        now_ns = self._now_ns()
        reason = "silence" if utterance else "no-speech"
        heard = Heard(utterance, reason, now_ns - 700_000_000, now_ns, 0)
        self._listening.set_result(heard)

    def dies(self) -> None:
        """The audio worker ends."""
        assert self._listening is not None, "nobody listens"
        self._listening.set_exception(WorkerError("audio worker ended"))


class StorySpeaker:
    """A `Speaker` that plays as far as the story lets it.

    Attributes:
        heard: chunks that were played whole, in order, of all runs.
        flushes: how often it was silenced.
        on_flush: called when it is told to be silent.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.heard: list[AudioChunk] = []
        self.flushes = 0
        self.on_flush: Callable[[], None] = lambda: None
        self.held = False
        self.queued_s = 0.0
        self.played_s = 0.0
        self.first_sample_ns: int | None = None
        self._now_ns = now_ns
        self._queue: list[AudioChunk] = []
        self._marks: list[tuple[float, Mark]] = []
        self._running = False
        self._moved = asyncio.Event()

    def hold(self) -> None:
        """From now on sound is played only by `advance`."""
        self.held = True

    def advance(self, seconds: float) -> None:
        """Play so much of what is queued."""
        self.played_s = min(self.queued_s, self.played_s + seconds)
        done_s = self.queued_s - sum(chunk.seconds for chunk in self._queue)
        while self._queue and done_s + self._queue[0].seconds <= self.played_s + 1e-9:
            done_s += self._queue[0].seconds
            self.heard.append(self._queue.pop(0))
        self._pass_marks(self.played_s)
        self._moved.set()

    def mark(self) -> Mark:
        mark = Mark()
        self._marks.append((self.queued_s, mark))
        return mark

    def _pass_marks(self, played_s: float) -> None:
        for place_s, mark in self._marks:
            if mark.passed_ns is None and played_s > place_s:
                mark.passed_ns = self._now_ns() if place_s else self.first_sample_ns

    def begin(self) -> None:
        self._running = True
        self.queued_s = self.played_s = 0.0
        self.first_sample_ns = None
        self._marks.clear()

    async def play(self, chunk: AudioChunk) -> None:
        if not self._running:
            return
        if self.first_sample_ns is None:
            self.first_sample_ns = self._now_ns()
            self._pass_marks(chunk.seconds)
        while self.queued_s - self.played_s + chunk.seconds > LONGEST_UNPLAYED_S + chunk.seconds:
            await self._move()
            if not self._running:
                return
        self._queue.append(chunk)
        self.queued_s += chunk.seconds
        if not self.held:
            self.advance(chunk.seconds)

    async def drain(self) -> None:
        while self._queue:
            await self._move()
        self._running = False

    async def flush(self) -> None:
        self.flushes += 1
        self.on_flush()
        self._queue.clear()
        self._running = False
        self._moved.set()

    async def moved(self) -> None:
        """Wait until more was played; also returns for nothing."""
        await self._move()

    async def _move(self) -> None:
        self._moved.clear()
        await self._moved.wait()


class StoryLight:
    """A `StatusLight` that remembers, and lets a story wait for a phase."""

    def __init__(self) -> None:
        self.shown: list[Phase] = []
        self._changed = asyncio.Event()

    def show(self, phase: Phase) -> None:
        if self.shown[-1:] != [phase]:
            self.shown.append(phase)
        self._changed.set()

    async def reached(self, phase: Phase) -> None:
        """Wait until this phase is shown."""
        async with asyncio.timeout(10):
            while self.shown[-1:] != [phase]:
                self._changed.clear()
                await self._changed.wait()
