"""Whether a phrase that a grammar found in a sound was really said.

A grammar finds one of its phrases in any sound. So the same sound is read twice more, as free
English and as a mere row of phonemes, and the phrase is believed only where these bear it out:

- *similarity*: how much of the phrase's phonemes are also in the free reading;
- *deficit*: how much worse the phrase explains the sound than the free reading does, in nats,
  summed over the stretches where the two differ. "set a dinosaur ten minutes" differs a lot from
  "set a timer for ten minutes" in words, but the phrase fits the sound as well: no deficit.
  "what's the weather today" is nearly "what's the date today", and fits the sound far better.
- *fit*: how much better or worse each 10 ms of the phrase is explained by its phonemes than by
  whatever phonemes fit best. A short word is like many others, and so must fit well; a voice
  that the model can't follow at all fits badly everywhere.

Numbers count as much as all other words together: they must be the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import Levenshtein

from sena_pi.durations import NUMBER_WORDS

NATS_PER_SIMILARITY: Final = 200.0
"""A deficit of so many nats outweighs full similarity."""
BELIEVED_FROM: Final = 0.55
"""Least score of a phrase that was said."""

LEAST_FIT_NATS: Final = -1.2
LEAST_FIT_OF_SHORT_NATS: Final = 0.5
SHORT_PHONES: Final = 5
"""Phrases of so few phonemes must fit better: "how" is nearly "help", "hollow" is "hello"."""

_SAME_INSTANT_FRAMES: Final = 3


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word as it was found in a sound; without text it is silence or noise.

    Attributes:
        text: the word, in lower case.
        phones: its phonemes, as it was pronounced.
        start_frame: first 10 ms frame of it.
        end_frame: frame just after it.
        log_likelihood: how well it explains its frames, in nats.
    """

    text: str
    phones: tuple[str, ...]
    start_frame: int
    end_frame: int
    log_likelihood: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What one search found in a sound, from its first frame to its last."""

    words: tuple[HeardWord, ...] = ()

    @property
    def text(self) -> str:
        """The words."""
        return " ".join(word.text for word in self.words if word.text)

    @property
    def phones(self) -> tuple[str, ...]:
        """The phonemes of all words."""
        return _phones(self.words)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a free reading bears out a phrase.

    Attributes:
        similarity: of the phonemes, 0 to 1.
        deficit_nats: how much worse the phrase explains the sound, 0 or more.
        same_numbers: no number differs.
        fit_nats: how much better than any phonemes the phrase explains each of its frames.
        short: the phrase has few phonemes.
    """

    similarity: float
    deficit_nats: float
    same_numbers: bool
    fit_nats: float
    short: bool

    @property
    def score(self) -> float:
        """The evidence for the phrase; 1 is perfect."""
        return self.similarity - self.deficit_nats / NATS_PER_SIMILARITY

    @property
    def believed(self) -> bool:
        """The phrase was said."""
        least_fit_nats = LEAST_FIT_OF_SHORT_NATS if self.short else LEAST_FIT_NATS
        return self.same_numbers and self.score >= BELIEVED_FROM and self.fit_nats >= least_fit_nats


def agreement(phrase: Reading, free: Reading, phonemes: Reading) -> Agreement:
    """Compare a grammar's phrase with other readings of the same sound.

    Args:
        phrase: what the grammar found; holds words.
        free: the sound read as English.
        phonemes: the sound read as phonemes, in any order.
    """
    deficit_nats, same_numbers = 0.0, True
    for said, heard in _stretches(phrase.words, free.words):
        if _phones(said) == _phones(heard):
            continue
        same_numbers &= _numbers(said) == _numbers(heard)
        deficit_nats += max(0.0, _log_likelihood(heard) - _log_likelihood(said))
    similarity = Levenshtein.normalized_similarity(phrase.phones, free.phones)
    return Agreement(
        similarity,
        deficit_nats,
        same_numbers,
        fit_nats=_fit_nats([word for word in phrase.words if word.text], phonemes.words),
        short=len(phrase.phones) <= SHORT_PHONES,
    )


_Words = Sequence[HeardWord]


def _stretches(phrase: _Words, free: _Words) -> Iterator[tuple[_Words, _Words]]:
    """The sound cut wherever a word ends in both readings at the same instant."""
    i = j = phrase_start = free_start = 0
    while i < len(phrase) and j < len(free):
        last_i, last_j = i == len(phrase) - 1, j == len(free) - 1
        apart = phrase[i].end_frame - free[j].end_frame
        if abs(apart) <= _SAME_INSTANT_FRAMES or (last_i and last_j):
            i, j = i + 1, j + 1
            yield phrase[phrase_start:i], free[free_start:j]
            phrase_start, free_start = i, j
        elif last_j or (apart < 0 and not last_i):
            i += 1
        else:
            j += 1


def _fit_nats(said: _Words, phonemes: _Words) -> float:
    """What the words explain better than the phonemes, for each frame from first to last word."""
    start, end = said[0].start_frame, said[-1].end_frame
    any_phonemes = 0.0
    for phoneme in phonemes:
        shared = min(end, phoneme.end_frame) - max(start, phoneme.start_frame)
        length = phoneme.end_frame - phoneme.start_frame
        any_phonemes += phoneme.log_likelihood * max(0, shared) / length
    return (_log_likelihood(said) - any_phonemes) / (end - start)


def _phones(words: _Words) -> tuple[str, ...]:
    return tuple(phone for word in words for phone in word.phones)


def _numbers(words: _Words) -> list[str]:
    return [word.text for word in words if word.text in NUMBER_WORDS]


def _log_likelihood(words: _Words) -> float:
    return sum(word.log_likelihood for word in words)
