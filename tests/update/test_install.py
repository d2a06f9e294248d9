"""An update from file to flip: it is there and works, or nothing has changed."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sena_pi.update.disk import RealDisk
from sena_pi.update.errors import UpdateFailed, UpdateRefused
from sena_pi.update.install import Installer
from sena_pi.update.machine import this_machine
from sena_pi.update.releases import Releases
from sena_pi.update.rules import HELD_S, Target, ready
from sena_pi.update.version import Version
from tests.update.bundles import FILES, MAIN, bundled, keys

BASE, OLD, NEW = Version(1, 0, 0), Version(1, 1, 0), Version(1, 2, 0)


class ScriptedService:
    """A service whose releases become ready, except for those in `broken`.

    A stubborn one is systemd since 254 with RestartMode=direct: it starts what failed again, and a
    restart has ended well when anything is ready.

    Attributes:
        log: which release was started, in order.
    """

    def __init__(
        self,
        releases: Releases,
        broken: set[Version],
        *,
        is_on: bool = True,
        stubborn: bool = False,
    ) -> None:
        self._releases = releases
        self._broken = broken
        self._is_on = is_on
        self._stubborn = stubborn
        self.log: list[Version] = []

    def running(self) -> bool:
        return self._is_on

    def restart(self) -> bool:
        self.log.append(self._releases.start().running)
        while self._stubborn and self.log[-1] in self._broken:
            self.log.append(self._releases.start().running)
        return self.log[-1] not in self._broken

    def ready_for_s(self) -> float | None:
        return HELD_S if self.log and self.log[-1] not in self._broken else None


class Desk:
    """A machine with the base, where bundles come in."""

    def __init__(self, folder: Path) -> None:
        self.private, self.public = keys(folder)
        self.folder = folder
        self.root = folder / "releases"
        self.root.mkdir()
        self.disk = RealDisk(self.root)
        self.releases = Releases(self.disk, folder / "run", BASE)
        self.service = ScriptedService(self.releases, set())
        self.tried: list[str] = []
        self.installer = Installer(
            root=self.root,
            releases=self.releases,
            machine=this_machine(),
            key=self.public,
            service=self.service,
            on_trial=self.on_trial,
            say=lambda _: None,
        )

    def on_trial(self, folder: Path) -> None:
        """Start the release as the launcher would; what it says is kept."""
        run = subprocess.run(
            [folder / "bin/python", "-P", "-m", "sena_pi", "trial"], env={},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        self.tried.append(run.stdout.strip())
        if run.returncode:
            raise UpdateFailed("the new version did not answer")

    def bundle(self, version: Version = NEW, files: dict[str, bytes] | None = None) -> str:
        """A signed bundle's path."""
        path = self.folder / f"{version}.sena"
        path.write_bytes(bundled(self.private, files, changes={"version": version}))
        return str(path)

    def everything(self) -> dict[str, str]:
        """All that is in the folder of releases."""
        return {
            str(path.relative_to(self.root)): str(path.readlink()) if path.is_symlink() else "here"
            for path in self.root.rglob("*")
        }

    def prove(self) -> None:
        before = self.releases.shelf()
        assert self.releases.change(before, ready(before, HELD_S))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """With release 1.1.0 installed and proven."""
    it = Desk(tmp_path)
    assert OLD == it.installer.install(it.bundle(OLD))
    it.prove()
    return it


def test_an_update_is_started_and_what_ran_is_kept(desk: Desk) -> None:
    """The service runs the new release, and the old one is behind it."""
    assert NEW == desk.installer.install(desk.bundle())
    shelf = desk.releases.shelf()
    assert (NEW, OLD, True) == (shelf.current, shelf.fallback, shelf.on_trial)
    assert [OLD, NEW] == desk.service.log
    assert "slots/1.2.0" == desk.everything()["current"]
    assert ["1.1.0", "1.2.0"] == desk.disk.folders("slots")


def test_it_answers_before_anybody_depends_on_it(desk: Desk) -> None:
    """The trial ran in its unfinished folder, with its own modules, compiled ahead."""
    desk.installer.install(desk.bundle())
    assert desk.tried[-1].startswith(".new-")
    assert desk.tried[-1].endswith("trial")
    compiled = [name for name in desk.everything() if name.endswith(".pyc") and "1.2.0" in name]
    assert any("__main__" in name for name in compiled)


def test_everybody_may_read_a_release_and_only_its_owner_change_it(desk: Desk) -> None:
    """The assistant is another user than root; also with root's strictest umask."""
    before = os.umask(0o077)
    try:
        desk.installer.install(desk.bundle())
    finally:
        os.umask(before)
    release = desk.root / "slots/1.2.0"
    modes = {it.stat().st_mode & 0o777 for it in release.rglob("*") if not it.is_symlink()}
    assert {0o755, 0o644} == modes
    assert 0o755 == release.stat().st_mode & 0o777


def test_a_release_that_does_not_become_ready_is_taken_back(desk: Desk) -> None:
    """What ran before runs again, at once, and the new one is gone."""
    service = ScriptedService(desk.releases, {NEW})
    installer = replace(desk.installer, service=service)
    with pytest.raises(UpdateFailed, match=r"1\.2\.0 did not become ready; 1\.1\.0 is back"):
        installer.install(desk.bundle())
    assert [NEW, OLD] == service.log
    assert OLD == desk.releases.shelf().running
    assert ["1.1.0"] == desk.disk.folders("slots")


def test_a_fallback_that_is_ready_is_not_taken_for_the_new_one(desk: Desk) -> None:
    """It had failed so often that the old one was started in its place, by the same restart."""
    service = ScriptedService(desk.releases, {NEW}, stubborn=True)
    installer = replace(desk.installer, service=service)
    with pytest.raises(UpdateFailed, match=r"1\.2\.0 did not become ready; 1\.1\.0 is back$"):
        installer.install(desk.bundle())
    assert {NEW} == set(service.log[:-1])
    assert OLD == service.log[-1] == desk.releases.shelf().running
    assert ["1.1.0"] == desk.disk.folders("slots")


def test_one_that_fails_later_falls_back_by_itself(desk: Desk) -> None:
    """It became ready and then died, start after start, before it proved anything."""
    desk.installer.install(desk.bundle())
    for _ in range(5):
        desk.service.restart()
    assert OLD == desk.service.log[-1]


def test_without_a_running_service_it_waits_for_the_next_start(desk: Desk) -> None:
    """Who stopped the assistant does not want it started."""
    service = ScriptedService(desk.releases, set(), is_on=False)
    assert NEW == replace(desk.installer, service=service).install(desk.bundle())
    assert [] == service.log


def test_settings_keys_and_cache_are_elsewhere(desk: Desk) -> None:
    """All that an update writes is below the folder of releases."""
    places = [desk.folder / name for name in ("etc", "state", "cache")]
    for place in places:
        place.mkdir()
        (place / "kept").write_text("mine")
    desk.installer.install(desk.bundle())
    assert ["mine"] * 3 == [(place / "kept").read_text() for place in places]
    above = {path.name for path in desk.folder.iterdir()}
    assert {"releases", "run", "etc", "state", "cache"} == {
        name for name in above if not name.endswith((".sena", ".key", ".pub"))
    }


# --- refused, or failed -----------------------------------------------------------------------


def tampered(desk: Desk) -> str:
    path = Path(desk.bundle())
    data = bytearray(path.read_bytes())
    data[-2000] ^= 1
    path.write_bytes(data)
    return str(path)


def cut_short(desk: Desk) -> str:
    path = Path(desk.bundle())
    path.write_bytes(path.read_bytes()[:-3000])
    return str(path)


def unsigned(desk: Desk) -> str:
    (desk.folder / "stranger").mkdir()
    private, _ = keys(desk.folder / "stranger")
    path = desk.folder / "stranger.sena"
    path.write_bytes(bundled(private))
    return str(path)


def for_another(desk: Desk) -> str:
    path = desk.folder / "other.sena"
    other = Target("riscv64", this_machine().python)
    path.write_bytes(bundled(desk.private, changes={"arch": other.arch}))
    return str(path)


def for_another_python(desk: Desk) -> str:
    path = desk.folder / "other.sena"
    path.write_bytes(bundled(desk.private, changes={"python": "3.9"}))
    return str(path)


def broken(desk: Desk) -> str:
    return desk.bundle(files={**FILES, MAIN: b"raise SystemExit(3)"})


def lying(desk: Desk) -> str:
    from tests.update.bundles import packed

    path = desk.folder / "lying.sena"
    path.write_bytes(bundled(desk.private, payload=packed({"lib/other": b"x"})))
    return str(path)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (tampered, "damaged"),
        (cut_short, "cut short"),
        (unsigned, "not signed with this machine's key"),
        (for_another, "riscv64 processors"),
        (for_another_python, r"Python 3\.9"),
        (lambda desk: desk.bundle(OLD), "is here already"),
        (lambda desk: desk.bundle(Version(1, 0, 9)), "is newer"),
        (broken, "did not answer"),
        (lying, "unasked"),
        (lambda desk: str(desk.folder / "absent.sena"), "No such file"),
        (lambda desk: str(desk.folder), "Is a directory"),
    ],
)
def test_a_bad_bundle_changes_nothing(desk: Desk, source: Callable[[Desk], str], why: str) -> None:
    """Not a file more or less than before, nothing restarted, and the reason is told."""
    before, started = desk.everything(), list(desk.service.log)
    with pytest.raises((UpdateRefused, UpdateFailed), match=why):
        desk.installer.install(source(desk))
    assert before == desk.everything()
    assert started == desk.service.log


def test_without_a_key_nothing_is_even_opened(desk: Desk) -> None:
    """The message says that updates are off, whatever the file is."""
    installer = replace(desk.installer, key=desk.folder / "absent.pub")
    with pytest.raises(UpdateRefused, match="updates are off"):
        installer.install(str(desk.folder / "absent.sena"))


def test_a_downgrade_by_an_old_bundle_is_refused_after_a_fall_back(desk: Desk) -> None:
    """1.2.0 proved itself and was left for the base: 1.1.0, signed and replayed, stays out."""
    desk.installer.install(desk.bundle())
    desk.prove()
    (desk.root / "current").unlink()
    with pytest.raises(UpdateRefused, match="has run here"):
        desk.installer.install(desk.bundle(OLD))
    assert NEW == desk.installer.install(desk.bundle(NEW))


def test_what_a_cut_left_is_gone_after_the_next_update(desk: Desk) -> None:
    """Half a release, and one that nobody names."""
    for name in (".new-12345678", "0.9.0"):
        (desk.root / "slots" / name / "lib").mkdir(parents=True)
        (desk.root / "slots" / name / "lib/half").write_text("x")
    desk.installer.install(desk.bundle())
    assert ["1.1.0", "1.2.0"] == desk.disk.folders("slots")


# --- a disk that refuses ----------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 80 MB, of which an update leaves 64 MB free."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(place)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("file systems can't be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_told_before_anything_is_unpacked(small_disk: Path) -> None:
    """And nothing is left behind."""
    desk = Desk(small_disk)
    (small_disk / "recordings").write_bytes(bytes(20 << 20))
    before = desk.everything()
    with pytest.raises(UpdateFailed, match="MB are free"):
        desk.installer.install(desk.bundle())
    assert [] == desk.disk.folders("slots")
    assert before == {name: it for name, it in desk.everything().items() if name != "slots"}


def test_a_disk_that_fills_up_meanwhile_keeps_nothing_of_it(small_disk: Path) -> None:
    """There was room when it began; something else took it."""
    desk = Desk(small_disk)

    def fill(_folder: Path) -> None:
        with pytest.raises(OSError, match="No space"):
            (small_disk / "recordings").write_bytes(bytes(90 << 20))
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UpdateFailed, match=r"nothing was changed: the card is full"):
        replace(desk.installer, on_trial=fill).install(desk.bundle())
    assert [] == desk.disk.folders("slots")
    assert BASE == desk.releases.shelf().running


def test_a_disk_that_can_only_be_read_is_told(small_disk: Path) -> None:
    """What runs goes on running, and can be started again."""
    desk = Desk(small_disk)
    desk.installer.install(desk.bundle(OLD))
    bundle = desk.bundle()
    before = desk.everything()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    run = Releases(desk.disk, Path("/dev/shm") / f"sena-test-{os.getpid()}", BASE)
    try:
        with pytest.raises(UpdateFailed, match="the card can only be read"):
            replace(desk.installer, releases=run).install(bundle)
        assert before == desk.everything()
        assert OLD == run.shelf().current
    finally:
        for path in run._runtime.iterdir():
            path.unlink()
        run._runtime.rmdir()
