"""One sentence, begun by the cloud voice and taken over by the local one when that is slow.

The cloud voice starts alone. If none of its sound has come when its time is up, the local voice
starts the same sentence beside it, and the first of the two to give enough sound wins: what it
has given is heard, the other is cancelled. A voice that has no rival wins with its first sound.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

from sena_pi.audio import AudioChunk
from sena_pi.errors import (
    AllowanceSpent,
    CloudError,
    EngineUnavailable,
    SynthesisFailed,
    WorkerError,
)

VOICE_FAILURES: Final = (
    SynthesisFailed,
    CloudError,
    EngineUnavailable,
    WorkerError,
    AllowanceSpent,
)
"""Whatever ends one voice, and never the turn: another speaks."""

CLOUD: Final = 0
LOCAL: Final = 1

Start = Callable[[], AbstractAsyncContextManager[AsyncIterator[AudioChunk]]]
"""Gives the context in which a voice speaks the sentence."""


@dataclass(frozen=True, slots=True)
class Race:
    """When the local voice takes over from the cloud voice.

    Attributes:
        enabled: False: the cloud voice is waited for.
        patience_s: silence of the cloud voice after which the local voice starts too.
        winning_s: sound that wins a sentence; a sentence shorter than this wins when it is whole.
        losses: turns lost in a row after which the cloud voice rests.
        rest_s: how long it rests; the local voice then speaks at once.
    """

    enabled: bool = True
    patience_s: float = 0.4
    winning_s: float = 0.2
    losses: int = 2
    rest_s: float = 60.0


class CloudRest:
    """Whether the cloud voice has lost so often that it rests; lives longer than a turn.

    A turn that the cloud voice has spoken to its end makes good the losses before it.

    Args:
        race: how many losses, and how long the rest.
        now: monotonic seconds.
    """

    def __init__(self, race: Race, now: Callable[[], float] = time.monotonic) -> None:
        self._race = race
        self._now = now
        self._losses = 0
        self._rests_until_s = float("-inf")
        self._won: object = None

    @property
    def resting(self) -> bool:
        """The cloud voice is not to be asked."""
        return self._now() < self._rests_until_s

    def won(self, turn: object) -> None:
        """The cloud voice spoke a sentence of this turn; it may yet lose another."""
        self._forgive(turn)
        self._won = turn

    def lost(self, turn: object) -> bool:
        """The cloud voice lost this turn; true when it rests from now on."""
        self._forgive(turn)
        self._won = None
        self._losses += 1
        if self._losses < self._race.losses:
            return False
        self._losses = 0
        self._rests_until_s = self._now() + self._race.rest_s
        return True

    def _forgive(self, turn: object) -> None:
        if self._won is not None and self._won is not turn:
            self._losses = 0


class Alarm(Protocol):
    """Something that was asked to happen later."""

    def cancel(self) -> None:
        """It is not to happen any more. Idempotent."""


Later = Callable[[float, Callable[[], None]], Alarm]
"""Asks for a call in so many seconds."""


def loop_later(delay_s: float, call: Callable[[], None]) -> Alarm:
    """By the event loop's own clock."""
    return asyncio.get_running_loop().call_later(delay_s, call)


class Steward(Protocol):
    """Told of a race as it happens; must not raise."""

    def voice_failed(self, voice: int, reason: object) -> None:
        """A voice dropped out before anything of it was heard."""

    def race_won(self, voice: int, *, late: bool) -> None:
        """This voice speaks the sentence; `late`: the cloud voice's time was up."""


class SentenceRace:
    """A sentence that two voices race for: the context, and the iterator of the winner's chunks.

    Each voice has a task that enters its context, reads until the race is decided, and leaves the
    context. When it has won, its task only holds the context open: the rest is read by whoever
    iterates, so nothing is read ahead and no chunk passes through a queue.

    Args:
        starts: how the cloud voice and the local voice start the sentence.
        race: when who wins.
        steward: is told.
        later: the timer of the cloud voice's time.
    """

    def __init__(
        self, starts: tuple[Start, Start], race: Race, steward: Steward, later: Later = loop_later
    ) -> None:
        self._race = race
        self._steward = steward
        self._later = later
        self._lanes = [_Lane(voice, start) for voice, start in enumerate(starts)]
        self._tasks = asyncio.TaskGroup()
        self._alarm: Alarm | None = None
        self._late = False
        self._left = False
        self._winner: _Lane | None = None
        self._decided = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._begin(self._lanes[CLOUD])
        self._alarm = self._later(self._race.patience_s, self._time_is_up)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._left = True
        self._decided.set()
        self._quiet_alarm()
        _cancel(self._lanes)
        # No error is passed on: the group would wrap the consumer's own in a group of errors.
        await self._tasks.__aexit__(None, None, None)

    def __aiter__(self) -> AsyncIterator[AudioChunk]:
        return self

    async def __anext__(self) -> AudioChunk:
        """The next chunk of the winner's; the first holds sound.

        Raises:
            SynthesisFailed: both voices failed before the race was decided, or the context was
                left.
            CloudError: and whatever else the winner raises.
        """
        await self._decided.wait()
        winner = self._winner
        if self._left:
            raise SynthesisFailed("the sentence was left")
        if winner is None:
            reasons = "; ".join(str(lane.failure) for lane in self._lanes)
            raise SynthesisFailed(f"both voices failed: {reasons}")
        if winner.given:
            return winner.given.popleft()
        if winner.whole or winner.chunks is None:
            raise StopAsyncIteration
        return await anext(winner.chunks)

    def _begin(self, lane: _Lane) -> None:
        lane.task = self._tasks.create_task(self._run(lane))

    def _time_is_up(self) -> None:
        self._late = True
        self._begin(self._lanes[LOCAL])

    async def _run(self, lane: _Lane) -> None:
        """A voice's part in the race; ends with its context left."""
        try:
            async with lane.start() as chunks:
                lane.chunks = chunks
                while self._winner is not lane and not lane.whole:
                    await lane.advance()
                    self._judge(lane)
                if not lane.whole:
                    await asyncio.Event().wait()
        except VOICE_FAILURES as error:
            if not self._decided.is_set():
                self._fail(lane, error)

    def _judge(self, lane: _Lane) -> None:
        """Whether this voice has won with what it gave last."""
        if self._decided.is_set() or not lane.given:
            return
        if lane.whole or lane.seconds >= self._race.winning_s or self._is_alone(lane):
            self._winner = lane
            self._decided.set()
            self._quiet_alarm()
            _cancel([other for other in self._lanes if other is not lane])
            self._steward.race_won(lane.voice, late=self._late)

    def _is_alone(self, lane: _Lane) -> bool:
        others = (other for other in self._lanes if other is not lane)
        return all(other.task is None or other.failure is not None for other in others)

    def _fail(self, lane: _Lane, error: Exception) -> None:
        """A voice dropped out: the other goes on, or begins; without one the race is over."""
        lane.failure = error
        self._steward.voice_failed(lane.voice, error)
        if self._lanes[LOCAL].task is None:
            self._quiet_alarm()
            self._begin(self._lanes[LOCAL])
        elif all(lane.failure is not None for lane in self._lanes):
            self._decided.set()

    def _quiet_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()


class _Lane:
    """One voice in the race, and what it has given so far."""

    def __init__(self, voice: int, start: Start) -> None:
        self.voice = voice
        self.start = start
        self.task: asyncio.Task[None] | None = None
        self.chunks: AsyncIterator[AudioChunk] | None = None
        self.given: deque[AudioChunk] = deque()
        self.seconds = 0.0
        self.whole = False
        self.failure: Exception | None = None

    async def advance(self) -> None:
        """Take the next chunk, or the end.

        Raises:
            SynthesisFailed: it ended without any sound; or what the voice raises.
        """
        assert self.chunks is not None  # noqa: S101 - its context was entered
        try:
            chunk = await anext(self.chunks)
        except StopAsyncIteration:
            if not self.given:
                raise SynthesisFailed("it gave no sound") from None
            self.whole = True
        else:
            if chunk.samples:
                self.given.append(chunk)
                self.seconds += chunk.seconds


def _cancel(lanes: Sequence[_Lane]) -> None:
    """Each once: a second cancel would interrupt a voice that is tidying up."""
    for lane in lanes:
        if lane.task is not None and not lane.task.cancelling():
            lane.task.cancel()
