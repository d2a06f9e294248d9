"""The assistant: a wake word or a press starts a turn, and interrupts one.

An answer may be followed by a turn that nobody has called for (`FollowUps`). After the last one,
and after one that fails, the assistant is idle again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from sena_pi.attempt import Stages
from sena_pi.calls import Calls
from sena_pi.conversation import Conversation
from sena_pi.follow_up import FollowUps
from sena_pi.guesses import Overhearer
from sena_pi.phases import Phase
from sena_pi.report import Outcome, TurnReport
from sena_pi.stages import WakeEvent
from sena_pi.turn import Trigger, Turn
from sena_pi.turns import Turns

FAILURE_SHOWN_S = 1.5
"""How long the light shows that a turn has failed."""


class Assistant:
    """One conversation at a time with whoever is in the room. Belongs to the event loop.

    `press`, `woken`, `stop` and `stopped` may be called at any moment; of those that come while a
    turn is being given up, the last one counts.
    """

    def __init__(
        self,
        stages: Stages,
        conversation: Conversation,
        *,
        follow_ups: FollowUps | None = None,
        overhearer: Overhearer | None = None,
        on_trigger: Callable[[], None] = lambda: None,
        on_report: Callable[[TurnReport], None] = lambda _report: None,
    ) -> None:
        """Make an assistant.

        Args:
            stages: what its turns are made with.
            conversation: what was said.
            follow_ups: when a person is listened to without a wake word; None: never.
            overhearer: gets each question's sound as it comes.
            on_trigger: called when a person starts a turn, before anything of it has run.
            on_report: called with the report of each turn.
        """
        self._stages = stages
        self._follow_ups = follow_ups
        self._on_trigger = on_trigger
        self._calls = Calls()
        self._turns = Turns(
            stages, conversation, self._calls, overhearer=overhearer, on_report=on_report
        )
        self._idle = asyncio.Event()
        self._busy = False
        self._hearing: bool | None = None

    @property
    def turn(self) -> Turn | None:
        """The turn that is going on."""
        return self._turns.current

    def press(self) -> None:
        """The button: start listening, whatever is going on."""
        self._start(Trigger(by="press", since="press"))

    def woken(self, wake: WakeEvent) -> None:
        """A wake word: start listening, whatever is going on."""
        self._start(Trigger(by=wake.word, since="detection", deliberate=False))

    def stop(self) -> bool:
        """Be silent and end the turn; nobody is listened to after it. The conversation is kept.

        Returns:
            Whether there was anything to stop.
        """
        if not self._busy:
            return False
        self._calls.put(None)
        return True

    def stopped(self) -> None:
        """The stop word: as `stop`, unless nothing sounds, or somebody wants something else."""
        if self._turns.sounding and not self.asked:
            self.stop()

    def hearing(self, *, on: bool) -> None:
        """Frames arrive again, or have ceased; shown when nothing else is."""
        self._hearing = on
        if self._idle.is_set():
            self._show_idle()

    @property
    def asked(self) -> bool:
        """A turn has been asked for that has not begun yet."""
        return self._calls.trigger is not None

    async def called(self) -> None:
        """Wait until something is asked for, from now on."""
        await self._calls.wait()

    async def idle(self) -> None:
        """Wait until no turn is going on and none has been asked for."""
        await self._idle.wait()

    async def run(self) -> None:
        """Take turns until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await self._wait_idle()
                    trigger = self._calls.take()
                    while trigger is not None:
                        trigger = await self._take_turns(trigger, tasks)
        finally:
            self._turns.end()

    def _start(self, trigger: Trigger) -> None:
        self._busy = True
        self._idle.clear()
        self._calls.put(trigger)
        self._on_trigger()

    async def _wait_idle(self) -> None:
        """Until somebody asks for something."""
        if not self._calls.waiting:
            self._busy = False
            self._show_idle()
            self._idle.set()
        await self._calls.wait()

    def _show_idle(self) -> None:
        phases = {None: Phase.STARTING, True: Phase.IDLE, False: Phase.DEAF}
        self._stages.light.show(phases[self._hearing])

    async def _take_turns(self, trigger: Trigger, tasks: asyncio.TaskGroup) -> Trigger | None:
        """A turn and all that interrupt it; what starts the next one if nobody says anything."""
        ended = await self._turns.take(trigger, tasks)
        if ended is None:
            return None
        turn, report = ended
        if report.outcome is Outcome.FAILED:
            await self._show_failure()
        return await self._follow_up(report, turn)

    async def _follow_up(self, report: TurnReport, turn: Turn) -> Trigger | None:
        """What starts a turn without a word or a press; None when nothing does."""
        if self._follow_ups is None:
            return None
        trigger = self._follow_ups.after(report, turn.answer)
        if trigger is None or not self._hearing:
            return None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._follow_ups.settings.echo_s):
                await self._calls.wait()
        return None if self._calls.waiting else trigger

    async def _show_failure(self) -> None:
        """Long enough to be seen, unless somebody asks again."""
        self._busy = self._calls.waiting
        self._stages.light.show(Phase.ERROR)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAILURE_SHOWN_S):
                await self._calls.wait()
