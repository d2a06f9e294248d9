"""Wake words as people write them."""

from __future__ import annotations

import pytest

from sena_pi.words import find, spoken, unknown

KNOWN = ("alexa", "computer", "hey google", "hey jarvis", "jarvis")


@pytest.mark.parametrize("name", ["hey jarvis", "Hey Jarvis", "hey_jarvis", " HEY-JARVIS "])
def test_a_name_is_what_is_spoken(name: str) -> None:
    """Case, dashes, underscores and spaces are how files and people spell the same word."""
    assert "hey jarvis" == spoken(name)


@pytest.mark.parametrize("name", ["Hey Google", "hey_google", "heygoogle", "HEY  GOOGLE"])
def test_a_word_is_found_however_it_is_written(name: str) -> None:
    """The answer is the engine's own spelling."""
    assert "hey google" == find(name, KNOWN)


def test_another_word_is_not_found() -> None:
    """Near is not the same."""
    assert find("jarvi", KNOWN) is None


@pytest.mark.parametrize(
    ("word", "meant"),
    [("jarvs", "jarvis"), ("hey computer", "computer"), ("hey jarvice", "hey jarvis")],
)
def test_an_unknown_word_comes_with_a_guess(word: str, meant: str) -> None:
    """A typing error, or a word too many."""
    assert f"did you mean {meant!r}?" in unknown(word, KNOWN)


def test_an_unknown_word_comes_with_all_that_are_known() -> None:
    """Without a guess where nothing is near."""
    assert (
        "unknown word 'banana'; it knows: alexa, computer, hey google, hey jarvis, jarvis"
        == unknown("banana", KNOWN)
    )
