"""Spoken times of day: the JSGF rules that hear them, what they are, and which moment they mean.

What can be read in two ways is not guessed: `moment` then says why there is no single answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final, Literal

from sena_pi.durations import parse_number

JSGF_RULES: Final = """\
<hour> = one | two | three | four | five | six | seven | eight | nine | ten | eleven | twelve;
<minutes> = fifteen | thirty | forty five | ten | twenty | forty | fifty | oh five;
<part> = a m | p m | in the morning | in the afternoon | in the evening;
<clock> = <hour> [<minutes> | o'clock] [<part>] | half past <hour> [<part>]
    | quarter (past | to) <hour> [<part>] | noon | midnight;
<day> = today | tomorrow | tomorrow (morning | afternoon | evening) | tonight
    | this (afternoon | evening);
"""
"""Rules `<clock>` and `<day>`, for a grammar."""

Half = Literal["am", "pm"]

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MORNING_HOURS: Final = range(5, 12)
"""Which hours of a day to come are those of a morning when neither half of the day is named."""
SMALL_HOURS: Final = 4
"""Before this hour "tomorrow" may mean the day that has begun."""

_MORNING = r"in the morning|a m|am"
_PART = {"morning": "am", "afternoon": "pm", "evening": "pm", "night": "night"}
_WORD_AT = re.compile(r"\b(at|on|for|by)\b ?")


class Unsure(StrEnum):
    """Why words are not one moment."""

    HALF = "half"
    """Morning or afternoon?"""
    DAY = "day"
    """Said after midnight: which day is tomorrow?"""
    OVER = "over"
    """That time of that day has passed."""


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time as it was said.

    Attributes:
        hour: 0 to 23; up to 12 on a clock face where `half` is None.
        minute: 0 to 59.
        half: of the day; None where it was not said.
        on_face: `hour` is that of a clock face, so it may be in either half of the day.
        day: "today", "tomorrow", a weekday, or "" where none was named.
    """

    hour: int
    minute: int
    half: Half | None = None
    on_face: bool = True
    day: str = ""

    @property
    def hours(self) -> tuple[int, ...]:
        """The hours of a day it may be in, 0 to 23."""
        if not self.on_face:
            return (self.hour,)
        hour = self.hour % 12
        return {"am": (hour,), "pm": (hour + 12,), None: (hour, hour + 12)}[self.half]


def parse_clock_time(words: str) -> ClockTime | None:
    """A time of day, perhaps with its day; None if `words` are anything else.

    Understands lower-case words and digits without punctuation: "seven", "6 30", "half past six",
    "quarter to eight in the evening", "noon", "tomorrow at seven a m", "friday at 18 15".
    """
    words = f" {' '.join(words.split())} "
    words, day, part = _take_day(words)
    words, part = _take_part(words, part)
    words = " ".join(_WORD_AT.sub("", words).split())
    face = _named(words) or _face(words.removesuffix(" sharp"))
    if face is None or part == "?":
        return None
    hour, minute, on_face = face
    if part == "night" and on_face:
        # The night begins in the evening and ends on the next day.
        part = "pm" if 6 <= hour <= 11 else "am"
        if part == "am" and day not in ("", "tonight"):
            return None
        if part == "am" and day:
            day = "tomorrow"
    elif not on_face and hour == 0 and day:
        if day != "tonight":
            return None  # the beginning of that day, or its end?
        day, part = "tomorrow", ""
    day = "today" if day == "tonight" else day
    part = "pm" if part == "night" and hour >= 12 else "am" if part == "night" else part
    if not on_face and part and (hour >= 12) is not (part == "pm"):
        return None
    half: Half | None = "am" if part == "am" else "pm" if part == "pm" else None
    return ClockTime(hour, minute, half if on_face else None, on_face, day)


def moment(
    said: ClockTime, now: datetime, zone: tzinfo, *, to_wake: bool = False
) -> datetime | Unsure:
    """The next time that `said` means, in `zone`, where it is one; it exists on the clocks there.

    Without a half of the day: on a day that was named the morning's hours are meant from five to
    eleven, and noon at twelve; the others are unsure. Without a day the next one of either half,
    but whoever is to be woken means the morning from five to eleven.

    Args:
        said: a time of day.
        now: with a time zone, any.
        zone: where the person is.
        to_wake: "wake me" was said.
    """
    local = now.astimezone(zone)
    hours = _meant_hours(said, to_wake=to_wake)
    if isinstance(hours, Unsure):
        return hours
    if said.day == "tomorrow" and local.hour < SMALL_HOURS:
        return Unsure.DAY
    days = _days(said.day, local.date())
    candidates = sorted(
        at
        for day in days
        for hour in hours
        if (at := existing(day, hour, said.minute, zone, after=now)) > now
    )
    return candidates[0].astimezone(zone) if candidates else Unsure.OVER


def existing(day: date, hour: int, minute: int, zone: tzinfo, *, after: datetime) -> datetime:
    """A local time as a moment, in UTC.

    One that clocks skip in spring is that much later: half past two is half past three. One that
    comes twice in autumn is the first that is still to come.
    """
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    first = local.astimezone(UTC)
    second = local.replace(fold=1).astimezone(UTC)
    return second if first <= after < second else first


def _meant_hours(said: ClockTime, *, to_wake: bool) -> tuple[int, ...] | Unsure:
    hours = said.hours
    if len(hours) == 1:
        return hours
    morning, afternoon = hours
    if said.day == "today" or not (said.day or to_wake):
        return hours  # the next one
    if morning in MORNING_HOURS:
        return (morning,)
    if said.day and morning == 0:
        return (afternoon,)  # twelve is noon
    return hours if not said.day else Unsure.HALF


def _days(day: str, today: date) -> list[date]:
    match day:
        case "":
            return [today, today + timedelta(days=1)]
        case "today":
            return [today]
        case "tomorrow":
            return [today + timedelta(days=1)]
        case _:
            ahead = (DAYS.index(day) - today.weekday()) % 7
            return [today + timedelta(days=ahead), today + timedelta(days=ahead + 7)]


def _take_day(words: str) -> tuple[str, str, str]:
    """Takes the day out of the words: the rest, the day, and the part of it that was named."""
    found = re.search(
        r" (?:(?P<tonight>tonight)|(?P<today>today)"
        r"|this (?P<this>morning|afternoon|evening)"
        r"|(?P<tomorrow>tomorrow)(?: (?P<part>morning|afternoon|evening|night))?"
        rf"|(?:on )?(?:this )?(?P<weekday>{'|'.join(DAYS)})"
        r"(?: (?P<dpart>morning|afternoon|evening|night))?)(?= )",
        words,
    )
    if found is None:
        return words, "", ""
    rest = words[: found.start()] + words[found.end() :]
    if found["tonight"]:
        return rest, "tonight", "night"
    part = found["this"] or found["part"] or found["dpart"]
    day = "today" if found["today"] or found["this"] else found["weekday"] or "tomorrow"
    return rest, day, _PART[part] if part else ""


def _take_part(words: str, part: str) -> tuple[str, str]:
    """Takes the part of the day out of the words; "?" where two parts contradict each other."""
    found = re.search(
        rf" (?:(?P<am>{_MORNING})|(?P<pm>in the (?:afternoon|evening)|p m|pm)|(?P<night>at night))"
        r"(?= )",
        words,
    )
    if found is None:
        return words, part
    named = str(found.lastgroup)
    if part and part != named:
        # "tonight at eleven p m" is no contradiction.
        part = named if part == "night" else "?"
    return words[: found.start()] + words[found.end() :], part or named


def _named(words: str) -> tuple[int, int, bool] | None:
    named = {"noon": 12, "midday": 12, "midnight": 0}.get(words.removeprefix("twelve "))
    return None if named is None else (named, 0, False)


def _face(words: str) -> tuple[int, int, bool] | None:
    """Hour, minute, and whether the hour is that of a clock face."""
    relative = re.fullmatch(
        r"(?:a )?(half|quarter|[a-z0-9 ]+?)(?: minutes?)? (past|after|to|before|till) ([a-z0-9 ]+)",
        words,
    )
    if relative:
        minutes = {"half": 30, "quarter": 15}.get(relative[1]) or parse_number(relative[1])
        hour = parse_number(relative[3].removesuffix(" oclock"))
        before = relative[2] in ("to", "before", "till")
        if (
            not minutes
            or minutes > 59
            or not hour
            or hour > 12
            or (relative[1] == "half" and before)
        ):
            return None
        return ((hour - 2) % 12 + 1, 60 - minutes, True) if before else (hour, minutes, True)
    return _hour_and_minute(words)


def _hour_and_minute(words: str) -> tuple[int, int, bool] | None:
    tokens = words.split()
    if not tokens:
        return None
    if tokens[-1] in ("oclock", "hundred", "hours"):
        hour = parse_number(" ".join(tokens[:-1]).removesuffix(" hundred"))
        return _checked(hour, 0, zero_led=False)
    if len(tokens) == 1 and re.fullmatch(r"\d{3,4}", words):
        tokens = [words[:-2], words[-2:]]
    for cut in range(len(tokens), 0, -1):
        hour, minute = _hour(tokens[:cut]), _minute(tokens[cut:])
        if (
            hour is not None
            and minute is not None
            and (found := _checked(hour, minute, zero_led=tokens[0].startswith("0")))
        ):
            return found
    return None


def _hour(tokens: list[str]) -> int | None:
    return 0 if tokens in (["0"], ["00"], ["zero"]) else parse_number(" ".join(tokens))


def _minute(tokens: list[str]) -> int | None:
    match tokens:
        case []:
            return 0
        case [digits] if digits.isdigit():
            return int(digits) if len(digits) == 2 else None
        case ["oh" | "o" | "zero", ones]:
            minute = parse_number(ones)
            return minute if minute is not None and minute < 10 else None
        case _:
            minute = parse_number(" ".join(tokens))
            return minute if minute is not None and minute >= 10 else None


def _checked(hour: int | None, minute: int, *, zero_led: bool) -> tuple[int, int, bool] | None:
    if hour is None or hour > 23 or minute > 59:
        return None
    return hour, minute, 1 <= hour <= 12 and not zero_led
