"""What the unit calls before and after a start, and what a person is told."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from sena_pi.cli import main
from sena_pi.update import command
from sena_pi.update.command import Places, healthy, starting
from sena_pi.update.disk import RealDisk
from sena_pi.update.errors import UpdateRefused
from sena_pi.update.machine import base_version
from sena_pi.update.rules import HELD_S, STARTS_ON_TRIAL
from sena_pi.update.service import SystemdService
from sena_pi.update.version import Version

BASE = base_version()
NEW = Version(BASE.major + 1, 0, 0)


class Held:
    """A service that has been ready for so long."""

    def __init__(self, held_s: float | None) -> None:
        self._held_s = held_s

    def running(self) -> bool:
        return True

    def restart(self) -> bool:
        raise AssertionError

    def ready_for_s(self) -> float | None:
        return self._held_s


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """With a new release on trial."""
    places = Places(tmp_path / "releases", tmp_path / "run")
    releases = places.releases()
    releases.install(releases.new_slot(), NEW)
    return places


def asked(**given: object) -> Namespace:
    nothing = {"source": None, "starting": False, "healthy": False, "json": False}
    return Namespace(**{**nothing, **given})


def test_starts_are_counted_until_it_falls_back(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the journal is told that it did."""
    for _ in range(STARTS_ON_TRIAL):
        starting(places)
    assert "" == capsys.readouterr().err
    starting(places)
    assert f"{NEW} does not work: {BASE} is started in its place\n" == capsys.readouterr().err
    assert BASE == places.releases().shelf().running


def test_a_release_that_stays_ready_is_kept(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told once."""
    starting(places)
    healthy(places, Held(HELD_S - 1))
    assert places.releases().shelf().on_trial
    healthy(places, Held(HELD_S))
    healthy(places, Held(HELD_S))
    assert f"{NEW} has proved itself\n" == capsys.readouterr().err
    assert (NEW, False) == (places.releases().shelf().proven, places.releases().shelf().on_trial)


def test_the_starts_of_a_proven_release_are_forgotten_when_it_holds(places: Places) -> None:
    """A restart now and then, over years without a reboot, is no fault."""
    starting(places)
    healthy(places, Held(HELD_S))
    for _ in range(30):
        starting(places)
        healthy(places, Held(HELD_S))
    assert NEW == places.releases().shelf().current
    assert not (places.runtime / "starts").exists()


def test_what_was_never_started_proves_nothing(places: Places) -> None:
    """The old one has been ready for days; the new one lies there, not started yet."""
    healthy(places, Held(HELD_S * 1000))
    assert places.releases().shelf().on_trial


def test_a_start_that_can_not_be_counted_is_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An assistant that is not counted is better than none; why is told."""
    (tmp_path / "file").write_text("")
    starting(Places(tmp_path / "releases", tmp_path / "file/run"))
    assert "is not counted" in capsys.readouterr().err


def test_a_start_tidies_up_after_a_cut(places: Places) -> None:
    """Hundreds of megabytes of half a release do not stay until somebody updates again."""
    half = places.root / "slots/.new-0123"
    half.mkdir()
    starting(places)
    assert not half.exists()
    assert [str(NEW)] == RealDisk(places.root).folders("slots")


def test_without_any_release_a_start_writes_nothing(tmp_path: Path) -> None:
    """A machine that was never updated has no folder of releases, and gets none."""
    places = Places(tmp_path / "releases", tmp_path / "run")
    starting(places)
    assert not places.root.exists()


def test_it_tells_what_is_installed(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    """For people, and as JSON."""
    command.run(asked(), places)
    assert [f"{NEW} is started, on trial", f"{BASE} came with the system"] == (
        capsys.readouterr().out.splitlines()
    )
    command.run(asked(json=True), places)
    told = {"running": str(NEW), "previous": None, "base": str(BASE), "on_trial": True}
    assert told == json.loads(capsys.readouterr().out)


def test_a_base_without_a_version_is_told(tmp_path: Path) -> None:
    """It is a person's own build, and nothing can be newer or older than it."""
    info = tmp_path / "lib/python3.13/site-packages/sena_pi-1.0.dev3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: sena-pi\nVersion: 1.0.dev3\n")
    with pytest.raises(UpdateRefused, match=r"1\.0\.dev3"):
        base_version(tmp_path)


def test_the_command_refuses_without_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    """Through the whole command line: one clear line, exit status 1."""
    if Path("/usr/share/sena/update.pub").exists():
        pytest.skip("this machine has a key")
    assert 1 == main(["update", "nothing.sena"])
    assert capsys.readouterr().err.startswith("updates are off: there is no key in /usr/share/sena")


def test_without_systemd_nothing_is_running_or_ready() -> None:
    """Nor is anything restarted."""
    if Path("/run/systemd/system").is_dir():
        pytest.skip("systemd runs here")
    service = SystemdService("sena-of-a-test.service")
    assert (False, None, False) == (service.running(), service.ready_for_s(), service.restart())
