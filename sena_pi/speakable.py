"""Untrusted answer text made safe and natural to speak, before any synthesiser sees it.

A language model's words are untrusted: ordinary characters can kill a phonemiser (in espeak-ng,
words like "s's's's..." and "i.e. i.e. ..." overrun a buffer and take the process with them),
`[[...]]` is raw phonemes to Piper and espeak-ng, `<...>` is markup to others, and Markdown is
read out as noise. Here text becomes plain words: markup loses its marks and keeps its words, and
what is stacked, hidden or endless is cut. Ordinary text, in any script, comes out as it went in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from sena_pi.markup import one_line, without_markup

MAX_CHARS = 1_500
"""Longest text that is spoken, in characters; about a minute and a half."""
MAX_TOKEN_CHARS = 40
"""Longest run without a space; the shortest that was seen to kill espeak-ng has 150."""

_MAX_RAW_CHARS = 8 * MAX_CHARS
_MAX_PASSES = 8
_MAX_MARKS = 4
_MAX_PUNCTUATION = 5
_MAX_APOSTROPHES = 3
_MAX_INITIALS = 24
_MAX_DIGITS = 12
_MAX_SPELT_DIGITS = 24

_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}\N{PRIME}"
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_SENTENCE_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\u061f\u0964](?=[\s\"')\u201d\u2019]|$)")
_CLAUSE_END = ",.;:!?\u3001\u3002\uff0c\uff01\uff1a\uff1b\uff1f"
_SPACELESS = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)


def speakable(text: str) -> str:
    """Plain words for a synthesiser: at most `MAX_CHARS`, no token over `MAX_TOKEN_CHARS`.

    Takes a whole answer or one sentence of a stream. Never raises; empty when nothing in `text`
    can be spoken. What came out once comes out unchanged again.
    """
    text = text[:_MAX_RAW_CHARS]
    for _ in range(_MAX_PASSES):
        cleaned = _clean(text)
        if cleaned == text:
            return text
        text = cleaned
    # Text that is still changing was made to: only its letters are left of it.
    words = " ".join(re.findall(rf"[^\W\d_]{{1,{MAX_TOKEN_CHARS}}}", text))[:MAX_CHARS].strip()
    return words if _clean(words) == words else ""


def without_wake_words(text: str, words: Iterable[str], instead: str = "the wake word") -> str:
    """Safe text in which no wake word is left, so that the assistant never wakes itself.

    "Hey Sena" loses its "Hey"; a word that has nothing to lose is replaced.

    Args:
        text: what `speakable` returned.
        words: wake words, in lower case with spaces.
        instead: what stands for a word that can't be shortened; in the answer's language.
    """
    # The longest first: "Hey Jarvis" is one phrase, also where "Jarvis" alone is a wake word.
    phrases = sorted(filter(None, map(str.split, words)), key=len, reverse=True)
    rules = [_wake_rule(parts, instead) for parts in phrases]
    attempt = 0
    while any(pattern.search(text) for pattern, _ in rules):
        attempt += 1
        for pattern, replacement in rules:
            # Taking one away may put another together; in the end all go without replacement.
            text = pattern.sub(replacement if attempt < _MAX_PASSES else "", text)
    return text


def _wake_rule(parts: list[str], instead: str) -> tuple[re.Pattern[str], str]:
    """A wake word as it may be written, and what stands for it."""
    *first, last = map(re.escape, parts)
    phrase = r"[\W_]{1,3}".join((*first, f"(?P<name>{last})"))
    pattern = re.compile(rf"(?<!\w){phrase}(?!\w)", re.IGNORECASE)
    if len(first) == 1 and first[0].lower() in _GREETINGS:
        return pattern, r"\g<name>"
    return pattern, "" if pattern.search(instead) else instead.replace("\\", "")


_GREETINGS = frozenset(("hey", "hi", "hello", "ok", "okay", "yo"))


def _clean(text: str) -> str:
    """One pass; `speakable` repeats it until nothing changes."""
    text = unicodedata.normalize("NFC", "".join(map(_fold, text)))[:_MAX_RAW_CHARS]
    text = one_line(without_markup(text))
    text = _unstacked(text)
    text = _few_initials(_short_numbers(text))
    text = " ".join(piece for token in text.split() for piece in _short_tokens(token))
    text = _capped(text)
    return text if any(map(str.isalnum, text)) else ""


# --- characters -------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    """What a character becomes: itself, its plain form, a space or nothing.

    As NFKC, but what would change the meaning stays: superscripts and fractions (10\u00b2 is not
    102), the wide punctuation of Chinese and Japanese, and single Korean letters.
    """
    if char in "\n`" or char in _JOINERS:
        return char
    if char.isspace():
        return "\n" if char in "\r\v\f\x85\u2028\u2029" else " "
    category = unicodedata.category(char)
    if (
        category[0] == "C"
        or category == "Me"
        or "\ufe00" <= char <= "\ufe0f"
        or char > "\U000e0000"
    ):
        return ""
    if char == "\N{ACUTE ACCENT}":
        return "'"
    if category == "Sk":
        return " "
    form = unicodedata.decomposition(char).partition(">")[0][1:]
    if category == "So" and char != "\N{DEGREE SIGN}":
        plain = unicodedata.normalize("NFKC", char)
        return plain if form == "compat" and plain != char else " "
    if (
        form in ("super", "sub", "fraction")
        or (form == "wide" and category[0] == "P")
        or "\u3131" <= char <= "\u318e"
    ):
        return char
    return unicodedata.normalize("NFKC", char)


def _unstacked(text: str) -> str:
    """Runs of marks and punctuation cut to what a person would write."""
    out: list[str] = []
    marks = punctuation = 0
    for char in text:
        category = unicodedata.category(char)
        if category[0] == "M":
            marks += 1
            if marks > _MAX_MARKS:
                continue
        elif char.isalnum() or char == " " or char in _JOINERS:
            marks = punctuation = 0
        else:
            punctuation += 1
            repeated = out[-1:] == [char] and not (char == "." and out[-3:] != [".", ".", "."])
            if repeated or punctuation > _MAX_PUNCTUATION:
                continue
            marks = 0
        out.append(char)
    return _HIDDEN_JOINER.sub("", "".join(out))


_JOINABLE = "\u0600-\u0dff"  # Arabic and the scripts of India, where a joiner spells
_HIDDEN_JOINER = re.compile(f"(?<![{_JOINABLE}])[{_JOINERS}]|[{_JOINERS}](?![{_JOINABLE}])")


# --- length -----------------------------------------------------------------------------------


def _short_numbers(text: str) -> str:
    """Digits without end: cut behind a decimal point, spelt digit by digit elsewhere."""
    text = re.sub(rf"(?<=\d\.)(\d{{{_MAX_DIGITS}}})\d+", r"\1", text)
    return re.sub(
        rf"\d{{{_MAX_DIGITS + 1},}}",
        lambda found: " ".join(found[0][:_MAX_SPELT_DIGITS]),
        text,
    )


def _few_initials(text: str) -> str:
    """Full stops beside single letters, up to `_MAX_INITIALS`: espeak-ng joins them to one word.

    So "i.e. i.e. i.e. ..." kills it like one endless word, spaces or not.
    """
    if text.count(".") <= _MAX_INITIALS:
        return text
    pieces = re.split(r"(\w+)", text)
    initials = 0
    for place in range(0, len(pieces), 2):
        beside = pieces[place - 1 : place] + pieces[place + 1 : place + 2]
        if "." in pieces[place] and any(len(word) == 1 and word.isalpha() for word in beside):
            initials += 1
            if initials > _MAX_INITIALS:
                pieces[place] = pieces[place].replace(".", " ")
    return "".join(pieces)


def _short_tokens(token: str) -> list[str]:
    """A token in pieces of at most `MAX_TOKEN_CHARS`.

    Scripts that write no spaces keep every piece. Elsewhere what is longer than two pieces is no
    word, and the rest of it is dropped.
    """
    if sum(map(token.count, _APOSTROPHES)) > _MAX_APOSTROPHES:
        token = _without_apostrophes(token)
    if len(token) <= MAX_TOKEN_CHARS:
        return [token]
    spaceless = _SPACELESS.search(token) is not None
    pieces: list[str] = []
    while token and (spaceless or len(pieces) < 2):
        cut = _cut(token) if len(token) > MAX_TOKEN_CHARS else len(token)
        pieces.append(token[:cut])
        token = token[cut:]
    return pieces


def _without_apostrophes(token: str) -> str:
    kept = 0
    out: list[str] = []
    for char in token:
        if char in _APOSTROPHES:
            kept += 1
            if kept > _MAX_APOSTROPHES:
                continue
        out.append(char)
    return "".join(out)


def _cut(token: str) -> int:
    """Where to end the first piece: behind punctuation, never before a combining mark."""
    for position in range(MAX_TOKEN_CHARS, MAX_TOKEN_CHARS // 2, -1):
        if token[position - 1] in _CLAUSE_END:
            return position
    position = MAX_TOKEN_CHARS
    while position > 1 and unicodedata.category(token[position])[0] == "M":
        position -= 1
    return position


def _capped(text: str) -> str:
    """At most `MAX_CHARS`: whole sentences where there are any, else whole words."""
    if len(text) <= MAX_CHARS:
        return text
    text = text[:MAX_CHARS]
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    if ends and ends[-1] > MAX_CHARS // 2:
        return text[: ends[-1]]
    return text.rpartition(" ")[0] or text
