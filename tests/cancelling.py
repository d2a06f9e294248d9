"""A turn that is cancelled at its n-th await, whichever of its tasks that is in.

Every coroutine of the turn, and of the tasks it begins, is driven through `_Counted`: each time it
hands a future to the event loop is one await. The turn is made of the real parts: google-genai
against a loopback server, espeak-ng as the local voice; only the microphone and the speaker are
played by the story. Each pause of the person begins an answer, and one of them is thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sena_pi.audio import Utterance
from sena_pi.clips import Clips
from sena_pi.deadlines import Deadlines
from sena_pi.pauses import Listener, SpeechPaused
from sena_pi.simulated.cloudless import ScriptedSynthesizer
from sena_pi.stages import Heard, Since, Synthesizer
from sena_pi.turn import Trigger, Turn
from tests.faults import brain, open_sockets, server
from tests.gemini_replies import answer_json, error_reply, sound_answer, text_answer
from tests.room import StorySpeaker
from tests.turns.bench import UTTERANCE

ANSWER = answer_json(heard="a question", say="One is good. Two is better.")
PART = Utterance(bytes(1600), 800)


class _Counted:
    """Awaits a coroutine, and tells of each future that it hands to the loop."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], awaits: Callable[[], None]) -> None:
        self._coroutine = coroutine
        self._awaits = awaits

    def __await__(self) -> Generator[Any, Any, Any]:
        thrown: BaseException | None = None
        given: object = None
        while True:
            try:
                if thrown is not None:
                    error, thrown = thrown, None
                    future = self._coroutine.throw(error)
                else:
                    future = self._coroutine.send(given)
            except StopIteration as stop:
                return stop.value
            self._awaits()
            try:
                given = yield future
            except BaseException as error:  # noqa: BLE001 - it is the coroutine's
                thrown = error


class Counter:
    """Counts the awaits of one turn, and cancels it at one of them."""

    def __init__(self, at: int) -> None:
        self.count = 0
        self._at = at
        self._main: asyncio.Task[Any] | None = None

    async def run(self, work: Coroutine[Any, Any, None]) -> bool:
        """Run it; True when it was cancelled, False when it had ended before."""
        loop = asyncio.get_running_loop()
        previous = loop.get_task_factory()
        loop.set_task_factory(self._task)
        try:
            self._main = loop.create_task(work)
            await asyncio.wait({self._main})
        finally:
            loop.set_task_factory(previous)
        if not self._main.cancelled():
            self._main.result()
        return self._main.cancelled()

    def _task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any
    ) -> asyncio.Task[Any]:
        async def counted() -> Any:
            return await _Counted(coroutine, self._awaits)

        return asyncio.Task(counted(), loop=loop, **more)

    def _awaits(self) -> None:
        self.count += 1
        if self.count == self._at and self._main is not None:
            self._main.cancel()


class Hesitant:
    """A `Microphone`: somebody pauses, goes on, pauses again, and has finished."""

    async def hear(
        self, turn: str, since: Since, listener: Listener, *, no_speech_s: float | None = None
    ) -> Heard:
        for number in range(2):
            listener.audio(PART.pcm)
            listener.paused(SpeechPaused(turn, PART, 0, number))
            await _while(0.03)
            if not number:
                listener.resumed(PART.pcm)
        now_ns = time.monotonic_ns()
        return Heard(UTTERANCE, "silence", now_ns, now_ns, 0)

    def phrase(self, pause: SpeechPaused, *, complete: bool) -> None: ...


@dataclass
class Left:
    """What cancelled turns left behind, of all that were run.

    Attributes:
        cancelled: turns that were cancelled in the middle.
        awaits: how many a whole turn has.
        problems: what was left, or did not work afterwards.
    """

    cancelled: int = 0
    awaits: int = 0
    problems: list[str] = field(default_factory=list)


@asynccontextmanager
async def _cloud(*, mute: bool) -> AsyncIterator[Any]:
    answer = text_answer(ANSWER[:12], ANSWER[12:40], ANSWER[40:], gap_s=0.01)
    speech = error_reply(503, "UNAVAILABLE") if mute else sound_answer(bytes(4800), bytes(4800))
    async with server(answer, speech) as place:
        yield place


async def cancel_each(
    places: Callable[[int], int], runs: int, local: Synthesizer, *, mute: bool, left: Left
) -> None:
    """Cancel turns at one await after the other, each followed by a turn that must work.

    Args:
        places: the await of each run; 0-based run in, 1-based await out.
        runs: how many turns are cancelled.
        local: the voice on this machine.
        mute: the cloud's voice fails: the local one speaks.
        left: what was left is added to it.
    """
    clips = Clips()
    await clips.render(ScriptedSynthesizer())
    tasks, sockets, children = asyncio.all_tasks(), open_sockets(), _children()
    async with _cloud(mute=mute) as place:
        speaker = StorySpeaker(time.monotonic_ns)
        async with brain(place, Deadlines().scaled(10), speaker, local, clips) as it:
            object.__setattr__(it.stages, "microphone", Hesitant())
            whole = Counter(0)
            await whole.run(Turn("0", Trigger("press", "press"), it.stages, ()).run())
            left.awaits = max(left.awaits, whole.count)
            most_sockets = len(open_sockets())
            before = left.cancelled
            for run in range(2 * runs):  # some end sooner than the one whose awaits were counted
                if left.cancelled - before == runs:
                    break
                at = 1 + places(run) % whole.count
                turn = Turn(str(run), Trigger("press", "press"), it.stages, ())
                left.cancelled += await Counter(at).run(turn.run())
                await speaker.flush()
                if _own_tasks():
                    left.problems.append(f"await {at}: tasks left: {_own_tasks()}")
                if len(open_sockets()) > most_sockets + 4:
                    left.problems.append(f"await {at}: {len(open_sockets())} sockets")
                if _children() != children:
                    left.problems.append(f"await {at}: children left")
                report = await it.ask()
                if report.answered != "One is good. Two is better.":
                    left.problems.append(f"await {at}: the next turn: {report.journal_line()}")
    if (tasks, sockets) != (asyncio.all_tasks(), open_sockets()):
        left.problems.append("at the end: tasks or sockets left")


def _own_tasks() -> list[str]:
    """Tasks of turns that are still there."""
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]  # type: ignore[union-attr]
    return [name for name in names if name.startswith("Counter._task")]


def _children() -> set[str]:
    folder = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return set(folder.read_text().split())


async def _while(seconds: float) -> None:
    never = asyncio.get_running_loop().create_future()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await never
