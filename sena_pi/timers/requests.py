"""What a sentence asks of the timers and alarms; what is not wholly understood is never guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sena_pi.clock_times import ClockTime, parse_clock_time
from sena_pi.durations import NUMBER_WORDS, parse_duration_s
from sena_pi.words import spoken


class Kind(StrEnum):
    """A timer counts down; an alarm rings at a time of day."""

    TIMER = "timer"
    ALARM = "alarm"


class Why(StrEnum):
    """Why a sentence is no request."""

    NO_LENGTH = "no length"
    NO_TIME = "no time"
    REPEATING = "repeating"
    REMINDER = "reminder"
    CHANGING = "changing"
    NOT_UNDERSTOOD = "not understood"


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Ring after so long."""

    duration_s: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class SetAlarm:
    """Ring at a time; `to_wake`: "wake me" was said."""

    time: ClockTime
    name: str = ""
    to_wake: bool = False


@dataclass(frozen=True, slots=True)
class Which:
    """Those that are meant; what was not said is None.

    Attributes:
        kind: timers or alarms.
        name: as it was given.
        duration_s: length, as a timer was set to.
        time: of an alarm.
        every: all of them was said.
    """

    kind: Kind | None = None
    name: str | None = None
    duration_s: int | None = None
    time: ClockTime | None = None
    every: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """What is left, what is set?"""

    which: Which


@dataclass(frozen=True, slots=True)
class Cancel:
    """End these, or stop their ringing."""

    which: Which


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing that can be done; `why` tells what to ask back."""

    why: Why


Request = SetTimer | SetAlarm | Ask | Cancel | Unclear

LONGEST_NAME_WORDS: Final = 3
LONGEST_REQUEST_WORDS: Final = 40
"""Whoever says more is not talking to a timer; and what is tried for each word is bounded."""
LONGEST_DURATION_WORDS: Final = 12

_AROUND_BEFORE = re.compile(
    r"(?:please|(?:can|could|would|will) you|um|uh|er|oh|ok|okay|well|so|now|and"
    r"|(?:hey|hi|okay|ok) (?:sena|jarvis|computer)|sena) "
)
_AROUND_AFTER = re.compile(r" (?:please|thanks|thank you|sena|for me|right now)$")

_ARTICLES = r"(?:(?:a|an|the|my|another|one|new) )*"
_SET = r"(?:set(?: up)?|start|make|create|begin|add|give me|i need|i want|id like)"
_CANCEL = r"(?:cancel|stop|delete|remove|clear|end|turn off|switch off|silence|dismiss)"
_NEVER_NAMES: Final = frozenset(
    {"second", "minute", "hour", "day", "week", "half", "quarter", "point", "timer", "alarm"}
    | {"and", "or", "not", "the", "ago", "about", "for", "in", "at", "to", "on", "of", "from"}
)
_CALLED = r"(?: (?:called|named|for|labelled) (?:the |my )?(?P<called>.+))?"
_NAME = r"(?:(?P<name>[^#]+?) )?"
_UNITS: Final = {"mins?": "minutes", "secs?": "seconds", "hrs?": "hours"}
_SPAN = "#"
"""Stands for the length of time in what follows."""

_TIMERS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:{_SET} )?{_ARTICLES}{_NAME}timer (?:(?:for|of|to|with) )?#{_CALLED}",
        rf"(?:{_SET} )?{_ARTICLES}#(?: (?P<name>.+?))? timer{_CALLED}",
        rf"{_SET} {_ARTICLES}timer (?:called|named|for) (?:the |my )?(?P<name>[^#]+?) (?:for|of) #",
        rf"{_SET} {_ARTICLES}(?:alarm|timer) (?:in|for) #",
        r"(?:wake me(?: up)?|get me up) in #",
    )
)
_ALARMS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:{_SET} )?{_ARTICLES}alarm (?:called|named) (?P<name>.+?) (?:for|at) (?P<time>.+)",
        rf"(?:{_SET} )?{_ARTICLES}{_NAME}alarm (?:clock )?(?:(?:for|at|to) )?(?P<time>.+?)"
        r"(?: (?:called|named) (?P<called>.+))?",
        rf"(?:{_SET} )?{_ARTICLES}(?P<time>.+) alarm",
    )
)
_WAKE = re.compile(r"(?:wake me(?: up)?|get me up)(?: (?P<time>.+))?")
_TIMER_UNTIL = re.compile(rf"(?:{_SET} )?{_ARTICLES}timer (?:for|until|till) (?P<time>.+)")
_BY_THE_CLOCK = re.compile(r"\b(?:am|pm|a m|p m|oclock|past|noon|midnight|morning|evening)\b")

_SELECTED = re.compile(
    rf"(?P<every>(?:all|every|both)(?: of)? )?{_ARTICLES}(?:(?P<body>.+?) )??"
    r"(?P<kind>timers and alarms|alarms and timers|timers?|alarms?)"
    r"(?: (?:called|named|for|at|of|set for) (?:the |my )?(?P<more>.+))?"
)
_TURNED = re.compile(r"(?:turn|switch) (?P<what>.+) off")
_ASKS = re.compile(r"(?:how|whats?|whens?|which|is|are|do|list|show|tell|have|any)\b")
_CHANGES = re.compile(
    r"(?:pause|resume|continue|extend|shorten|change|move|snooze|reset|restart|put)\b"
    r"|(?:add|take) .* (?:to|from|off) "
)
_ASKED = re.compile(
    r".*\b(?:the|my|any|other) (?P<what>(?:[^ ]+ ){0,4}?(?:timer|alarm)s?)\b.*"
    r"|.*?\b(?P<kind>timer|alarm)s?\b.*"
)
_ASKED_FOR_SURE: Final = re.compile(
    r"(?:how (?:much|long|many)(?: more)?(?: time| minutes| longer)?"
    r"(?: is| are| do i have| does the .+? timer have)? (?:left|remaining|to go)"
    r"(?: (?:on|for|of|in) (?:the|my) (?:.+ )?(?:timer|alarm)s?)?"
    r"|whens? (?:is )?(?:the|my) (?:.+ )?(?:timer|alarm)(?: set(?: for)?)?"
    r"|when (?:will|does) (?:the|my) (?:.+ )?(?:timer|alarm) (?:ring|end|go off)"
    r"|(?:what|which) (?:timers|alarms) (?:are (?:there|set|running)|do i have|have i set)"
    r"|(?:list|tell me|what are) (?:all )?(?:the|my) (?:timers|alarms)"
    r"|(?:is there|are there|do i have) (?:a|an|any) (?:timer|alarm)s?(?: running| set)?)"
)
_LEFT = re.compile(r"how (?:much|long|many).*\b(?:left|remaining|remain|remains|to go|longer)\b.*")
_REPEATING = re.compile(r"\b(?:every|each|daily|everyday|weekdays?|weekends?|[a-z]+days)\b")
_KIND_WORDS = re.compile(r"\b(?:timers?|alarms?|wake|get me up)\b")


def parse(text: str, wake_words: Iterable[str] = ()) -> Request:
    """What a sentence asks for, typed or transcribed; instant.

    Args:
        text: any sentence that may be about timers or alarms.
        wake_words: words that may stand in front.
    """
    words = _without_politeness(plain(text), wake_words)
    if words.startswith("dont ") or len(words.split()) > LONGEST_REQUEST_WORDS:
        return Unclear(Why.NOT_UNDERSTOOD)
    if words.startswith("remind ") or " remind me" in words:
        return Unclear(Why.REMINDER)
    if _CHANGES.match(words):
        return Unclear(Why.CHANGING)
    if cancelled := _cancel(words):
        return cancelled
    if _ASKS.match(words):
        return _ask(words)
    if _KIND_WORDS.search(words) and _REPEATING.search(words):
        return Unclear(Why.REPEATING)
    return _set_timer(words) or _set_alarm(words) or _unclear(words)


def recognised(text: str, wake_words: Iterable[str] = ()) -> Request | None:
    """As `parse`, of a sentence that may be about anything: None unless timers are surely meant."""
    request = parse(text, wake_words)
    match request:
        case SetTimer() | SetAlarm():
            return request
        case Cancel(which) if which.kind is not None or which.every:
            return request
        case Ask() if _ASKED_FOR_SURE.fullmatch(_without_politeness(plain(text), wake_words)):
            return request
        case _:
            return None


def plain(text: str) -> str:
    """Words in lower case with single spaces; "6:30 a.m." is "6 30 am", "1.5" "1 and a half"."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"['`\u2018\u2019]", "", text)
    text = re.sub(r"\b([ap])\.? ?m\b\.?", r"\1m", text)
    text = re.sub(r"(\d)([ap]m)\b", r"\1 \2", text)
    text = re.sub(r"\bo clock\b", "oclock", text)
    text = re.sub(r"\b(\d+)[.,]5\b(?! ?[ap]m)", r"\1 and a half", text)
    for short, unit in _UNITS.items():
        text = re.sub(rf"(\d|\b){short}\b\.?", rf"\1 {unit}", text)
    text = re.sub(r"(\d)[.,](\d)", r"\1 point \2", text)
    return " ".join(re.findall(r"\w+", text))


def _without_politeness(words: str, wake_words: Iterable[str]) -> str:
    for wake_word in wake_words:
        words = words.removeprefix(f"{spoken(wake_word)} ")
    while before := _AROUND_BEFORE.match(words):
        words = words[before.end() :]
    while after := _AROUND_AFTER.search(words):
        words = words[: after.start()]
    return words


# --- setting ----------------------------------------------------------------------------------


def _set_timer(words: str) -> SetTimer | Unclear | None:
    marked, duration_s = _mark_duration(words)
    if duration_s is None:
        return None
    for pattern in _TIMERS:
        found = pattern.fullmatch(marked)
        if found is None:
            continue
        named = found.groupdict()
        name = named.get("name") or named.get("called") or ""
        both = named.get("name") and named.get("called")
        if not both and _is_name(name):
            return SetTimer(duration_s, name)
    return None


def _mark_duration(words: str) -> tuple[str, int | None]:
    """The words with their only length of time replaced by a mark; None where there is none."""
    tokens = words.split()
    for length in range(min(len(tokens), LONGEST_DURATION_WORDS), 0, -1):
        for start in range(len(tokens) - length + 1):
            span = " ".join(tokens[start : start + length])
            if duration_s := parse_duration_s(span):
                return " ".join([*tokens[:start], _SPAN, *tokens[start + length :]]), duration_s
    return words, None


def _set_alarm(words: str) -> SetAlarm | Unclear | None:
    if found := _WAKE.fullmatch(words):
        time = parse_clock_time(found["time"] or "")
        return SetAlarm(time, to_wake=True) if time else Unclear(Why.NO_TIME)
    until = _TIMER_UNTIL.fullmatch(words)
    if until and _BY_THE_CLOCK.search(until["time"]):
        time = parse_clock_time(until["time"])
        return SetAlarm(time) if time else Unclear(Why.NO_TIME)
    for pattern in _ALARMS:
        found = pattern.fullmatch(words)
        if found is None or (time := parse_clock_time(found["time"])) is None:
            continue
        named = found.groupdict()
        name = named.get("name") or named.get("called") or ""
        if _is_name(name):
            return SetAlarm(time, name)
    return None


def _is_name(name: str) -> bool:
    words = name.split()
    return len(words) <= LONGEST_NAME_WORDS and not any(
        word in NUMBER_WORDS or not word.isalpha() or word.removesuffix("s") in _NEVER_NAMES
        for word in words
    )


def _unclear(words: str) -> Unclear:
    if re.search(r"\btimers?\b", words):
        return Unclear(Why.NO_LENGTH)
    if re.search(r"\balarms?\b", words):
        return Unclear(Why.NO_TIME)
    return Unclear(Why.NOT_UNDERSTOOD)


# --- asking and cancelling ----------------------------------------------------------------------


def _cancel(words: str) -> Cancel | Unclear | None:
    if turned := _TURNED.fullmatch(words):
        words = f"turn off {turned['what']}"
    found = re.fullmatch(rf"{_CANCEL}(?: (?P<what>.+))?", words)
    if found is None:
        return None
    if found["what"] in (None, "it", "that", "ringing", "the ringing"):
        return Cancel(Which())
    selected = _SELECTED.fullmatch(found["what"])
    which = _which(selected) if selected else None
    return Cancel(which) if which else Unclear(Why.NOT_UNDERSTOOD)


def _which(selected: re.Match[str]) -> Which | None:
    """What was selected; None where it holds something that is not understood."""
    kind = selected["kind"]
    which = Which(
        None if " and " in kind else Kind(kind.removesuffix("s")),
        every=bool(selected["every"]) or " and " in kind or kind.endswith("s"),
    )
    if selected["body"] and selected["more"]:
        return None
    said = selected["body"] or selected["more"]
    if not said:
        return which
    if duration_s := parse_duration_s(said):
        return Which(which.kind, duration_s=duration_s, every=which.every)
    if time := parse_clock_time(said):
        return Which(which.kind, time=time, every=which.every)
    return Which(which.kind, name=said, every=which.every) if _is_name(said) else None


def _ask(words: str) -> Ask | Unclear:
    found = _ASKED.fullmatch(words)
    if found is None:
        return Ask(Which()) if _LEFT.fullmatch(words) else Unclear(Why.NOT_UNDERSTOOD)
    if found["kind"]:
        return Ask(Which(Kind(found["kind"])))
    selected = _SELECTED.fullmatch(found["what"])
    which = _which(selected) if selected else None
    return Ask(which or Which(Kind.ALARM if "alarm" in found["what"] else Kind.TIMER))
