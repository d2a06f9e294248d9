"""The machine's clocks: what is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sena_pi.clock import ClockReading
from sena_pi.timers.instants import SystemInstants

SUMMER = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_a_clock_that_was_right_once_stays_so():
    """The kernel takes its word back after hours without a network; the time is still right."""
    readings = iter([False, True, False])
    instants = SystemInstants(lambda: ClockReading(SUMMER, next(readings)))
    assert [False, True, True] == [instants().trusted for _ in range(3)]


def test_the_machines_own_clock_goes_on_whatever_the_wall_clock_shows():
    """It counts from the start of the machine, and names its run."""
    wall = iter([SUMMER, SUMMER - timedelta(days=300)])
    instants = SystemInstants(lambda: ClockReading(next(wall), trusted=True))
    first, second = instants(), instants()
    assert first.boot_s <= second.boot_s < first.boot_s + 60
    assert first.boot == second.boot != ""
    assert SUMMER == first.local
