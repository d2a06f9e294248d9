"""Whether the wall clock can be believed, and where the person is."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sena_pi.clock import is_trusted, local_zone, system_clock

SUMMER = datetime(2026, 7, 1, 12, tzinfo=UTC)
WINTER = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_board(root: Path) -> Path:
    """A machine described by a device tree, as a Raspberry Pi is."""
    (root / "proc/device-tree").mkdir(parents=True)
    (root / "proc/device-tree/model").write_text("Raspberry Pi 4 Model B Rev 1.4\0")
    return root


def battery_clock(root: Path, shows: str) -> None:
    """A clock that may run while the machine is off."""
    rtc = root / "sys/class/rtc/rtc0"
    rtc.mkdir(parents=True)
    (rtc / "since_epoch").write_text(shows)


def test_a_board_without_network_does_not_know_the_time(tmp_path: Path):
    """It starts with the time it was switched off, or 1970."""
    assert not is_trusted(a_board(tmp_path), synchronised=False)


def test_a_board_that_was_set_from_the_network_knows_it(tmp_path: Path):
    """The kernel says so."""
    assert is_trusted(a_board(tmp_path), synchronised=True)


@pytest.mark.parametrize("behind_s", [0, 30])
def test_a_board_with_a_battery_clock_knows_it(tmp_path: Path, behind_s: int):
    """A Pi 5, or any Pi with an RTC module: the time came from there."""
    battery_clock(a_board(tmp_path), f"{int(time.time()) - behind_s}\n")
    assert is_trusted(tmp_path, synchronised=False)


@pytest.mark.parametrize("shows", ["75\n", "1700000000\n", "", "soon\n"])
def test_a_clock_whose_battery_is_missing_is_none(tmp_path: Path, shows: str):
    """A Pi 5 has the clock in any case; without a battery it begins in 1970, or can't be read."""
    battery_clock(a_board(tmp_path), shows)
    assert not is_trusted(tmp_path, synchronised=False)


def test_another_computer_is_believed(tmp_path: Path):
    """A container shows neither its host's clock chip nor who sets it."""
    assert is_trusted(tmp_path, synchronised=False)


def test_the_system_clock_knows_its_time_zone():
    """Local time, and aware of it."""
    assert system_clock().now.tzinfo is not None


def test_the_zone_knows_its_rules(monkeypatch: pytest.MonkeyPatch):
    """Summer and winter, from the file that the system links to."""
    monkeypatch.delenv("TZ", raising=False)
    zone = local_zone(Path("/usr/share/zoneinfo/Europe/Berlin"))
    assert (14, 13) == (SUMMER.astimezone(zone).hour, WINTER.astimezone(zone).hour)


def test_another_zone_holds_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Also for a process that runs already: it is chosen after the start, on a card."""
    monkeypatch.delenv("TZ", raising=False)
    path = tmp_path / "localtime"
    hours = []
    for place in ("Europe/Berlin", "Asia/Tokyo"):
        (tmp_path / "next").symlink_to(f"/usr/share/zoneinfo/{place}")
        (tmp_path / "next").replace(path)
        hours.append(SUMMER.astimezone(local_zone(path)).hour)
    assert [14, 21] == hours


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
