"""What is kept: an answer's words, or a sentence's speech, and what must be known of them later.

On the card an entry is one byte for its kind, a short JSON object, a line feed, and the words or
the sound.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sena_pi.stages import Cacheability

_ANSWER: Final = b"a"
_SPEECH: Final = b"s"
_END: Final = b"\n"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer.

    Attributes:
        question: as it was heard.
        text: what was answered.
        language: BCP 47 tag.
        keep: how long it stays true.
        model: what answered.
        cost_ms: what it took this device to get it, from the endpoint to the first sound.
        kept_at: wall time, in seconds since 1970; None: the clock was not set.
        alone: the question means the same in any conversation.
    """

    question: str
    text: str
    language: str
    keep: Cacheability
    model: str
    cost_ms: float = 0.0
    kept_at: float | None = None
    alone: bool = True

    def packed(self) -> bytes:
        """As it is kept."""
        about = {
            "question": self.question,
            "language": self.language,
            "keep": self.keep,
            "model": self.model,
            "cost_ms": round(self.cost_ms, 1),
            "kept_at": self.kept_at,
            "alone": self.alone,
        }
        return _packed(_ANSWER, about, self.text.encode())


@dataclass(frozen=True, slots=True)
class StoredSpeech:
    """A sentence's speech.

    Attributes:
        sentence: what is spoken.
        language: BCP 47 tag.
        voice: engine, model and voice.
        sound: Ogg/Opus.
        kept_at: wall time, in seconds since 1970; None: the clock was not set.
    """

    sentence: str
    language: str
    voice: str
    sound: bytes
    kept_at: float | None = None

    def packed(self) -> bytes:
        """As it is kept."""
        about = {
            "sentence": self.sentence,
            "language": self.language,
            "voice": self.voice,
            "kept_at": self.kept_at,
        }
        return _packed(_SPEECH, about, self.sound)


Stored = StoredAnswer | StoredSpeech


def unpacked(payload: bytes) -> Stored:
    """The entry in a payload.

    Raises:
        ValueError: there is none of a form that is known here.
    """
    end = payload.find(_END)
    if end < 0:
        raise ValueError("an entry without its line feed")
    about = json.loads(payload[1:end])
    body = payload[end + 1 :]
    try:
        if payload[:1] == _ANSWER:
            return _answer(about, body.decode())
        if payload[:1] == _SPEECH:
            return StoredSpeech(
                about["sentence"], about["language"], about["voice"], body, about["kept_at"]
            )
    except (KeyError, TypeError) as error:
        raise ValueError(f"an entry without {error}") from None
    raise ValueError(f"an entry of the unknown kind {payload[:1]!r}")


def _answer(about: Mapping[str, Any], text: str) -> StoredAnswer:
    return StoredAnswer(
        question=about["question"],
        text=text,
        language=about["language"],
        keep=Cacheability(about["keep"]),
        model=about["model"],
        cost_ms=about["cost_ms"],
        kept_at=about["kept_at"],
        alone=about["alone"],
    )


def _packed(kind: bytes, about: Mapping[str, Any], body: bytes) -> bytes:
    return (
        kind + json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode() + _END + body
    )
