"""What the doctor finds of a machine: a Raspberry Pi's files, laid out in a folder."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from sena_pi.doctor.examination import Finding, Level
from sena_pi.doctor.machine import CardCheck, ClockCheck, DiskCheck, MemoryCheck, PowerCheck
from sena_pi.doctor.software import ServiceCheck, VersionsCheck, VoiceCheck
from tests.doctor.patients import patient


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def found(check: Any, folder: Path, **given: Any) -> Finding:
    finding: Finding = asyncio.run(check.examine(patient(folder, **given)))
    return finding


@pytest.mark.parametrize(
    ("throttled", "level", "words"),
    [
        ("0", Level.GOOD, "never undervoltage"),
        ("50005", Level.PROBLEM, "undervoltage now, throttled now, undervoltage since the start"),
        ("50000", Level.WARNING, "undervoltage since the start, throttled since the start"),
        ("8", Level.PROBLEM, "too hot now"),
        ("nonsense", Level.UNKNOWN, "no firmware"),
    ],
)
def test_power_is_what_the_firmware_tells(
    tmp_path: Path, throttled: str, level: Level, words: str
) -> None:
    """Bit by bit, now and since the start, with the temperature."""
    put(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", f"{throttled}\n")
    put(tmp_path, "sys/class/thermal/thermal_zone0/temp", "48300\n")
    finding = found(PowerCheck(), tmp_path)
    assert level is finding.level
    assert words in finding.measured
    assert (level in (Level.WARNING, Level.PROBLEM)) == bool(finding.fix)
    if level is not Level.UNKNOWN:
        assert "48 °C" in finding.measured


def test_a_hot_board_is_told(tmp_path: Path) -> None:
    """Before its firmware slows it down."""
    put(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", "0\n")
    put(tmp_path, "sys/class/thermal/thermal_zone0/temp", "82000\n")
    assert Level.WARNING is found(PowerCheck(), tmp_path).level


@pytest.mark.parametrize(("free_kb", "level"), [(400_000, Level.GOOD), (40_000, Level.WARNING)])
def test_memory_is_what_is_available(tmp_path: Path, free_kb: int, level: Level) -> None:
    """As the kernel counts it."""
    put(tmp_path, "proc/meminfo", f"MemTotal:  948000 kB\nMemAvailable: {free_kb} kB\n")
    finding = found(MemoryCheck(), tmp_path)
    assert level is finding.level
    assert f"{free_kb / 1024:,.0f} of 926 MB" in finding.measured


def test_a_clock_that_nobody_has_set_is_told(tmp_path: Path) -> None:
    """A Raspberry Pi without network starts in the past."""
    put(tmp_path, "sys/class/rtc/rtc0/name", "")
    assert Level.GOOD is found(ClockCheck(), tmp_path).level


def card(root: Path, folder: Path, life: str | None) -> None:
    """The disk this folder lies on, as sysfs has it: a partition in it."""
    number = folder.stat().st_dev
    disk = root / "sys/devices/mmc/mmcblk0"
    put(disk, "stat", "1 2 3 4 5 6 204800 8\n")
    put(disk, "device/name", "SD64G\n")
    put(disk, "mmcblk0p2/partition", "2\n")
    if life is not None:
        put(disk, "device/life_time", life)
    link = root / f"sys/dev/block/{os.major(number)}:{os.minor(number)}"
    link.parent.mkdir(parents=True)
    link.symlink_to(disk / "mmcblk0p2")
    put(root, "proc/uptime", "7200.00 1.0\n")


@pytest.mark.parametrize(
    ("life", "level"),
    [(None, Level.GOOD), ("0x01 0x02", Level.GOOD), ("0x01 0x0A", Level.WARNING)],
)
def test_a_card_tells_what_was_written_and_how_worn_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, life: str | None, level: Level
) -> None:
    """Ours and all of it; eMMC alone tells its age."""
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path))
    card(tmp_path, tmp_path, life)
    status = {"cache": {"total": {"written_bytes": 3 << 20}}}
    finding = found(CardCheck(), tmp_path, status=status)
    assert level is finding.level
    assert "SD64G: 100 MB written since the start, 2.0 h ago" in finding.measured
    assert "3 MB by the cache in all" in finding.measured
    assert (life is not None) == ("of its life used" in finding.measured)


def test_a_disk_of_another_kind_is_no_fault(tmp_path: Path) -> None:
    """A container has no card."""
    assert Level.UNKNOWN is found(CardCheck(), tmp_path).level


def test_room_is_told_for_folders_that_are_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the folder above them."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "not" / "there"))
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path / "nor" / "this"))
    finding = found(DiskCheck(), tmp_path)
    assert f"{tmp_path}: " in finding.measured
    assert finding.figures["free_bytes"] > 0


def test_a_service_that_is_not_alive_is_a_problem(tmp_path: Path) -> None:
    """One that does not run is less: somebody may have stopped it."""
    status = {"faults": ["the light does not answer"], "line": "not well", "uptime_s": 3.0}
    assert Level.PROBLEM is found(ServiceCheck(), tmp_path, status=status).level
    assert Level.WARNING is found(ServiceCheck(), tmp_path).level
    refused = found(ServiceCheck(), tmp_path, not_asked="it is another user's")
    assert Level.UNKNOWN is refused.level
    healthy = {**status, "faults": [], "line": "listening"}
    finding = found(ServiceCheck(), tmp_path, status=healthy)
    assert (Level.GOOD, "listening") == (finding.level, finding.measured)


def test_a_missing_voice_comes_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is all that a person needs."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    finding = found(VoiceCheck(), tmp_path)
    assert (Level.WARNING, "sena voice install en_US-ljspeech-medium") == (
        finding.level,
        finding.fix,
    )


def test_versions_hold_what_a_report_of_a_fault_needs(tmp_path: Path) -> None:
    """Of the board and the system as well."""
    put(tmp_path, "proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0")
    put(tmp_path, "etc/os-release", 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n')
    measured = found(VersionsCheck(), tmp_path).measured
    for text in ("sena ", "python 3.", "Raspberry Pi 4 Model B Rev 1.5", "trixie", "wyoming "):
        assert text in measured
