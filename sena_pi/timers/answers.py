"""From what was heard to what is said about timers, and what is done on the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sena_pi.clock_times import ClockTime, Unsure, moment
from sena_pi.timers import prose
from sena_pi.timers.entries import Entry
from sena_pi.timers.instants import Instant
from sena_pi.timers.requests import (
    Ask,
    Cancel,
    Kind,
    Request,
    SetAlarm,
    SetTimer,
    Unclear,
    Which,
    Why,
    parse,
)
from sena_pi.timers.service import MOST, Timers

LONGEST_TIMER_S: Final = 24 * 3600


class TimerAnswers:
    """Does what a sentence asks of the timers, and says what was done: each call is one deed."""

    def __init__(self, timers: Timers, wake_words: Iterable[str] = ()) -> None:
        self._timers = timers
        self._wake_words = tuple(wake_words)

    def answer(self, heard: str) -> str:
        """Do it, and say so; a question back where it is not clear. Returns at once.

        Empty: something rang and is silent now, which needs no words.
        """
        now = self._timers.now()
        text = self._done(parse(heard, self._wake_words), now)
        notes = [prose.missed(entry, now) for entry in self._timers.take_missed()]
        if text and self._timers.failed:
            notes.append("I can't save my timers, so a power cut would end them.")
        return " ".join(filter(None, [text, *notes]))

    def stop_ringing(self) -> bool:
        """Silence what rings; did anything?"""
        return self._timers.stop_ringing()

    def _done(self, request: Request, now: Instant) -> str:
        match request:
            case SetTimer():
                return self._set_timer(request)
            case SetAlarm():
                return self._set_alarm(request, now)
            case Ask(which):
                return self._tell(which, now)
            case Cancel(which):
                return self._cancel(which, now)
            case Unclear(why):
                return prose.asked_back(why)

    def _set_timer(self, request: SetTimer) -> str:
        if request.duration_s > LONGEST_TIMER_S:
            return "A timer can run for a day at most. Please set an alarm."
        if self._timers.full:
            return _too_many()
        return prose.set_timer(self._timers.set_timer(request.duration_s, request.name))

    def _set_alarm(self, request: SetAlarm, now: Instant) -> str:
        if not now.trusted:
            return prose.CLOCK_NOT_SET
        at = moment(request.time, now.local, now.zone, to_wake=request.to_wake)
        if isinstance(at, Unsure):
            return prose.asked_back(at)
        if self._timers.full:
            return _too_many()
        entry = self._timers.set_alarm(at, request.name)
        return prose.set_alarm(entry, now, to_wake=request.to_wake)

    def _tell(self, which: Which, now: Instant) -> str:
        all_shown = self._timers.shown()
        found = [one for one in all_shown if _fits(one.entry, which, now)]
        if found:
            return " ".join(prose.left(one, now) for one in found)
        kind = f"{which.kind}s" if which.kind else "timers or alarms"
        if which.name and all_shown:
            return f"There's no {which.name} {which.kind or Kind.TIMER}. " + " ".join(
                prose.left(one, now) for one in all_shown if which.kind in (None, one.entry.kind)
            )
        return f"There are no {kind}."

    def _cancel(self, which: Which, now: Instant) -> str:
        ringing = [one.entry for one in self._timers.ringing]
        if any(_fits(entry, which, now) for entry in ringing) and not which.every:
            self._timers.stop_ringing()
            return ""
        if which == Which():
            return prose.asked_back(Why.NOT_UNDERSTOOD)
        found = [one.entry for one in self._timers.shown() if _fits(one.entry, which, now)]
        if which.every:
            stopped = self._timers.stop_ringing() if ringing else False
            self._timers.cancel(entry.number for entry in found)
            return _cancelled_all(which, len(found)) if found or not stopped else ""
        if len(found) > 1:
            names = prose.listed([prose.called(entry, now) for entry in found])
            return f"There are {len(found)}: {names}. Which one shall I cancel?"
        if not found:
            return self._nothing_to_cancel(which)
        self._timers.cancel([found[0].number])
        name = prose.called(found[0], now)
        return f"Okay, {name} is cancelled."

    def _nothing_to_cancel(self, which: Which) -> str:
        if which.name or which.duration_s or which.time:
            return f"There's no such {which.kind or Kind.TIMER}."
        return f"There is no {which.kind or Kind.TIMER} to cancel."


def _fits(entry: Entry, which: Which, now: Instant) -> bool:
    if which.kind is not None and entry.kind is not which.kind:
        return False
    if which.name is not None and _word(entry.name) != _word(which.name):
        return False
    if which.duration_s is not None and entry.duration_s != which.duration_s:
        return False
    return which.time is None or _is_at(entry, which.time, now)


def _is_at(entry: Entry, time: ClockTime, now: Instant) -> bool:
    if entry.kind is not Kind.ALARM:
        return False
    at = entry.due_at(now.zone).astimezone(now.zone)
    if time.day:
        return moment(time, now.local, now.zone) == at
    return at.hour in time.hours and at.minute == time.minute


def _word(name: str) -> str:
    """So that "egg timer" and "eggs timer" are one."""
    return name.removesuffix("s")


def _cancelled_all(which: Which, count: int) -> str:
    kind = f"{which.kind}s" if which.kind else "timers and alarms"
    if count == 0:
        return f"There are no {kind}."
    return "Okay, it's cancelled." if count == 1 else f"Okay, all {count} are cancelled."


def _too_many() -> str:
    return f"There are {MOST} timers and alarms already. Please cancel one first."
