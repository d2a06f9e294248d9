"""Words that can, and that can't, be the end of what was wanted."""

from __future__ import annotations

import pytest

from sena_pi.phrase_ends import unfinished


@pytest.mark.parametrize(
    "text",
    [
        "what is the",
        "set a timer for ten minutes and",
        "remind me, um...",
        "what's",
        "Seven plus",
        "is it bigger than",
        "play the song from my",
    ],
)
def test_something_must_follow(text: str) -> None:
    """An article, a conjunction, a hesitation, half a sum."""
    assert unfinished(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "what is it made of",
        "where are you from",
        "tell me where they are",
        "what is python",
        "yes I can",
        "what is seven times eight",
        "Wie spät ist es",
    ],
)
def test_it_may_be_all(text: str) -> None:
    """Whatever people end questions with, prepositions among it."""
    assert not unfinished(text)
