"""The questions our own code answers: one table, read as a grammar and as text.

A pattern is a JSGF expansion: words, `[optional]`, `(this | that)` and the rules named in
`_SLOTS`. `jsgf_grammar` hands the table to a recogniser; `understand` reads the same table as
regular expressions. So a question typed, heard on the device or heard in the cloud means the
same. The whole question must match: "what time is it in Tokyo" is another question. What is asked
of timers and alarms is understood in more forms than a recogniser can tell apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sena_pi import clock_times, durations
from sena_pi.stages import Intent
from sena_pi.timers import requests

PHRASES: Final[tuple[tuple[Intent, str], ...]] = (
    (Intent.TIME, "what time is it [now | right now]"),
    (Intent.TIME, "(what's | what is) the time [now | right now]"),
    (Intent.TIME, "(tell me | do you know) (what time it is | what the time is)"),
    (Intent.TIME, "(tell me | do you have) the time"),
    (Intent.DATE, "(what's | what is) the date [today]"),
    (Intent.DATE, "(what's | what is) today's date"),
    (Intent.DATE, "what day is (it [today] | today)"),
    (Intent.DATE, "what date is (it [today] | today)"),
    (Intent.DATE, "(tell me | do you know) (what day it is | what the date is)"),
    (Intent.DATE, "tell me (the date | today's date)"),
    (Intent.GREETING, "hello [there | again]"),
    (Intent.GREETING, "hi there"),
    (Intent.GREETING, "good (morning | afternoon | evening)"),
    (Intent.THANKS, "thank you [very much | so much]"),
    (Intent.THANKS, "thanks [a lot | very much]"),
    (Intent.GOODBYE, "goodbye"),
    (Intent.GOODBYE, "bye bye"),
    (Intent.GOODBYE, "good night"),
    (Intent.GOODBYE, "see you (later | tomorrow | soon)"),
    (Intent.HELP, "what can you do [for me]"),
    (Intent.HELP, "tell me what you can do"),
    (Intent.HELP, "what can i (ask | ask you | say)"),
    (Intent.HELP, "how can you help me"),
    (Intent.HELP, "help [me]"),
    (Intent.REPEAT, "repeat (that | your answer | the answer)"),
    (Intent.REPEAT, "say (that | it) again"),
    (Intent.REPEAT, "repeat what you said"),
    (Intent.REPEAT, "what did you [just] say"),
    (Intent.STOP, "stop [it | that | talking]"),
    (Intent.STOP, "be quiet"),
    (Intent.STOP, "never mind"),
    (Intent.STOP, "that's enough"),
    (Intent.STOP, "cancel [that]"),
    (Intent.VOLUME, "turn (it | the volume) (up | down)"),
    (Intent.VOLUME, "turn (up | down) the volume"),
    (Intent.VOLUME, "volume (up | down)"),
    (Intent.VOLUME, "(speak | talk) (louder | quieter)"),
    (Intent.VOLUME, "set the volume to <number> [percent]"),
    # Not "mute the microphone": the ears can't tell it from "move the microphone".
    (Intent.MUTE, "mute [yourself]"),
    (Intent.MUTE, "turn (off the microphone | the microphone off)"),
    (Intent.MUTE, "stop listening"),
    (Intent.TIMER, "(set | start) a timer for <duration>"),
    (Intent.TIMER, "(set | start) (a | an) <number> <unit> timer"),
    (Intent.TIMER, "(set | start) a timer"),
    (Intent.TIMER, "(cancel | stop) the timer"),
    (Intent.TIMER, "how (much time | long) is left on the timer"),
    (Intent.TIMER, "how (much time | long) is left"),
    (Intent.TIMER, "(set | start) (a | an) <thing> timer for <duration>"),
    (Intent.TIMER, "how (much time | long) is left on the <thing> timer"),
    (Intent.TIMER, "(cancel | stop) the <thing> timer"),
    (Intent.TIMER, "cancel all [the | my] (timers | alarms)"),
    (Intent.TIMER, "what (timers | alarms) are set"),
    (Intent.TIMER, "set (an | the) alarm for <clock> [<day>]"),
    (Intent.TIMER, "wake me [up] at <clock> [<day>]"),
    (Intent.TIMER, "wake me [up] in <duration>"),
    (Intent.TIMER, "when is (the | my) alarm"),
    (Intent.TIMER, "(cancel | stop) (the | my) alarm"),
    (Intent.TIMER, "turn (off the alarm | the alarm off)"),
    (Intent.FORGET, "forget (that | it all | everything)"),
    (Intent.FORGET, "forget what i (said | told you)"),
    (Intent.FORGET, "forget [about] our conversation"),
    (Intent.FORGET, "start over"),
    (Intent.WRONG, "(that's | that is | that was) (wrong | not right | not true)"),
    (Intent.WRONG, "that was the wrong answer"),
)
"""What can be asked, most of it in more than one form."""

THINGS: Final = (
    "pasta", "egg", "pizza", "rice", "tea", "coffee", "bread", "cake", "chicken", "soup",
    "oven", "laundry", "homework", "bath",
)  # fmt: skip
"""Names of timers that a recogniser knows; in text any name is understood."""

NEAR_MISSES: Final = (
    "what can (he | she | they | we) do",
    "what did (he | she | they | we) say",
)
"""What a recogniser would take for a phrase if it could not hear these; nothing answers them."""

_POLITE_BEFORE: Final = "please | (can | could | would) you [please]"
_POLITE_AFTER: Final = "please"

# What people and cloud transcripts put around a question; a recogniser needs none of it.
_AROUND_BEFORE: Final = (
    "please | (can | could | would | will) you | um | uh | er | oh | ok | okay | well | so | now"
    " | and | hey | sena | hey sena"
)
_AROUND_AFTER: Final = "please | thanks | thank you | sena"

_SLOTS: Final = {
    "<number>": r"(?P<number>[a-z0-9 ]+?) ",
    "<unit>": r"(?P<unit>second|minute|hour)s? ",
    "<duration>": r"(?P<duration>[a-z0-9 ]+?) ",
}
_TOKEN = re.compile(r"<\w+>|[\w']+|[\[\]()|]")
_CLOSING = {"[": "(?:", "(": "(?:", "]": ")?", ")": ")", "|": "|"}


@dataclass(frozen=True, slots=True)
class Understood:
    """What a question means to our own code.

    Attributes:
        intent: what is wanted.
        duration_s: seconds of the timer asked for, where one was named.
        percent: volume asked for, where one was named.
    """

    intent: Intent
    duration_s: int | None = None
    percent: int | None = None


def jsgf_grammar() -> str:
    """The table as a JSGF grammar in lower case, with polite words around each phrase."""
    phrases = "\n    | ".join((*(pattern for _, pattern in PHRASES), *NEAR_MISSES))
    return (
        "#JSGF V1.0;\ngrammar sena;\n"
        f"{durations.JSGF_RULES}{clock_times.JSGF_RULES}"
        f"<thing> = {' | '.join(THINGS)};\n"
        f"<phrase> = {phrases};\n"
        f"public <question> = [{_POLITE_BEFORE}] <phrase> [{_POLITE_AFTER}];\n"
    )


def understand(text: str, wake_words: Iterable[str] = ()) -> Understood | None:
    """The meaning of a question, or None when it is not one of ours.

    Case, punctuation, polite words, fillers and a wake word in front are overlooked; any other
    word more or less makes it another question.

    Args:
        text: the question, typed or transcribed.
        wake_words: words that may stand in front, in lower case ("hey jarvis").
    """
    words = _plain(text)
    for wake_word in wake_words:
        words = words.removeprefix(_plain(wake_word))
    for intent, regex in _REGEXES:
        found = regex.fullmatch(words)
        if found and (understood := _with_slots(intent, found)):
            return understood
    # Times of day and names are free text: they have a parser of their own.
    timer = requests.recognised(text, wake_words)
    if timer is None:
        return None
    duration_s = timer.duration_s if isinstance(timer, requests.SetTimer) else None
    return Understood(Intent.TIMER, duration_s=duration_s)


def _with_slots(intent: Intent, found: re.Match[str]) -> Understood | None:
    """Adds what the slots say; None when what stands there is not what they are for."""
    slots = found.groupdict()
    if slots.get("unit"):
        slots["duration"] = f"{slots.pop('number')} {slots['unit']}"
    if "duration" in slots:
        duration_s = durations.parse_duration_s(slots["duration"])
        return Understood(intent, duration_s=duration_s) if duration_s else None
    if "number" in slots:
        percent = durations.parse_number(slots["number"])
        fits = percent is not None and percent <= 100
        return Understood(intent, percent=percent) if fits else None
    return Understood(intent)


def _plain(text: str) -> str:
    """Words in lower case, each followed by one space; apostrophes dropped, "good-bye" joined."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"['`\u2018\u2019]", "", text.replace("%", " percent"))
    text = re.sub(r"\bgood[ -]bye\b", "goodbye", text)
    return "".join(f"{word} " for word in re.findall(r"\w+", text))


def _regex(expansion: str) -> str:
    """A JSGF expansion as a regular expression over `_plain` text."""
    parts = []
    for token in _TOKEN.findall(expansion):
        if token in _SLOTS:
            parts.append(_SLOTS[token])
        else:
            parts.append(_CLOSING.get(token) or token.replace("'", "") + " ")
    return "".join(parts)


_REGEXES: Final = tuple(
    (
        intent,
        re.compile(f"(?:{_regex(_AROUND_BEFORE)})*{_regex(pattern)}(?:{_regex(_AROUND_AFTER)})*"),
    )
    for intent, pattern in PHRASES
    if not re.search("<(?:thing|clock|day)>", pattern)
)
