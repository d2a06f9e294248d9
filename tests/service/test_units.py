"""The unit files: what systemd thinks of them, and what must not be lost from them."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "systemd"
UNITS = sorted(path for path in FOLDER.glob("sena*"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PROGRAMS = (
    "bin/sh", "usr/bin/systemctl", "usr/lib/sena/start", "usr/lib/sena/bin/sena",
    "usr/lib/sena/bin/python",
)  # fmt: skip
TARGETS = ("sysinit", "basic", "shutdown", "multi-user", "sound")


@pytest.fixture
def analyze() -> str:
    """The program that judges units."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed: apt install systemd")
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system in which the units are installed, with what they refer to."""
    system = Path("usr/lib/systemd/system")
    (tmp_path / system).mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(unit, tmp_path / system / unit.name)
    for target in TARGETS:
        (tmp_path / system / f"{target}.target").write_text("[Unit]\nDescription=A target\n")
    for program in PROGRAMS:
        place = tmp_path / program
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("#!/bin/sh\n")
        place.chmod(0o755)
    return tmp_path


def verified(analyze: str, root: Path, unit: str) -> tuple[int, str]:
    run = subprocess.run(
        [
            analyze, "verify", "--man=no", f"--root={root}",
            str(root / "usr/lib/systemd/system" / unit),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_has_nothing_to_say(analyze: str, root: Path, unit: Path) -> None:
    """No warning either: an unknown key is one, and exits with 0."""
    assert (0, "") == verified(analyze, root, unit.name)


def test_a_misspelt_key_would_be_seen(analyze: str, root: Path) -> None:
    """The judge is awake."""
    unit = root / "usr/lib/systemd/system/sena.service"
    unit.write_text(unit.read_text().replace("WatchdogSec=", "WatchdogSecs="))
    assert "WatchdogSecs" in verified(analyze, root, unit.name)[1]


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_exposure_is_at_most_1_3(analyze: str, unit: Path) -> None:
    """`systemd-analyze security` with a threshold of 13."""
    run = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", "--threshold=13", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == run.returncode, run.stdout[-200:] + run.stderr


def settings_of(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


def test_what_breaks_our_libraries_is_left_out() -> None:
    """Each of these was seen to break something, unless it is said to be reasoned."""
    unit = settings_of("sena.service")
    assert "ProcSubset" not in unit  # Porcupine and gpiozero read /proc/cpuinfo
    assert "PrivateDevices" not in unit  # reasoned, not seen: lights and sound come and go in /dev
    assert ["keys:/etc/sena/keys"] == unit["LoadCredential"]  # a file that is absent: status 243
    assert "/etc/sena/keys 0700" in (FOLDER / "tmpfiles.conf").read_text(encoding="utf-8")
    assert any("setpriority" in line for line in unit["SystemCallFilter"])
    assert {"/var/lib/sena", "/var/cache/sena", "/run/sena"} <= set(unit["NoExecPaths"][0].split())


def test_it_never_gives_up_for_good() -> None:
    """Every end is followed by a start; where starts are refused, a timer begins anew."""
    unit = settings_of("sena.service")
    assert ["always"] == unit["Restart"]
    assert "RestartPreventExitStatus" not in unit
    assert "sena-retry.timer" in unit["OnFailure"][0].split()
    assert "sena-failure.service" in unit["OnFailure"][0].split()
    retry = settings_of("sena-retry.service")["ExecStart"]
    assert ["reset-failed", "start"] == [command.split()[1] for command in retry]
    timer = settings_of("sena-retry.timer")
    assert ["5min"] == timer["OnUnitInactiveSec"]
    assert "StopPropagatedFrom" not in timer  # systemd 257 passes a restart by hand on as well


def test_nothing_is_raised_inside_except_star() -> None:
    """Python before 3.11.4, which Debian 12 has, makes a group of it that nobody catches."""
    wrong = [
        f"{module.relative_to(REPOSITORY)}:{inner.lineno}"
        for module in (REPOSITORY / "sena_pi").rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.TryStar)
        for handler in node.handlers
        for inner in ast.walk(handler)
        if isinstance(inner, ast.Raise)
    ]
    assert [] == wrong
