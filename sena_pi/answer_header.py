"""Reads a model's answer while it arrives: a short header, then the words to speak.

The model is asked for one JSON object whose last field, `say`, holds the words, so that the
header is known before the first of them. What really arrives may be broken in any way; whatever
holds words is still spoken, no JSON is spoken aloud, and what the header did not say takes the
safe default (see `sena_pi.stages.Header`).

The keys are short because the words wait for them: beside `heard` the header costs about 25
tokens, counting each word and each run of punctuation as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

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
    "local": {"type": "STRING", "enum": [_NOT_LOCAL, *_INTENTS]},
    "keep": {"type": "STRING", "enum": [*_CACHEABILITY]},
    "alone": {"type": "BOOLEAN"},
    "asks": {"type": "BOOLEAN"},
    "say": {"type": "STRING"},
}
ANSWER_SCHEMA: Final[dict[str, Any]] = {
    "type": "OBJECT",
    "properties": _PROPERTIES,
    # Both: the documented order, and the one that was seen to decide when they differ.
    "property_ordering": [*_PROPERTIES],
    "required": [*_PROPERTIES],
}
"""What the model must fill in, in Gemini's subset of OpenAPI."""

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

    Attributes:
        asked: what was heard and the language, None until both are whole.
        header: None until the words begin or the answer has ended.
        too_long: the answer passed `MAX_ANSWER_BYTES`; what came after is dropped.
        whole: after `finish`: the answer was one complete JSON object with its words.
    """

    def __init__(self) -> None:
        self.asked: Header | None = None
        self.header: Header | None = None
        self.too_long = False
        self.whole = False
        self._raw = ""
        self._room_bytes = MAX_ANSWER_BYTES
        self._half_character = ""
        self._spoken = 0

    def feed(self, text: str) -> str:
        """Take the next piece; the new words in it, empty when there are none yet."""
        if self.too_long:
            return ""
        self._raw += self._fitting(self._characters(text))
        return self._new_words(ended=False)

    def finish(self) -> str:
        """Nothing more comes; the words that could not be told apart from JSON before."""
        new = self._new_words(ended=True)
        if self.header is None:
            self.header = Header()
        self.whole = not self.too_long and _is_whole(self._raw)
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

    def _new_words(self, *, ended: bool) -> str:
        header, words = _read(self._raw, ended=ended)
        if self.header is None:
            self.header = header
        if self.asked is None:
            self.asked = header or _asked(self._raw)
        new = words[self._spoken :]
        self._spoken += len(new)
        return new


def _asked(raw: str) -> Header | None:
    """The question and its language, once both of an object's fields are closed."""
    start = raw.find("{")
    if start < 0:
        return None
    try:
        fields = jiter.from_json(raw[start:].encode(), partial_mode="on", cache_mode="none")
    except ValueError:
        return None
    if not isinstance(fields, dict) or not {"heard", "lang"} <= fields.keys():
        return None
    header = _header(fields)
    return Header(heard=header.heard, language=header.language)


def _read(raw: str, *, ended: bool) -> tuple[Header | None, str]:
    """Header and words of an answer, as far as they are certain."""
    body = raw.lstrip("\ufeff \t\r\n")
    if not ended and _FENCE_BEGUN.fullmatch(body):
        return None, ""
    body = _FENCE.sub("", body, count=1) if body.startswith("```") else body
    prose, rest = _prose_before_json(body, ended=ended)
    say = _SAY.search(rest)
    if say is not None:
        header = Header() if prose else _header(_object(rest[: say.start()]))
        return header, prose + _said(rest[say.end() :], ended=ended)
    if ended and not prose:
        fields = _object(rest)
        return _header(fields), _words_without_say(rest, fields)
    return (Header() if prose else None), prose


def _prose_before_json(body: str, *, ended: bool) -> tuple[str, str]:
    if body[:1] in {"{", "[", '"', ""}:
        return "", body
    end = _PROSE_ENDS.search(body)
    if end is not None:
        return body[: end.start()], body[end.start() :]
    if ended:
        return body, ""
    return body.rstrip("`"), ""  # they may be the start of a fence


def _object(text: str) -> Mapping[str, Any]:
    """The complete fields of an object, or of the first object of a list."""
    value = _parse(text[text.find("{") :]) if "{" in text else None
    return value if isinstance(value, dict) else {}


def _said(text: str, *, ended: bool) -> str:
    text = text.lstrip()
    if text.startswith('"'):
        words = _parse(text)
        return words if isinstance(words, str) else ""
    return _spoken_form(_parse(text)) if ended else ""


def _words_without_say(text: str, fields: Mapping[str, Any]) -> str:
    """Words that came in another form than the one asked for."""
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


def _parse(text: str) -> object:
    """The value at the start of `text`, as far as it goes; None when it can't be read."""
    for candidate in (text, _repaired(text)):
        try:
            return jiter.from_json(
                candidate.encode(), partial_mode="trailing-strings", cache_mode="none"
            )
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


def _header(fields: Mapping[str, Any]) -> Header:
    """Each field that is as it should be; the default of `Header` for each that is not."""
    language, local = _text(fields, "lang"), _text(fields, "local")
    return Header(
        heard=_text(fields, "heard").strip(),
        language=language if _LANGUAGE.fullmatch(language) else "en",
        intent=_INTENTS.get(local),
        cacheability=_CACHEABILITY.get(_text(fields, "keep"), Cacheability.NEVER),
        stands_alone=fields.get("alone") is True,
        expects_reply=fields.get("asks") is True,
    )


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def _is_whole(raw: str) -> bool:
    try:
        value = jiter.from_json(raw.encode(), catch_duplicate_keys=True)
    except ValueError:
        return False
    return isinstance(value, dict) and isinstance(value.get("say"), str)
