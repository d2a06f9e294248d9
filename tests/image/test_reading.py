"""What the guest prints is read as what it means; images and command lines are as they must be."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from tests.image.card import NoCard, Partition, occurrences, partitions_in, power_of_two
from tests.image.qemu import RASPI3B, VIRT, command_line
from tests.image.reading import (
    Counters,
    Mount,
    counters_in,
    mounts_in,
    sockets_in,
    usable_passwords,
    wanting,
)

FOUND = {
    "filesystems": [
        {"target": "/", "source": "overlay", "fstype": "overlay", "options": "rw,relatime"},
        {"target": "/data", "source": "/dev/vda3", "fstype": "ext4", "options": "rw,noatime"},
        {"target": "/etc/sena", "source": "/dev/vda3[/etc-sena]", "fstype": "ext4",
         "options": "rw,noatime"},
    ]
}  # fmt: skip


def mount(target: str, source: str, kind: str, *options: str) -> Mount:
    return Mount(target, source, kind, frozenset(options))


def test_mounts_that_differ_are_told() -> None:
    """An absent mount, another device, another folder, a missing option."""
    mounts = mounts_in(json.dumps(FOUND))
    held = [
        mount("/", "", "overlay"),
        mount("/data", "/dev/vda3", "ext4", "rw", "noatime"),
        mount("/etc/sena", "/dev/vda3[/etc-sena]", "ext4", "rw"),
    ]
    assert wanting(mounts, held) == []
    broken = [
        mount("/boot/firmware", "/dev/vda1", "vfat", "ro"),
        mount("/data", "/dev/vda2", "ext4"),
        mount("/etc/sena", "/dev/vda3[/other]", "ext4"),
        mount("/data", "", "ext4", "ro"),
        mount("/", "", "ext4"),
    ]
    assert len(wanting(mounts, broken)) == len(broken)


def test_counters_are_those_of_writes() -> None:
    """The fifth and seventh field; the difference is what was added."""
    before = counters_in("     107        0     4536       40       3     1    24    9  0  0  0")
    after = counters_in("1 2 3 4 13 6 2072 8 9 10 11 12 13 14 15 21 17")
    assert (before.writes, before.sectors) == (3, 24)
    assert after.since(before) == Counters(10, 2048, 21)
    assert after.since(before).written == 1024 * 1024


def test_sockets_of_the_loopback_are_nobodys() -> None:
    """IPv4, IPv6, and what is bound to an interface."""
    text = """\
tcp   LISTEN 0  5   127.0.0.1:631       0.0.0.0:*  users:(("a",pid=1,fd=2))
tcp   LISTEN 0  5       [::1]:631          [::]:*
udp   UNCONN 0  0   127.0.0.53%lo:53      0.0.0.0:*
udp   UNCONN 0  0     0.0.0.0:5353      0.0.0.0:*  users:(("systemd-resolve",pid=3,fd=4))
tcp   LISTEN 0  5           *:22               *:*
udp   UNCONN 0  0   [fe80::1]%eth0:546     [::]:*
"""
    found = [(it.protocol, it.port, it.reachable) for it in sockets_in(text)]
    assert found == [
        ("tcp", "631", False), ("tcp", "631", False), ("udp", "53", False),
        ("udp", "5353", True), ("tcp", "22", True), ("udp", "546", True),
    ]  # fmt: skip


def test_an_empty_password_is_a_usable_one() -> None:
    """As a hash is; a lock is none."""
    shadow = "root:*:1:::\nsena:!*:1:::\na:!:1:::\nb::1:::\nc:$y$j9T$x:1:::\nd:!$6$x:1:::\n"
    assert usable_passwords(shadow) == ["b", "c"]


def test_partitions_are_read_from_the_table() -> None:
    """Number, type, start and size; a file without a table is no card."""
    table = bytearray(512)
    struct.pack_into("<B3sB3sII", table, 446, 0x80, b"", 0x0C, b"", 8192, 1000)
    struct.pack_into("<B3sB3sII", table, 478, 0, b"", 0x83, b"", 20000, 5)
    with pytest.raises(NoCard):
        partitions_in(bytes(table))
    table[510:] = b"\x55\xaa"
    assert partitions_in(bytes(table)) == {
        1: Partition(1, 0x0C, 8192 * 512, 1000 * 512),
        3: Partition(3, 0x83, 20000 * 512, 5 * 512),
    }


def test_bytes_are_found_wherever_they_lie(tmp_path: Path) -> None:
    """Across the blocks that a file is read in, and only in the part that is asked about."""
    place = tmp_path / "card"
    place.write_bytes(bytes(4 * 1024 * 1024 - 3) + b"secret" + bytes(100) + b"secret")
    assert occurrences(place, b"secret") == 2
    assert occurrences(place, b"secret", size=4 * 1024 * 1024 + 50) == 1
    assert occurrences(place, b"secret", start=4 * 1024 * 1024) == 1


def test_a_card_is_grown_to_a_power_of_two() -> None:
    """One that is one stays as it is."""
    assert [power_of_two(n) for n in (1, 3, 4, 2**31 + 1)] == [1, 4, 4, 2**32]


def test_the_command_line_keeps_the_cards_words_and_fits() -> None:
    """All but the console and what hides the boot; a kernel takes 2,048 bytes."""
    card = "console=serial0,115200 console=tty1 root=LABEL=sena-root ro quiet sena.overlay=1"
    for board in (VIRT, RASPI3B):
        words = command_line(card, board).split()
        assert {"root=LABEL=sena-root", "ro", "sena.overlay=1"} <= set(words)
        assert [it for it in words if it.startswith("console=")] == ["console=ttyAMA0,115200"]
        assert f"systemd.debug_shell={board.tty}" in words
    with pytest.raises(ValueError, match="characters"):
        command_line(f"root=x {'y' * 2000}", VIRT)
