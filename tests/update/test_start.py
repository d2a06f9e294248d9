"""The launcher: the current release, or the base, and never something in between."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).resolve().parents[2] / "packaging" / "start"
TELLS = '#!/bin/sh\necho "$0" "$@"\n'


class Machine:
    """A base and a folder of releases, whose Pythons say who they are and what they are asked."""

    def __init__(self, folder: Path) -> None:
        self.base, self.releases = folder / "base", folder / "releases"
        text = LAUNCHER.read_text()
        for path, place in (
            ("/usr/lib/sena", self.base),
            ("/var/lib/sena-releases", self.releases),
        ):
            assert path in text
            text = text.replace(path, str(place))
        self.launcher = folder / "start"
        self.launcher.write_text(text)
        self.launcher.chmod(0o755)
        self.python(self.base)

    def python(self, place: Path) -> Path:
        python = place / "bin/python"
        python.parent.mkdir(parents=True)
        python.write_text(TELLS)
        python.chmod(0o755)
        return python

    def point(self, target: str | Path) -> None:
        self.releases.mkdir(exist_ok=True)
        (self.releases / "current").symlink_to(target)

    def start(self, *arguments: str) -> list[str]:
        run = subprocess.run(
            [self.launcher, *arguments],
            env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        assert "" == run.stderr
        return run.stdout.split()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_a_release_the_base_is_started(machine: Machine) -> None:
    """With the arguments that it was given."""
    expected = [str(machine.base / "bin/python"), "-P", "-m", "sena_pi", "run", "--json"]
    assert expected == machine.start("run", "--json")


def test_the_current_release_is_started_by_its_own_name(machine: Machine) -> None:
    """Not by the link's: when that points elsewhere, what runs must not."""
    python = machine.python(machine.releases / "slots/1.2.0")
    machine.point("slots/1.2.0")
    assert [str(python), "-P", "-m", "sena_pi", "run"] == machine.start("run")


def test_a_folder_of_releases_may_lie_on_another_partition(
    machine: Machine, tmp_path: Path
) -> None:
    """It is a link itself then."""
    (tmp_path / "data").mkdir()
    machine.releases.symlink_to(tmp_path / "data")
    python = machine.python(tmp_path / "data/slots/1.2.0")
    machine.point("slots/1.2.0")
    assert str(python) == machine.start("run")[0]


@pytest.mark.parametrize("target", ["slots/9.9.9", "current", "/nowhere", "..", "slots", "/usr"])
def test_a_link_to_nothing_or_elsewhere_is_passed_over(machine: Machine, target: str) -> None:
    """The base is started."""
    machine.python(machine.releases / "slots/1.2.0")
    machine.point(target)
    assert str(machine.base / "bin/python") == machine.start("run")[0]


def test_a_release_whose_python_is_gone_is_passed_over(machine: Machine) -> None:
    """The system was upgraded to another Python."""
    slot = machine.releases / "slots/1.2.0/bin"
    slot.mkdir(parents=True)
    (slot / "python").symlink_to("/usr/bin/python3.0")
    machine.point("slots/1.2.0")
    assert str(machine.base / "bin/python") == machine.start("run")[0]


@pytest.mark.parametrize("command", ["update", "first-boot"])
def test_what_judges_releases_is_of_the_base(machine: Machine, command: str) -> None:
    """A release that is broken could not be left otherwise."""
    machine.python(machine.releases / "slots/1.2.0")
    machine.point("slots/1.2.0")
    assert str(machine.base / "bin/python") == machine.start(command, "--json")[0]


def test_its_process_becomes_the_assistant(machine: Machine) -> None:
    """Systemd watches the process that it started, and takes READY from no other."""
    python = machine.base / "bin/python"
    python.write_text("#!/bin/sh\necho $$\n")
    process = subprocess.Popen([machine.launcher], stdout=subprocess.PIPE, text=True)
    said, _ = process.communicate(timeout=30)
    assert process.pid == int(said)
    assert os.access(LAUNCHER, os.X_OK)
