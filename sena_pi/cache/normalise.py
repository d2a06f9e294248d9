"""Two questions are the same when their normal forms are.

What is taken away can't change what is asked: how a word is written, politeness and fillers at
the edges, the wake phrase. Everything else counts, and in its order: articles, little words,
plurals, accents, symbols. Where a word of politeness may be what the question is about ("how do
you say please"), it stays: a question that is not recognised costs a second, one that is taken
for another gives a wrong answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from sena_pi.cache import english

_QUOTES: Final = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u00a0": " ",
        "\u3000": " ",
        "\u2026": " ",
        **{chr(wide): chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)},
    }
)
_BEFORE: Final = ",;:!?\"'([{\u00bf\u00a1\u00ab\u201e"
_AFTER: Final = ".,;:!?\"')]}\u00bb\u3002\u3001"
_SENTENCE_END: Final = frozenset(".!?")
_MARKS: Final = frozenset({*"?!.,;:-", "..", "...", "?!", "!!", "??"})
_THOUSANDS: Final = re.compile(r"\d{1,3}(,\d{3})+")
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)%")
_CASE_MATTERS: Final = frozenset({"de", "lb"})
"""Languages in which a capital makes another word."""
_LONGEST_UNIT: Final = 4
"""Mixed words so short keep their capitals: "mPa" is not "MPa"."""
_SHORTEST_WORD: Final = 2
"""So do capitalised ones inside a sentence: "Co" is not "co"."""


def language_of(tag: str) -> str:
    """What of a language tag tells languages apart: "en" of "en-GB", but all of "zh-Hant"."""
    primary = tag.split("-")[0].lower()
    return tag.lower() if primary == "zh" else primary


class _Word(NamedTuple):
    """A word without the punctuation around it.

    Attributes:
        text: the word.
        comma: a comma follows.
        first: a sentence begins with it.
    """

    text: str
    comma: bool = False
    first: bool = False


def normal(question: str, language: str = "en", wake_words: Iterable[str] = ()) -> str:
    """The normal form of a question; empty when nothing is asked.

    Args:
        question: as it was heard or typed.
        language: its BCP 47 tag.
        wake_words: phrases that may precede it.
    """
    text = unicodedata.normalize("NFC", question.translate(_QUOTES))
    language = language_of(language)
    words = _cased(_words(text), language)
    words = _without_wake_words(words, tuple(wake_words))
    if language == "en":
        return " ".join(_english(words))
    return " ".join(word.text for word in words)


def _words(text: str) -> list[_Word]:
    words = []
    first = True
    pieces = text.split()
    last = len(pieces) - 1
    for at, piece in enumerate(pieces):
        if piece.isalnum():
            words.append(_Word(piece, False, first))  # noqa: FBT003
            first = False
            continue
        word = _bare(piece, last=at == last)
        if word:
            words.append(_Word(word, "," in piece[len(word) :], first))
            first = piece[-1] in _SENTENCE_END and piece[-1] != word[-1]
    return words


def _bare(piece: str, *, last: bool) -> str:
    """A word without the punctuation around it, but for marks that are its own."""
    if piece in _MARKS:
        # Alone between words a mark is what is asked about.
        return "" if last or piece in "-,.;" else piece
    word = piece.lstrip(_BEFORE)
    bare = word.rstrip(_AFTER)
    if not bare:
        return piece
    mark = word[len(bare) : len(bare) + 1]
    factorial = mark == "!" and (not last or len(word) > len(bare) + 1)
    feet_or_inches = mark in "'\"" and piece[:1] not in "'\""
    drive = mark == ":" and len(bare) == 1
    if mark and ((bare[-1].isdigit() and (factorial or feet_or_inches)) or drive):
        return bare + mark
    return bare


def _cased(words: list[_Word], language: str) -> list[_Word]:
    """The words in lower case, but for those that a capital makes another word."""
    if all(word.text.islower() for word in words):
        return words
    letters = [word.text for word in words if word.text[0].isalpha()]
    # Somebody, or a recogniser, that begins every word with a capital says nothing by it.
    headline = len(letters) > 2 and all(not text[0].islower() for text in letters)
    return [
        word
        if word.text.islower() or _keeps_case(word, language, headline=headline)
        else _Word(word.text.lower(), word.comma, word.first)
        for word in words
    ]


def _keeps_case(word: _Word, language: str, *, headline: bool) -> bool:
    text, lower = word.text, word.text.lower()
    if text == lower or headline:
        return False
    if language in _CASE_MATTERS:
        return not word.first
    if language != "en":
        return False
    if not text.isalpha() or len(text) == 1:
        return False
    if text.isupper():
        return True
    if not text[1:].islower():
        return len(text) <= _LONGEST_UNIT
    return not word.first and (lower in english.NAMES or len(text) <= _SHORTEST_WORD)


@lru_cache(maxsize=8)
def _phrases(wake_words: tuple[str, ...]) -> Mapping[str, list[tuple[str, ...]]]:
    """Phrases by their first word, the longest first; "hi" may stand for "hey"."""
    phrases = {tuple(phrase.lower().split()) for phrase in wake_words}
    phrases |= {("hi", *phrase[1:]) for phrase in phrases if phrase[:1] == ("hey",)}
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for phrase in sorted(filter(None, phrases), key=len, reverse=True):
        by_first.setdefault(phrase[0], []).append(phrase)
    return by_first


def _without_wake_words(words: list[_Word], wake_words: tuple[str, ...]) -> list[_Word]:
    phrases = _phrases(wake_words)
    while words:
        size = _wake_phrase(words, phrases.get(words[0].text.lower(), ()))
        if not size:
            break
        following, *rest = words[size:]
        begins = following.text.lower() if following.first else following.text
        words = [following._replace(text=begins), *rest]
    return words


def _wake_phrase(words: list[_Word], phrases: Iterable[tuple[str, ...]]) -> int:
    """How many words of a wake phrase the question begins with."""
    for phrase in phrases:
        size = len(phrase)
        said = tuple(word.text.lower() for word in words[:size])
        # "jarvis" may be somebody's name, unless a pause or a question follows.
        if (
            said == phrase
            and len(words) > size
            and (words[size - 1].comma or size > 1 or words[size].text in english.BEGINNINGS)
        ):
            return size
    return 0


# --- English ----------------------------------------------------------------------------------


def _english(words: list[_Word]) -> list[str]:
    if not english.ABOUT_WORDS.isdisjoint(word.text for word in words):
        return [word.text for word in _without_end(_without_beginning(words))]
    words = _without_end(_without_beginning(_without_fillers(words)))
    # "twenty, five" are two numbers, "twenty five" is one.
    texts = [f"{text}," if comma and text in english.NUMBERS else text for text, comma, _ in words]
    texts = _without_request(texts)
    plain: list[str] = []
    for text in texts:
        if "'" in text or text == "cannot":
            plain += english.CONTRACTIONS.get(text, text).split()
        else:
            plain.append(english.SPELLINGS.get(text, text))
    return _with_signs(_with_digits(_unrolled(plain)))


def _without_fillers(words: list[_Word]) -> list[_Word]:
    """Without those that begin the question or stand in front of an article."""
    if english.FILLERS.isdisjoint(word.text for word in words):
        return words
    kept: list[_Word] = []
    for at, word in enumerate(words):
        following = words[at + 1].text if at + 1 < len(words) else ""
        if word.text not in english.FILLERS or (kept and following not in {"the", "a", "an"}):
            kept.append(word)
    return kept or words


def _without_beginning(words: list[_Word]) -> list[_Word]:
    at = 0
    while at < len(words) - 1:
        word, following = words[at], words[at + 1].text
        pair = (word.text, following)
        if (
            word.text in english.BEFORE_A_QUESTION
            and (word.comma or following in english.QUESTION_WORDS | english.BEFORE_A_QUESTION)
        ) or (word.text in english.WITH_COMMA and word.comma):
            at += 1
        elif pair in english.PHRASES_WITH_COMMA and words[at + 1].comma and at + 2 < len(words):
            at += 2
        else:
            break
    return words[at:]


def _without_end(words: list[_Word]) -> list[_Word]:
    texts = [word.text for word in words]
    for polite in english.POLITE_ENDS:
        before = len(words) - len(polite) - 1
        if before < 2 or tuple(texts[before + 1 :]) != polite:
            continue
        if words[before].comma:
            return words[: before + 1]
    return words


def _without_request(texts: list[str]) -> list[str]:
    for requests, following in (
        (english.REQUESTS, english.ASKED_FOR),
        (english.POLITE_ORDERS, english.ORDERS),
    ):
        for request in requests:
            size = len(request)
            if tuple(texts[:size]) == request and following.intersection(texts[size : size + 1]):
                return texts[size:] if following is english.ORDERS else _turned(texts[size:])
    return texts


def _turned(texts: list[str]) -> list[str]:
    """What was asked for as it is asked: "what a quark is" becomes "what is a quark"."""
    verbs = {"is", "are", "was", "were"}
    if texts[0] in {"what", "who", "where"} and texts[-1] in verbs and len(texts) > 2:
        return [texts[0], texts[-1], *texts[1:-1]]
    return texts


def _unrolled(texts: list[str]) -> list[str]:
    """Ordinals as words, percent signs too."""
    result: list[str] = []
    for text in texts:
        percent = _PERCENT.fullmatch(text) if text[-1] == "%" else None
        result += [percent[1], "percent"] if percent else [english.ORDINALS.get(text, text)]
    return result


def _with_signs(texts: list[str]) -> list[str]:
    """Signs that stand between two numbers as words."""
    if english.SIGNS.keys().isdisjoint(texts):
        return texts
    between = range(1, len(texts) - 1)
    return [
        english.SIGNS[text]
        if at in between
        and text in english.SIGNS
        and _NUMBER.fullmatch(texts[at - 1])
        and _NUMBER.fullmatch(texts[at + 1])
        else text
        for at, text in enumerate(texts)
    ]


def _with_digits(texts: Sequence[str]) -> list[str]:
    """Number words as digits, but for a lone "one", which may be no number."""
    result: list[str] = []
    at = 0
    while at < len(texts):
        text = texts[at]
        value, length = _number(texts, at) if text in english.NUMBERS or "-" in text else (0, 0)
        if length and not (length == 1 and texts[at] == "one"):
            digits, more = _decimals(texts, at + length)
            result.append(f"{value}{digits}")
            at += length + more
        else:
            result.append(text.replace(",", "") if _THOUSANDS.fullmatch(text) else text)
            at += 1
    return result


def _decimals(texts: Sequence[str], at: int) -> tuple[str, int]:
    """What "point five" adds to a number, and how many words it takes."""
    if texts[at : at + 1] != ["point"]:
        return "", 0
    digits = ""
    for text in texts[at + 1 :]:
        digit = english.NUMBERS.get(text, 10)
        if digit > 9:
            break
        digits += str(digit)
    return (f".{digits}", len(digits) + 1) if digits else ("", 0)


def _number(texts: Sequence[str], at: int) -> tuple[int, int]:
    """The cardinal number that is spoken here, and how many words it takes; 0 words: none."""
    total, length, smallest = 0, 0, 1 << 62
    while True:
        value, more = _below_thousand(texts, at + length)
        scale = english.SCALES.get("".join(texts[at + length + more : at + length + more + 1]), 1)
        # "one thousand two hundred" is one number, "twenty twenty" and "five two" are not.
        if not more or scale >= smallest or (length and not value):
            return total, length
        total += value * scale
        length += more + (scale > 1)
        smallest = scale
        if scale == 1:
            return total, length


def _below_thousand(texts: Sequence[str], at: int) -> tuple[int, int]:
    value, length = _below_hundred(texts, at)
    if length and 0 < value < 10 and texts[at + length : at + length + 1] == ["hundred"]:
        joined = 1 if texts[at + length + 1 : at + length + 2] == ["and"] else 0
        rest, more = _below_hundred(texts, at + length + 1 + joined)
        if more and rest:
            return value * 100 + rest, length + 1 + joined + more
        return value * 100, length + 1
    return value, length


def _below_hundred(texts: Sequence[str], at: int) -> tuple[int, int]:
    text = texts[at] if at < len(texts) else ""
    tens, hyphen, unit = text.partition("-")
    numbers = english.NUMBERS
    if hyphen and 20 <= numbers.get(tens, 0) <= 90 and 0 < numbers.get(unit, 0) < 10:
        return numbers[tens] + numbers[unit], 1
    value = numbers.get(text)
    if value is None:
        return 0, 0
    following = numbers.get(texts[at + 1], 0) if at + 1 < len(texts) else 0
    if value >= 20 and 0 < following < 10:
        return value + following, 2
    return value, 1
