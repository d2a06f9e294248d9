"""Turns, one after the other, and what interrupts them.

Barge-in lives here, once, and in this order: silence the speaker, cancel the turn, wait for it,
listen again. Where only a wake word was heard, which may have been a noise, an answer that is
interrupted is not cancelled but held, until somebody speaks: if nobody does, it goes on. A turn
that fails is one line in the journal.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sena_pi.attempt import Stages
from sena_pi.calls import Calls
from sena_pi.conversation import Conversation
from sena_pi.errors import SenaError
from sena_pi.guesses import Overhearer
from sena_pi.report import Outcome, TurnReport
from sena_pi.stages import Exchange
from sena_pi.told import turn_event
from sena_pi.turn import Trigger, Turn

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


class Turns:
    """Takes turns: at most one that goes on, and one that is held meanwhile.

    Args:
        stages: what they are made with.
        conversation: what was said.
        calls: what interrupts them.
        overhearer: gets each question's sound as it comes.
        on_report: called with the report of each turn, in their order as they end.
    """

    def __init__(
        self,
        stages: Stages,
        conversation: Conversation,
        calls: Calls,
        *,
        overhearer: Overhearer | None,
        on_report: Callable[[TurnReport], None],
    ) -> None:
        self._stages = stages
        self._conversation = conversation
        self._calls = calls
        self._overhearer = overhearer
        self._on_report = on_report
        self._names = itertools.count(1)
        self._current: _Running | None = None
        self._held: _Running | None = None

    @property
    def current(self) -> Turn | None:
        """The turn that goes on; None also where one is only held."""
        return None if self._current is None else self._current.turn

    @property
    def sounding(self) -> bool:
        """Something is being heard, or goes on unless somebody speaks."""
        current = self._current
        return self._held is not None or (current is not None and current.turn.sounding)

    async def take(
        self, trigger: Trigger, tasks: asyncio.TaskGroup
    ) -> tuple[Turn, TurnReport] | None:
        """A turn, and all that interrupt it, as tasks of this group.

        Returns:
            The last one, and how it went; None when it was stopped.
        """
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
            return current.turn, report

    def end(self) -> None:
        """The tasks have been cancelled: tell what became of the turns."""
        self._end_held()
        if self._current is not None:
            current, self._current = self._current, None
            self._end(current)

    def _begin(self, trigger: Trigger, tasks: asyncio.TaskGroup) -> _Running:
        name = str(next(self._names))
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
        triggered = tasks.create_task(self._calls.wait(), name="barge-in")
        while not (current.task.done() or triggered.done()):
            waited = {current.task, triggered} | ({self._held.task} if self._held else set())
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if self._held is not None and self._held.task.done():
                self._end_held()
        triggered.cancel()

    async def _interrupt(self, current: _Running, tasks: asyncio.TaskGroup) -> Trigger | None:
        """Silence and end this turn, or hold it; what starts the next one, None: nothing does."""
        trigger = self._calls.trigger
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
        trigger = self._calls.take()
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
        level = logging.DEBUG if report.unnoticed else logging.INFO
        _log.log(level, "%s", report.journal_line(), extra=turn_event(report))
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
