"""A boot partition that is mounted read-only, as on the device. Needs root: it mounts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sena_pi.first_boot.boot_partition import BootPartition, remount
from sena_pi.first_boot.status import Taken
from sena_pi.first_boot.taking import Device, take_over
from tests.cache.test_mounts import mounted
from tests.first_boot.taker import CARD, GEMINI, Card

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


class Mount:
    """The real one; counts, and refuses where it was told to."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.asked: list[bool] = []
        self.refuses = refuses

    def __call__(self, folder: Path, *, writable: bool) -> None:
        self.asked.append(writable)
        if self.refuses:
            raise OSError("write-protected")
        remount(folder, writable=writable)


@pytest.fixture
def sealed(card: Card) -> Iterator[Card]:
    """A card with a file on a disk of its own, mounted read-only."""
    card.boot.rmdir()
    with mounted(card.boot, "-t", "tmpfs", "-o", "size=1m,nosuid,noexec,noatime", "none"):
        card.file.write_bytes(CARD)
        remount(card.boot, writable=False)
        yield card


def flags(card: Card) -> int:
    return os.statvfs(card.boot).f_flag


def test_it_is_writable_for_a_moment_only(sealed: Card) -> None:
    """And not at all where nothing is to be changed; how it is mounted otherwise stays."""
    mount, before = Mount(), flags(sealed)
    assert before & os.ST_RDONLY
    boot, device = BootPartition(sealed.boot, mount), Device(sealed.etc, sealed.etc / "keys")
    assert Taken.NEW is take_over(boot, device).taken
    assert [] == sealed.faults()
    assert ([True, False], before) == (mount.asked, flags(sealed))
    assert Taken.KNOWN is take_over(boot, device).taken
    assert [True, False] == mount.asked


def test_errors_can_be_written_beside_it(sealed: Card) -> None:
    """For which it is opened as well."""
    remount(sealed.boot, writable=True)
    sealed.file.write_text("[keys")
    remount(sealed.boot, writable=False)
    assert Taken.BAD is sealed.starts().taken
    assert "sena.toml: is not TOML" in sealed.errors.read_text()
    assert flags(sealed) & os.ST_RDONLY


def test_a_card_that_can_not_be_written_is_told_and_tried_again(sealed: Card) -> None:
    """The keys are on the device; they leave the card as soon as it lets them."""
    mount = Mount(refuses=True)
    device = Device(sealed.etc, sealed.etc / "keys")
    outcome = take_over(BootPartition(sealed.boot, mount), device)
    assert Taken.FAILED is outcome.taken
    assert ("sena.toml can't be taken over: write-protected",) == outcome.problems
    assert f"{GEMINI}\n" == sealed.key("gemini")
    mount.refuses = False
    assert Taken.KNOWN is take_over(BootPartition(sealed.boot, mount), device).taken
    assert [] == sealed.faults()


def test_what_is_no_mount_is_not_remounted(tmp_path: Path) -> None:
    """The error says where."""
    with pytest.raises(OSError, match=str(tmp_path)):
        remount(tmp_path, writable=True)
