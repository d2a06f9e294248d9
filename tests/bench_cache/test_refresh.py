"""What refreshing gains: the days it is measured on, and that the figures are those of the days."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sena_pi.bench.cache.book import Book
from sena_pi.bench.cache.options import Options
from sena_pi.bench.cache.refresh import (
    WAKING_S,
    Asking,
    Days,
    askings,
    compared,
    measure,
)

DAY_S = 24 * 3600.0
DAYS = 8
START_S = min(askings(1, 1, 50, 0)).at_s // DAY_S * DAY_S


@pytest.fixture(scope="module")
def trace() -> list[Asking]:
    return askings(seed=1, days=DAYS, turns_a_day=50, habits=4)


def every_morning(days: int) -> list[Asking]:
    """One question, at eight o'clock."""
    return [Asking(START_S + day * DAY_S + 8 * 3600, "question", ages=True) for day in range(days)]


def test_nobody_asks_at_night(trace: list[Asking]) -> None:
    """All but the habits lies between seven and eleven, in order."""
    times = [asking.at_s % DAY_S for asking in trace if not asking.question.startswith("habit")]
    assert WAKING_S[0] <= min(times) <= max(times) <= WAKING_S[1]
    assert sorted(trace) == trace
    assert DAYS * 50 == len(times)


def test_habits_come_on_most_days_at_about_the_same_time(trace: list[Asking]) -> None:
    """Each at its own; the answer ages."""
    habits = [asking for asking in trace if asking.question.startswith("habit")]
    assert {True} == {asking.ages for asking in habits}
    counts = Counter(asking.question for asking in habits)
    assert 4 == len(counts)
    assert 0.5 * 4 * DAYS < len(habits) < 4 * DAYS
    for name in counts:
        times = [asking.at_s % DAY_S for asking in habits if asking.question == name]
        assert max(times) - min(times) < 2 * 3600


def test_a_fifth_of_the_questions_age_and_always_the_same_ones(trace: list[Asking]) -> None:
    """A question ages or does not, however often it is asked."""
    kinds = {(asking.question, asking.ages) for asking in trace}
    assert len({name for name, _ in kinds}) == len(kinds)
    assert 0.2 == pytest.approx(sum(ages for _, ages in kinds) / len(kinds), abs=0.1)


def test_the_same_seed_asks_the_same() -> None:
    """Another one does not."""
    assert askings(1, 2, 20, 3) == askings(1, 2, 20, 3)
    assert askings(1, 2, 20, 3) != askings(2, 2, 20, 3)


def test_without_a_budget_nothing_is_refreshed(tmp_path: Path) -> None:
    """What is asked once a day has expired every time."""
    outcome = Days(tmp_path / "cache", 0).live(every_morning(6))
    assert (0, 6, 5, 0) == (outcome.hits, outcome.misses, outcome.expired, outcome.refreshes)
    assert outcome.written_bytes > 0


def test_a_habit_is_refreshed_from_the_fourth_day_on(tmp_path: Path) -> None:
    """Each refresh is a hit and no request is wasted; one more is for the day after the last."""
    outcome = Days(tmp_path / "cache", 5).live(every_morning(6))
    assert (3, 3, 2, 3, 0) == (
        outcome.hits,
        outcome.misses,
        outcome.expired,
        outcome.refreshes,
        outcome.unasked,
    )
    assert 6 == outcome.requests


def test_a_refresh_that_comes_to_nothing_is_counted(tmp_path: Path) -> None:
    """The household is away for a day; somebody else asks something else that evening."""
    evening = Asking(START_S + 4 * DAY_S + 20 * 3600, "another question", ages=False)
    outcome = Days(tmp_path / "cache", 5).live([*every_morning(4), evening])
    assert (2, 1) == (outcome.refreshes, outcome.unasked)


def test_nothing_is_refreshed_while_somebody_asks(tmp_path: Path) -> None:
    """Who asks every four minutes leaves no time for it."""
    talk = [
        Asking(START_S + day * DAY_S + 6 * 3600 + number * 240, f"{day}/{number}", ages=False)
        for day in range(6)
        for number in range(30)
    ]
    assert 0 == Days(tmp_path / "cache", 5).live(sorted([*talk, *every_morning(6)])).refreshes


def test_results_tell_what_changed(tmp_path: Path, trace: list[Asking]) -> None:
    """Points of hits, and requests and bytes a day, without and with."""
    without = Days(tmp_path / "without", 0).live(trace)
    outcome = Days(tmp_path / "with", 20).live(trace)
    result = compared(outcome, without, DAYS)
    assert len(trace) == result["turns"] == outcome.hits + outcome.misses
    gained = (outcome.hits - without.hits) / len(trace)
    assert gained == pytest.approx(result["points_gained"] / 100)
    assert 0 < result["points_gained"] <= result["points_expired"]
    assert result["hit_rate"] == pytest.approx(result["hit_rate_without"] + gained)
    assert outcome.refreshes == pytest.approx(DAYS * result["refreshes_a_day"])
    more = outcome.refreshes - (outcome.hits - without.hits)
    added = result["requests_a_day"] - result["requests_a_day_without"]
    assert more == pytest.approx(DAYS * added)
    assert result["written_a_day"] > result["written_a_day_without"]


def test_one_result_a_household_seed_and_budget(tmp_path: Path) -> None:
    """And none that the book holds."""
    options = Options(
        seeds=(1, 2),
        refresh_budgets=(1, 3),
        refresh_days=2,
        refresh_turns=10,
        out=tmp_path,
        card=tmp_path,
    )
    book = Book.open(options)
    for cell, result in measure(options, book):
        book.add(cell, result)
    cells = [(one["design"], one["seed"], one["size"]) for one in book.results("refresh")]
    assert 8 == len(set(cells)) == len(cells)
    assert [] == list(measure(options, book))
