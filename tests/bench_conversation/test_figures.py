"""Known numbers in, known figures out."""

from __future__ import annotations

import json

import pytest

from sena_pi.bench.conversation.figures import Spread, figures, grade, percentile, ratios, saved_s
from sena_pi.bench.conversation.results import (
    AUDIO,
    COLD,
    DUE,
    ENDPOINT,
    SEQUENTIAL,
    WARM,
    Asked,
    CacheTally,
    Results,
)
from tests.bench_conversation.made import asked


def test_a_spread_of_known_numbers() -> None:
    """One to a hundred, in any order; places between two values are met in between."""
    spread = Spread.of([float(number) for number in range(100, 0, -1)])
    assert spread == Spread(100, 1, 50.5, 50.5, pytest.approx(95.05), pytest.approx(99.01), 100)
    assert Spread.of([]) is None
    assert Spread(1, 7, 7, 7, 7, 7, 7) == Spread.of([7.0])


def test_a_percentile_lies_between_its_neighbours() -> None:
    """As the place does."""
    assert [10, 15, 20] == [percentile([10, 20], percent) for percent in (0, 50, 100)]
    assert pytest.approx(29) == percentile([10, 20, 30], 95)


@pytest.mark.parametrize(
    ("mean_s", "expected"),
    [(0.999, "A+"), (1.0, "A"), (1.999, "A"), (2.0, "B"), (3.0, "C"), (3.999, "C"), (4.0, "D")],
)
def test_grades_are_the_prototype_s(mean_s: float, expected: str) -> None:
    """Under 1, 2, 3 and 4 s; a bound itself belongs to the next grade."""
    assert expected == grade(mean_s)


def test_a_way_in_figures() -> None:
    """Times count from the end of speech and from the endpoint; failed turns have none."""
    told = asked(COLD, 3000, told=("filler", "slow"), source="rule", said=2)
    failed = Asked(COLD, 1, "Hello!", ms={"endpoint": 1.0}, questions=3, speech=0, wasted=2)
    of = figures(Results([asked(COLD, 1000), told, failed]), COLD)
    assert (3, 2) == (of.asked, of.answered)
    assert (1, 1, 1, 1) == (of.ruled, of.fillers, of.reasons, of.said_again)
    assert (2000, 2700) == (
        of.from_endpoint["first_audio"].mean,
        of.from_speech["first_audio"].mean,
    )
    assert 700 == of.from_speech["endpoint"].max
    assert ("B", "B") == (of.grade, of.felt_grade)
    assert (5, 2, 2) == (of.questions, of.speech, of.wasted)
    assert {"gemini/tts/Kore": 2} == of.voices
    assert of.hit_rate is None


def test_a_question_that_was_cut_off_is_counted_and_has_no_times() -> None:
    """An answer to half of it would be the soonest."""
    cut = asked(COLD, 1, ms={"endpoint": -1.0, "first_audio": 5.0}, guesses=2, wasted=1)
    results = Results([asked(SEQUENTIAL, 4000), cut])
    of = figures(results, COLD)
    assert (1, 1, 1) == (of.asked, of.answered, of.cut)
    assert (2, 1) == (of.guesses, of.wasted)
    assert ({}, {}, {}, {}) == (of.from_speech, of.from_endpoint, of.by_source, of.waits)
    assert {} == ratios(results, COLD)


def test_an_answer_is_due_when_the_question_is_known_and_the_person_has_finished() -> None:
    """Whichever is later; without one of them it is not known."""
    early, late = (asked(WARM, 90, ms={"transcript": at}) for at in (100.0, 760.0))
    assert (90, 30) == (early.after(AUDIO, DUE), late.after(AUDIO, DUE))
    assert asked(WARM, 90).after(AUDIO, DUE) is None
    assert -600 == early.after("transcript", ENDPOINT)


def test_waits_add_up_to_the_first_audio() -> None:
    """What came before the endpoint was not waited for; what is missing neither."""
    one = asked(
        COLD,
        400,
        ms={"guess": 100.0, "transcript": 600.0, "first_text": 750.0, "first_sound": 1050.0},
    )
    assert {
        "endpoint": 700,
        "transcript": 0,
        "lookup": 0,
        "first_text": 50,
        "first_sentence": 0,
        "first_sound": 300,
        "first_audio": 50,
    } == one.waits()
    assert {} == Asked(COLD, 1, "Hello!", ms={"endpoint": 1.0}).waits()
    other = asked(COLD, 1400)
    waits = figures(Results([one, other]), COLD).waits
    assert (700, 25, 150) == (waits["endpoint"], waits["first_text"], waits["first_sound"])
    assert pytest.approx((1100 + 2100) / 2) == sum(waits.values())


def test_hits_are_counted_and_timed_from_when_they_were_due() -> None:
    """Of the questions that were asked, whoever answered them."""
    hit = asked(WARM, 900, source="cache", ms={"transcript": 1580.0})
    results = Results([hit, asked(WARM, 2000)], {WARM: CacheTally(hits=1, misses=1)})
    of = figures(results, WARM)
    assert (1, 0.5) == (of.cached, of.hit_rate)
    assert of.hits_from_due is not None
    assert 20 == of.hits_from_due.max
    assert of.misses_from_endpoint is not None
    assert 2000 == of.misses_from_endpoint.max


def test_nobody_counts_what_the_real_cloud_is_asked() -> None:
    """Then there is no number, not a nought."""
    of = figures(Results([asked(COLD, 1, questions=None, speech=None)]), COLD)
    assert (None, None) == (of.questions, of.speech)


def test_ratios_are_ours_over_the_prototype_s() -> None:
    """Medians and 95th percentiles, from both beginnings; misses apart."""
    results = Results([asked(SEQUENTIAL, 4000), asked(COLD, 1000)])
    assert {
        "median from endpoint": 0.25,
        "p95 from endpoint": 0.25,
        "median from speech": pytest.approx(1700 / 4700),
        "p95 from speech": pytest.approx(1700 / 4700),
        "median of misses from endpoint": 0.25,
        "p95 of misses from endpoint": 0.25,
        "median of misses from speech": pytest.approx(1700 / 4700),
        "p95 of misses from speech": pytest.approx(1700 / 4700),
    } == ratios(results, COLD)
    assert {} == ratios(results, WARM)


def test_misses_and_hits_are_held_against_the_same_questions() -> None:
    """What was quick for the prototype, too, makes no miss look better."""
    results = Results(
        [
            asked(SEQUENTIAL, 1000, question="Hello!"),
            asked(SEQUENTIAL, 4000),
            asked(SEQUENTIAL, 8000, question="Why?"),
            asked(WARM, 900, question="Hello!", source="rule"),
            asked(WARM, 1000),
            asked(WARM, 1000, question="Why?", source="cache"),
        ]
    )
    found = ratios(results, WARM)
    assert 0.25 == found["median of misses from endpoint"]
    assert 0.125 == found["median of hits from endpoint"]
    assert pytest.approx(1700 / 8700) == found["median of hits from speech"]
    assert 0.25 == found["median from endpoint"]
    by = figures(results, WARM).by_source
    assert {"rule": 900, "cloud": 1000, "cache": 1000} == {
        source: spreads["endpoint"].max for source, spreads in by.items()
    }
    assert 1600 == by["rule"]["speech"].median


def test_time_is_saved_question_by_question() -> None:
    """Only where both ways answered the same question in the same round."""
    alone = asked(COLD, 100, round_=2)
    results = Results([asked(SEQUENTIAL, 4000), asked(COLD, 1000), alone])
    assert 3.0 == saved_s(results, COLD)
    sooner = asked(COLD, 1000, ms={"endpoint": 200.0, "first_audio": 1200.0})
    assert 3.5 == saved_s(Results([asked(SEQUENTIAL, 4000), sooner]), COLD), "as it is felt"
    assert saved_s(Results([alone]), COLD) is None


def test_tallies_add_up_and_subtract() -> None:
    """What one pass did is the difference of two looks."""
    before = CacheTally(1, 2, {"words": 1}, 3, 4, 5.0)
    after = CacheTally(4, 4, {"words": 1, "never": 2}, 9, 4, 105.0)
    passed = CacheTally(3, 2, {"never": 2}, 6, 0, 100.0)
    assert passed == after - before
    assert after == before + passed


def test_results_are_the_same_again_when_they_come_back_from_a_file() -> None:
    """And what was measured later is added as further rounds."""
    first = Results([asked(COLD, 1, told=("filler",), problems=("x",))], {COLD: CacheTally(1)})
    again = Results.from_dict(json.loads(json.dumps(first.as_dict())))
    assert first == again
    again.add(Results([asked(COLD, 2), asked(WARM, 3)], {COLD: CacheTally(2), WARM: CacheTally()}))
    assert [(COLD, 1), (COLD, 2), (WARM, 2)] == [(one.way, one.round) for one in again.asked]
    assert 3 == again.tallies[COLD].hits
