"""Whether the wall clock can be believed."""

from __future__ import annotations

from pathlib import Path

from sena_pi.clock import is_trusted, system_clock


def a_board(root: Path) -> Path:
    """A machine described by a device tree, as a Raspberry Pi is."""
    (root / "proc/device-tree").mkdir(parents=True)
    (root / "proc/device-tree/model").write_text("Raspberry Pi 4 Model B Rev 1.4\0")
    return root


def test_a_board_without_network_does_not_know_the_time(tmp_path: Path):
    """It starts with the time it was switched off, or 1970."""
    assert not is_trusted(a_board(tmp_path), synchronised=False)


def test_a_board_that_was_set_from_the_network_knows_it(tmp_path: Path):
    """The kernel says so."""
    assert is_trusted(a_board(tmp_path), synchronised=True)


def test_a_board_with_a_battery_clock_knows_it(tmp_path: Path):
    """A Pi 5, or any Pi with an RTC module."""
    (a_board(tmp_path) / "sys/class/rtc/rtc0").mkdir(parents=True)
    assert is_trusted(tmp_path, synchronised=False)


def test_another_computer_is_believed(tmp_path: Path):
    """A container shows neither its host's clock chip nor who sets it."""
    assert is_trusted(tmp_path, synchronised=False)


def test_the_system_clock_knows_its_time_zone():
    """Local time, and aware of it."""
    assert system_clock().now.tzinfo is not None
