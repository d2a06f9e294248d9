"""A card image as a file: what is put on its FAT is there, and the image itself is left alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.image.card import (
    FAT,
    ROOT,
    Card,
    NoCard,
    copied,
    flattened,
    layer,
    occurrences,
)
from tests.image.qemu import RASPI3B, VIRT, Start, why_not

MIB = 1024 * 1024
KEY = b"a key that nobody else knows"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """With a FAT partition and two others that hold nothing."""
    if reason := why_not(("qemu-img", "mcopy", "sfdisk", "mkfs.vfat")):
        pytest.skip(reason)
    place = tmp_path / "image.img"
    with place.open("wb") as file:
        file.truncate(20 * MIB)
    table = "label: dos\n1M,8M,c\n9M,4M,83\n13M,4M,83\n"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
    environment = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}
    subprocess.run(["sfdisk", str(place)], input=table.encode(), env=environment, **quiet)
    subprocess.run(
        ["mkfs.vfat", "--offset", "2048", str(place), str(8 * 1024)], env=environment, **quiet
    )
    return place


def test_damage_is_more_than_is_repaired_without_asking(image: Path, tmp_path: Path) -> None:
    """Status 4 of e2fsck: errors are left. When all is allowed, nothing is left."""
    card = copied(image, tmp_path / "card.img", 64 * MIB)
    system = f"{card.path}?offset={card.partitions[ROOT].start}"
    run = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
    make = ["/usr/sbin/mke2fs", "-t", "ext4", "-E", f"offset={9 * MIB}", str(card.path), "4096"]
    subprocess.run(make, **{**run, "check": True})
    card.damage(ROOT)
    assert subprocess.run(["/usr/sbin/e2fsck", "-p", system], **run).returncode & 4
    assert subprocess.run(["/usr/sbin/e2fsck", "-y", system], **run).returncode == 1


def test_what_is_put_on_the_fat_is_found_there_and_taken_out(image: Path, tmp_path: Path) -> None:
    """By name, by content, and by its bytes; in the copy only."""
    before = image.read_bytes()
    card = copied(image, tmp_path / "work/card.img", 64 * MIB)
    assert card.path.stat().st_size == 64 * MIB
    (tmp_path / "sena.toml").write_bytes(KEY)
    root = card.digest(ROOT)
    card.put(tmp_path / "sena.toml", "sena.toml")
    assert "sena.toml" in card.names()
    assert card.take("sena.toml", tmp_path / "back").read_bytes() == KEY
    assert (card.holds(FAT, KEY), card.holds(ROOT, KEY)) == (1, 0)
    assert card.digest(ROOT) == root
    assert image.read_bytes() == before
    with pytest.raises(NoCard):
        card.take("other.toml", tmp_path / "back")


def test_a_layer_takes_the_writes(image: Path, tmp_path: Path) -> None:
    """The card below it stays as it was; what both hold can be read as one."""
    card = copied(image, tmp_path / "card.img", 32 * MIB)
    before = card.digest(ROOT)
    over = layer(card.path, tmp_path / "over.qcow2")
    write = f"write -P 0x41 {9 * MIB} 4096"
    subprocess.run(
        ["qemu-io", "-c", write, str(over)], stdout=subprocess.DEVNULL, check=True, timeout=60
    )
    whole = flattened(over, tmp_path / "whole.img", 13 * MIB)
    assert occurrences(whole, b"A" * 4096, 9 * MIB) == 1
    assert Card(whole).partitions == card.partitions
    assert card.digest(ROOT) == before


def test_a_file_without_partitions_is_no_card(tmp_path: Path) -> None:
    """Such as a picture."""
    (tmp_path / "picture.img").write_bytes(bytes(4096))
    with pytest.raises(NoCard, match="no partition table"):
        copied(tmp_path / "picture.img", tmp_path / "copy.img")


def test_a_machine_reaches_the_card_and_little_else(tmp_path: Path) -> None:
    """The card is the board's own drive; nothing but it is writable."""
    for board, drive in ((VIRT, "if=none"), (RASPI3B, "if=sd")):
        start = Start(board, *(tmp_path / name for name in ("k", "i", "d")), "x", tmp_path / "c")
        argv = start.argv(tmp_path)
        assert f"{drive},id=card,file={tmp_path}/c,format=raw" in argv
        assert argv[argv.index("-append") + 1] == "x"
        assert ("-netdev" in argv) == board.network
