"""Pairs of questions, and whether the cache takes them for the same one.

`tests/data` holds the pairs: a set that was known while the rules were written, a second that
they were corrected by, and one that was written apart from them and judges them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sena_pi.cache.keys import AnswerKey, context_digest
from sena_pi.cache.normalise import normal
from sena_pi.cache.policy import forbidden, stands_alone
from sena_pi.stages import Exchange, Header

DATA = Path(__file__).resolve().parents[1] / "data"
SETS = {
    "known": "questions_apart.tsv",
    "second": "questions_apart_held_back.tsv",
    "judging": "questions_apart_judging.tsv",
}
WAKE = ("hey sena", "sena", "hey jarvis", "jarvis")
GERMAN = re.compile(r"\b(?:wer|wie|was|wann|der|die|ist|und|auf)\b", re.IGNORECASE)
FRENCH = re.compile(r"\b(?:qui|où|est|quand|une|les|que|et)\b", re.IGNORECASE)


def rows(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text(encoding="utf-8").split("\n")
    return [line.split("\t") for line in lines if line]


def pairs() -> Iterator[tuple[str, str, str, tuple[str, str], tuple[str, str]]]:
    """Set, kind, language, and context and question of each."""
    for kind, said, one, said_too, other in rows("questions_apart.tsv"):
        yield "known", kind, language_of(one + " " + other), (said, one), (said_too, other)
    for which, name in SETS.items():
        if which != "known":
            for kind, language, said, one, said_too, other in rows(name):
                yield which, kind, language, (said, one), (said_too, other)


def language_of(text: str) -> str:
    """Roughly: of the pairs that do not say it."""
    if re.search("[\uac00-\ud7a3\u1100-\u11ff]", text):
        return "ko"
    for language, words in (("de", GERMAN), ("fr", FRENCH)):
        if len(words.findall(text)) >= 2 and not re.search(r"\b(?:the|what|is)\b", text):
            return language
    return "en"


def kept_at(question: str, said: str, language: str) -> AnswerKey | None:
    """Where its answer is kept, if the model takes every question to stand alone."""
    text = normal(question, language, WAKE)
    if forbidden(text, language) is not None:
        return None
    header = Header(heard=question, language=language, stands_alone=True)
    alone = stands_alone(text, header)
    return AnswerKey(text, language, "model", 1, "" if alone else context_of(said))


def looked_up(question: str, said: str, language: str) -> set[AnswerKey]:
    """Where an answer to it is looked for."""
    text = normal(question, language, WAKE)
    if forbidden(text, language) is not None:
        return set()
    return {AnswerKey(text, language, "model", 1, context) for context in ("", context_of(said))}


def context_of(said: str) -> str:
    """The context in which a question is asked."""
    return context_digest([Exchange(said, "Yes.")] if said else [])


def false_hits(which: str) -> tuple[int, list[tuple[str, ...]]]:
    """How many pairs that must not share an answer there are, and those that would.

    The model is taken to be wrong about every question: it says that each stands alone.
    """
    wrong, count = [], 0
    for where, kind, language, (said, one), (said_too, other) in pairs():
        if where == which:
            count += 1
            if kept_at(one, said, language) in looked_up(other, said_too, language) or kept_at(
                other, said_too, language
            ) in looked_up(one, said, language):
                wrong.append((kind, said, one, said_too, other))
    return count, wrong


def shared() -> tuple[Counter[str], Counter[str]]:
    """Pairs that should share an answer, and those that do, by kind."""
    there, found = Counter[str](), Counter[str]()
    for kind, one, other in rows("questions_alike.tsv"):
        there[kind] += 1
        language = language_of(one)
        if normal(one, language, WAKE) == normal(other, language, WAKE):
            found[kind] += 1
    return there, found
