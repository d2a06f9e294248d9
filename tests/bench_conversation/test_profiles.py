"""When things come, to the last digit."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from sena_pi.answer_header import ANSWER_SCHEMA
from sena_pi.bench.conversation.profiles import (
    PROFILES,
    Profile,
    Prototype,
    Span,
    answer_times,
    tokens,
)
from sena_pi.bench.conversation.script import CONVERSATION, Turn
from sena_pi.stages import Intent

SEVEN_WORDS = Turn("How?", "One two three four five six seven", 2.0, 1.6)
"""With the two marks that end the JSON, eight tokens."""
HELLO = Turn("Hello!", "Hello to you", 0.8, 1.2, Intent.GREETING)


def test_tokens_are_words_and_runs_of_punctuation_and_nothing_is_lost() -> None:
    """Put together they are the text again."""
    assert ["It", "'", "s", " 20", " degrees", "..."] == tokens("It's 20 degrees...")
    for turn in CONVERSATION:
        for part in turn.answer():
            assert part == "".join(tokens(part))
    assert ["end", "\n"] == tokens("end\n")


def test_the_words_wait_for_about_6_tokens_beside_what_was_heard_and_13_follow() -> None:
    """As `sena_pi.answer_header` says of it."""
    front, behind = SEVEN_WORDS.answer()
    assert 5 <= len(tokens(front)) - len(tokens(SEVEN_WORDS.heard)) <= 6
    assert 13 == len(tokens(behind)) - 7


@pytest.mark.parametrize("turn", CONVERSATION)
def test_an_answer_has_the_fields_of_our_schema_in_its_order(turn: Turn) -> None:
    """And for the prototype no other cost, wherever its words stand."""
    whole = "".join(turn.answer())
    fields, order = list(json.loads(whole)), ANSWER_SCHEMA["property_ordering"]
    assert fields == [key for key in order if key in fields]
    assert {*ANSWER_SCHEMA["required"]} <= {*fields}
    if turn.intent is None:
        assert json.loads(whole) == json.loads("".join(turn.answer(plain=True)))
        assert len(tokens(whole)) == len(tokens("".join(turn.answer(plain=True))))


@pytest.mark.parametrize("name", ["prototype", "prototype-inside"])
@pytest.mark.parametrize("turn", CONVERSATION)
def test_the_prototype_s_own_way_takes_exactly_its_time(name: str, turn: Turn) -> None:
    """First token after a quarter of it, the last one at its end, the rest evenly; no header."""
    times = [at_s for at_s, _ in answer_times(PROFILES[name], turn, plain=True)]
    assert pytest.approx(turn.llm_s / 4) == times[0]
    assert pytest.approx(turn.llm_s) == times[-1]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert pytest.approx([gaps[0]] * len(gaps)) == gaps
    assert pytest.approx(turn.tts_s) == PROFILES[name].speech(turn, turn.words).last_s


def test_a_header_is_paid_for_at_the_words_pace() -> None:
    """Eight tokens from 0.5 to 2 s: each takes 1.5 / 7 s, those around the words, too."""
    front, behind = (len(tokens(part)) for part in SEVEN_WORDS.answer())
    times = [at_s for at_s, _ in answer_times(Prototype(), SEVEN_WORDS, plain=False)]
    assert front + behind == len(times)
    assert pytest.approx(0.5) == times[0]
    assert pytest.approx(0.5 + front * 1.5 / 7) == times[front]
    assert pytest.approx(2.0 + front * 1.5 / 7) == times[front + 7]
    assert pytest.approx(2.0 + (front + behind - 8) * 1.5 / 7) == times[-1]


def test_a_header_inside_the_whole_makes_every_token_quicker() -> None:
    """All of it together ends when the words alone would have."""
    front, behind = (len(tokens(part)) for part in SEVEN_WORDS.answer())
    times = [at_s for at_s, _ in answer_times(Prototype(inside=True), SEVEN_WORDS, plain=False)]
    assert pytest.approx(2.0) == times[-1]
    assert pytest.approx(0.5 + front * 1.5 / (front + behind - 1)) == times[front]


def test_a_sentence_takes_its_share_of_the_speech_by_its_characters() -> None:
    """The first byte after a quarter of that."""
    part = SEVEN_WORDS.words[:11]
    whole_s = 1.6 * 11 / len(SEVEN_WORDS.words)
    span = Prototype().speech(SEVEN_WORDS, part)
    assert pytest.approx((whole_s / 4, whole_s)) == (span.first_s, span.last_s)


def test_the_current_cloud() -> None:
    """Half a second and 80 tokens a second; 0.3 s and sound four times as fast as it is heard."""
    current: Profile = PROFILES["current"]
    times = [at_s for at_s, _ in answer_times(current, SEVEN_WORDS, plain=False)]
    assert pytest.approx([0.5 + number / 80 for number in range(len(times))]) == times
    assert Span(0.3, pytest.approx(0.3 + 60 / 15 / 4)) == current.speech(SEVEN_WORDS, 60 * "a")


def test_what_the_device_answers_itself_has_no_words_but_for_the_prototype() -> None:
    """Our prompt wants it so; the prototype has no rules of its own."""
    assert HELLO.answer()[1].startswith('",')
    assert '"local":"greeting"' in HELLO.answer()[0]
    assert 'Hello to you"}' == HELLO.answer(plain=True)[1]
    assert '"local"' not in HELLO.answer(plain=True)[0]


def test_the_ten_turns_and_their_seconds() -> None:
    """As the prototype gave them: 1.81 s and 1.38 s on average."""
    assert 10 == len(CONVERSATION)
    assert pytest.approx(18.1) == sum(turn.llm_s for turn in CONVERSATION)
    assert pytest.approx(13.8) == sum(turn.tts_s for turn in CONVERSATION)
