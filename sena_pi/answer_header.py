"""Reads a model's answer while it arrives: its question, the words to speak, the rest.

The model is asked for one JSON object. The words, `say`, come as early as they can: in front of
them stands what decides how they are spoken, or whether they are at all, and of that only what
differs from its default; behind them comes what matters when they have been spoken. What really
arrives may be in any order, and broken in any way; whatever holds words is still spoken, no JSON
is spoken aloud, and what was not said takes the safe default (see `sena_pi.stages.Header`).

The keys are short because the words wait for them: beside `heard` usually about 6 tokens, counting
each word and each run of punctuation as one, and about 13 more follow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import jiter

from sena_pi.stages import Cacheability, Header, Intent

MAX_ANSWER_BYTES: Final = 8192

_NOT_LOCAL: Final = "none"
_INTENTS: Final = {intent.value: intent for intent in Intent}
_CACHEABILITY: Final = {
    "always": Cacheability.EVERGREEN,
    "hours": Cacheability.HOURS,
    "never": Cacheability.NEVER,
}
_PROPERTIES: Final[dict[str, dict[str, Any]]] = {
    "heard": {"type": "STRING"},
    "lang": {"type": "STRING"},
    # Without a word for none, a model that began this field would have to make an intent up.
    "local": {"type": "STRING", "enum": [_NOT_LOCAL, *_INTENTS]},
    "say": {"type": "STRING"},
    "keep": {"type": "STRING", "enum": [*_CACHEABILITY]},
    "alone": {"type": "BOOLEAN"},
    "asks": {"type": "BOOLEAN"},
}
_LEFT_OUT: Final = {"lang", "local"}
"""What is usually left out."""
ANSWER_SCHEMA: Final[dict[str, Any]] = {
    "type": "OBJECT",
    "properties": _PROPERTIES,
    # Both: the documented order, and the one that was seen to decide when they differ.
    "property_ordering": [*_PROPERTIES],
    "required": [key for key in _PROPERTIES if key not in _LEFT_OUT],
}
"""What the model must fill in, in Gemini's subset of OpenAPI."""

_Part = Literal["on", "trailing-strings"]
_CLOSED: Final = "on"
_BEGUN: Final = "trailing-strings"
"""How much jiter gives of a value that is cut: what is whole, or a begun string as well."""

_SAY = re.compile(r'"say"\s*:')
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_FENCE = re.compile(r"`{3,}(?:json(?![a-z])|[A-Za-z]*[ \t\r]*(?=\n))?\s*")
_FENCE_BEGUN = re.compile(r"`{1,2}|`{3,}[A-Za-z]*[ \t\r]*")
_PROSE_ENDS = re.compile(r"\{|```")
_ESCAPE = re.compile(
    r"""\\(?:
      (?P<good>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}
        |u(?![dD][89a-fA-F])[0-9a-fA-F]{4} | ["\\/bfnrt] )
      |(?P<begun>u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?\Z
        |u[0-9a-fA-F]{0,3}\Z | \Z )
      |(?P<lone>u[0-9a-fA-F]{4})
      |(?P<bad>)
    )""",
    re.VERBOSE,
)


class AnswerReader:
    """Takes an answer in pieces of any size. Not for use by two tasks.

    The words do not depend on how the answer was cut into pieces.

    Args:
        language: BCP 47 tag of an answer that names none.

    Attributes:
        asked: what was heard and the language, None until both are certain.
        opening: what stood in front of the words, None until they begin; for an intent only what
            was asked and the intent, as soon as they are certain.
        header: all of it, None until `finish`.
        too_long: the answer passed `MAX_ANSWER_BYTES`; what came after is dropped.
        whole: after `finish`: the answer was one complete JSON object with its words.
    """

    def __init__(self, language: str = "en") -> None:
        self.asked: Header | None = None
        self.opening: Header | None = None
        self.header: Header | None = None
        self.too_long = False
        self.whole = False
        self._language = language
        self._raw = ""
        self._room_bytes = MAX_ANSWER_BYTES
        self._half_character = ""
        self._spoken = 0

    def feed(self, text: str) -> str:
        """Take the next piece; the new words in it, empty when there are none yet."""
        if self.too_long:
            return ""
        self._raw += self._fitting(self._characters(text))
        answer = _read(self._raw, ended=False)
        if self.opening is None:
            self._know_opening(answer)
        return self._new(answer.words)

    def finish(self) -> str:
        """Nothing more comes; the words that could not be told apart from JSON before."""
        answer = _read(self._raw, ended=True)
        fields = {**answer.fields(closed=True), **answer.fields_in_front()}
        self.header = self._header(fields)
        self.opening = self.opening or self._header(answer.fields_in_front())
        self.asked = self.asked or _asked(self.header)
        self.whole = not self.too_long and _is_whole(self._raw)
        return self._new(answer.words)

    def _know_opening(self, answer: _Answer) -> None:
        if answer.words:
            self.opening = self._header(answer.fields_in_front())
            self.asked = self.asked or _asked(self.opening)
        elif answer.asked_is_certain():
            known = self._header(answer.fields(closed=True))
            self.asked = self.asked or _asked(known)
            if known.intent is not None:
                self.opening = replace(self.asked, intent=known.intent)

    def _header(self, fields: Mapping[str, Any]) -> Header:
        return _header(fields, self._language)

    def _new(self, words: str) -> str:
        new = words[self._spoken :]
        self._spoken += len(new)
        return new

    def _characters(self, text: str) -> str:
        """Whole characters: halves of a surrogate pair may come in two pieces."""
        text = self._half_character + text
        self._half_character = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half_character = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def _fitting(self, text: str) -> str:
        data = text.encode()
        if len(data) <= self._room_bytes:
            self._room_bytes -= len(data)
            return text
        self.too_long = True
        return data[: self._room_bytes].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer as far as it has come.

    Attributes:
        words: those that are certain.
        text: from its JSON on; empty when prose came first, whose JSON is not believed.
        front: the part of `text` in front of `say`; all of it while there is no `say`.
    """

    words: str
    text: str
    front: str

    def fields(self, *, closed: bool = False) -> Mapping[str, Any]:
        """Those that came; closed: without the one that is still arriving."""
        return _object(self.text, _CLOSED if closed else _BEGUN)

    def fields_in_front(self) -> Mapping[str, Any]:
        """Those in front of the words: what was said first counts."""
        return _object(self.front)

    def asked_is_certain(self) -> bool:
        """The question is whole, and its language is, or will not come where it belongs."""
        closed = self.fields(closed=True)
        if "heard" not in closed:
            return False
        begun = [*self.fields()]
        behind = begun[begun.index("heard") + 1 :]
        say_begun = len(self.front) < len(self.text)
        return say_begun or "lang" in closed or any(key != "lang" for key in behind)


def _read(raw: str, *, ended: bool) -> _Answer:
    body = raw.lstrip("\ufeff \t\r\n")
    if not ended and _FENCE_BEGUN.fullmatch(body):
        return _Answer("", "", "")
    body = _FENCE.sub("", body, count=1) if body.startswith("```") else body
    prose, text = _prose_before_json(body, ended=ended)
    say = _SAY.search(text)
    if say is not None:
        words, front = _said(text[say.end() :], ended=ended), text[: say.start()]
    else:
        words, front = _words_without_say(text) if ended and not prose else "", text
    return _Answer(prose + words, "", "") if prose else _Answer(words, text, front)


def _prose_before_json(body: str, *, ended: bool) -> tuple[str, str]:
    if body[:1] in {"{", "[", '"', ""}:
        return "", body
    end = _PROSE_ENDS.search(body)
    if end is not None:
        return body[: end.start()], body[end.start() :]
    if ended:
        return body, ""
    return body.rstrip("`"), ""  # they may be the start of a fence


def _object(text: str, part: _Part = _BEGUN) -> Mapping[str, Any]:
    """The fields of an object, or of the first object of a list."""
    value = _parse(text[text.find("{") :], part) if "{" in text else None
    return value if isinstance(value, dict) else {}


def _said(text: str, *, ended: bool) -> str:
    text = text.lstrip()
    if text.startswith('"'):
        words = _parse(text)
        return words if isinstance(words, str) else ""
    return _spoken_form(_parse(text)) if ended else ""


def _words_without_say(text: str) -> str:
    """Words that came in another form than the one asked for."""
    fields = _object(text)
    if fields:
        return _spoken_form([value for key, value in fields.items() if key not in _PROPERTIES])
    if "{" in text:
        return ""
    try:
        return _spoken_form(jiter.from_json(text.encode()))
    except ValueError:
        return text  # prose that happens to start with a quotation mark or a bracket


def _spoken_form(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        return " ".join(filter(None, map(_spoken_form, value)))
    return ""


def _parse(text: str, part: _Part = _BEGUN) -> object:
    """The value at the start of `text`, as far as it goes; None when it can't be read.

    What follows the value does no harm.
    """
    for candidate in (text, _repaired(text)):
        try:
            return jiter.from_json(candidate.encode(), partial_mode=part, cache_mode="none")
        except ValueError:
            continue
    return None


def _repaired(text: str) -> str:
    """Without what no JSON string may hold: control characters and senseless escapes."""
    return _ESCAPE.sub(_repaired_escape, re.sub(r"[\x00-\x1f]", " ", text))


def _repaired_escape(match: re.Match[str]) -> str:
    if match["lone"] is not None:
        return "\ufffd"
    return "" if match["bad"] is not None else match[0]


def _header(fields: Mapping[str, Any], otherwise: str) -> Header:
    """Each field that is as it should be; the default of `Header` for each that is not."""
    language, local = _text(fields, "lang"), _text(fields, "local")
    return Header(
        heard=_text(fields, "heard").strip(),
        language=language if _LANGUAGE.fullmatch(language) else otherwise,
        intent=_INTENTS.get(local),
        cacheability=_CACHEABILITY.get(_text(fields, "keep"), Cacheability.NEVER),
        stands_alone=fields.get("alone") is True,
        expects_reply=fields.get("asks") is True,
    )


def _asked(header: Header) -> Header:
    """The question and its language alone."""
    return Header(heard=header.heard, language=header.language)


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def _is_whole(raw: str) -> bool:
    try:
        value = jiter.from_json(raw.encode(), catch_duplicate_keys=True)
    except ValueError:
        return False
    return isinstance(value, dict) and isinstance(value.get("say"), str)
