"""How fast a cloud is: when each token of an answer comes, and each byte of its speech.

Pure arithmetic, in seconds after a request is complete. A token is a word or a run of punctuation,
which is about what language models count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol

from sena_pi.bench.conversation.script import Turn

CHARACTERS_PER_S: Final = 15.0
"""How fast a voice speaks."""
_FIRST: Final = 0.25
"""When the prototype's cloud begins, as a share of its time."""
_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s]+)")


@dataclass(frozen=True, slots=True)
class Pace:
    """When things come that come evenly.

    Attributes:
        first_s: the first of them.
        gap_s: from each to the next.
    """

    first_s: float
    gap_s: float


@dataclass(frozen=True, slots=True)
class Span:
    """When the sound of a text comes.

    Attributes:
        first_s: its first byte.
        last_s: its last one.
    """

    first_s: float
    last_s: float


class Profile(Protocol):
    """A cloud's pace."""

    @property
    def name(self) -> str:
        """As it is asked for."""

    @property
    def about(self) -> str:
        """One line for people."""

    def tokens(self, turn: Turn, *, plain: bool = False) -> Pace:
        """Of a turn's answer; plain: of its words alone, its header taking no time."""

    def speech(self, turn: Turn, text: str) -> Span:
        """Of a text that is part of this turn's answer."""


@dataclass(frozen=True, slots=True)
class Prototype:
    """Each turn as long as the prototype said: whole answer, and whole speech.

    Attributes:
        inside: the header's tokens are part of the whole; otherwise they come on top of it, at
            the pace of the words.
    """

    inside: bool = False

    @property
    def name(self) -> str:
        """As it is asked for."""
        return "prototype-inside" if self.inside else "prototype"

    @property
    def about(self) -> str:
        """One line for people."""
        where = "inside that time" if self.inside else "on top, at the words' pace"
        return (
            "each turn's LLM and TTS seconds, the first of each after 25 %, the rest evenly; "
            f"the header {where}"
        )

    def tokens(self, turn: Turn, *, plain: bool = False) -> Pace:
        """The last word comes after `llm_s`, or later by what a header on top of it took."""
        header, words = turn.answer(plain=True)
        count = len(tokens(words)) + (len(tokens(header)) if self.inside and not plain else 0)
        rest_s = (1 - _FIRST) * turn.llm_s
        return Pace(_FIRST * turn.llm_s, rest_s / max(1, count - 1))

    def speech(self, turn: Turn, text: str) -> Span:
        """A text takes its share of `tts_s`, by its characters."""
        whole_s = turn.tts_s * len(text) / len(turn.words)
        return Span(_FIRST * whole_s, whole_s)


@dataclass(frozen=True, slots=True)
class Steady:
    """The same pace whatever is asked.

    Attributes:
        first_token_s: until the first token.
        tokens_per_s: from then on.
        first_sound_s: until the first sound of a text.
        times_real: how many seconds of speech come in a second from then on.
    """

    name: str
    first_token_s: float
    tokens_per_s: float
    first_sound_s: float
    times_real: float

    @property
    def about(self) -> str:
        """One line for people."""
        return (
            f"{self.first_token_s:g} s to the first token, {self.tokens_per_s:g} tokens/s; "
            f"{self.first_sound_s:g} s to the first sound, {self.times_real:g} times real time"
        )

    def tokens(self, turn: Turn, *, plain: bool = False) -> Pace:  # noqa: ARG002 - all the same
        """Header and words alike."""
        return Pace(self.first_token_s, 1 / self.tokens_per_s)

    def speech(self, turn: Turn, text: str) -> Span:  # noqa: ARG002 - all the same
        """The sound is as long as the text takes to speak."""
        took_s = len(text) / CHARACTERS_PER_S / self.times_real
        return Span(self.first_sound_s, self.first_sound_s + took_s)


PROFILES: Final[dict[str, Profile]] = {
    profile.name: profile
    for profile in (
        Prototype(),
        Prototype(inside=True),
        Steady("current", 0.5, 80, 0.3, 4),
    )
}


def tokens(text: str) -> list[str]:
    """The text in tokens; together they are the text."""
    found = _TOKEN.findall(text)
    rest = text[sum(map(len, found)) :]
    return [*found, rest] if rest else found


def answer_times(profile: Profile, turn: Turn, *, plain: bool) -> list[tuple[float, str]]:
    """When each piece of the turn's answer comes.

    Args:
        profile: the cloud's pace.
        turn: what is answered.
        plain: for the prototype: its header comes with the first token and takes no time.
    """
    pace = profile.tokens(turn, plain=plain)
    header, words = turn.answer(plain=plain)
    pieces = tokens(words) if plain else tokens(header) + tokens(words)
    if plain:
        pieces[0] = header + pieces[0]
    return [(pace.first_s + number * pace.gap_s, piece) for number, piece in enumerate(pieces)]
