"""The normal form: what it takes away, and what it must leave."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sena_pi.cache.normalise import language_of, normal

WAKE = ("hey sena", "sena", "jarvis")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("What is the capital of France?", "what is the capital of france"),
        ("WHAT IS THE CAPITAL OF FRANCE", "what is the capital of france"),
        ("Who Wrote Hamlet", "who wrote hamlet"),
        ("what\u2019s the capital", "what is the capital"),
        ("Hey Sena, what is gravity?", "what is gravity"),
        ("hey sena hey sena what is gravity", "what is gravity"),
        ("um what is gravity", "what is gravity"),
        ("So, what is gravity?", "what is gravity"),
        ("can you tell me what gravity is", "what is gravity"),
        ("Could you please explain gravity", "explain gravity"),
        ("what is the capital of Norway, please", "what is the capital of norway"),
        ("what is uh the speed of light", "what is the speed of light"),
        ("what is seven times eight", "what is 7 times 8"),
        ("what is one hundred and twenty-three plus two", "what is 123 plus 2"),
        ("what is two million plus 1,000", "what is 2000000 plus 1000"),
        ("what is three point five squared", "what is 3.5 squared"),
        ("what is 15% of 80", "what is 15 percent of 80"),
        ("what is 6 + 2", "what is 6 plus 2"),
        ("what is the 3rd planet", "what is the third planet"),
        ("what colour is grey", "what color is gray"),
    ],
)
def test_what_can_t_change_the_answer_is_taken_away(said: str, expected: str) -> None:
    """Writing, politeness, fillers and the wake phrase."""
    assert expected == normal(said, "en-GB", WAKE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("how do you say please", "how do you say"),
        ("what does thank you mean", "what does mean"),
        ("what is the who", "what is who"),
        ("do you know how to swim", "how to swim"),
        ("how many letters are in can't", "how many letters are in cannot"),
        ("what is one plus one", "what is 1 plus 2"),
        ("who is number one", "who is no one"),
        ("what is 1.5", "what is 15"),
        ("what is the sum of twenty-five and three", "what is the sum of twenty, five and three"),
        ("how many points is um in Scrabble", "how many points is uh in Scrabble"),
        ("who are the police", "who are The Police"),
        ("what is COLA", "what is cola"),
        ("what is 3!?", "what is 3?"),
        ("how many Pa is 1 mPa", "how many Pa is 1 MPa"),
        ("what is 5! ?", "what is 5?"),
        ("what is C++", "what is C"),
        ("what is -5", "what is 5"),
        ("what is 10 mW in watts", "what is 10 MW in watts"),
        ("what does IT stand for", "what does it stand for"),
        ("where do Polish people live", "where do polish people live"),
        ("where is Jordan", "where is jordan"),
        ("who is jarvis cocker", "who is cocker"),
        ("wie schreibt man schon", "wie schreibt man schön"),
    ],
)
def test_what_can_change_the_answer_stays(one: str, other: str) -> None:
    """Little words, signs, numbers, capitals and accents."""
    assert normal(one, "en", WAKE) != normal(other, "en", WAKE)


def test_a_capital_makes_another_word_in_german() -> None:
    """But not at the beginning of a sentence."""
    assert normal("was ist Essen", "de") != normal("was ist essen", "de")
    assert normal("Was ist Essen?", "de") == normal("was ist Essen", "de")


def test_english_rules_touch_no_other_language() -> None:
    """Even where a word is spelt like one of ours."""
    assert "so weit" == normal("so weit", "de")


@pytest.mark.parametrize("nothing", ["", "   ", "?", "...", "Hey Sena"])
def test_nothing_is_asked_by_nothing(nothing: str) -> None:
    """At most the wake phrase itself is left, and never an empty word."""
    assert normal(nothing, "en", WAKE) in {"", "hey sena"}


@given(st.text(max_size=60), st.sampled_from(["en", "de", "ko", "zh-Hant"]))
def test_a_normal_form_is_its_own_normal_form_s_unicode_form(text: str, language: str) -> None:
    """Composed or decomposed, the same text is the same question; no input is an error."""
    composed = unicodedata.normalize("NFC", text)
    decomposed = unicodedata.normalize("NFD", text)
    assert normal(composed, language, WAKE) == normal(decomposed, language, WAKE)


@pytest.mark.parametrize(
    ("tag", "language"), [("en-GB", "en"), ("EN", "en"), ("zh-Hant", "zh-hant"), ("ko", "ko")]
)
def test_regions_share_answers_and_scripts_do_not(tag: str, language: str) -> None:
    """British and American English do; traditional and simplified Chinese are read differently."""
    assert language == language_of(tag)
