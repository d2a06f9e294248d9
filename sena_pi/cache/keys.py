"""What makes two answers, or two pieces of speech, the same one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Final

from sena_pi.cache.normalise import language_of
from sena_pi.cache.records import KEY_BYTES
from sena_pi.stages import Exchange

FORM: Final = "1"
"""Part of every key: entries that were kept under other rules are not found any more."""

_BETWEEN: Final = "\x1f"


def _digest(*parts: str) -> bytes:
    # No part can hold the separator's escape, so no two rows of parts join to the same text.
    joined = _BETWEEN.join([FORM, *[part.replace(_BETWEEN, " ") for part in parts]])
    return blake2b(joined.encode("utf-8", "replace"), digest_size=KEY_BYTES).digest()


@dataclass(frozen=True)
class AnswerKey:
    """A question, as far as its answer depends on it.

    Attributes:
        question: its normal form.
        language: BCP 47 tag of the answer.
        model: what answers it.
        prompt: version of what the model is told.
        context: digest of the conversation it belongs to; empty when it stands alone.
    """

    question: str
    language: str
    model: str
    prompt: int
    context: str = ""

    @cached_property
    def digest(self) -> bytes:
        """16 bytes."""
        language = language_of(self.language)
        fields = (self.question, language, self.model, str(self.prompt), self.context)
        return _digest("answer", *fields)


@dataclass(frozen=True)
class SpeechKey:
    """A sentence, as it is spoken.

    Attributes:
        sentence: what is spoken, as the voice is given it.
        language: its BCP 47 tag.
        voice: engine, model and voice.
    """

    sentence: str
    language: str
    voice: str

    @cached_property
    def digest(self) -> bytes:
        """16 bytes."""
        return _digest("speech", self.sentence, self.language, self.voice)


def context_digest(conversation: Sequence[Exchange]) -> str:
    """A short text that is another for each conversation; of none, too."""
    parts = [text for exchange in conversation for text in (exchange.heard, exchange.spoken)]
    return _digest("context", str(len(conversation)), *parts).hex()
