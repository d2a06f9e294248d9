"""Which key lies where: in memory for every look-up, and in the index for the next start."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sena_pi.cache.index import ForeignIndex, Index, Snapshot
from sena_pi.replace import sync_folder

INDEX_NAME: Final = "index.db"
BROKEN_NAME: Final = "index.broken.db"

CHECKED: Final = 1 << 63
"""Set in a place whose record was found undamaged since the last `recheck`."""

_log = logging.getLogger(__name__)


class Catalogue:
    """The places of all entries.

    `places` may be read by any thread; all else belongs to one thread at a time, but for
    `was_checked`.

    Attributes:
        places: key to place in the log, with CHECKED where it was.
    """

    def __init__(self, folder: Path, *, writable: bool, index_bytes: int | None = None) -> None:
        """Know nothing yet. `index_bytes`: bound of each of the index's files."""
        self._folder = folder
        self._index_bytes = index_bytes
        self._writable = writable
        self._lock = threading.Lock()
        self._index: Index | None = None
        self._unindexed: dict[bytes, int] = {}
        self._dropped: set[int] = set()
        self._damaged: list[tuple[bytes, int]] = []
        self._trouble = ""
        self.places: dict[bytes, int] = {}

    @property
    def changed(self) -> bool:
        """The index does not know all of it."""
        return bool(self._unindexed or self._dropped or self._damaged)

    def read(self) -> Snapshot | None:
        """Take the places from the index; None when there is none that can be used."""
        try:
            self._index = self._opened()
            snapshot = self._index.read()
        except (sqlite3.Error, ValueError) as error:
            self._failed(error)
            return None
        self.places = snapshot.places
        return snapshot

    def forget_all(self) -> None:
        """Begin anew: the index is to be written whole the next time."""
        self.close()
        self.places = {}
        self._known_to_all()
        self._damaged.clear()

    def add(self, key: bytes, where: int) -> None:
        """An entry lies here now, and nowhere else."""
        self.drop(key)
        self._unindexed[key] = where
        with self._lock:
            self.places[key] = where

    def drop(self, key: bytes) -> None:
        """The entry is there no more."""
        with self._lock:
            where = self.places.pop(key, None)
        if where is not None and self._unindexed.pop(key, None) is None:
            self._dropped.add(where & ~CHECKED)

    def drop_before(self, place: int) -> list[bytes]:
        """What lies before this place is there no more; the keys."""
        with self._lock:
            gone = [key for key, where in self.places.items() if where & ~CHECKED < place]
        for key in gone:
            self.drop(key)
        return gone

    def was_checked(self, key: bytes, where: int, *, good: bool) -> None:
        """The record at this place was read and its checksum looked at."""
        with self._lock:
            if self.places.get(key) == where:
                if good:
                    self.places[key] = where | CHECKED
                else:
                    del self.places[key]
                    self._damaged.append((key, where & ~CHECKED))

    def recheck(self) -> None:
        """Every checksum is to be looked at again."""
        with self._lock:
            for key, where in self.places.items():
                self.places[key] = where & ~CHECKED

    def write(self, *, before: int, until: tuple[int, int], counts: Mapping[str, Any]) -> bool:
        """Bring the index up to date; was it possible? Blocks for the disk, never raises.

        Args:
            before: no entry lies before this place.
            until: segment and offset up to which this is all.
            counts: counters to keep beside.
        """
        self._drop_damaged()
        try:
            self._write(before, until, counts)
        except (sqlite3.Error, OSError, ValueError) as error:
            self._failed(error)
            return False
        self._known_to_all()
        self._trouble = ""
        return True

    def _write(self, before: int, until: tuple[int, int], counts: Mapping[str, Any]) -> None:
        if self._index is not None:
            dropped = [where for where in self._dropped if where >= before]
            try:
                self._index.write(
                    before=before,
                    dropped=dropped,
                    added=self._unindexed,
                    until=until,
                    counts=counts,
                )
                return
            except sqlite3.OperationalError as error:
                # Half-empty pages have made it longer than it may be. Or the disk is full.
                if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_FULL:
                    raise
        else:
            self._index = self._opened()
        self._index.replace(self.plain(), until, counts)

    def plain(self) -> dict[bytes, int]:
        """The places alone."""
        with self._lock:
            return {key: where & ~CHECKED for key, where in self.places.items()}

    def problems(self, before: int) -> Iterator[str]:
        """Where the index differs from what is known in memory."""
        self._drop_damaged()
        if self._index is None:
            return
        try:
            indexed = self._index.read().places
        except sqlite3.Error as error:
            yield f"the index can't be read: {error}"
            return
        expected = {**indexed, **self._unindexed}
        for key, where in self.plain().items():
            if expected.pop(key, None) != where:
                yield f"the index does not know the record at {where:#x}"
        for where in expected.values():
            if where >= before and where not in self._dropped:
                yield f"the index knows a record at {where:#x} that is none"

    def close(self) -> None:
        """Close the index as it is. Idempotent."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def delete(self) -> None:
        """Close the index and delete its files; returns when they are gone for good.

        Raises:
            OSError: the disk refuses.
        """
        self.close()
        found = [path for path in files(self._folder) if path.exists()]
        for path in found:
            path.unlink(missing_ok=True)
        if found:
            sync_folder(self._folder)

    def _opened(self) -> Index:
        return Index(
            self._folder / INDEX_NAME, writable=self._writable, longest_bytes=self._index_bytes
        )

    def _known_to_all(self) -> None:
        self._unindexed.clear()
        self._dropped.clear()

    def _drop_damaged(self) -> None:
        """What readers found damaged is not to be known by the index any more either."""
        with self._lock:
            damaged, self._damaged = self._damaged, []
        for key, where in damaged:
            if self._unindexed.get(key) == where:
                del self._unindexed[key]
            else:
                self._dropped.add(where)

    def _failed(self, error: Exception) -> None:
        """The log knows all: a broken index is set aside, and the next writing makes it anew."""
        self.close()
        if not self._writable:
            return
        path = self._folder / INDEX_NAME
        if not _is_broken(error, path):
            if self._trouble != str(error):
                _log.warning("the cache's index can't be used now: %s", error)
            self._trouble = str(error)
            return
        _log.warning("the cache's index is set aside and made anew: %s", error)
        with contextlib.suppress(OSError):
            fits = self._index_bytes is None or path.stat().st_size <= self._index_bytes
            if fits or isinstance(error, ForeignIndex):
                path.replace(self._folder / BROKEN_NAME)
            else:
                path.unlink()
            for suffix in _BESIDE:
                (self._folder / f"{INDEX_NAME}{suffix}").unlink(missing_ok=True)
            sync_folder(self._folder)


_BESIDE = ("-journal", "-wal", "-shm")
_PASSING: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
}
"""Errors that are the moment's or the disk's, and no fault of the file."""


def _is_broken(error: Exception, path: Path) -> bool:
    if isinstance(error, OSError):
        return False
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code == sqlite3.SQLITE_READONLY:
        return os.access(path, os.W_OK)  # a damaged header says so, too
    return code not in _PASSING


def files(folder: Path) -> Iterable[Path]:
    """Every file an index may have made in a folder."""
    for name in (INDEX_NAME, BROKEN_NAME):
        yield folder / name
        for suffix in _BESIDE:
            yield folder / f"{name}{suffix}"
