"""Known numbers in, known figures out."""

from __future__ import annotations

import pytest

from sena_pi.bench.conversation.figures import Spread, figures, grade, percentile, ratios, saved_s
from sena_pi.bench.conversation.results import (
    COLD,
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
    failed = Asked(COLD, 1, "Hello!", ms={"endpoint": 1.0}, questions=1, speech=0)
    of = figures(Results([asked(COLD, 1000), told, failed]), COLD)
    assert (3, 2) == (of.asked, of.answered)
    assert (1, 1, 1, 1) == (of.ruled, of.fillers, of.reasons, of.said_again)
    assert (2000, 2700) == (
        of.from_endpoint["first_audio"].mean,
        of.from_speech["first_audio"].mean,
    )
    assert 700 == of.from_speech["endpoint"].max
    assert ("B", "B") == (of.grade, of.felt_grade)
    assert (3, 2) == (of.questions, of.speech)
    assert {"gemini/tts/Kore": 2} == of.voices
    assert of.hit_rate is None


def test_hits_are_counted_and_timed_from_the_transcript() -> None:
    """Of the questions that were asked, whoever answered them."""
    hit = asked(WARM, 900, source="cache", ms={"transcript": 1580.0})
    results = Results([hit, asked(WARM, 2000)], {WARM: CacheTally(hits=1, misses=1)})
    of = figures(results, WARM)
    assert (1, 0.5) == (of.cached, of.hit_rate)
    assert of.from_transcript is not None
    assert 20 == of.from_transcript.max


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
        "median of misses": 0.25,
        "p95 of misses": 0.25,
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
    assert (0.25, 0.125) == (found["median of misses"], found["median of hits"])
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
    assert saved_s(Results([alone]), COLD) is None


def test_tallies_add_up_and_subtract() -> None:
    """What one pass did is the difference of two looks."""
    before = CacheTally(1, 2, {"words": 1}, 3, 4, 5.0)
    after = CacheTally(4, 4, {"words": 1, "never": 2}, 9, 4, 105.0)
    passed = CacheTally(3, 2, {"never": 2}, 6, 0, 100.0)
    assert passed == after - before
    assert after == before + passed
