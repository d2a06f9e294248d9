"""What may be kept, and which questions stand alone."""

from __future__ import annotations

import pytest

from sena_pi.cache.policy import (
    Bypass,
    forbidden,
    refused,
    speech_may_be_kept,
    stands_alone,
)
from sena_pi.stages import Cacheability, Header, Intent

ALONE = Header(cacheability=Cacheability.EVERGREEN, stands_alone=True)


@pytest.mark.parametrize(
    "question",
    [
        "what is the weather in paris",
        "what is the capital of france now",
        "who won the game yesterday",
        "what is on tv tonight",
        "who is the president of france",
        "how many days until christmas",
        "where is the nearest pharmacy",
        "how old am i",
        "did i lock the door",
        "what is good for me",
        "what is my name",
        "tell me a joke",
        "set a timer for 10 minutes",
        "what time is it in tokyo",
        "what is the latest iphone",
        "is the queen still alive",
    ],
)
def test_words_of_time_place_and_person_forbid_it(question: str) -> None:
    """Whatever the model says of its answer."""
    assert Bypass.WORDS is forbidden(question, "en")


@pytest.mark.parametrize(
    "question",
    [
        "what is the capital of france",
        "who was the first president of france",
        "how do you boil an egg",
        "how do i boil an egg",
        "can you give me tips",
        "what is the population of the US",
        "why is the sky blue",
        "how far away is the moon",
    ],
)
def test_questions_about_the_world_are_left_to_the_model(question: str) -> None:
    """Our rules forbid nothing there."""
    assert forbidden(question, "en") is None


def test_an_empty_question_is_never_looked_up() -> None:
    """What was not understood has no answer."""
    assert Bypass.EMPTY is forbidden("", "en")


@pytest.mark.parametrize(
    ("question", "alone"),
    [
        ("what is the capital of france", True),
        ("who was mozart", True),
        ("what is photosynthesis", True),
        ("how old is he", False),
        ("and in german", False),
        ("what is the opposite", False),
        ("how long by train", False),
        ("what about the second", False),
        ("why", False),
        ("how long does it take to boil an egg", False),
        ("what is the name of the band", False),
        ("what are the side effects", False),
        ("how much water do i need", False),
        ("how do whales sleep under water", True),
    ],
)
def test_a_question_stands_alone_where_nothing_in_it_points_elsewhere(
    question: str, *, alone: bool
) -> None:
    """The model says that all of these do."""
    assert alone is stands_alone(question, ALONE)


def test_the_model_s_no_is_final() -> None:
    """Our rules can only forbid."""
    assert not stands_alone("what is the capital of france", Header())


def test_no_question_stands_alone_in_a_language_whose_pointing_words_we_do_not_know() -> None:
    """Or "wie alt ist er" would be answered with somebody else's age."""
    german = Header(language="de-DE", stands_alone=True)
    assert not stands_alone("was ist die hauptstadt von frankreich", german)


def reason(answer: str = "Paris.", *, complete: bool = True, **header: object) -> Bypass | None:
    """Why an answer to a harmless question is not kept."""
    fields = {"cacheability": Cacheability.EVERGREEN, "stands_alone": True, **header}
    return refused("what is the capital of france", Header(**fields), answer, complete=complete)  # type: ignore[arg-type]


def test_a_whole_answer_that_stays_true_is_kept() -> None:
    """The one case in which nothing forbids it."""
    assert reason() is None
    assert reason(cacheability=Cacheability.HOURS) is None


@pytest.mark.parametrize(
    ("expected", "changed"),
    [
        (Bypass.INCOMPLETE, {"complete": False}),
        (Bypass.NEVER, {"cacheability": Cacheability.NEVER}),
        (Bypass.NEVER, {"intent": Intent.TIME}),
        (Bypass.ASKS_BACK, {"expects_reply": True}),
        (Bypass.ASKS_BACK, {"answer": "Which France do you mean?"}),
        (Bypass.EMPTY, {"answer": " "}),
        (Bypass.REFUSAL, {"answer": "I'm sorry, I can't help with that."}),
        (Bypass.REFUSAL, {"answer": "I don't know where you are."}),
        (Bypass.REFUSAL, {"answer": "Unfortunately, that is not known to me."}),
        (Bypass.REFUSAL, {"answer": "That depends, and I do not have access to the internet."}),
    ],
)
def test_what_is_no_whole_answer_is_not_kept(expected: Bypass, changed: dict[str, object]) -> None:
    """Cut ones, refusals, questions back, and what our own code answers."""
    assert expected is reason(**changed)  # type: ignore[arg-type]


def test_the_default_is_no() -> None:
    """A header that was broken allows nothing."""
    assert Bypass.NEVER is refused("what is x", Header(), "Something.", complete=True)


@pytest.mark.parametrize(
    ("expected", "intent", "kept", "cloud", "whole"),
    [
        (True, None, True, True, True),
        (False, None, False, True, True),
        (True, Intent.GOODBYE, False, True, True),
        (True, Intent.HELP, False, False, True),
        (False, Intent.TIME, False, False, True),
        (False, Intent.REPEAT, False, True, True),
        (False, Intent.GOODBYE, False, False, False),
        (False, None, False, False, True),
    ],
)
def test_speech_is_kept_where_the_same_sentence_comes_again(
    *, expected: bool, intent: Intent | None, kept: bool, cloud: bool, whole: bool
) -> None:
    """With an answer that is kept, and of our own words, but not of the time of day."""
    header = Header(intent=intent)
    assert expected is speech_may_be_kept(header, kept=kept, cloud=cloud, whole=whole)
