"""Text deltas to sentences, each as soon as it is certain.

A sentence in progress can't be stopped and the first sound is the first sentence, so sentences
are short: one that grows over `max_chars` is cut at a clause border. A full stop that may
belong to a number, a title or an abbreviation ends nothing: a pause at the wrong place is worse
than a sentence that comes a moment later.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from sena_pi.clauses import first_clause_end

MAX_CHARS = 200

_STOPS = ".!?\u2026\u061f\u06d4\u0964\u0965"
_WIDE_STOPS = "\u3002\uff01\uff1f\uff61\uff0e"
_CLOSERS = "\"'\u201d\u2019\u00bb)]}*_\u300d\u300f\uff09"
_CLAUSE_MARKS = ",;:\u2014\u2013\u060c\u061b"
_WIDE_CLAUSE_MARKS = "\u3001\uff0c\uff1b\uff1a"
_END = re.compile(
    rf"(?P<newline>\n)|(?P<wide>[{_WIDE_STOPS}]{{1,8}})|(?P<stop>[{_STOPS}]{{1,8}})"
    rf"|(?P<clause>[{_CLAUSE_MARKS}](?=\s)|[{_WIDE_CLAUSE_MARKS}])"
)
_MOST_CLOSERS = 4
_MOST_SPACES = 8

_NEVER_LAST = frozenset((
    "mr", "mrs", "ms", "messrs", "dr", "prof", "st", "mt", "gen", "col", "maj", "capt", "lt",
    "sgt", "rev", "hon", "gov", "sen", "rep", "pres", "vs", "e.g", "i.e", "cf", "approx",
    "herr", "fr", "hr", "z.b", "d.h", "bzw", "ca",
))  # fmt: skip
"""Abbreviations that something always follows, without their last full stop."""
_BEFORE_NUMBERS = frozenset(("no", "nr", "fig", "vol", "ch", "pp", "p"))
_MAY_BE_LAST = frozenset(("a.m", "p.m", "etc", "inc", "ltd", "co", "corp", "jr", "sr", "usw"))
_WORD_BEFORE = re.compile(r"[^\s(\[\"'\u201c\u2018]*$")
_ORDINAL_LANGUAGES = frozenset((
    "de", "da", "nb", "nn", "no", "fi", "et", "cs", "sk", "sl", "hr", "sr", "bs", "hu", "lv",
    "is", "pl", "tr",
))  # fmt: skip
"""Languages that write an ordinal as a number with a full stop."""


class SentenceSplitter:
    """Takes text as it arrives, gives sentences; how the text was cut up makes no difference.

    Nothing is lost: the sentences hold every character of the text but the spaces between them.

    Args:
        max_chars: longest sentence.
        first_clause: give the first sentence's first clause as a piece of its own, where that
            can be spoken naturally (`sena_pi.clauses`).
        language: of the text (BCP 47).
    """

    def __init__(
        self,
        max_chars: int = MAX_CHARS,
        *,
        first_clause: bool = False,
        language: str = "en",
    ) -> None:
        self._max_chars = max_chars
        self._first_clause = first_clause
        family = language.partition("-")[0].lower()
        self._english = family == "en"
        self._ordinals = family in _ORDINAL_LANGUAGES
        self._text = ""

    def feed(self, delta: str) -> list[str]:
        """The sentences that this delta completes, in order."""
        self._text += delta
        return list(self._sentences(final=False))

    def flush(self) -> list[str]:
        """What is left when no more text comes."""
        return list(self._sentences(final=True))

    def _sentences(self, *, final: bool) -> Iterator[str]:
        while True:
            self._text = self._text.lstrip()
            end = self._end(final=final)
            if end is None:
                return
            sentence, self._text = self._text[:end].rstrip(), self._text[end:]
            self._first_clause = False
            yield sentence

    def _end(self, *, final: bool) -> int | None:
        """Where the first sentence of the text ends; None while that is not certain."""
        text = self._text
        if not text:
            return None
        stop = self._stop(final=final)
        if self._first_clause:
            seen = min(stop or len(text), self._max_chars + 1)
            clause = first_clause_end(text[:seen], english=self._english)
            if clause:
                return clause
        if stop != 0:
            return stop
        if len(text) > self._max_chars:
            return self._cut()
        return len(text) if final else None

    def _stop(self, *, final: bool) -> int | None:
        """The end by a stop or a new line; 0 when there is none, None while that is not certain."""
        for found in _END.finditer(self._text):
            if found.start() >= self._max_chars:
                break
            if found["clause"]:
                continue
            end = self._end_at(found, final=final)
            if end is None:
                return None
            if end and end <= self._max_chars:
                return end
        return 0

    def _end_at(self, found: re.Match[str], *, final: bool) -> int | None:
        """The end of the sentence if this mark ends it; 0 if it does not, None if not known."""
        if found["newline"]:
            return found.start()
        text = self._text
        end = _past(text, found.end(), _CLOSERS, _MOST_CLOSERS)
        if end == len(text):
            return end if final else None
        if found["wide"]:
            return end
        after = _past(text, end, None, _MOST_SPACES)
        if after == end:
            return 0
        if "\n" in text[end:after] or after - end == _MOST_SPACES:
            return end
        closed = end > found.end()
        if found["stop"][-1] not in ".\u2026" and not closed:
            return end
        if after == len(text):
            return end if final else None
        if text[after].islower():
            return 0
        return 0 if found["stop"] == "." and self._goes_on(found.start(), text[after]) else end

    def _goes_on(self, stop: int, following: str) -> bool:
        """Whether a single full stop before a capital or a digit belongs to the word before it."""
        before = self._text[:stop]
        match = _WORD_BEFORE.search(before)
        word = match[0] if match else ""
        lower = word.lower()
        if lower in _NEVER_LAST:
            return True
        if lower in _BEFORE_NUMBERS and following.isdigit():
            return True
        if lower in _MAY_BE_LAST:
            return False
        if word.isdigit():
            return len(word) == len(before) or (self._ordinals and len(word) <= 2)
        # Initials: "J. K. Rowling", "the U.S. Navy"; but "so do I."
        return (len(word) == 1 and word.isupper() and word != "I") or bool(
            re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]", word)
        )

    def _cut(self) -> int:
        """Where to cut a sentence that is too long: a clause border, a space, or anywhere."""
        start = self._text[: self._max_chars + 1]
        borders = [m.end() for m in _END.finditer(start) if m["clause"]]
        borders = [end for end in borders if self._max_chars // 4 <= end <= self._max_chars]
        if borders:
            return borders[-1]
        space = max(start.rfind(" "), start.rfind("\t"))
        if space > 0:
            return space
        end = self._max_chars
        while end > 1 and unicodedata.category(start[end])[0] == "M":
            end -= 1
        return end


def _past(text: str, start: int, characters: str | None, most: int) -> int:
    """Position after a run of these characters (None: of white space), at most `most` long."""
    end = start
    while end < len(text) and end - start < most:
        if text[end] not in characters if characters is not None else not text[end].isspace():
            break
        end += 1
    return end
