"""Where the partitions lie, in sectors of 512 bytes; and their table.

    MBR | SENABOOT, FAT32 | sena-root, ext4 | sena-data, ext4, to the end of the card

The first one has a fixed size; the root has what is in it and some room for a repair; the data
partition is small in the image, and takes the rest of the card at the first start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECTOR: Final = 512
MIB: Final = 1024 * 1024
ALIGNED_BYTES: Final = 4 * MIB
"""Partitions begin where erase blocks of cards do."""
BOOT_BYTES: Final = 256 * MIB
DATA_BYTES: Final = 384 * MIB
BOOT_LABEL, ROOT_LABEL, DATA_LABEL = "SENABOOT", "sena-root", "sena-data"
DISK_ID: Final = 0x53454E41
"""Fixed, as all ids: the same inputs give the same bytes."""
BOOT_ID: Final = 0x53454E42
ROOT_UUID: Final = "5e4a0000-0002-4000-8000-53454e415049"
DATA_UUID: Final = "5e4a0000-0003-4000-8000-53454e415049"
HASH_SEED: Final = "5e4a0000-0004-4000-8000-53454e415049"
_FAT32_LBA, _LINUX = 0x0C, 0x83
_ROOM_SHARE: Final = 0.12
_ROOM_BYTES: Final = 48 * MIB


@dataclass(frozen=True, slots=True)
class Partition:
    """One of them.

    Attributes:
        label: of its file system.
        kind: its number in the table.
        start_bytes: where it begins.
        size_bytes: its length.
    """

    label: str
    kind: int
    start_bytes: int
    size_bytes: int

    @property
    def end_bytes(self) -> int:
        """Where it ends."""
        return self.start_bytes + self.size_bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """The partitions of an image."""

    boot: Partition
    root: Partition
    data: Partition

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """In the order of the table."""
        return self.boot, self.root, self.data

    @property
    def size_bytes(self) -> int:
        """Of the image."""
        return self.data.end_bytes

    def table(self) -> str:
        """What sfdisk is told."""
        lines = ["label: dos", f"label-id: {DISK_ID:#010x}", "unit: sectors", ""]
        for part in self.partitions:
            start, size = part.start_bytes // SECTOR, part.size_bytes // SECTOR
            active = ", bootable" if part is self.boot else ""
            lines.append(f"start={start}, size={size}, type={part.kind:x}{active}")
        return "\n".join(lines) + "\n"


def laid_out(
    root_content_bytes: int, boot_bytes: int = BOOT_BYTES, data_bytes: int = DATA_BYTES
) -> Layout:
    """Where everything lies when the root holds this much.

    Raises:
        ValueError: a size is not whole.
    """
    for size in (boot_bytes, data_bytes):
        if size <= 0 or size % ALIGNED_BYTES:
            raise ValueError(f"{size} bytes are no multiple of {ALIGNED_BYTES}")
    root_bytes = aligned(int(root_content_bytes * (1 + _ROOM_SHARE)) + _ROOM_BYTES)
    boot = Partition(BOOT_LABEL, _FAT32_LBA, ALIGNED_BYTES, boot_bytes)
    root = Partition(ROOT_LABEL, _LINUX, boot.end_bytes, root_bytes)
    return Layout(boot, root, Partition(DATA_LABEL, _LINUX, root.end_bytes, data_bytes))


def aligned(size_bytes: int) -> int:
    """The next size at which a partition may end."""
    return -(-size_bytes // ALIGNED_BYTES) * ALIGNED_BYTES
