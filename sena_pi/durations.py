"""Spoken lengths of time: the JSGF rules that hear them, and what they are in seconds."""

from __future__ import annotations

import re
from typing import Final

_ONES: Final = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

NUMBER_VALUES: Final = {
    **{word: value for value, word in enumerate(_ONES, start=1)},
    **{word: 10 * tens for tens, word in enumerate(_TENS, start=2)},
}
"""What the words from "one" to "ninety" mean."""
NUMBER_WORDS: Final = frozenset(NUMBER_VALUES) | {"hundred"}
"""The words a spoken number is made of."""

_UNIT_S: Final = {"second": 1, "minute": 60, "hour": 3600}

JSGF_RULES: Final = f"""\
<below_ten> = {" | ".join(_ONES[:9])};
<number> = <below_ten> | {" | ".join(_ONES[9:])} | ({" | ".join(_TENS)}) [<below_ten>];
<unit> = second | seconds | minute | minutes | hour | hours;
<amount> = <number> <unit> | a minute | an hour;
<duration> = <amount> [[and] <amount>] | half an hour | half a minute
    | (an | one) hour and a half | (a | one) minute and a half
    | <number> and a half (minutes | hours);
"""
"""Rules `<number>` (1 to 99), `<unit>` and `<duration>` for a grammar."""

_AMOUNT = re.compile(r"(?P<number>[a-z0-9 ]+?) (?P<unit>second|minute|hour)s?")


def parse_number(words: str) -> int | None:
    """A whole number of at most 999, in words ("forty five") or digits ("45"); None if it is not.

    "a hundred and twenty" and "one hundred twenty" are understood.
    """
    if words.isascii() and words.isdigit():
        return int(words) if len(words) <= 3 else None
    hundreds, hundred, rest = words.rpartition("hundred")
    if hundred:
        first = 1 if hundreds.strip() == "a" else _below_hundred(hundreds.split())
        last = _below_hundred(rest.removeprefix(" and").split()) if rest else 0
        if first is None or first > 9 or last is None:
            return None
        return 100 * first + last
    return _below_hundred(words.split())


def parse_duration_s(words: str) -> int | None:
    """A length of time in seconds, None if `words` are anything else.

    Understands words and digits: "ten minutes", "an hour and a half", "half an hour",
    "three quarters of an hour", "1 hour and 20 minutes", "two and a half minutes".
    """
    words = words.replace("-", " ")
    half = re.fullmatch(r"(?:half an?|a half|half) (minute|hour)", words)
    if half:
        return _UNIT_S[half[1]] // 2
    quarters = re.fullmatch(r"(a|one|three|3)? ?quarters? (?:of an )?hour", words)
    if quarters:
        return (3 if quarters[1] in ("three", "3") else 1) * _UNIT_S["hour"] // 4
    half = re.fullmatch(r"(an?|one|1) (minute|hour) and a half", words)
    if half:
        return 3 * _UNIT_S[half[2]] // 2
    half = re.fullmatch(r"([a-z0-9 ]+) and a half (minute|hour)s?", words)
    if half:
        whole = parse_number(half[1])
        return None if whole is None else (2 * whole + 1) * _UNIT_S[half[2]] // 2
    return _sum_of_amounts_s(words)


def number_words(number: int) -> str:
    """A number from 1 to 99 in words: "forty-five"."""
    if number < 20:
        return _ONES[number - 1]
    tens = _TENS[number // 10 - 2]
    return f"{tens}-{_ONES[number % 10 - 1]}" if number % 10 else tens


def _sum_of_amounts_s(words: str) -> int | None:
    """Seconds of "1 hour and 20 minutes": units in falling order, each once."""
    total_s, last_unit_s, at = 0, 2 * _UNIT_S["hour"], 0
    while amount := _AMOUNT.match(words, at):
        number = 1 if amount["number"] in ("a", "an") else parse_number(amount["number"])
        unit_s = _UNIT_S[amount["unit"]]
        if not number or unit_s >= last_unit_s:
            return None
        total_s, last_unit_s, at = total_s + number * unit_s, unit_s, amount.end()
        if at == len(words):
            return total_s
        joint = re.match(r" (and )?", words[at:])
        if joint is None:
            return None
        at += joint.end()
    return None


def _below_hundred(words: list[str]) -> int | None:
    match [NUMBER_VALUES.get(word, 0) for word in words]:
        case [value] if value:
            return value
        case [tens, ones] if tens >= 20 and tens % 10 == 0 and 1 <= ones <= 9:
            return tens + ones
        case _:
            return None
