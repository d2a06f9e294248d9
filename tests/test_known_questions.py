"""The questions that hits are proved with are such as can be hits."""

from __future__ import annotations

import asyncio

import pytest

from sena_pi.audio import Utterance
from sena_pi.cache.normalise import normal
from sena_pi.cache.policy import forbidden, stands_alone
from sena_pi.phrases import understand
from sena_pi.stages import Header
from tests.endpointing_corpus import LEAD_S, in_noise
from tests.endpointing_sentences import PAUSE
from tests.known_questions import KNOWN_BEFORE, QUESTIONS, known, spoken_questions
from tests.knows_the_words import KnowsTheWords
from tests.speech import RATE_HZ, quiet, say


@pytest.mark.parametrize("question", known())
def test_each_question_may_be_kept_and_stands_alone(question: str) -> None:
    """Neither a rule of the cache nor our own code stands in the way."""
    plain = normal(question)
    assert forbidden(plain, "en") is None
    assert stands_alone(plain, Header(heard=question, language="en", stands_alone=True))
    assert understand(question) is None


def test_what_is_said_before_a_pause_is_known_where_that_is_said_of_it() -> None:
    """All beginnings of the one kind are known questions, and none of the others is."""
    forms = {normal(question) for question in known()}
    for kind, texts in QUESTIONS.items():
        for text in texts:
            parts = [part.strip() for part in text.split(PAUSE)]
            begun = {normal(" ".join(parts[:count])) for count in range(1, len(parts))}
            assert begun <= forms if kind == KNOWN_BEFORE else begun.isdisjoint(forms), text


def test_each_is_spoken_with_a_pause_and_once_in_quiet_and_once_in_noise() -> None:
    """A hundred and more; half of them in noise at 20, 10 and 5 dB alike."""
    spoken = spoken_questions()
    assert len(spoken) >= 110
    assert all(one.said.pauses_s for one in spoken)
    levels = [one.snr_db for one in spoken]
    assert 2 * levels.count(None) == len(levels)
    counts = [levels.count(snr_db) for snr_db in (20, 10, 5)]
    assert max(counts) - min(counts) <= 4


def test_the_scripted_transcriber_knows_what_was_said_up_to_each_pause_and_no_more() -> None:
    """In a quiet room and in noise, behind what is left of a wake word."""
    before = say("hey jarvis")[-RATE_HZ:] + quiet(0.1)
    ears = KnowsTheWords()
    for spoken in spoken_questions()[::7]:
        ears.utterance = said = spoken.said
        sound, _ = in_noise(said, spoken.noise, spoken.snr_db, 0.5)
        begin = (len(before) + len(quiet(LEAD_S))) // 2
        parts = [part.strip() for part in said.text.split(PAUSE)]
        for count, end in enumerate(said.ends, 1):
            heard = Utterance((before + sound)[: 2 * (begin + end + RATE_HZ // 5)], begin + end)
            transcript = asyncio.run(ears.transcribe(heard))
            assert " ".join(parts[:count]) == transcript.text, spoken.room
