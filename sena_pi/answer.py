"""An answer as far as it has come."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from sena_pi.reasons import Reason
from sena_pi.report import Source
from sena_pi.stages import Header, Known


@dataclass(slots=True)
class Answer:
    """An answer as far as it has come.

    Attributes:
        header: what is known about it; defaults until it arrived.
        source: where it comes from, None while there is none.
        model: engine and model that answered.
        sentences: what was given to be spoken.
        known: the answer as it was remembered, None when it was not.
        transcript_ns: monotonic time when the question was known as text.
        looked_up_ns: monotonic time when memory had been asked.
        first_text_ns: monotonic time of the first words.
        first_sentence_ns: monotonic time when the first of it was given to be spoken.
        worded: set once there are words to come, of the answer or of a reason for none.
        complete: it ended as its author meant it to.
        ends_conversation: the person said goodbye.
        trouble: why there is no answer yet, as far as that is known.
        problems: what went wrong on the way.
    """

    header: Header = field(default_factory=Header)
    source: Source | None = None
    model: str = ""
    sentences: list[str] = field(default_factory=list)
    known: Known | None = None
    transcript_ns: int | None = None
    looked_up_ns: int | None = None
    first_text_ns: int | None = None
    first_sentence_ns: int | None = None
    worded: asyncio.Event = field(default_factory=asyncio.Event)
    complete: bool = False
    ends_conversation: bool = False
    trouble: Reason | None = None
    problems: list[str] = field(default_factory=list)

    def has_words(self) -> None:
        """The first words have come, or more."""
        if self.first_text_ns is None:
            self.first_text_ns = time.monotonic_ns()
            self.worded.set()

    def says(self, sentence: str) -> None:
        """A sentence is about to be given to be spoken."""
        self.has_words()
        if self.first_sentence_ns is None:
            self.first_sentence_ns = time.monotonic_ns()
        self.sentences.append(sentence)
