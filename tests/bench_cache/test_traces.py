"""The turn traces: their proportions, and that the seed is all there is to them."""

from __future__ import annotations

import pytest

from sena_pi.bench.cache.traces import (
    RECENT_TURNS,
    TEXT_BYTES,
    Household,
    Turn,
    floor_of,
    questions,
    seeded,
)

TURNS = 4000


@pytest.fixture(scope="module")
def turns() -> list[Turn]:
    return list(Household(seed=1).turns(TURNS))


def test_four_of_ten_turns_ask_something_new() -> None:
    """Questions count up from 0 when new, so the largest says how many were."""
    asked = list(questions(seeded("here"), TURNS))
    assert 0.4 == pytest.approx((max(asked) + 1) / TURNS, abs=0.05)


def test_half_of_the_repeats_or_more_were_asked_lately() -> None:
    """Half repeat one of the last 100 turns; some of the others do so by chance."""
    asked = list(questions(seeded("here"), TURNS))
    repeats = [turn for turn in range(1, TURNS) if asked[turn] in asked[:turn]]
    recent = [turn for turn in repeats if asked[turn] in asked[max(0, turn - RECENT_TURNS) : turn]]
    assert 0.5 < len(recent) / len(repeats) < 0.75


def test_the_same_seed_asks_the_same(turns: list[Turn]) -> None:
    """Two households of one seed are one; another seed asks otherwise."""
    assert turns == list(Household(seed=1).turns(TURNS))
    assert turns != list(Household(seed=2).turns(TURNS))


@pytest.mark.parametrize("answer_bytes", [9216, 49152])
@pytest.mark.parametrize("shared", [0.0, 0.1, 0.6])
def test_text_and_speech_add_up_to_the_answers_size(answer_bytes: int, shared: float) -> None:
    """A text of some hundred bytes, one to four sentences, together exactly as large as asked."""
    household = Household(3, answer_bytes, shared_sentences=shared)
    for text, *sentences in map(household.answer, range(300)):
        assert TEXT_BYTES[0] <= text.size <= TEXT_BYTES[1]
        assert not text.spoken
        assert 1 <= len(sentences) <= 4
        assert all(sentence.spoken and sentence.size > 0 for sentence in sentences)
        assert answer_bytes == text.size + sum(sentence.size for sentence in sentences)


def test_as_many_sentences_are_shared_as_asked_for() -> None:
    """Shared phrases come after many answers, at the share given."""
    household = Household(3, shared_sentences=0.2)
    answers = [household.answer(question) for question in range(3000)]
    sentences = [entry for answer in answers for entry in answer if entry.spoken]
    own = {entry for answer in map(Household(3).answer, range(3000)) for entry in answer[:2]}
    uses: dict[bytes, set[int]] = {}
    for question, answer in enumerate(answers):
        for entry in answer:
            uses.setdefault(entry.key, set()).add(question)
    shared = [entry for entry in sentences if len(uses[entry.key]) > 1]
    assert 0.2 == pytest.approx(len(shared) / len(sentences), abs=0.03)
    assert own.isdisjoint(shared)


def test_whole_answers_are_one_entry_each() -> None:
    """As caches do that know no sentences."""
    assert {(9216,)} == {
        tuple(entry.size for entry in turn) for turn in Household(1, whole=True).turns(50)
    }


def test_payloads_follow_from_the_key(turns: list[Turn]) -> None:
    """The right size, the same at each asking, different for each entry."""
    distinct = {entry for turn in turns[:100] for entry in turn}
    payloads = {entry.payload() for entry in distinct}
    assert len(distinct) == len(payloads)
    assert all(entry.size == len(entry.payload()) for entry in distinct)


def test_the_floor_is_what_must_be_stored() -> None:
    """Once: all that is asked for. Twice: only what is asked for again."""
    household = Household(1, whole=True)
    first, second = household.answer(0), household.answer(1)
    floor = floor_of(iter([first, second, first, first]))
    assert 2 * 9216 == floor.once_bytes
    assert 9216 == floor.twice_bytes
