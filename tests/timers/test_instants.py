"""The machine's clocks: what is believed, and where the person is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sena_pi.clock import ClockReading
from sena_pi.timers.instants import SystemInstants, local_zone

SUMMER = datetime(2026, 7, 1, 12, tzinfo=UTC)
WINTER = datetime(2026, 1, 1, 12, tzinfo=UTC)


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


def test_the_zone_knows_its_rules(monkeypatch: pytest.MonkeyPatch):
    """Summer and winter, from the file that the system links to."""
    monkeypatch.delenv("TZ", raising=False)
    zone = local_zone(Path("/usr/share/zoneinfo/Europe/Berlin"))
    assert (14, 13) == (SUMMER.astimezone(zone).hour, WINTER.astimezone(zone).hour)


@pytest.mark.parametrize("content", [None, b"", b"no zone"])
def test_without_a_zone_it_is_utc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
):
    """No file, or one that is something else."""
    monkeypatch.delenv("TZ", raising=False)
    path = tmp_path / "localtime"
    if content is not None:
        path.write_bytes(content)
    assert UTC is local_zone(path)


def test_a_zone_in_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch):
    """As for every program; one that does not exist is UTC."""
    monkeypatch.setenv("TZ", "Europe/London")
    assert 13 == SUMMER.astimezone(local_zone(Path("/nowhere"))).hour
    monkeypatch.setenv("TZ", "Nowhere/Land")
    assert UTC is local_zone(Path("/nowhere"))
