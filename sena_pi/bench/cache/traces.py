"""What a household asks: seeded traces of turns.

Of all turns 40 % ask something new. Of the repeats, half repeat one of the last 100 turns and half
any earlier turn. These shares are assumptions, so the hit rates that follow are no finding.

An answer is a text and one to four sentences of speech. Some sentences are shared: "Goodbye!" and
confirmations are spoken after many answers and are kept once.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

from sena_pi.bench.cache.design import KEY_BYTES

TURNS_A_DAY = 2000
NEW_SHARE = 0.4
RECENT_SHARE = 0.5
RECENT_TURNS = 100
TEXT_BYTES = (200, 600)
MOST_SENTENCES = 4
MEAN_SENTENCES = (1 + MOST_SENTENCES) / 2
PHRASES = 20
PHRASE_SHARE_OF_SPEECH = (0.1, 0.2)
"""A shared phrase is short: this share of an answer's speech."""


def seeded(*parts: object) -> random.Random:
    """A generator that gives the same numbers for the same parts, everywhere."""
    return random.Random(":".join(map(str, parts)))  # noqa: S311 - a benchmark, not a secret


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing a cache keeps.

    Attributes:
        key: `KEY_BYTES` long.
        size: bytes of its payload.
        spoken: speech of a sentence; else the text of an answer, or a whole answer.
    """

    key: bytes
    size: int
    spoken: bool = False

    @classmethod
    def named(cls, name: str, size: int, *, spoken: bool = False) -> Entry:
        """The entry of this name: the same name has the same key."""
        return cls(hashlib.blake2b(name.encode(), digest_size=KEY_BYTES).digest(), size, spoken)

    def payload(self) -> bytes:
        """Its bytes: like speech they can't be compressed, and they follow from the key."""
        return payload(self.key, self.size)


def payload(key: bytes, size: int) -> bytes:
    """`size` pseudo-random bytes that follow from the key."""
    return hashlib.shake_128(key).digest(size)


Turn = tuple[Entry, ...]
"""What one turn needs: the answer first, then its sentences."""


@dataclass(frozen=True)
class Household:
    """Who asks, and how large the answers are.

    Attributes:
        seed: the same seed asks the same questions.
        answer_bytes: text and speech of one answer together.
        whole: one entry an answer instead of text and sentences apart.
        shared_sentences: share of all sentences that are shared phrases, at most 0.6, as an
            answer's first sentence is always its own.
    """

    seed: int
    answer_bytes: int = 9216
    whole: bool = False
    shared_sentences: float = 0.1

    def turns(self, count: int) -> Iterator[Turn]:
        """The first `count` turns."""
        answer = cache(self.answer)
        return (answer(question) for question in questions(seeded("questions", self.seed), count))

    def answer(self, question: int) -> Turn:
        """What answering this question needs."""
        name = f"{self.seed}/{question}/{self.answer_bytes}"
        if self.whole:
            return (Entry.named(f"whole/{name}", self.answer_bytes),)
        rng = seeded("answer", name)
        text = Entry.named(f"text/{name}", rng.randint(*TEXT_BYTES))
        count = rng.randint(1, MOST_SENTENCES)
        shared = [self._phrase(rng) for _ in range(count - 1) if rng.random() < self._chance]
        speech = self.answer_bytes - text.size - sum(phrase.size for phrase in shared)
        own = cut(speech, count - len(shared), rng)
        sentences = [
            Entry.named(f"sentence/{name}/{number}", size, spoken=True)
            for number, size in enumerate(own)
        ]
        return (text, *sentences, *shared)

    @property
    def _chance(self) -> float:
        """Of a sentence that is not the first to be a shared one."""
        return self.shared_sentences * MEAN_SENTENCES / (MEAN_SENTENCES - 1)

    def _phrase(self, rng: random.Random) -> Entry:
        number = rng.randrange(PHRASES)
        share = seeded("phrase", number).uniform(*PHRASE_SHARE_OF_SPEECH)
        size = int(share * (self.answer_bytes - TEXT_BYTES[1]))
        return Entry.named(f"phrase/{number}/{self.answer_bytes}", size, spoken=True)


def questions(rng: random.Random, count: int) -> Iterator[int]:
    """The number of the question asked at each turn; new ones count up from 0."""
    asked: list[int] = []
    new = 0
    for _ in range(count):
        if not asked or rng.random() < NEW_SHARE:
            question = new
            new += 1
        elif rng.random() < RECENT_SHARE:
            question = asked[-rng.randint(1, min(RECENT_TURNS, len(asked)))]
        else:
            question = rng.choice(asked)
        asked.append(question)
        yield question


def cut(total: int, parts: int, rng: random.Random) -> list[int]:
    """`total` in `parts` of unequal size that add up to it."""
    weights = [rng.uniform(0.5, 1.5) for _ in range(parts)]
    edges = [0, *(round(total * edge / sum(weights)) for edge in accumulate(weights))]
    return [right - left for left, right in pairwise(edges)]


@dataclass(frozen=True, slots=True)
class Floor:
    """The least a trace can cost in payload.

    Attributes:
        once_bytes: every entry once, when it is first missed.
        twice_bytes: only entries that are asked for a second time, once: the floor of a design
            that writes at the second asking.
    """

    once_bytes: int
    twice_bytes: int


def floor_of(turns: Iterator[Turn]) -> Floor:
    """What the trace's payload comes to when nothing is ever evicted."""
    once: dict[bytes, int] = {}
    twice: dict[bytes, int] = {}
    for turn in turns:
        for entry in turn:
            seen = twice if entry.key in once else once
            seen[entry.key] = entry.size
    return Floor(sum(once.values()), sum(twice.values()))
