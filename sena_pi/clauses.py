"""Where an answer's first sentence may be cut, so that its first words are spoken early.

A person who reads aloud takes breath at a comma, colon, semicolon or dash, or before a word that
begins a clause of its own. The first such place is taken where both sides can stand alone: the
piece before it is long enough to sound like speech, and more than a word follows. It is never
inside a number, between numbers, behind an abbreviation, before "Jr.", in quotes or parentheses.
"""

from __future__ import annotations

import re

MIN_WORDS = 4
MIN_LETTERS = 20
"""A letter of a wide script (Korean, Chinese, Japanese) is a syllable, and counts as two."""
MIN_WORDS_BEFORE_CONJUNCTION = 6
"""More, because the text itself marks no pause there."""
MIN_WORDS_AFTER = 2

_BEGINS_A_CLAUSE = "because|but|although|though|whereas|unless|while|when|which|where|if"
"""English; "and", "or", "so", "as", "for" and "that" join words as often."""
_ENDS_A_CLAUSE = "지만|는데|은데|인데|니까|므로|때문에"
"""Korean, the last syllables of a word."""

_BORDER = re.compile(
    r"(?P<mark>[,;:\u060c\u061b](?=\s)|[\u3001\uff0c\uff1b\uff1a]"
    r"|(?<=\s)[-\u2013\u2014](?=\s))"
    rf"|(?<=[\uac00-\ud7a3 ])(?:{_ENDS_A_CLAUSE})(?=\s)"
    rf"|(?P<english>(?<=\s)(?=(?:{_BEGINS_A_CLAUSE})\s))"
)
_JOINED = frozenset((
    # "even though", "as if", "of which", "for a while", "nothing but", "I know when"
    "even", "only", "just", "as", "than", "and", "or", "but", "so", "that", "what", "a", "the",
    "of", "in", "on", "at", "to", "by", "for", "from", "with", "about", "after", "all", "none",
    "no", "nothing", "anything", "everything", "know", "see", "ask", "tell", "wonder", "sure",
))  # fmt: skip
"""Words that the conjunction after them belongs to."""
_BELONGS_TO_A_NAME = re.compile(r"\s*(?:Jr|Sr|Inc|Ltd|Co|Corp|LLC|Ph\.?D|M\.?D|Esq)\b")
_WORD = re.compile(r"\S*[^\W_]\S*")
_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff]")
_SPACELESS = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]")

_CLOSERS = {
    "(": ")", "[": "]", "{": "}", '"': '"', "\u201c": "\u201d", "\u201e": "\u201c\u201d",
    "\u00ab": "\u00bb", "\u00bb": "\u00ab", "\u300c": "\u300d", "\u300e": "\u300f",
    "\uff08": "\uff09", "\u300a": "\u300b", "\u3008": "\u3009",
}  # fmt: skip


def first_clause_end(text: str, *, english: bool) -> int:
    """Where to cut the beginning of an answer; 0 where it is not to be cut, so far.

    While a text grows the result only changes once, from 0: how it arrives makes no difference.

    Args:
        text: as much as there is of the first sentence, without what is behind it.
        english: its conjunctions are known.
    """
    for border in _BORDER.finditer(text):
        conjunction = border["english"] is not None
        if conjunction and not english:
            continue
        end = border.end()
        if _words(text[end:], _SPACELESS) < MIN_WORDS_AFTER + conjunction:
            return 0
        if _stands_alone(text[:end], conjunction=conjunction) and _goes_apart(text, border):
            return end
    return 0


def _stands_alone(piece: str, *, conjunction: bool) -> bool:
    """Whether it is long enough, and opens nothing that it does not close."""
    if len(piece) + len(_WIDE.findall(piece)) < MIN_LETTERS:
        return False
    least = MIN_WORDS_BEFORE_CONJUNCTION if conjunction else MIN_WORDS
    return _words(piece, _WIDE) >= least and not _is_open(piece)


def _goes_apart(text: str, border: re.Match[str]) -> bool:
    """Whether what is before the border and what is behind it don't belong together."""
    before, after = text[: border.start()].rstrip(), text[border.end() :].lstrip()
    if border["english"] is not None:
        return before.rsplit(None, 1)[-1].lower() not in _JOINED
    if before[-1:] == "." or (before[-1:].isdigit() and after[:1].isdigit()):
        return False
    return _BELONGS_TO_A_NAME.match(after) is None


def _words(text: str, spaceless: re.Pattern[str]) -> int:
    """Words; two letters of a script that writes none between them count as one."""
    return sum(max(1, len(spaceless.findall(word)) // 2) for word in _WORD.findall(text))


def _is_open(text: str) -> bool:
    """Whether a quote or a parenthesis is left open. An apostrophe is not a quote."""
    awaited: list[str] = []
    for char in text:
        if awaited and char in awaited[-1]:
            awaited.pop()
        elif char in _CLOSERS:
            awaited.append(_CLOSERS[char])
    return bool(awaited)
