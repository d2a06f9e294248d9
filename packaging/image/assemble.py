"""The image of a card from folders: nothing is mounted, and no loop device is needed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image import layout
from image.bases import HERE, Base
from image.kernels import Kernel
from image.layout import MIB, Layout, Partition
from image.steps import BuildFailed, run

BOOT_FILES: Final = HERE / "boot"
_CLAMPS_TIMES: Final = (1, 47, 1)
"""The mke2fs that takes all times from SOURCE_DATE_EPOCH."""
_SECTORS_PER_CLUSTER: Final = "4"
"""With 8 there would be too few clusters for a FAT32, which others then take for a FAT16."""
_FEATURES: Final = (
    "64bit,dir_index,dir_nlink,ext_attr,extent,extra_isize,filetype,flex_bg,huge_file,large_file,"
    "metadata_csum,resize_inode,sparse_super"
)
_BYTES_PER_INODE: Final = 32768
"""Of the data partition: it grows a hundredfold, and every inode is written once when it does."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that was made."""

    path: Path
    size_bytes: int
    sha256: str


def boot_folder(
    tree: Path, base: Base, kernels: Mapping[Kernel, bytes], place: Path, epoch_s: int
) -> None:
    """What the boot partition holds: the firmware, kernels and their initramfs, device trees.

    Args:
        tree: has the firmware and the device trees.
        base: its config.NAME.txt follows what config.txt has for both; cmdline.txt alike.
        kernels: and the initramfs of each.
        place: a new folder.
        epoch_s: time of everything.

    Raises:
        BuildFailed: it is more than the partition holds.
    """
    place.mkdir()
    shutil.copytree(tree / "usr/lib/raspi-firmware", place, dirs_exist_ok=True)
    for kernel, start in kernels.items():
        shutil.copyfile(kernel.image, place / kernel.file_name)
        (place / kernel.initramfs_name).write_bytes(start)
        _device_trees(tree / f"usr/lib/linux-image-{kernel.release}", place)
    _own_files(BOOT_FILES, base, place)
    total = 0
    for path in sorted(place.rglob("*")):
        total += path.stat().st_size
        os.utime(path, (epoch_s, epoch_s))
    if total > layout.BOOT_BYTES * 9 // 10:
        raise BuildFailed(f"{total // MIB} MiB are too much for the boot partition")


def _own_files(source: Path, base: Base, place: Path) -> None:
    for path in sorted(it for it in source.rglob("*") if it.is_file()):
        inside = path.relative_to(source)
        if path.match("config.*.txt"):
            continue
        (place / inside).parent.mkdir(exist_ok=True)
        if path.suffix == ".dts":
            made = (place / inside).with_suffix(".dtbo")
            run(["dtc", "-@", "-q", "-I", "dts", "-O", "dtb", "-o", made, path])
        else:
            shutil.copyfile(path, place / inside)
    with (place / "config.txt").open("a", encoding="utf-8") as config:
        config.write((source / f"config.{base.name}.txt").read_text(encoding="utf-8"))
    words = (source / "cmdline.txt").read_text(encoding="utf-8").split()
    line = " ".join((*words, *base.cmdline.split()))
    (place / "cmdline.txt").write_text(f"{line}\n", encoding="utf-8")


def _device_trees(source: Path, place: Path) -> None:
    for tree in sorted((source / "broadcom").glob("bcm27*.dtb")) + sorted(
        (source / "broadcom").glob("bcm28*.dtb")
    ):
        shutil.copyfile(tree, place / tree.name)
    for overlay in sorted((source / "overlays").glob("*")):
        (place / "overlays").mkdir(exist_ok=True)
        shutil.copyfile(overlay, place / "overlays" / overlay.name)


def image(path: Path, where: Layout, folders: tuple[Path, Path, Path], epoch_s: int) -> None:
    """Write the image.

    Args:
        path: of the image; replaced when it is there.
        where: its partitions.
        folders: of boot, root and data.
        epoch_s: time of everything that a file system notes itself.

    Raises:
        BuildFailed: a file system does not hold what is to be in it.
    """
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        file.truncate(where.size_bytes)
    run(["sfdisk", "--quiet", "--wipe", "never", path], text=where.table())
    boot, root, data = folders
    _fat(path, where.boot, boot)
    tool = _mke2fs(root)
    # The root is only ever read: nothing would ever replay a journal of it.
    _ext4(tool, path, where.root, root, layout.ROOT_UUID, epoch_s, "-m", "0")
    _ext4(
        tool, path, where.data, data, layout.DATA_UUID, epoch_s,
        "-O", "has_journal", "-J", "size=16", "-i", str(_BYTES_PER_INODE), "-m", "1",
    )  # fmt: skip


def _fat(path: Path, part: Partition, folder: Path) -> None:
    alone = path.with_suffix(".fat")
    try:
        with alone.open("wb") as file:
            file.truncate(part.size_bytes)
        run([
            "mkfs.vfat", "--invariant", "-F", "32", "-s", _SECTORS_PER_CLUSTER,
            "-n", part.label, "-i", f"{layout.BOOT_ID:08x}", alone,
        ])  # fmt: skip
        names = [str(it) for it in sorted(folder.iterdir())]
        # A FAT has local times; the build's place on the earth must not be in it.
        run(["mcopy", "-i", alone, "-s", "-m", "-Q", *names, "::"], environ={"TZ": "UTC"})
        _copy_into(alone, path, part.start_bytes)
    finally:
        alone.unlink(missing_ok=True)


def _copy_into(source: Path, path: Path, at_bytes: int) -> None:
    """Copy what is not empty of a file into another one, which stays sparse."""
    with source.open("rb") as file, path.open("r+b") as image_file:
        while block := file.read(MIB):
            if block.count(0) != len(block):
                image_file.seek(at_bytes)
                image_file.write(block)
            at_bytes += len(block)


def _ext4(
    tool: list[str], path: Path, part: Partition, folder: Path, uuid: str, epoch_s: int,
    *options: str,
) -> None:  # fmt: skip
    run(
        [
            *tool, "-q", "-F", "-t", "ext4", "-b", "4096", "-L", part.label, "-U", uuid,
            "-E", f"offset={part.start_bytes},hash_seed={layout.HASH_SEED},"
            "lazy_itable_init=0,lazy_journal_init=0,nodiscard",
            "-I", "256", "-O", f"none,{_FEATURES}", *options,
            "-d", folder, path, f"{part.size_bytes // 1024}k",
        ],
        environ={"SOURCE_DATE_EPOCH": str(epoch_s), "E2FSPROGS_FAKE_TIME": str(epoch_s),
                 # What the machine has set up for its own file systems is not for this one.
                 "MKE2FS_CONFIG": "/dev/null"},
        advice=f"is {part.size_bytes // MIB} MiB enough for {folder}?",
    )  # fmt: skip


def _mke2fs(tree: Path) -> list[str]:
    """A mke2fs whose result does not depend on when it ran: the host's, or else the tree's own.

    Older ones note when the files of the tree were last changed, which is now.
    """
    said = run(["sh", "-c", "mke2fs -V 2>&1"])
    if (version := re.search(r"mke2fs (\d+)\.(\d+)\.(\d+)", said)) and tuple(
        map(int, version.groups())
    ) >= _CLAMPS_TIMES:
        return ["mke2fs"]
    return ["qemu-aarch64-static", "-L", str(tree), str(tree / "usr/sbin/mke2fs")]


def compressed(path: Path, preset: int) -> Path:
    """The image as `.xz`, which Raspberry Pi Imager takes as it is."""
    # Two threads on any machine: their number is seen in the result when it is one.
    run(["xz", "--force", "--keep", "--threads=2", f"-{preset}", path])
    return path.with_name(f"{path.name}.xz")


def block_map(path: Path) -> Path:
    """The `.bmap` beside an image: which blocks hold anything, for a quicker copy."""
    place = path.with_suffix(".bmap")
    run(["bmaptool", "create", "--output", place, path])
    return place


def described(path: Path) -> Artefact:
    """Length and SHA-256 of a file."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(MIB):
            hashed.update(block)
    return Artefact(path, path.stat().st_size, hashed.hexdigest())
