"""A card image as a file: its partitions, what is put on it, and what its bytes hold.

The image itself is never changed: what is booted is a copy, as large as a card might be.
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

FAT, ROOT, DATA = 1, 2, 3
"""Numbers of the partitions."""
BOOT_NUMBERS = (FAT, ROOT)
"""Those that are never written while it runs."""
SECTOR_BYTES = 512
CARD_BYTES = 4 * 1024**3
"""Of the copy; QEMU's raspi3b takes only powers of two."""
_ENTRY = struct.Struct("<B3sB3sII")
_TABLE_AT = 446
_BLOCK = 4 * 1024 * 1024


class NoCard(Exception):
    """A file is no card image; says why."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Where a partition lies.

    Attributes:
        number: 1 to 4.
        kind: its type in the table, such as 0x0C for FAT32.
        start: in bytes.
        size: in bytes.
    """

    number: int
    kind: int
    start: int
    size: int


def partitions_in(table: bytes) -> dict[int, Partition]:
    """The partitions that a master boot record lists, by number.

    Raises:
        NoCard: it is none.
    """
    if len(table) < SECTOR_BYTES or table[510:512] != b"\x55\xaa":
        raise NoCard("there is no partition table")
    found = {}
    for number in range(1, 5):
        entry = _ENTRY.unpack_from(table, _TABLE_AT + (number - 1) * _ENTRY.size)
        if entry[2]:
            start, count = entry[4] * SECTOR_BYTES, entry[5] * SECTOR_BYTES
            found[number] = Partition(number, entry[2], start, count)
    return found


def power_of_two(size: int) -> int:
    """The smallest power of two that is not less."""
    return 1 << max(0, size - 1).bit_length()


@dataclass(frozen=True, slots=True)
class Card:
    """A raw image that may be written.

    Attributes:
        path: of the file.
    """

    path: Path

    @property
    def partitions(self) -> dict[int, Partition]:
        """Read from it."""
        with self.path.open("rb") as file:
            return partitions_in(file.read(SECTOR_BYTES))

    @property
    def _fat(self) -> str:
        return f"{self.path}@@{self.partitions[FAT].start}"

    def names(self) -> list[str]:
        """Files in the top folder of its FAT partition."""
        return _said("mdir", "-b", "-i", self._fat, "::/").replace("::/", "").split("\n")

    def take(self, name: str, to: Path) -> Path:
        """Copy a file of its FAT partition out of it."""
        _said("mcopy", "-o", "-n", "-i", self._fat, f"::/{name}", str(to))
        return to

    def put(self, source: Path, name: str) -> None:
        """Copy a file onto its FAT partition, as a PC would."""
        _said("mcopy", "-o", "-i", self._fat, str(source), f"::/{name}")

    def holds(self, number: int, words: bytes) -> int:
        """How often these bytes occur in a partition, in files or not."""
        part = self.partitions[number]
        return occurrences(self.path, words, part.start, part.size)

    def damage(self, number: int) -> None:
        """A folder of an ext4 partition loses its inode: what only a person may repair.

        `e2fsck -p`, which asks nobody, ends there: a file has no folder any more.
        """
        script = self.path.with_suffix(".debugfs")
        lost = self.path.with_suffix(".lost")
        lost.write_text("lost\n")
        script.write_text(
            f"mkdir /lost\nwrite {lost} /lost/file\nclri /lost\nset_super_value state 2\n"
        )
        where = f"{self.path}?offset={self.partitions[number].start}"
        _said("/usr/sbin/debugfs", "-w", "-f", str(script), where)
        script.unlink()
        lost.unlink()

    def digest(self, number: int) -> str:
        """SHA-256 of all bytes of a partition."""
        part, digest = self.partitions[number], hashlib.sha256()
        with self.path.open("rb") as file:
            file.seek(part.start)
            left = part.size
            while left and (block := file.read(min(_BLOCK, left))):
                digest.update(block)
                left -= len(block)
        return digest.hexdigest()


def occurrences(path: Path, words: bytes, start: int = 0, size: int | None = None) -> int:
    """How often these bytes occur in a part of a file."""
    count, tail = 0, b""
    with path.open("rb") as file:
        file.seek(start)
        left = size if size is not None else path.stat().st_size - start
        while left and (block := file.read(min(_BLOCK, left))):
            left -= len(block)
            count += (tail + block).count(words)
            tail = block[-(len(words) - 1) :] if len(words) > 1 else b""
    return count


def copied(image: Path, to: Path, size: int = CARD_BYTES) -> Card:
    """A copy of an image, as large as the card that it is written to.

    Raises:
        NoCard: it is no image.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    to.unlink(missing_ok=True)
    if image.suffix == ".xz":
        with lzma.open(image) as packed, to.open("wb") as plain:
            shutil.copyfileobj(packed, plain, _BLOCK)
    else:
        _said("cp", "--sparse=always", "--reflink=auto", str(image), str(to))
    card = Card(to)
    card.partitions  # noqa: B018 - raises where it is no image
    with to.open("r+b") as file:
        file.truncate(max(power_of_two(to.stat().st_size), size))
    return card


def layer(base: Path, to: Path) -> Path:
    """A layer over a card, which takes all writes.

    QEMU keeps where its blocks are in memory until the guest has its disk flushed: when QEMU is
    killed, blocks that were written and not flushed may be lost, as those in a card's memory are.
    """
    to.unlink(missing_ok=True)
    _said("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base), "-F", "raw", str(to))
    return to


def flattened(layer_: Path, to: Path, size: int) -> Path:
    """The first bytes of a layered card as a file."""
    to.unlink(missing_ok=True)
    block = 1024 * 1024
    count = -(-size // block)
    _said("qemu-img", "dd", "-f", "qcow2", "-O", "raw", f"bs={block}", f"count={count}",
          f"if={layer_}", f"of={to}")  # fmt: skip
    return to


def _said(*argv: str) -> str:
    """Standard output of a program that must succeed."""
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    if run.returncode:
        raise NoCard(f"{argv[0]}: {run.stderr.strip()[-300:]}")
    return run.stdout
