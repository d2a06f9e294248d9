"""What may be kept, and for how long. Rules of ours can only forbid; without a word, nothing is.

The model that answers says how long its answer stays true and whether the question stands alone.
These rules overrule it where it is known to be wrong: words of time, place and person, and words
that point at what was said before.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from sena_pi.cache.normalise import language_of
from sena_pi.stages import Cacheability, Header, Intent


class Bypass(StrEnum):
    """Why an answer is not kept, or not looked for."""

    OFF = "off"
    NEVER = "never"
    WORDS = "words"
    REFUSAL = "refusal"
    INCOMPLETE = "incomplete"
    ASKS_BACK = "asks back"
    EMPTY = "empty"
    CLOCK = "clock"
    TOO_LONG = "too long"
    SLOW = "slow"
    NOT_READY = "not ready"


_AGEING: Final = re.compile(
    r"\b(?:now|nowadays|today|today's|tonight|tomorrow|tomorrow's|yesterday|currently?|latest|newest"
    r"|recent(?:ly)?|news|headlines?|weather|forecast|raining|snowing|outside|scores?|prices?|stocks?"
    r"|exchange rate|bitcoin|traffic|open|opens|closed|closes|upcoming|elections?|alive|dead|still"
    r"|yet|ago|until|till|so far|these days|at the moment|lately|richest|oldest living"
    r"|(?:this|next|last|past|coming) (?:week|weekend|month|year|decade|century|morning|afternoon"
    r"|evening|night|season|monday|tuesday|wednesday|thursday|friday|saturday|sunday|spring|summer"
    r"|autumn|winter|\d+ \w+)|what time|what day|what date|what year is|what month is)\b"
    r"|^who (?:is|are|leads|runs|owns|holds)\b.*\b(?:president|minister|chancellor|king|queen|pope"
    r"|mayor|governor|senator|ceo|chief|boss|head|leader|champion|champions|coach|captain|record"
    r"|owner|secretary|monarch|emperor|prince|princess)\b"
)
_PERSONAL: Final = re.compile(
    r"\b(?:my|mine|our|ours|we|myself|us|here|nearby|nearest|near|closest|local|home|house"
    r"|neighborhood|am i|was i|did i|have i|had i|do i (?:have|know|like|live|look|own)|i am|i was"
    r"|i have|i had|i live|i work|i like"
    r"|(?:about|around|by|for|like|near|to|with|call|remind) me)\b"
)
_ANYBODY: Final = re.compile(r"\b(?:i|me)\b")
"""Anybody's "how do I boil an egg", but also "how much do I need"."""
_PLAYFUL: Final = re.compile(
    r"\b(?:a|an|another|some|me) (?:\w+ )?(?:joke|riddle|story|poem|song|fact|quote|number)\b"
    r"|\b(?:random|flip|roll|dice|surprise|guess)\b"
    r"|^(?:pick|choose|play|sing|remind|set|turn|switch|stop|start|open|close|buy|order|book|add"
    r"|schedule|call|text|message|email|send|wake|cancel|repeat)\b"
)
_POINTING: Final = re.compile(
    r"\b(?:he|she|it|they|him|her|hers|his|them|their|theirs|its|this|that|these|those|there|then"
    r"|such|same|one|ones|others?|another|else|more|again|also|too|instead|both|either|neither"
    r"|former|latter|previous|above|each|himself|herself|itself|themselves)\b"
)
_WHOLE: Final = re.compile(
    r"^(?:(?:in|at|on|from|to|of|for|by|with|under|during) (?:what|which|whose) )?(?:what|who|where"
    r"|when|why|how|which|whose|is|are|was|were|do|does|did|can|could|will|would|should|has|have"
    r"|name|define|describe|explain|spell|convert|list|translate|calculate|give|tell)\b"
)
"""How a question begins that may stand alone: not with "and", "by how much", "in feet"."""
_NAMED: Final = re.compile(
    r"^(?:what|who|where) (?:is|are|was|were) (?!the\b|a\b)\w[^ ]*(?: \w[^ ]*)?$"
)
_THE: Final = re.compile(r"\bthe\b")
_THE_OF: Final = re.compile(r"\bthe \w+(?: \w+)? of (?!the\b)")
"""What is said to be of something needs nothing that was said before: "the capital of France"."""
_FEWEST_WORDS: Final = 5
_REFUSAL: Final = re.compile(
    r"^\W*(?:(?:i'm |i am )?(?:so |very |really )?sorry|i (?:do not|don't|can't|cannot|couldn't"
    r"|could not|didn't|did not|am not able|am unable|have no|haven't)\b|i'm (?:not (?:able|sure)"
    r"|unable|afraid)|as an ai|unfortunately|my apologies|apologies|i apologi[sz]e)",
    re.IGNORECASE,
)
_NOT_KNOWN: Final = re.compile(
    r"\bi (?:do not|don't|can't|cannot) (?:know|have|tell|say|access|see|provide|give)\b"
    r"|\bdid(?:n't| not) (?:understand|catch|hear)\b",
    re.IGNORECASE,
)


def forbidden(question: str, language: str) -> Bypass | None:
    """Why answers to a question in its normal form must not be kept, None when they may be."""
    if not question:
        return Bypass.EMPTY
    if language_of(language) == "en":
        rules = (_AGEING, _PERSONAL, _PLAYFUL)
        if any(rule.search(question) for rule in rules):
            return Bypass.WORDS
    return None


def stands_alone(question: str, header: Header) -> bool:
    """Whether a question in its normal form means the same in any conversation.

    In a language whose pointing words we do not know, no question does. One that may point at
    something that was said ("what are the side effects") is its own question in each
    conversation, and another one where nothing was said before.
    """
    if not header.stands_alone or language_of(header.language) != "en":
        return False
    plain = question.lower()
    if _POINTING.search(plain) or _ANYBODY.search(plain) or not _WHOLE.match(question):
        return False
    if _THE.search(_THE_OF.sub("", plain)):
        return False
    # A short question lives on what was said before: "what is the opposite". One that names
    # what it asks about does not: "who was Mozart".
    return len(question.split()) >= _FEWEST_WORDS or _NAMED.match(question) is not None


def refused(question: str, header: Header, answer: str, *, complete: bool) -> Bypass | None:
    """Why an answer must not be kept, None when it may be.

    Args:
        question: in its normal form.
        header: what its author says of it.
        answer: what was spoken.
        complete: it ended as its author meant it to, and was heard to its end.
    """
    if not complete:
        return Bypass.INCOMPLETE
    if header.cacheability is Cacheability.NEVER or header.intent is not None:
        return Bypass.NEVER
    if header.expects_reply or answer.rstrip().endswith("?"):
        return Bypass.ASKS_BACK
    if not answer.strip():
        return Bypass.EMPTY
    if _REFUSAL.search(answer) or _NOT_KNOWN.search(answer):
        return Bypass.REFUSAL
    return forbidden(question, header.language)


_PASSING_INTENTS: Final = {Intent.TIME, Intent.DATE, Intent.REPEAT, Intent.TIMER}


def speech_may_be_kept(header: Header, *, kept: bool, cloud: bool, whole: bool) -> bool:
    """Whether the sentences of a turn may be kept as sound.

    Args:
        header: what is known of the answer.
        kept: the answer itself is.
        cloud: the answer came from the cloud, now or earlier.
        whole: all of it was heard.
    """
    if cloud and header.intent is None:
        return kept
    # Our own words come again and again, but for those that tell of this moment.
    return whole and header.intent is not None and header.intent not in _PASSING_INTENTS
