"""Questions that must not share an answer, and questions that should."""

from __future__ import annotations

import pytest

from tests.cache.questions import false_hits, shared


@pytest.mark.parametrize(("which", "fewest"), [("known", 900), ("second", 900), ("judging", 600)])
def test_no_two_questions_that_must_not_share_an_answer_do(which: str, fewest: int) -> None:
    """Not one, even if the model is wrong about every question and takes it to stand alone."""
    count, wrong = false_hits(which)
    assert [] == wrong
    assert count >= fewest


def test_questions_that_should_share_an_answer_do_where_it_is_certain() -> None:
    """A third of them at least: more of it would cost certainty."""
    there, found = shared()
    assert there.total() >= 200
    assert found.total() >= there.total() // 3
