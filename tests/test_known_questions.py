"""The questions that hits are proved with are such as can be hits."""

from __future__ import annotations

import pytest

from sena_pi.cache.normalise import normal
from sena_pi.cache.policy import forbidden, stands_alone
from sena_pi.phrases import understand
from sena_pi.stages import Header
from tests.endpointing_sentences import PAUSE
from tests.known_questions import KNOWN_BEFORE, QUESTIONS, known, spoken_questions


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
