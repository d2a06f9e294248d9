"""The assistant: a wake word or a press starts a turn, and interrupts one.

Barge-in lives here, once, and in this order: silence the speaker, cancel the turn, wait for it,
listen again. Where only a wake word was heard, which may have been a noise, an answer that is
interrupted is not cancelled but held, until somebody speaks: if nobody does, it goes on. A turn
that fails is one line in the journal, and the assistant is idle again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sena_pi.attempt import Stages
from sena_pi.conversation import Conversation
from sena_pi.errors import SenaError
from sena_pi.follow_up import FollowUps
from sena_pi.guesses import Overhearer
from sena_pi.phases import Phase
from sena_pi.report import Outcome, TurnReport
from sena_pi.stages import Exchange, WakeEvent
from sena_pi.turn import Trigger, Turn

FAILURE_SHOWN_S = 1.5
"""How long the light shows that a turn has failed."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    """A turn and the task that runs it."""

    turn: Turn
    task: asyncio.Task[None]
    given_up: bool = False

    def give_up(self) -> None:
        """Cancel it; once, however often this is called."""
        if not self.given_up:
            self.given_up = True
            self.task.cancel()


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
        self._conversation = conversation
        self._follow_ups = follow_ups
        self._overhearer = overhearer
        self._on_trigger = on_trigger
        self._on_report = on_report
        self._turns = itertools.count(1)
        self._trigger: Trigger | None = None
        self._triggered = asyncio.Event()
        """Set with a trigger to start a turn, and without one to stop."""
        self._idle = asyncio.Event()
        self._busy = False
        self._hearing: bool | None = None
        self._current: _Running | None = None
        self._held: _Running | None = None

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
        self._trigger = None
        self._triggered.set()
        return True

    def stopped(self) -> None:
        """The stop word: as `stop`, unless nothing sounds, or somebody wants something else."""
        current = self._current
        sounds = self._held is not None or (current is not None and current.turn.sounding)
        if sounds and not self.asked:
            self.stop()

    def hearing(self, *, on: bool) -> None:
        """Frames arrive again, or have ceased; shown when nothing else is."""
        self._hearing = on
        if self._idle.is_set():
            self._show_idle()

    @property
    def asked(self) -> bool:
        """A turn has been asked for that has not begun yet."""
        return self._trigger is not None

    async def idle(self) -> None:
        """Wait until no turn is going on and none has been asked for."""
        await self._idle.wait()

    async def run(self) -> None:
        """Take turns until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await self._wait_idle()
                    trigger = self._take_trigger()
                    while trigger is not None:
                        trigger = await self._take_turns(trigger, tasks)
        finally:
            self._end_held()
            if self._current is not None:
                self._end(self._current)

    def _start(self, trigger: Trigger) -> None:
        self._trigger = trigger
        self._busy = True
        self._idle.clear()
        self._triggered.set()
        self._on_trigger()

    def _take_trigger(self) -> Trigger | None:
        trigger, self._trigger = self._trigger, None
        self._triggered.clear()
        return trigger

    async def _wait_idle(self) -> None:
        """Until somebody asks for something."""
        if not self._triggered.is_set():
            self._busy = False
            self._show_idle()
            self._idle.set()
        await self._triggered.wait()

    def _show_idle(self) -> None:
        phases = {None: Phase.STARTING, True: Phase.IDLE, False: Phase.DEAF}
        self._stages.light.show(phases[self._hearing])

    # Turns, one after the other, and at most one that is held meanwhile.

    async def _take_turns(self, trigger: Trigger, tasks: asyncio.TaskGroup) -> Trigger | None:
        """A turn and all that interrupt it; what starts the next one if nobody says anything."""
        current = self._begin(trigger, tasks)
        while True:
            await self._until_news(current, tasks)
            if not current.task.done():
                interrupted_by = await self._interrupt(current, tasks)
                if interrupted_by is None:
                    return None
                current = self._begin(interrupted_by, tasks)
                continue
            if self._held is not None and self._held.given_up:
                await self._give_up_held()
            self._current = None
            report = self._end(current)
            if report.outcome is Outcome.NOTHING_HEARD and self._held is not None:
                current = self._resume(self._held)
                continue
            await self._give_up_held()
            if report.outcome is Outcome.FAILED:
                await self._show_failure()
            return await self._follow_up(report, current.turn)

    def _begin(self, trigger: Trigger, tasks: asyncio.TaskGroup) -> _Running:
        name = str(next(self._turns))
        turn = Turn(
            name,
            trigger,
            self._stages,
            self._said(),
            overhearer=self._overhearer,
            on_speech=self._somebody_spoke,
        )
        task = tasks.create_task(self._run_safely(turn), name=f"turn {name}")
        self._current = _Running(turn, task)
        return self._current

    async def _until_news(self, current: _Running, tasks: asyncio.TaskGroup) -> None:
        """Until the turn ends or is interrupted; a held one that ends meanwhile is reported."""
        triggered = tasks.create_task(self._triggered.wait(), name="barge-in")
        while not (current.task.done() or triggered.done()):
            waited = {current.task, triggered} | ({self._held.task} if self._held else set())
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if self._held is not None and self._held.task.done():
                self._end_held()
        triggered.cancel()

    async def _interrupt(self, current: _Running, tasks: asyncio.TaskGroup) -> Trigger | None:
        """Silence and end this turn, or hold it; what starts the next one, None: nothing does."""
        trigger = self._trigger
        holds = trigger is not None and not trigger.deliberate and current.turn.answering
        if holds:
            current.turn.hold()
        # The order goes out before anything else happens; its answer is not waited for.
        flush = tasks.create_task(self._stages.speaker.flush(), name="flush")
        await asyncio.sleep(0)
        if not holds:
            current.give_up()
        await self._give_up_held()
        await asyncio.wait({flush} if holds else {flush, current.task})
        trigger = self._take_trigger()
        if holds and trigger is not None and not trigger.deliberate and not current.task.done():
            self._held, self._current = current, None
            return trigger
        current.give_up()
        await asyncio.wait({current.task})
        self._current = None
        self._end(current)
        return trigger

    def _resume(self, held: _Running) -> _Running:
        """It was a noise that interrupted this."""
        self._current, self._held = held, None
        held.turn.resume()
        return held

    def _somebody_spoke(self) -> None:
        """It was no noise: what is held does not go on, and leaves the speaker to the answer."""
        if self._held is not None:
            self._held.turn.will_not_resume()
            self._held.give_up()

    async def _give_up_held(self) -> None:
        if self._held is not None:
            self._held.give_up()
            await asyncio.wait({self._held.task})
            self._end_held()

    async def _follow_up(self, report: TurnReport, turn: Turn) -> Trigger | None:
        """What starts a turn without a word or a press; None when nothing does."""
        if self._follow_ups is None:
            return None
        trigger = self._follow_ups.after(report, turn.answer)
        if trigger is None or not self._hearing:
            return None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._follow_ups.settings.echo_s):
                await self._triggered.wait()
        return None if self._triggered.is_set() else trigger

    async def _run_safely(self, turn: Turn) -> None:
        try:
            await turn.run()
        except SenaError as error:
            turn.answer.problems.append(str(error))
            await self._silence(turn)
        except Exception as error:  # noqa: BLE001 - see below
            # Whatever a turn trips over, the next one starts afresh: this is the last place
            # that can tell, and it must not end the assistant.
            turn.answer.problems.append(f"{type(error).__name__} (a bug)")
            _log.exception("turn %s", turn.name)
            await self._silence(turn)

    async def _silence(self, turn: Turn) -> None:
        """Unless it is held: then it is silent, and the speaker may be another's."""
        if self._held is None or self._held.turn is not turn:
            await self._stages.speaker.flush()

    async def _show_failure(self) -> None:
        """Long enough to be seen, unless somebody asks again."""
        self._busy = self._triggered.is_set()
        self._stages.light.show(Phase.ERROR)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAILURE_SHOWN_S):
                await self._triggered.wait()

    # What is left of a turn.

    def _end_held(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._end(held)

    def _end(self, running: _Running) -> TurnReport:
        """Tell and remember a turn that is over."""
        turn = running.turn
        if self._overhearer is not None:
            self._overhearer.cancel(turn.name)
        report = turn.report()
        self._conversation.add(report.heard, report.answered)
        if turn.answer.ends_conversation:
            self._conversation.forget()
        _log.info("%s", report.journal_line())
        self._on_report(report)
        return report

    def _said(self) -> Sequence[Exchange]:
        """The conversation, with what was heard of an answer that is held."""
        recent = self._conversation.recent()
        if self._held is None:
            return recent
        held = self._held.turn
        if held.answer.ends_conversation:
            return ()
        return self._conversation.recent_with(held.answer.header.heard, held.spoken)
