"""Questions that a cache keeps and finds again, spoken with a pause in each of them.

All stand alone by the cache's rules (`sena_pi.cache.policy`), and none is answered by our own
code. Of most of them what is said before the pause is no question that was asked before; of the
kind `KNOWN_BEFORE` it is. Voices and pauses are those of the corpus that endpointing is judged by;
its sentences are not, or it could not be filled with answers. Of the two voices that speak a
question one is in a quiet room, the other mostly in noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from tests.endpointing_corpus import NOISES, VOICES, VOICES_A_SENTENCE, Said, spoken_by
from tests.endpointing_sentences import PAUSE

KNOWN_BEFORE: Final = "known before"
"""Kind of questions that begin with another one, which is known as well."""

QUESTIONS: Final[dict[str, tuple[str, ...]]] = {
    "inside": (
        "how many moons ... does saturn have",
        "how far is ... london from manchester",
        "who wrote ... pride and prejudice",
        "why do leaves ... change color in autumn",
        "how do bees ... make honey from flowers",
        "what is the chemical ... symbol of gold",
        "when was ... mahatma gandhi born",
        "how long does ... light take to reach mars",
        "where do penguins ... live in winter",
        "what causes ... thunder and lightning",
        "how does a ... vacuum cleaner work",
        "which country has ... a red maple leaf on a white flag",
        "how many legs ... does a spider have",
        "how tall is ... mount kilimanjaro in meters",
        "what language ... do people speak in brazil",
        "why is ... sea water salty",
        "how do ... submarines sink and rise",
        "when did columbus ... sail to america",
        "how hot is ... molten lava in celsius",
        "what do pandas ... eat besides bamboo",
        "how much does ... an elephant weigh in kilograms",
        "is a tomato ... a fruit or a vegetable",
        "how fast can ... a cheetah run",
        "can penguins fly ... or only swim",
        "who composed ... swan lake and sleeping beauty",
        "how many strings ... does a guitar have",
        "why do onions ... make people cry",
        "what is the boiling ... point of water",
        "what is the speed ... of sound in water",
        "can you tell me ... how cheese is made from milk",
        "i would like to know ... why stars twinkle at night",
        "how many teeth ... does a grown ... crocodile have",
        "convert ... ten miles ... to kilometers",
    ),
    "last word": (
        "what is the population of ... brazil",
        "what is the capital of ... mongolia",
        "what is the currency of ... japan",
        "what is the square root of ... sixty four",
        "what is the official language of ... egypt",
        "what is the national flower of ... scotland",
        "what is the plural of ... octopus",
        "what is the meaning of ... entropy",
        "what is the freezing point of ... ethanol",
        "who was the inventor of ... dynamite",
        "how do you say good night in ... italian",
        "how do you spell ... rhythm",
        "how many grams are in a ... pound",
        "how many calories are in a ... banana",
        "how many people live in ... iceland",
        "how far away is ... jupiter",
        "what is twelve times ... fifteen",
        "what is fifty divided by ... eight",
        "what is the density of ... aluminium",
        "what is ten percent of ... two hundred",
    ),
    KNOWN_BEFORE: (
        "what is python ... used for",
        "what is rust ... made of",
        "who was napoleon ... married to",
        "how many people live in spain ... and portugal",
        "how far away is jupiter ... from saturn",
        "what is bronze ... made from",
    ),
}
"""By kind."""

_ROOMS: Final = (NOISES[0],) * (len(NOISES) - 1) + NOISES[1:]
"""As many quiet ones as noisy ones."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A question in a room.

    Attributes:
        said: the question.
        noise: kind of noise, as in `NOISES`.
        snr_db: how far the speech is above it, None in a quiet room.
    """

    said: Said
    noise: str
    snr_db: float | None

    @property
    def room(self) -> str:
        """For people."""
        return self.noise if self.snr_db is None else f"{self.noise} {self.snr_db:g} dB"


@cache
def spoken_questions() -> Sequence[Spoken]:
    """Each question by two voices, the same at each call; skips without a synthesiser."""
    said = spoken_by(VOICES["held back"], QUESTIONS, "known")
    return tuple(Spoken(one, *_room(number)) for number, one in enumerate(said))


def _room(number: int) -> tuple[str, float | None]:
    question, voice = divmod(number, VOICES_A_SENTENCE)
    return _ROOMS[(question + voice * len(_ROOMS) // VOICES_A_SENTENCE) % len(_ROOMS)]


def known() -> list[str]:
    """All that must have been asked before: each question, and what of it is a question itself."""
    whole = [_words(text) for texts in QUESTIONS.values() for text in texts]
    beginnings = [_words(text.split(PAUSE)[0]) for text in QUESTIONS[KNOWN_BEFORE]]
    return list(dict.fromkeys([*whole, *beginnings]))


def _words(text: str) -> str:
    return " ".join(text.replace(PAUSE, " ").split())
