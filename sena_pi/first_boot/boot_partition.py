"""The boot partition, as first boot may touch it: one file read, changed in place, one beside it.

It is FAT, which knows no journal. A file is never replaced by a new one there: on FAT a rename
over another file is several writes, and the blocks of the old file, with the keys in them, would
stay on the card for any program that looks. Instead its bytes are overwritten where they lie. No
table and no entry of a folder changes by that, but for a time; a power cut leaves each sector old
or new, and `mixes` knows every file that can come of it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from sena_pi.replace import sync_folder

NAME: Final = "sena.toml"
MOST_BYTES: Final = 64 * 1024
"""Of a file that is looked at; a longer one is a mistake."""
ERRORS_NAME: Final = "sena-errors.txt"
SECTOR_BYTES: Final = 512
_MISNAMED: Final = ("sena.toml.txt", "sena.toml.toml", "sena.txt", "sena.toml.rtf")
"""What editors make of the name, where the system hides the ends of names."""
_MS_REMOUNT: Final = 1 << 5
_MS_RELATIME: Final = 1 << 21
_SAME_AS_MS: Final = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_NOATIME | os.ST_NODIRATIME
"""Flags that statvfs(2) and mount(2) have the same bits for."""


class Remount(Protocol):
    """Makes the file system of a folder writable, or not."""

    def __call__(self, folder: Path, *, writable: bool) -> None:
        """Blocks; raises OSError."""


def remount(folder: Path, *, writable: bool) -> None:
    """By mount(2); nothing else about the mount changes. Blocks until all is written.

    Raises:
        OSError: it is as it was.
    """
    given = os.statvfs(folder).f_flag
    flags = _MS_REMOUNT | (given & _SAME_AS_MS) | (0 if writable else os.ST_RDONLY)
    if given & os.ST_RELATIME:
        flags |= _MS_RELATIME
    libc = ctypes.CDLL(None, use_errno=True)
    place = ctypes.c_char_p(os.fsencode(folder))
    if libc.mount(None, place, None, ctypes.c_ulong(flags), None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))


class BootPartition:
    """The folder where it is mounted. Blocking.

    Args:
        folder: where `sena.toml` may lie.
        remount: used where it is mounted read-only, for the moment of a change.
    """

    def __init__(self, folder: Path, remount: Remount = remount) -> None:
        self._folder = folder
        self._remount = remount

    def content(self) -> bytes | None:
        """The file's bytes, at most one more than it may have; None: there is no file.

        Raises:
            OSError: it can't be read.
        """
        try:
            with (self._folder / NAME).open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def misnamed(self) -> str:
        """The name of a file that was meant to be ours; empty when there is none."""
        return next((name for name in _MISNAMED if (self._folder / name).is_file()), "")

    def overwrite(self, data: bytes) -> None:
        """Put other bytes, as many, in the place of the file's; returns when they are there.

        Raises:
            OSError: it is as it was, or a mixture.
        """
        with self._writable():
            self._overwrite(self._folder / NAME, data)

    def tell(self, lines: Sequence[str]) -> None:
        """Have these lines, and nothing else, in the file of errors; without any, no such file.

        Writes only where something changes.

        Raises:
            OSError: it is not as it should be.
        """
        path = self._folder / ERRORS_NAME
        # As Windows has them: its older editors show anything else as one long line.
        data = "".join(f"{line}\r\n" for line in lines).encode()
        try:
            before = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            before = b""
        if data == before:
            return
        with self._writable():
            if not data:
                path.unlink()
            else:
                with path.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            sync_folder(self._folder)

    def wipe(self) -> None:
        """Overwrite what was written here for us, and delete it.

        Raises:
            OSError: some of it is still there.
        """
        here = [self._folder / name for name in (NAME, ERRORS_NAME, *_MISNAMED)]
        here = [path for path in here if path.is_file() and not path.is_symlink()]
        if not here:
            return
        with self._writable():
            for path in here:
                self._overwrite(path, b"\n" * path.stat().st_size)
                path.unlink()
            sync_folder(self._folder)

    @staticmethod
    def _overwrite(path: Path, data: bytes) -> None:
        with path.open("r+b", buffering=0) as file:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())

    @contextmanager
    def _writable(self) -> Iterator[None]:
        if not os.statvfs(self._folder).f_flag & os.ST_RDONLY:
            yield
            return
        self._remount(self._folder, writable=True)
        try:
            yield
        finally:
            self._remount(self._folder, writable=False)


def mixes(found: bytes, before: bytes, after: bytes) -> bool:
    """Whether a power cut may have left this of a file that was being overwritten."""
    if not len(found) == len(before) == len(after):
        return False
    return all(
        found[at : at + SECTOR_BYTES]
        in (before[at : at + SECTOR_BYTES], after[at : at + SECTOR_BYTES])
        for at in range(0, len(found), SECTOR_BYTES)
    )
