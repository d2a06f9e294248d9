"""The assistant: a wake word or a press starts a turn, and interrupts one.

Barge-in lives here, once, and in this order: silence the speaker, cancel the turn, wait for it,
listen again. A turn that fails is one line in the journal, and the assistant is idle again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable
from typing import Protocol

from sena_pi.conversation import Conversation
from sena_pi.errors import SenaError
from sena_pi.phases import Phase
from sena_pi.report import Outcome, TurnReport
from sena_pi.stages import WakeEvent
from sena_pi.told import turn_event
from sena_pi.turn import Stages, Trigger, Turn

FAILURE_SHOWN_S = 1.5
"""How long the light shows that a turn has failed."""

_log = logging.getLogger(__name__)


class Overhearer(Protocol):
    """Gets a question's sound while it is spoken, to understand it sooner."""

    def begin(self, turn: str) -> None:
        """The sound of `turn` follows; that of an earlier turn is forgotten. Returns at once."""

    def feed(self, turn: str, pcm: bytes) -> None:
        """The next piece, 16 kHz mono. Returns at once."""

    def cancel(self, turn: str) -> None:
        """The turn is over: what was heard is forgotten. Returns at once."""


class Assistant:
    """One conversation at a time with whoever is in the room. Belongs to the event loop.

    `press` and `woken` may be called at any moment; of those that come while a turn is being
    given up, the last one counts.
    """

    def __init__(
        self,
        stages: Stages,
        conversation: Conversation,
        *,
        overhearer: Overhearer | None = None,
        on_trigger: Callable[[], None] = lambda: None,
        on_report: Callable[[TurnReport], None] = lambda _report: None,
    ) -> None:
        self._stages = stages
        self._conversation = conversation
        self._overhearer = overhearer
        self._on_trigger = on_trigger
        self._on_report = on_report
        self._turns = itertools.count(1)
        self._trigger: Trigger | None = None
        self._triggered = asyncio.Event()
        self._idle = asyncio.Event()
        self._hearing: bool | None = None
        self._turn: Turn | None = None

    @property
    def turn(self) -> Turn | None:
        """The turn that is going on."""
        return self._turn

    def press(self) -> None:
        """The button: start listening, whatever is going on."""
        self._start(Trigger(by="press", since="press"))

    def woken(self, wake: WakeEvent) -> None:
        """A wake word: start listening, whatever is going on."""
        self._start(Trigger(by=wake.word, since="detection"))

    def interrupt(self) -> None:
        """End the turn that goes on, if one does; what is being said is silenced. Starts none."""
        if not self._idle.is_set():
            self._trigger = None
            self._triggered.set()

    def hearing(self, *, on: bool) -> None:
        """Frames arrive again, or have ceased; shown when nothing else is."""
        self._hearing = on
        if self._idle.is_set():
            self._show_idle()

    @property
    def asked(self) -> bool:
        """A turn has been asked for that has not begun yet."""
        return self._triggered.is_set()

    async def called(self) -> None:
        """Wait until a turn is asked for, from now on."""
        await self._triggered.wait()

    async def idle(self) -> None:
        """Wait until no turn is going on and none has been asked for."""
        await self._idle.wait()

    async def run(self) -> None:
        """Take turns until cancelled."""
        while True:
            if not self._triggered.is_set():
                self._show_idle()
                self._idle.set()
            await self._triggered.wait()
            trigger, self._trigger = self._trigger, None
            self._triggered.clear()
            if trigger is not None and not await self._take_turn(trigger):
                await self._show_failure()

    def _start(self, trigger: Trigger) -> None:
        self._trigger = trigger
        self._idle.clear()
        self._triggered.set()
        self._on_trigger()

    def _show_idle(self) -> None:
        phases = {None: Phase.STARTING, True: Phase.IDLE, False: Phase.DEAF}
        self._stages.light.show(phases[self._hearing])

    async def _take_turn(self, trigger: Trigger) -> bool:
        """One turn, from trigger to report; False when it failed."""
        name = str(next(self._turns))
        overhearer = self._overhearer
        if overhearer is not None:
            overhearer.begin(name)
        turn = Turn(
            name,
            trigger,
            self._stages,
            self._conversation.recent(),
            on_audio=lambda pcm: overhearer.feed(name, pcm) if overhearer else None,
        )
        self._turn = turn
        try:
            await self._run_until_triggered(turn)
        finally:
            if overhearer is not None:
                overhearer.cancel(name)
            report = turn.report()
            self._remember(turn, report)
            self._turn = None
            _log.info("%s", report.journal_line(), extra=turn_event(report))
            self._on_report(report)
        return report.outcome is not Outcome.FAILED

    async def _run_until_triggered(self, turn: Turn) -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._run_safely(turn), name=f"turn {turn.name}")
            barge_in = tasks.create_task(self._triggered.wait(), name="barge-in")
            await asyncio.wait({running, barge_in}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                # The order goes out before anything else happens; its answer is not waited for.
                tasks.create_task(self._stages.speaker.flush(), name="flush")
                await asyncio.sleep(0)
                running.cancel()
            barge_in.cancel()

    async def _run_safely(self, turn: Turn) -> None:
        try:
            await turn.run()
        except SenaError as error:
            turn.answer.problems.append(str(error))
            await self._stages.speaker.flush()
        except Exception as error:  # noqa: BLE001 - see below
            # Whatever a turn trips over, the next one starts afresh: this is the last place
            # that can tell, and it must not end the assistant.
            turn.answer.problems.append(f"{type(error).__name__} (a bug)")
            _log.exception("turn %s", turn.name)
            await self._stages.speaker.flush()

    async def _show_failure(self) -> None:
        """Long enough to be seen, unless somebody asks again."""
        self._stages.light.show(Phase.ERROR)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAILURE_SHOWN_S):
                await self._triggered.wait()

    def _remember(self, turn: Turn, report: TurnReport) -> None:
        self._conversation.add(report.heard, report.answered)
        if turn.answer.ends_conversation:
            self._conversation.forget()
