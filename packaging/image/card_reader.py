"""Reads a card's image, or a folder with what lies on its boot partition. Nothing is mounted."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SECTOR: Final = 512
_FAT32_FROM: Final = 65_525
_FAT16_FROM: Final = 4_085
_EXT4_MAGIC: Final = 0xEF53


class Unreadable(Exception):
    """It is no image of a card; the text says why."""


@dataclass(frozen=True, slots=True)
class Partition:
    """An entry of the partition table, in bytes."""

    number: int
    kind: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Fat:
    """A FAT file system, from its first sector."""

    kind: int
    label: str
    sector_bytes: int
    cluster_bytes: int
    clusters: int
    size: int


@dataclass(frozen=True, slots=True)
class Ext4:
    """An ext4 file system, from its superblock."""

    label: str
    uuid: str


class BootFiles:
    """The files of a boot partition, in a folder. FAT has no case: names are in lower case."""

    def __init__(self, folder: Path) -> None:
        self._paths = {
            path.relative_to(folder).as_posix().lower(): path
            for path in folder.rglob("*")
            if path.is_file()
        }

    def sizes(self) -> dict[str, int]:
        """Path in lower case -> size in bytes."""
        return {name: path.stat().st_size for name, path in self._paths.items()}

    def read(self, path: str) -> bytes:
        """The bytes of a file that `sizes` names."""
        return self._paths[path].read_bytes()


def copied(image: Path, start: int, folder: Path) -> BootFiles:
    """The files of the FAT that begins there, copied into an empty folder.

    Raises:
        Unreadable: mtools is missing, or refuses.
    """
    if shutil.which("mcopy") is None:
        raise Unreadable("mtools is not installed: apt install mtools")
    run = subprocess.run(
        ["mcopy", "-n", "-s", "-i", f"{image}@@{start}", "::/", str(folder)],
        env={"PATH": "/usr/bin:/bin", "MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"},
        capture_output=True, check=False,
    )  # fmt: skip
    if run.returncode:
        raise Unreadable(f"mcopy: {run.stderr.decode(errors='replace').strip()}")
    return BootFiles(folder)


def partitions(image: Path) -> list[Partition]:
    """The primary partitions of an image.

    Raises:
        Unreadable: it has no such table.
    """
    with image.open("rb") as file:
        sector = file.read(SECTOR)
    if len(sector) < SECTOR or sector[510:] != b"\x55\xaa":
        raise Unreadable(f"{image.name} has no partition table (MBR)")
    entries = [struct.unpack_from("<4xB3xII", sector, 446 + 16 * at) for at in range(4)]
    return [
        Partition(number, kind, start * SECTOR, size * SECTOR)
        for number, (kind, start, size) in enumerate(entries, start=1)
        if kind
    ]


def disk_id(image: Path) -> str:
    """What PARTUUID= begins with."""
    with image.open("rb") as file:
        return f"{struct.unpack_from('<I', file.read(SECTOR), 440)[0]:08x}"


def fat_at(image: Path, start: int) -> Fat:
    """The FAT that begins there; its kind by the number of clusters, as everybody has to tell it.

    Raises:
        Unreadable: there is none.
    """
    with image.open("rb") as file:
        file.seek(start)
        boot = file.read(SECTOR)
    if len(boot) < SECTOR or boot[510:] != b"\x55\xaa":
        raise Unreadable("the first partition has no FAT file system")
    sector_bytes, per_cluster, reserved, fats, roots, total16 = struct.unpack_from(
        "<HBHBHH", boot, 11
    )
    fat16, total32, fat32 = struct.unpack_from("<22xH8xII", boot)
    if not sector_bytes or not per_cluster:
        raise Unreadable("the first partition has no FAT file system")
    total = total16 or total32
    used = reserved + fats * (fat16 or fat32) + (roots * 32 + sector_bytes - 1) // sector_bytes
    clusters = (total - used) // per_cluster
    kind = 32 if clusters >= _FAT32_FROM else 16 if clusters >= _FAT16_FROM else 12
    label = boot[71:82] if not fat16 else boot[43:54]
    return Fat(
        kind, label.decode("ascii", "replace").strip(), sector_bytes,
        per_cluster * sector_bytes, clusters, total * sector_bytes,
    )  # fmt: skip


def ext4_at(image: Path, start: int) -> Ext4 | None:
    """The ext4 that begins there, if one does."""
    with image.open("rb") as file:
        file.seek(start + 1024)
        block = file.read(1024)
    if len(block) < 1024 or struct.unpack_from("<H", block, 56)[0] != _EXT4_MAGIC:
        return None
    number = block[104:120].hex()
    parts = (number[:8], number[8:12], number[12:16], number[16:20], number[20:])
    return Ext4(block[120:136].rstrip(b"\0").decode("ascii", "replace"), "-".join(parts))


def ext4_names(image: Path, start: int, folder: str) -> set[str]:
    """Names in a folder of the ext4 that begins there; none where there is no such folder.

    Raises:
        Unreadable: debugfs is missing, or refuses.
    """
    # /inode/mode/user/group/name/size/
    lines = _debugfs(image, start, f"ls -p {folder}").decode("utf-8", "replace").splitlines()
    return {parts[5] for line in lines if len(parts := line.split("/")) > 6} - {".", "..", ""}


def ext4_text(image: Path, start: int, path: str) -> str:
    """A file of the ext4 that begins there; empty where there is none.

    Raises:
        Unreadable: debugfs is missing, or refuses.
    """
    return _debugfs(image, start, f"cat {path}").decode("utf-8", "replace")


def _debugfs(image: Path, start: int, request: str) -> bytes:
    program = shutil.which("debugfs", path="/usr/sbin:/sbin:/usr/bin")
    if program is None:
        raise Unreadable("debugfs is not installed: apt install e2fsprogs")
    run = subprocess.run(
        [program, "-R", request, f"{image}?offset={start}"], capture_output=True, check=False
    )
    if run.returncode:
        raise Unreadable(f"debugfs: {run.stderr.decode(errors='replace').strip()}")
    return run.stdout
