"""What is learned of a household's habits, and when an aged answer is worth a request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from sena_pi.cache.entries import StoredAnswer
from sena_pi.cache.keys import AnswerKey
from sena_pi.cache.refresh import Refresher, RefreshSettings
from sena_pi.stages import Cacheability

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
HALF_PAST_SEVEN = 1_790_035_200.0 + 7.5 * HOUR_S
"""Of day 0."""
SHORTLY_S = 300.0
SETTINGS = RefreshSettings(per_day=10)


def key(question: str = "is the bakery busy", context: str = "") -> AnswerKey:
    return AnswerKey(question, "en", "scripted/answers", 1, context)


def answer(kept_at: float, keep: Cacheability = Cacheability.HOURS) -> StoredAnswer:
    return StoredAnswer("Is the bakery busy?", "Not much.", "en", keep, "m", 1800.0, kept_at)


def taught(
    days: Iterable[int], settings: RefreshSettings = SETTINGS, one: AnswerKey | None = None
) -> Refresher:
    """Asked at half past seven on each of these days."""
    refresher = Refresher(settings)
    asks(refresher, days, one or key())
    return refresher


def asks(refresher: Refresher, days: Iterable[int], one: AnswerKey, at_s: float = 0.0) -> None:
    for day in days:
        now = HALF_PAST_SEVEN + day * DAY_S + at_s
        refresher.asked(one, answer(now), now)


def at(day: int, before_s: float = SHORTLY_S) -> float:
    """So long before half past seven of a day."""
    return HALF_PAST_SEVEN + day * DAY_S - before_s


def due(refresher: Refresher, now: float | None) -> AnswerKey | None:
    habit = refresher.due(now)
    return None if habit is None else habit.key


# --- when ------------------------------------------------------------------------------------


def test_what_is_asked_every_morning_is_due_shortly_before() -> None:
    """Not at night, when nobody would hear it while it holds; not hours later either."""
    refresher = taught(range(5))
    assert key() == due(refresher, at(5))
    for before_s in (6 * HOUR_S, HOUR_S, HOUR_S / 2, -HOUR_S, -8 * HOUR_S):
        assert due(refresher, at(5, before_s)) is None


def test_as_many_days_are_needed_as_the_settings_say() -> None:
    """Three by default; the same day's askings count as one."""
    refresher = taught(range(2))
    asks(refresher, [1], key(), at_s=60.0)
    asks(refresher, [1], key(), at_s=120.0)
    assert due(refresher, at(2)) is None
    asks(refresher, [2], key())
    assert key() == due(refresher, at(3))


def test_askings_at_other_times_of_the_day_are_no_habit() -> None:
    """On many days, but never when the answer would hold again."""
    refresher = Refresher(SETTINGS)
    for day in range(6):
        asks(refresher, [day], key(), at_s=day * 3 * HOUR_S)
    hours = [HALF_PAST_SEVEN + 6 * DAY_S + hour * HOUR_S for hour in range(48)]
    assert {None} == {due(refresher, now) for now in hours}


def test_a_habit_that_is_seldom_kept_is_not_worth_a_request() -> None:
    """Every third day: two requests of three would be for nobody."""
    assert due(taught(range(0, 15, 3)), at(15)) is None


def test_a_habit_that_was_given_up_is_forgotten_with_time() -> None:
    """Each day without an asking counts, and old askings count less."""
    refresher = taught(range(10))
    gains = []
    for day in range(10, 20):
        habit = refresher.due(at(day))
        if habit is not None:
            gains.append(refresher.gain(habit, at(day)))
    assert gains == sorted(gains, reverse=True)
    assert 2 < len(gains) < 10


def test_a_new_habit_takes_over_from_an_old_time() -> None:
    """The same question, hours later from some day on: due then, and no longer before."""
    refresher = taught(range(10))
    asks(refresher, range(10, 30), key(), at_s=5 * HOUR_S)
    assert due(refresher, at(30)) is None
    assert key() == due(refresher, at(30) + 5 * HOUR_S)


def test_an_answer_that_still_holds_is_not_asked_for() -> None:
    """Only shortly before its end, and only for those who ask after it."""
    refresher = taught(range(5))
    refresher.refreshed(key(), answer(at(5)))
    assert due(refresher, at(5, SHORTLY_S - 60)) is None
    early = taught(range(5))
    early.refreshed(key(), answer(at(5, HOUR_S + 60)))
    assert key() == due(early, at(5))


def test_asking_is_put_off_while_that_gains_more() -> None:
    """Somebody now and then asks early; a new answer must hold for those who ask as usual."""
    refresher = taught(range(8))
    asks(refresher, [2], key(), at_s=-55 * 60.0)
    for day in range(4, 8):
        asks(refresher, [day], key(), at_s=8 * 60.0)
    assert due(refresher, at(8, 56 * 60.0)) is None
    assert key() == due(refresher, at(8))


def test_the_largest_gain_comes_first() -> None:
    """One request at a time: the question that was asked on more of the days."""
    sometimes, always = key("is the pool full"), key("is the bakery busy")
    refresher = taught([0, 1, 3, 5, 6], one=sometimes)
    asks(refresher, range(7), always)
    assert always == due(refresher, at(7))
    refresher.refreshed(always, answer(at(7)))
    assert sometimes == due(refresher, at(7))


def test_answers_that_hold_for_days_are_renewed_for_the_day() -> None:
    """The stretch that is covered is longer than a day: any time of it counts."""
    refresher = Refresher(replace(SETTINGS, fresh_s=3 * DAY_S))
    asks(refresher, range(4), key())
    refresher.refreshed(key(), answer(at(0)))
    assert key() == due(refresher, at(4))


# --- what never ------------------------------------------------------------------------------


def test_without_a_budget_nothing_is_learned_or_asked() -> None:
    """Off by default."""
    refresher = taught(range(9), RefreshSettings())
    assert (0, False) == (len(refresher), refresher.enabled)
    assert due(refresher, at(9)) is None


def test_without_a_clock_nothing_is_learned_or_asked() -> None:
    """The hour of the day is all that is known of a habit."""
    refresher = taught(range(9))
    assert due(refresher, None) is None
    refresher.asked(key("is the pool full"), answer(at(9)), None)
    assert 1 == len(refresher)


@pytest.mark.parametrize(
    ("one", "given"),
    [
        (key(context="after something"), answer(0)),
        (key(), replace(answer(0), alone=False)),
        (key(), answer(0, Cacheability.EVERGREEN)),
        (key(), answer(0, Cacheability.NEVER)),
    ],
)
def test_only_what_ages_and_stands_alone_is_learned(one: AnswerKey, given: StoredAnswer) -> None:
    """A question that needs its context has none on idle."""
    refresher = Refresher(SETTINGS)
    for day in range(9):
        refresher.asked(one, given, at(day, 0))
    assert 0 == len(refresher)


def test_what_does_not_age_any_more_is_left_alone() -> None:
    """The new answer holds for ever."""
    refresher = taught(range(5))
    refresher.refreshed(key(), answer(at(5), Cacheability.EVERGREEN))
    assert not refresher.knows(key())


def test_a_refresh_teaches_nothing() -> None:
    """Else it would keep itself alive after the habit is over."""
    refresher = taught(range(4))
    renewed = []
    for day in range(4, 30):
        if due(refresher, at(day)) is not None:
            renewed.append(day)
            refresher.refreshed(key(), answer(at(day)))
    assert list(range(4, 4 + len(renewed))) == renewed
    assert 0 < len(renewed) < 10


# --- bounds ----------------------------------------------------------------------------------


def test_no_more_requests_than_the_days_bound() -> None:
    """In any 24 hours, whatever came of them."""
    refresher = taught(range(5), replace(SETTINGS, per_day=2))
    refresher.requested(at(4, -HOUR_S))
    assert 1 == refresher.requests_left(at(5))
    refresher.requested(at(5, 2 * HOUR_S))
    assert due(refresher, at(5)) is None
    assert key() == due(refresher, at(5) + DAY_S)


def test_a_clock_that_goes_back_gives_no_new_requests() -> None:
    """Requests of a time that is yet to come count."""
    refresher = taught(range(5), replace(SETTINGS, per_day=1))
    refresher.requested(at(5) + HOUR_S)
    assert due(refresher, at(5)) is None


def test_a_clock_that_jumps_by_years_asks_nothing() -> None:
    """Neither way; and it does no harm."""
    refresher = taught(range(5))
    assert due(refresher, at(5) + 50 * 365 * DAY_S) is None
    refresher.due(at(5) - 50 * 365 * DAY_S)
    assert key() == due(refresher, at(5))


def test_what_is_remembered_is_bounded_and_habits_outlive_the_rest() -> None:
    """Of a thousand questions that were asked once none displaces one that is asked daily."""
    refresher = taught(range(5), replace(SETTINGS, most_questions=20, most_askings=8))
    for number in range(1000):
        now = at(4, -HOUR_S) + number
        refresher.asked(key(f"question {number}"), answer(now), now)
    assert 20 == len(refresher)
    assert refresher.knows(key())
    assert refresher.knows(key("question 999"))
    assert key() == due(refresher, at(5))
    asks(refresher, [4] * 6, key())
    assert due(refresher, at(5)) is None, "of eight askings seven were on one day"


def test_what_is_forgotten_has_to_be_learned_anew() -> None:
    """One question, or all of them; the requests of the day are not forgotten."""
    refresher = taught(range(5))
    refresher.forget(key())
    refresher.forget(key("never asked"))
    assert due(refresher, at(5)) is None
    asks(refresher, range(5, 8), key())
    assert key() == due(refresher, at(8))
    refresher.requested(at(8))
    refresher.clear()
    assert (0, 9) == (len(refresher), refresher.requests_left(at(8)))
