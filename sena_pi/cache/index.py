"""The index: an SQLite file that says which keys lie where, up to a certain place in the log.

It is written only when enough was written to the log since, and at a clean end: what came after
is read from the log itself. So it costs the card next to nothing, and may be lost at any time.
sqlite-utils makes and migrates it; a start with an index of today's form does not load it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from sena_pi.cache.tables import tables_of

APPLICATION_ID: Final = 0x53454E41  # "SENA"
FORM: Final = 1
"""Form of the tables; `PRAGMA user_version`."""

BYTES_PER_ENTRY: Final = 42
"""What a row takes in a file that was written in one go, with the tree around it: 30 were
measured. In one that was changed for long it may be 60; then it is written in one go again."""
EMPTY_BYTES: Final = 4 * 4096
"""What a file without rows takes."""

_BUSY_TIMEOUT_S: Final = 0.2


class ForeignIndex(sqlite3.DatabaseError):
    """The file is a database, but not ours, or of a form from the future."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an index holds.

    Attributes:
        places: key to place in the log.
        segment: the index knows the log up to here: this segment,
        offset: and this offset in it.
        counts: the counters as they were then.
    """

    places: dict[bytes, int]
    segment: int
    offset: int
    counts: dict[str, Any]


class Index:
    """The open index. Belongs to one thread at a time; each method blocks for the disk.

    All raise `sqlite3.Error` when the file is damaged, locked, foreign, or the disk refuses.
    """

    def __init__(
        self, path: Path, *, writable: bool = True, longest_bytes: int | None = None
    ) -> None:
        """Open it, and make it when there is none and it is to be written.

        Args:
            path: of the file.
            writable: False: it is only read.
            longest_bytes: bound of the file; the journal beside it may be as long while it is
                written. A row too many is an `sqlite3.OperationalError`, SQLITE_FULL.
        """
        self.path = path
        self._longest_bytes = longest_bytes
        mode = "rwc" if writable else "ro"
        self._database = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare(writable=writable)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._database.close()

    def read(self) -> Snapshot:
        """All of it: 100,000 entries in well under a tenth of a second."""
        # A wrong key or place does no harm, the record itself tells; another type would.
        rows = self._database.execute(
            "SELECT key, place FROM entry WHERE place >= 0 AND typeof(key) = 'blob'"
        )
        places = dict(rows)
        found = self._database.execute(
            "SELECT segment, offset, counts, checksum FROM known"
        ).fetchone()
        if found is None:
            return Snapshot(places, 0, 0, {})
        segment, offset, counts, checksum = found
        if checksum != _checksum(segment, offset, counts):
            raise sqlite3.DatabaseError(f"{self.path} is damaged")
        return Snapshot(places, segment, offset, json.loads(counts))

    def write(
        self,
        *,
        before: int,
        dropped: Iterable[int],
        added: Mapping[bytes, int],
        until: tuple[int, int],
        counts: Mapping[str, Any],
    ) -> None:
        """Bring the index up to date, in one transaction.

        Args:
            before: no entry lies before this place any more.
            dropped: single places that hold no entry any more.
            added: new entries.
            until: segment and offset up to which this is all.
            counts: the counters.
        """
        database = self._database
        text = json.dumps(counts)
        database.execute("BEGIN IMMEDIATE")
        try:
            database.execute("DELETE FROM entry WHERE place < ?", (before,))
            database.executemany("DELETE FROM entry WHERE place = ?", ((one,) for one in dropped))
            database.executemany(
                "INSERT OR REPLACE INTO entry (place, key) VALUES (?, ?)",
                sorted((where, key) for key, where in added.items()),
            )
            database.execute(
                "INSERT OR REPLACE INTO known (id, segment, offset, counts, checksum)"
                " VALUES (1, ?, ?, ?, ?)",
                (*until, text, _checksum(*until, text)),
            )
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def replace(
        self, places: Mapping[bytes, int], until: tuple[int, int], counts: Mapping[str, Any]
    ) -> None:
        """Write it anew, whole."""
        self.write(before=(1 << 63) - 1, dropped=(), added=places, until=until, counts=counts)

    def _prepare(self, *, writable: bool) -> None:
        database = self._database
        application = database.execute("PRAGMA application_id").fetchone()[0]
        form = database.execute("PRAGMA user_version").fetchone()[0]
        empty = not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if not empty and (application != APPLICATION_ID or form > FORM):
            raise ForeignIndex(f"{self.path} is not an index of ours")
        if writable:
            database.execute("PRAGMA journal_mode = TRUNCATE")
            # Every page is new bytes to the card: none is overwritten with zeros first.
            database.execute("PRAGMA secure_delete = OFF")
            if self._longest_bytes is not None:
                page_bytes = database.execute("PRAGMA page_size").fetchone()[0]
                database.execute(f"PRAGMA max_page_count = {self._longest_bytes // page_bytes}")
            if form < FORM:
                _migrate(database, form)
        elif form != FORM:
            raise ForeignIndex(f"{self.path} is of an older form")


def _migrate(database: sqlite3.Connection, form: int) -> None:
    """Bring the tables from an older form, 0 for none, to today's."""
    tables = tables_of(database)
    with tables.atomic():
        if form < 1:
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            # The place is the row's id: new entries go to the end of the tree, old ones leave
            # at its beginning, and few pages change.
            tables.table("entry").create({"place": int, "key": bytes}, pk="place")
            tables.table("known").create(
                {"id": int, "segment": int, "offset": int, "counts": str, "checksum": int}, pk="id"
            )
        database.execute(f"PRAGMA user_version = {FORM}")


def _checksum(*known: object) -> int:
    return crc32(repr(known).encode())
