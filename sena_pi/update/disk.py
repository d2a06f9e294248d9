"""The few things that are done to the folder of releases, so that a test can cut the power."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from pathlib import Path
from typing import Protocol

from sena_pi.replace import sync_folder


class Disk(Protocol):
    """A folder on a disk. Paths are relative to it, with "/"; "" is the folder itself.

    Nothing outlives a power cut for sure before it is synced: of a file its content, of a folder
    what was created, renamed and removed in it. All block, and raise OSError.
    """

    def read(self, path: str) -> bytes | None:
        """The content of a small file; None: there is none that can be read."""

    def target(self, path: str) -> str | None:
        """What a symbolic link says; None: there is none that can be read."""

    def folders(self, path: str) -> list[str]:
        """The names of the folders in a folder; none where it is absent."""

    def write(self, path: str, data: bytes) -> None:
        """Make a file with this content, or give it this content; everybody may read it."""

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link, where nothing is."""

    def make_folder(self, path: str) -> None:
        """Make a folder, where nothing is."""

    def rename(self, path: str, to: str) -> None:
        """Give a thing another name in its folder; a file or link that has it goes, at once."""

    def remove(self, path: str) -> None:
        """Remove a file or link, if it is there."""

    def remove_tree(self, path: str) -> None:
        """Remove a folder and all in it, if it is there."""

    def sync(self, path: str) -> None:
        """Wait until a file's content, or a folder's names, are on the disk."""

    def sync_all(self) -> None:
        """Wait until everything is on the disk."""


class RealDisk:
    """A `Disk` that is one.

    Args:
        root: the folder; made by the first `make_folder("")`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes | None:
        """See `Disk`."""
        try:
            return (self.root / path).read_bytes()
        except OSError:
            return None

    def target(self, path: str) -> str | None:
        """See `Disk`."""
        try:
            return str((self.root / path).readlink())
        except OSError:
            return None

    def folders(self, path: str) -> list[str]:
        """See `Disk`."""
        try:
            with os.scandir(self.root / path) as entries:
                return sorted(it.name for it in entries if it.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            return []

    def write(self, path: str, data: bytes) -> None:
        """See `Disk`."""
        place = self.root / path
        place.write_bytes(data)
        place.chmod(0o644)

    def link(self, path: str, target: str) -> None:
        """See `Disk`."""
        (self.root / path).symlink_to(target)

    def make_folder(self, path: str) -> None:
        """See `Disk`. Everybody may look into it: the assistant runs as a user of its own."""
        place = self.root / path
        place.mkdir()
        place.chmod(0o755)

    def rename(self, path: str, to: str) -> None:
        """See `Disk`."""
        (self.root / path).rename(self.root / to)

    def remove(self, path: str) -> None:
        """See `Disk`."""
        (self.root / path).unlink(missing_ok=True)

    def remove_tree(self, path: str) -> None:
        """See `Disk`."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.root / path)

    def sync(self, path: str) -> None:
        """See `Disk`."""
        place = self.root / path
        if place.is_dir():
            sync_folder(place)
            return
        with place.open("rb") as file:
            os.fsync(file.fileno())

    def sync_all(self) -> None:
        """See `Disk`. Only this file system: the others have nothing to do with it."""
        # Python has no syncfs, and os.sync does not tell of errors.
        library = ctypes.CDLL(None, use_errno=True)
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if library.syncfs(descriptor) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), str(self.root))
        finally:
            os.close(descriptor)
