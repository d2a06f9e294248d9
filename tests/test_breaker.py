"""The circuit breaker, on a clock of its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sena_pi.breaker import Breaker, BreakerRules, State
from sena_pi.errors import (
    CaptivePortal,
    ClockWrong,
    CloudBusy,
    CloudDeclined,
    CloudError,
    CloudFailed,
    CloudKeyRefused,
    CloudResting,
    CloudSilent,
    CloudUnreachable,
)

RULES = BreakerRules()


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Cloud:
    """A dependency behind its breaker; what it raises is the test's.

    Attributes:
        asked: how often it was reached.
    """

    def __init__(self, chance: float = 0.0) -> None:
        self.clock = Clock()
        self.breaker = Breaker("cloud", RULES, monotonic=self.clock, chance=lambda: chance)
        self.asked = 0

    def ask(self, error: CloudError | None) -> CloudError | None:
        """Ask it once; what came of it."""
        try:
            with self.breaker.attempt() as attempt:
                self.asked += 1
                if error is None:
                    attempt.worked()
                else:
                    attempt.failed(error)
                    return error
        except CloudResting as resting:
            return resting
        return None

    @property
    def state(self) -> State:
        return self.breaker.state


def failing(times: int, error: CloudError | None = None) -> Cloud:
    cloud = Cloud()
    for _ in range(times):
        cloud.ask(error or CloudUnreachable("no route"))
    return cloud


def test_it_opens_after_failures_in_a_row() -> None:
    """Two are bad luck, three are an outage; then it is not reached any more, and says why."""
    cloud = failing(2)
    assert State.CLOSED is cloud.state
    silent = CloudSilent("no answer")
    cloud.ask(silent)
    assert State.OPEN is cloud.state
    resting = cloud.ask(None)
    assert isinstance(resting, CloudResting)
    assert (silent, 3) == (resting.reason, cloud.asked)


def test_a_success_between_failures_begins_the_row_anew() -> None:
    """Two and two are not three in a row."""
    cloud = failing(2)
    cloud.ask(None)
    cloud.ask(CloudFailed("500"))
    cloud.ask(CloudFailed("500"))
    assert State.CLOSED is cloud.state


def test_it_opens_when_half_of_the_recent_ones_failed() -> None:
    """Every other one failing is an outage, too."""
    cloud = Cloud()
    for _ in range(5):
        assert State.CLOSED is cloud.state
        cloud.ask(None)
        cloud.ask(CloudFailed("500"))
    assert State.OPEN is cloud.state


def test_after_its_rest_one_attempt_decides() -> None:
    """Half open, a second attempt is refused while the first is under way; a success closes it."""
    cloud = failing(3)
    cloud.clock.now_s += RULES.rest_s
    assert State.HALF_OPEN is cloud.state
    with cloud.breaker.attempt() as attempt:
        assert isinstance(cloud.ask(None), CloudResting)
        attempt.worked()
        assert State.CLOSED is cloud.state
    assert cloud.ask(None) is None


def test_an_attempt_that_was_given_up_decides_nothing() -> None:
    """A person interrupted it: the next one decides."""
    cloud = failing(3)
    cloud.clock.now_s += RULES.rest_s
    with cloud.breaker.attempt():
        pass
    assert State.HALF_OPEN is cloud.state
    assert cloud.ask(None) is None
    assert State.CLOSED is cloud.state


def test_each_failed_attempt_doubles_the_rest_up_to_its_cap() -> None:
    """15, 30, 60, 120, 240, 300, 300 seconds; a success sets it back."""
    cloud = failing(3)
    rests = []
    for _ in range(7):
        rests.append(rested_s(cloud))
        cloud.ask(CloudUnreachable("no route"))
    assert [15, 30, 60, 120, 240, 300, 300] == rests
    rested_s(cloud)
    cloud.ask(None)
    for _ in range(3):
        cloud.ask(CloudUnreachable("no route"))
    assert 15 == rested_s(cloud)


def test_chance_spreads_the_rests_and_never_beyond_the_cap() -> None:
    """A fifth shorter or longer, so that not everybody asks at once."""
    for chance, expected in ((-1.0, 12), (1.0, 18)):
        cloud = Cloud(chance)
        for _ in range(3):
            cloud.ask(CloudUnreachable("no route"))
        assert expected == rested_s(cloud)
    for _ in range(8):
        cloud.ask(CloudUnreachable("no route"))
        assert rested_s(cloud) <= RULES.longest_rest_s


@pytest.mark.parametrize(
    ("told_s", "rest_s"), [(37.0, 37), (2.0, 2), (1e6, RULES.longest_busy_s), (None, RULES.busy_s)]
)
def test_a_spent_quota_opens_it_at_once_for_as_long_as_was_told(
    told_s: float | None, rest_s: float
) -> None:
    """One 429 is enough; its own time counts, within reason."""
    cloud = failing(1, CloudBusy("429", told_s))
    assert State.OPEN is cloud.state
    assert rest_s == rested_s(cloud)


def test_a_refused_key_is_not_asked_with_again() -> None:
    """However long it rests; only another key closes it, and another key does nothing else."""
    cloud = failing(1, CloudKeyRefused("401"))
    cloud.clock.now_s += 1e6
    assert State.REFUSED is cloud.state
    resting = cloud.ask(None)
    assert isinstance(resting, CloudResting)
    assert isinstance(resting.reason, CloudKeyRefused)
    cloud.breaker.key_changed()
    assert State.CLOSED is cloud.state
    busy = failing(1, CloudBusy("429", 37.0))
    busy.breaker.key_changed()
    assert State.OPEN is busy.state


@pytest.mark.parametrize("error", [ClockWrong("not yet"), CaptivePortal("html")])
def test_what_says_nothing_about_the_cloud_does_not_count(error: CloudError) -> None:
    """A wrong clock or a portal: the next question finds out whether it is over."""
    assert State.CLOSED is failing(20, error).state
    cloud = failing(3)
    cloud.clock.now_s += RULES.rest_s
    cloud.ask(error)
    assert State.HALF_OPEN is cloud.state


def test_a_declined_answer_shows_that_the_cloud_works() -> None:
    """It does not open it, and closes it when it is half open."""
    assert State.CLOSED is failing(20, CloudDeclined("SAFETY")).state
    cloud = failing(3)
    cloud.clock.now_s += RULES.rest_s
    cloud.ask(CloudDeclined("SAFETY"))
    assert State.CLOSED is cloud.state


def test_a_failure_told_twice_counts_once() -> None:
    """By the sound, and by the context that it breaks."""
    cloud = Cloud()
    for _ in range(2):
        with cloud.breaker.attempt() as attempt:
            attempt.failed(CloudFailed("500"))
            attempt.failed(CloudFailed("500"))
    assert State.CLOSED is cloud.state


def test_stragglers_do_not_reopen_or_close_it() -> None:
    """Attempts from before it opened come back late: they change nothing."""
    cloud = Cloud()
    stragglers = [cloud.breaker.attempt() for _ in range(2)]
    for _ in range(3):
        cloud.ask(CloudUnreachable("no route"))
    stragglers[0].worked()
    assert State.OPEN is cloud.state
    cloud.clock.now_s += RULES.rest_s
    stragglers[1].failed(CloudUnreachable("no route"))
    assert State.HALF_OPEN is cloud.state


@given(
    st.lists(
        st.tuples(
            st.floats(0, 400),
            st.sampled_from(
                [
                    None,
                    CloudUnreachable("x"),
                    CloudFailed("x"),
                    CloudBusy("x"),
                    ClockWrong("x"),
                    CloudDeclined("x"),
                ]
            ),
        ),
        max_size=60,
    ),
    st.floats(-1, 1),
)
def test_whatever_happens_it_is_asked_again_within_its_longest_rest(
    story: list[tuple[float, CloudError | None]], chance: float
) -> None:
    """It never stays open longer than that, and a cloud that works again is used again."""
    cloud = Cloud(chance)
    for pause_s, error in story:
        cloud.clock.now_s += pause_s
        cloud.ask(error)
    cloud.clock.now_s += RULES.longest_rest_s
    assert cloud.ask(None) is None
    assert State.CLOSED is cloud.state


@given(st.floats(-1, 1), st.sampled_from([CloudUnreachable("x"), CloudSilent("x"), CloudBusy("x")]))
def test_an_outage_is_no_storm_of_requests(chance: float, error: CloudError) -> None:
    """A question every ten seconds for ten minutes: twelve requests at most."""
    cloud = Cloud(chance)
    for _ in range(60):
        cloud.ask(error)
        cloud.clock.now_s += 10.0
    assert cloud.asked <= 12


def rested_s(cloud: Cloud) -> float:
    """Let it rest; how long it did, to the second."""
    start_s = cloud.clock.now_s
    while cloud.state is State.OPEN:
        cloud.clock.now_s += 1.0
    return cloud.clock.now_s - start_s
