"""Timers and alarms in words, to be spoken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sena_pi.clock_times import Unsure
from sena_pi.durations import number_words
from sena_pi.local_answers import spoken_date, spoken_time
from sena_pi.timers.entries import Entry
from sena_pi.timers.instants import Instant
from sena_pi.timers.requests import Kind, Why
from sena_pi.timers.ringing import Ringing
from sena_pi.timers.service import LATE_IS_TOLD_FROM_S, Shown

CLOCK_NOT_SET = (
    "I don't know the time yet, so I can't set an alarm. My clock is set as soon as I'm connected"
    " to the internet. I can set a timer."
)
_ASKED_BACK = {
    Why.NO_LENGTH: "How long shall the timer run? Please say it like this: set a timer for ten"
    " minutes.",
    Why.NO_TIME: "For what time? Please say it like this: set an alarm for seven AM tomorrow.",
    Why.REPEATING: "I can't repeat alarms. I can set one for a single day, such as tomorrow at"
    " seven AM.",
    Why.REMINDER: "I can't keep reminders. I can set a timer with a name, such as a pasta timer"
    " for ten minutes.",
    Why.CHANGING: "I can't change a timer that runs. Please cancel it and set a new one.",
    Why.NOT_UNDERSTOOD: "I didn't understand what to do with your timers. I can set one, cancel"
    " it, and tell how long is left.",
}
_UNSURE = {
    Unsure.HALF: "Do you mean morning or afternoon? Please say it again with AM or PM.",
    Unsure.DAY: "It's after midnight, so I'm not sure which day you mean. Please say the name of"
    " the day.",
    Unsure.OVER: "That time has passed. Please say another one.",
}


def asked_back(why: Why | Unsure) -> str:
    """What to ask where nothing was done."""
    return _UNSURE[why] if isinstance(why, Unsure) else _ASKED_BACK[why]


def spoken_length(seconds: float) -> str:
    """A length in words, none of its seconds left out: "one hour and ten minutes"."""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    parts = [
        f"{_number(count)} {unit}{'' if count == 1 else 's'}"
        for count, unit in ((hours, "hour"), (minutes, "minute"), (rest, "second"))
        if count
    ]
    return listed(parts) or "no time"


def spoken_left(seconds: float) -> str:
    """How long is left, as exact as a person wants it: to the second in the last ten minutes."""
    if seconds >= 600:
        seconds = 60 * round(seconds / 60)
    return spoken_length(max(1.0, seconds))


def spoken_moment(at: datetime, now: datetime) -> str:
    """A moment to come: "seven AM tomorrow", "noon on Friday, November 27th"."""
    days = (at.date() - now.date()).days
    if days == 0:
        return f"{spoken_time(at)} today"
    if days == 1:
        return f"{spoken_time(at)} tomorrow"
    return f"{spoken_time(at)} on {spoken_date(at.date())}"


def called(entry: Entry, now: Instant) -> str:
    """What to call it: "the pasta timer", "the ten minute timer", "the alarm for noon today"."""
    if entry.name:
        return f"the {entry.name} {entry.kind}"
    if entry.kind is Kind.TIMER:
        length = spoken_length(entry.duration_s)
        one_word = " and " not in length and "," not in length
        return f"the {length.removesuffix('s')} timer" if one_word else f"the timer for {length}"
    return f"the alarm for {spoken_moment(entry.due_at(now.zone).astimezone(now.zone), now.local)}"


def set_timer(entry: Entry) -> str:
    """A timer was set."""
    what = f"{entry.name} timer" if entry.name else "timer"
    return f"Okay, your {what} is set for {spoken_length(entry.duration_s)}."


def set_alarm(entry: Entry, now: Instant, *, to_wake: bool) -> str:
    """An alarm was set: always with its day and its half of the day."""
    when = spoken_moment(entry.due_at(now.zone).astimezone(now.zone), now.local)
    if to_wake:
        return f"Okay, I'll wake you at {when}."
    what = f"{entry.name} alarm" if entry.name else "alarm"
    return f"Okay, your {what} is set for {when}."


def left(shown: Shown, now: Instant) -> str:
    """How much longer one has."""
    entry = shown.entry
    name = called(entry, now)
    if entry.kind is Kind.ALARM:
        when = spoken_moment(entry.due_at(now.zone).astimezone(now.zone), now.local)
        return f"There's an alarm{f' called {entry.name}' if entry.name else ''} for {when}."
    if shown.left_s is None:
        return f"I don't know how long {name} still has."
    length = spoken_left(shown.left_s)
    if not shown.certain:
        return f"My clock isn't set, so {name} has {length} left at most."
    return f"{name[0].upper()}{name[1:]} has {length} left."


def missed(entry: Entry, now: Instant) -> str:
    """One was due while nobody could be told."""
    name = called(entry, now)
    return f"{name[0].upper()}{name[1:]} was due while I was switched off."


def rings(ringing: Ringing) -> str:
    """What is said beside the ring."""
    entry = ringing.entry
    name = f"{entry.name} {entry.kind}" if entry.name else str(entry.kind)
    if ringing.late_s >= LATE_IS_TOLD_FROM_S:
        late = spoken_length(60 * round(ringing.late_s / 60))
        return f"Your {name} was due {late} ago, while I was switched off."
    if entry.kind is Kind.ALARM:
        return f"This is your {name}."
    length = "" if entry.name else f" of {spoken_length(entry.duration_s)}"
    return f"Your {name}{length} is done."


def listed(parts: Sequence[str]) -> str:
    """Parts of a sentence: "one", "one and two", "one, two, and three"."""
    if len(parts) < 3:
        return " and ".join(parts)
    return f"{', '.join(parts[:-1])}, and {parts[-1]}"


def _number(number: int) -> str:
    return number_words(number) if 1 <= number <= 99 else str(number)
