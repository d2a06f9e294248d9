"""The rules of trial and return, in every order of starts, boots and proofs."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from sena_pi.update.errors import UpdateRefused
from sena_pi.update.rules import (
    HELD_S,
    STARTS_IF_PROVEN,
    STARTS_ON_TRIAL,
    Shelf,
    Target,
    check_fits,
    fallen_back,
    flipped,
    ready,
    starting,
)
from sena_pi.update.version import Version

BASE, OLD, NEW = Version(1, 0, 0), Version(1, 1, 0), Version(1, 2, 0)
MACHINE = Target("aarch64", "3.13")
PROVEN = Shelf(BASE, current=OLD, proven=OLD)


def started(shelf: Shelf, times: int) -> Shelf:
    for _ in range(times):
        shelf = starting(shelf)
    return shelf


def test_a_release_that_never_becomes_ready_is_left_after_its_starts() -> None:
    """Exactly so many starts, and then what ran before."""
    shelf = flipped(PROVEN, NEW)
    assert NEW == started(shelf, STARTS_ON_TRIAL).current
    assert OLD == started(shelf, STARTS_ON_TRIAL + 1).current


def test_the_third_choice_is_the_base() -> None:
    """Neither release works: what came with the system runs, and goes on running."""
    shelf = started(flipped(PROVEN, NEW), STARTS_ON_TRIAL + STARTS_IF_PROVEN + 1)
    assert (None, BASE) == (shelf.current, shelf.running)
    assert shelf == started(shelf, 50)


def test_the_first_release_falls_back_to_the_base() -> None:
    """There is nothing between them."""
    assert BASE == started(flipped(Shelf(BASE), NEW), STARTS_ON_TRIAL + 1).running


def test_one_that_was_ready_for_long_enough_stays() -> None:
    """It is proven, its starts are forgotten, and nothing older may come after it."""
    shelf = ready(started(flipped(PROVEN, NEW), STARTS_ON_TRIAL), HELD_S)
    assert (NEW, False, 0, NEW) == (shelf.current, shelf.on_trial, shelf.starts, shelf.proven)
    assert NEW == started(shelf, STARTS_IF_PROVEN).current


@pytest.mark.parametrize("held_s", [None, 0.0, HELD_S - 1])
def test_one_that_was_not_ready_for_long_enough_has_proved_nothing(held_s: float | None) -> None:
    """READY alone, shortly before it dies, counts for nothing."""
    shelf = started(flipped(PROVEN, NEW), STARTS_ON_TRIAL)
    assert shelf == ready(shelf, held_s)


def test_a_system_that_was_updated_wins_over_an_older_release() -> None:
    """A base that is as new as the release, or newer, runs."""
    for base in (OLD, NEW):
        assert base == starting(replace(PROVEN, base=base)).running


def test_a_previous_release_that_is_older_than_the_base_is_passed_over() -> None:
    """Back goes to the base then, which is newer."""
    shelf = replace(flipped(PROVEN, Version(2, 0, 0)), base=Version(1, 5, 0))
    assert Version(1, 5, 0) == fallen_back(shelf).running


def test_one_that_is_fallen_back_to_before_it_proved_itself_is_on_trial_again() -> None:
    """The next update came too soon for it; if it kills the machine, the base must be reached."""
    shelf = started(flipped(flipped(Shelf(BASE), OLD), NEW), STARTS_ON_TRIAL + 1)
    assert (OLD, True, 1) == (shelf.current, shelf.on_trial, shelf.starts)
    assert BASE == started(shelf, STARTS_ON_TRIAL).running


def test_two_names_of_one_release_are_one() -> None:
    """A cut while a release came leaves that; it must not be its own way back."""
    assert BASE == fallen_back(replace(PROVEN, previous=OLD)).running


def test_every_order_of_starts_and_proofs_ends_in_something_that_runs() -> None:
    """No order makes a release come back that was left, or the starts of a trial endless."""
    events = ("start", "short", "held", "boot")
    for order in itertools.product(events, repeat=7):
        shelf, left, unproven = flipped(PROVEN, NEW), False, 0
        for event in order:
            if event == "boot" and not shelf.on_trial:
                shelf = replace(shelf, starts=0)  # what is counted within a boot is forgotten
            elif event == "start":
                shelf = starting(shelf)
                unproven += shelf.current == NEW and shelf.on_trial
            elif event == "short":
                shelf = ready(shelf, HELD_S / 2)
            elif event == "held":
                shelf = ready(shelf, HELD_S)
            assert not (left and shelf.current == NEW), order
            left = left or shelf.current != NEW
            assert unproven <= STARTS_ON_TRIAL, order
            assert shelf.running in {BASE, OLD, NEW}


@pytest.mark.parametrize(
    ("version", "target", "shelf", "why"),
    [
        (OLD, MACHINE, PROVEN, "is here already"),
        (BASE, MACHINE, PROVEN, "is newer"),
        (Version(1, 0, 5), MACHINE, PROVEN, "is newer"),
        (BASE, MACHINE, Shelf(BASE), "is here already"),
        (Version(0, 9, 0), MACHINE, Shelf(BASE), "is newer"),
        # It fell back from what was proven: a replayed bundle in between stays refused.
        (Version(1, 1, 5), MACHINE, Shelf(BASE, current=OLD, proven=NEW), "has run here"),
        # The system was updated, and the release is not started any more.
        (Version(1, 2, 0), MACHINE, Shelf(Version(2, 0, 0), current=OLD), "is newer"),
        (NEW, Target("x86_64", "3.13"), PROVEN, "x86_64 processors"),
        (NEW, Target("aarch64", "3.11"), PROVEN, r"Python 3\.11"),
    ],
)
def test_what_does_not_fit_is_refused(
    version: Version, target: Target, shelf: Shelf, why: str
) -> None:
    """Older, equal, replayed, or for another machine; the message says which."""
    with pytest.raises(UpdateRefused, match=why):
        check_fits(version, target, MACHINE, shelf)


def test_what_is_newer_and_for_this_machine_fits() -> None:
    """Also the one that was proven and fell back: it may be tried again."""
    check_fits(NEW, MACHINE, MACHINE, PROVEN)
    check_fits(NEW, MACHINE, MACHINE, Shelf(BASE, current=OLD, proven=NEW))
