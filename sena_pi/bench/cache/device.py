"""Where designs are measured: an ext4 of its own on a loop device, or a plain folder.

The kernel counts what reaches a loop device: sectors written and flushes, in
`/sys/block/loopN/stat` (fields 7 and 16). That needs root. In a plain folder the kernel's count of
what the process caused to be written has to do (`/proc/self/io`): the file system's own journal and
metadata are not in it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from sena_pi.errors import EngineUnavailable

CARD_BYTES = 14_000_000_000
SECTOR_BYTES = 512
MKFS = ("mkfs.ext4", "-q", "-F", "-O", "^64bit,^huge_file")
"""As Raspberry Pi OS makes its root file system."""
MOUNT_OPTIONS = "loop,noatime,noinit_itable"
"""As Raspberry Pi OS mounts it; the kernel's one-off zeroing of inode tables is kept out."""
TOOLS = ("mkfs.ext4", "mount", "umount", "findmnt")
UNMOUNT_TRIES = 20


@dataclass(frozen=True, slots=True)
class Written:
    """A counter's state.

    Attributes:
        bytes: written until now.
        flushes: cache flushes the device was told to do until now, None where not counted.
    """

    bytes: int
    flushes: int | None

    def since(self, before: Written) -> Written:
        """What came after `before`."""
        if self.flushes is None or before.flushes is None:
            return Written(self.bytes - before.bytes, None)
        return Written(self.bytes - before.bytes, self.flushes - before.flushes)


def device_written(stat: Path) -> Written:
    """What a block device counted, from its `stat` file in /sys/block."""
    fields = [int(field) for field in stat.read_text().split()]
    flushes = fields[15] if len(fields) > 15 else None  # since Linux 5.5
    return Written(fields[6] * SECTOR_BYTES, flushes)


def process_written() -> Written:
    """What this process caused to be written; nothing for files on tmpfs."""
    lines = Path("/proc/self/io").read_text().splitlines()
    counts = dict(line.split(": ") for line in lines)
    return Written(int(counts["write_bytes"]) - int(counts["cancelled_write_bytes"]), None)


def sync_folder(folder: Path) -> None:
    """Write out the file system that holds the folder, and wait for it (syncfs).

    Raises:
        OSError: it could not be written.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(handle)


class Ground(Protocol):
    """Where designs are measured.

    Attributes:
        folder: empty at the start.
        stat: the device's counters; None when the process's own must do.
        counting: how bytes are counted, for the report.
    """

    folder: Path
    stat: Path | None
    counting: str

    def forget_pages(self) -> bool:
        """Drop what the kernel holds of the folder in memory; False when that can't be done."""


class LoopDevice:
    """A fresh ext4 on a sparse file, mounted; a context manager that always takes it away.

    Args:
        where: a folder for the sparse file; in memory (tmpfs) no real card is worn.

    Raises:
        EngineUnavailable: on entering: no root, no loop devices or no tools here.
    """

    counting = "sectors written to a loop device"

    def __init__(self, where: Path) -> None:
        self._where = where
        self._base = Path()
        self.folder = Path()
        self.stat: Path | None = None

    def __enter__(self) -> Self:
        reason = why_no_loop_device()
        if reason:
            raise EngineUnavailable(reason)
        self._base = Path(tempfile.mkdtemp(prefix=f"sena-bench-{os.getpid()}-", dir=self._where))
        self.folder = self._base / "mount"
        try:
            self.folder.mkdir()
            size = min(CARD_BYTES, shutil.disk_usage(self._where).free)
            with self._image.open("wb") as image:
                image.truncate(size)
            run_tool(*MKFS, str(self._image))
            self._mount()
            (self.folder / "lost+found").rmdir()
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def forget_pages(self) -> bool:
        """Mount anew: pages, inodes and names of this file system alone are dropped."""
        self._unmount()
        self._mount()
        return True

    @property
    def _image(self) -> Path:
        return self._base / "card.img"

    def _mount(self) -> None:
        run_tool("mount", "-t", "ext4", "-o", MOUNT_OPTIONS, str(self._image), str(self.folder))
        source = run_tool("findmnt", "-n", "-o", "SOURCE", "--mountpoint", str(self.folder))
        self.stat = Path("/sys/block", Path(source).name, "stat")

    def _unmount(self) -> None:
        """Its loop device goes with it. A process that was just killed may hold it a moment."""
        self.stat = None
        for _ in range(UNMOUNT_TRIES):
            if not self.folder.is_mount():
                return
            with contextlib.suppress(EngineUnavailable):
                run_tool("umount", str(self.folder))
                return
            time.sleep(0.1)
        run_tool("umount", "--lazy", str(self.folder))

    def _clear(self) -> None:
        self._unmount()
        shutil.rmtree(self._base)


class PlainFolder:
    """A folder of its own, for where loop devices can't be had."""

    counting = "/proc/self/io of the process: without the file system's journal and metadata"

    def __init__(self, where: Path) -> None:
        self._where = where
        self.folder = Path()
        self.stat: Path | None = None

    def __enter__(self) -> Self:
        name = tempfile.mkdtemp(prefix=f"sena-bench-{os.getpid()}-", dir=self._where)
        self.folder = Path(name)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder)

    def forget_pages(self) -> bool:
        """Not without root."""
        return False


def why_no_loop_device() -> str | None:
    """Why a loop device can't be mounted here, None when it can."""
    if os.geteuid() != 0:
        return "loop devices need root"
    if not Path("/dev/loop-control").exists():
        return "this kernel has no loop devices"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"missing: {', '.join(missing)}" if missing else None


@contextlib.contextmanager
def ground(card_folder: Path, plain_folder: Path) -> Iterator[Ground]:
    """A loop device where that works, else a plain folder.

    Args:
        card_folder: for the loop device's file.
        plain_folder: for the plain folder: on a real file system, as tmpfs counts nothing.
    """
    if why_no_loop_device() is None:
        with LoopDevice(card_folder) as device:
            yield device
    else:
        with PlainFolder(plain_folder) as folder:
            yield folder


def run_tool(*command: str) -> str:
    """Run a system tool; its output.

    Raises:
        EngineUnavailable: it failed; with what it said.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EngineUnavailable(f"{command[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()
