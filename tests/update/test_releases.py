"""The folder of releases: after a power cut at any moment one whole release is chosen."""

from __future__ import annotations

import errno
import itertools
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sena_pi.update.disk import Disk, RealDisk
from sena_pi.update.errors import UpdateRefused
from sena_pi.update.releases import Releases
from sena_pi.update.rules import HELD_S, STARTS_ON_TRIAL, Shelf, fallen_back, ready
from sena_pi.update.version import Version
from tests.update.forgetful_disk import ForgetfulDisk, PowerCut

BASE, OLD, NEW, NEWER = (Version(1, minor, 0) for minor in range(4))
PARTS = ("bin", "code", "voice")
CUTS_EACH = 12


def put(releases: Releases, disk: Disk, version: Version) -> Shelf:
    """Unpack a release of a few files, and install it."""
    slot = releases.new_slot()
    for part in PARTS:
        disk.write(f"{slot}/{part}", f"{part} of {version}".encode())
    return releases.install(slot, version)


def whole(disk: Disk, version: Version) -> bool:
    """Every file of a release is there, and right."""
    return all(
        disk.read(f"slots/{version}/{part}") == f"{part} of {version}".encode() for part in PARTS
    )


def proven(releases: Releases) -> None:
    releases.start()
    before = releases.shelf()
    assert releases.change(before, ready(before, HELD_S))


def life(releases: Releases, disk: Disk) -> None:
    """Two releases come and are proven, the first of them leaves, a third one fails."""
    put(releases, disk, OLD)
    proven(releases)
    put(releases, disk, NEW)
    releases.tidy()
    proven(releases)
    put(releases, disk, NEWER)
    for _ in range(STARTS_ON_TRIAL + 1):
        releases.start()
    releases.tidy()


@pytest.fixture
def place() -> Path:
    """Somewhere for what is forgotten with each boot."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(params=["real", "forgetful"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    """Both disks keep the same promises."""
    return RealDisk(tmp_path / "releases") if request.param == "real" else ForgetfulDisk()


def test_a_life(disk: Disk, tmp_path: Path) -> None:
    """The last release failed, the one before it runs, and nothing else is left."""
    releases = Releases(disk, tmp_path / "run", BASE)
    life(releases, disk)
    shelf = releases.shelf()
    assert (NEW, None, NEW, False) == (
        shelf.current, shelf.fallback, shelf.proven, shelf.on_trial
    )  # fmt: skip
    assert [str(NEW)] == disk.folders("slots")


def test_at_most_two_releases_are_kept(disk: Disk, tmp_path: Path) -> None:
    """The current one and the one before it."""
    releases = Releases(disk, tmp_path / "run", BASE)
    for version in (OLD, NEW, NEWER):
        put(releases, disk, version)
        releases.tidy()
    assert [str(NEW), str(NEWER)] == disk.folders("slots")
    assert (NEWER, NEW) == (releases.shelf().current, releases.shelf().fallback)


def after_each_cut(
    story: Callable[[Releases, Disk], None], check: Callable[[ForgetfulDisk, Releases], None],
    begin: Callable[[Releases, Disk], None] = lambda *_: None,
) -> int:  # fmt: skip
    """Tell a story, cut at each of its changes in turn; what is found after each is checked.

    Returns:
        How many cuts there were.
    """
    for cut in itertools.count():
        for seed in range(CUTS_EACH):
            chance = random.Random(1000 * cut + seed)
            disk = ForgetfulDisk()
            with tempfile.TemporaryDirectory() as run:
                releases = Releases(disk, Path(run), BASE)
                begin(releases, disk)
                disk.cut_after = disk.changes + cut
                try:
                    story(releases, disk)
                except PowerCut:
                    pass
                else:
                    return cut
            with tempfile.TemporaryDirectory() as run:
                found = disk.after_a_cut(chance)
                check(found, Releases(found, Path(run), BASE))
    raise AssertionError


def chosen_is_whole(disk: ForgetfulDisk, releases: Releases) -> None:
    """What the launcher would start, and all that would be started after it fails."""
    for _ in range(4):
        shelf = releases.start()
        assert shelf.current is None or whole(disk, shelf.current), shelf
        assert releases.shelf().running == shelf.running
        if shelf.current is None:
            return
        before = releases.shelf()
        releases.change(before, fallen_back(before))
    raise AssertionError("the base must be the last")


def test_every_cut_leaves_a_whole_release_and_whole_fallbacks() -> None:
    """At each of the changes of a life, with any part of what was not synced lost."""
    cuts = after_each_cut(life, chosen_is_whole)
    assert 60 < cuts


def test_a_cut_update_leaves_the_old_or_the_new_one() -> None:
    """And what was proven stays proven, and a later update works and tidies up."""

    def begin(releases: Releases, disk: Disk) -> None:
        put(releases, disk, OLD)
        proven(releases)

    seen = set()

    def check(disk: ForgetfulDisk, releases: Releases) -> None:
        shelf = releases.start()
        seen.add(shelf.current)
        assert shelf.current in {OLD, NEW}
        assert (shelf.current == NEW) == shelf.on_trial
        assert OLD == shelf.proven
        assert shelf.current == OLD or shelf.fallback == OLD
        put(releases, disk, NEWER)
        releases.tidy()
        after = releases.shelf()
        assert (NEWER, shelf.current, True) == (after.current, after.fallback, after.on_trial)
        assert 2 == len(disk.folders("slots"))
        assert whole(disk, NEWER)

    after_each_cut(lambda releases, disk: put(releases, disk, NEW), check, begin)
    assert {OLD, NEW} == seen


def test_a_release_that_cuts_the_power_at_each_start_is_left() -> None:
    """Its starts are counted on the card, and before it is started."""
    disk, chance = ForgetfulDisk(), random.Random(1)
    with tempfile.TemporaryDirectory() as run:
        releases = Releases(disk, Path(run), BASE)
        put(releases, disk, OLD)
        proven(releases)
        put(releases, disk, NEW)
    started = []
    for _ in range(STARTS_ON_TRIAL + 2):
        disk = disk.after_a_cut(chance)
        with tempfile.TemporaryDirectory() as run:
            started.append(Releases(disk, Path(run), BASE).start().current)
    assert [NEW] * STARTS_ON_TRIAL + [OLD] * 2 == started


def test_a_proven_release_is_not_left_for_power_cuts() -> None:
    """A lamp's switch turns it off again and again, each time before it has proved anything."""
    disk, chance = ForgetfulDisk(), random.Random(1)
    with tempfile.TemporaryDirectory() as run:
        releases = Releases(disk, Path(run), BASE)
        put(releases, disk, OLD)
        proven(releases)
    for _ in range(50):
        disk = disk.after_a_cut(chance)
        with tempfile.TemporaryDirectory() as run:
            changes = disk.changes
            assert OLD == Releases(disk, Path(run), BASE).start().current
            assert changes == disk.changes, "a start of a proven release wears the card"


def test_the_test_would_notice_a_sync_that_is_forgotten() -> None:
    """On a disk that lies about its syncs, a cut leaves something broken: the check is awake."""

    class Liar(ForgetfulDisk):
        def sync_all(self) -> None:
            self._change()

    wrong = 0
    for seed in range(40):
        disk = Liar()
        with tempfile.TemporaryDirectory() as run:
            put(Releases(disk, Path(run), BASE), disk, OLD)
            found = disk.after_a_cut(random.Random(seed))
            shelf = Releases(found, Path(run), BASE).shelf()
            wrong += shelf.current is not None and not whole(found, shelf.current)
    assert 0 < wrong


def test_a_disk_that_refuses_once_changes_nothing() -> None:
    """At each thing that is done to it in turn; what was current is, and nothing else is left."""

    class Refusing(ForgetfulDisk):
        refused = -1

        def _change(self) -> None:
            super()._change()
            if self.changes == self.refused:
                raise OSError(errno.ENOSPC, "No space left on device")

    for number in itertools.count(1):
        disk = Refusing()
        with tempfile.TemporaryDirectory() as run:
            releases = Releases(disk, Path(run), BASE)
            put(releases, disk, OLD)
            proven(releases)
            disk.refused = disk.changes + number
            try:
                put(releases, disk, NEW)
            except OSError:
                releases.tidy()
                assert (OLD, False) == (releases.shelf().current, releases.shelf().on_trial)
                assert [str(OLD)] == disk.folders("slots")
            else:
                assert 15 < number
                return


def test_two_updates_at_once_are_one_too_many(place: Path) -> None:
    """The second is told so, and does nothing."""
    releases = Releases(ForgetfulDisk(), place, BASE)
    other = Releases(ForgetfulDisk(), place, BASE)
    with (
        releases.installing(),
        pytest.raises(UpdateRefused, match="another update"),
        other.installing(),
    ):
        pass


def test_what_changed_meanwhile_is_not_changed_back(place: Path) -> None:
    """A decision made on what is no more is not carried out."""
    disk = ForgetfulDisk()
    releases = Releases(disk, place, BASE)
    put(releases, disk, OLD)
    before = releases.shelf()
    releases.start()
    assert not releases.change(before, fallen_back(before))
    assert OLD == releases.shelf().current


@pytest.mark.parametrize("name", ["current", "previous", "trial", "proven"])
def test_rubbish_is_as_good_as_nothing(name: str, tmp_path: Path) -> None:
    """Whatever a failing card made of it, there is an answer, and it can start."""
    disk = RealDisk(tmp_path / "releases")
    releases = Releases(disk, tmp_path / "run", BASE)
    put(releases, disk, OLD)
    place = tmp_path / "releases" / name
    for make in (
        lambda: place.write_bytes(b"\xff\x00rubbish"),
        lambda: place.write_bytes(b""),
        lambda: place.symlink_to("../../etc"),
        lambda: place.symlink_to("slots/9.9.9"),
        lambda: place.symlink_to(name),
    ):
        place.unlink(missing_ok=True)
        make()
        assert releases.start().running in {BASE, OLD}
