"""What the card holds: the log, and the catalogue of what lies where in it.

The log is reclaimed a whole segment at a time, the oldest first. Before its turn comes, entries
of it that were used are carried over into the segment that is being written, and are synced
there before the old one is overwritten: a power cut loses none of them.
"""

from __future__ import annotations

import contextlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sena_pi.cache import catalogue
from sena_pi.cache.budget import CardSettings
from sena_pi.cache.catalogue import CHECKED, Catalogue
from sena_pi.cache.log import SegmentLog, StaleStart
from sena_pi.cache.records import (
    KEY_BYTES,
    Kind,
    Record,
    first_place,
    length_of,
    record_bytes,
    segment_of,
)
from sena_pi.cache.wear import Wear
from sena_pi.replace import sync_folder

__all__ = ["LOG_NAME", "Card", "CardSettings", "exists"]

LOG_NAME: Final = "responses.log"
MOST_USES: Final = 2

_TRANSACTION_SYNCS: Final = 3
_COUNTS_KEY: Final = bytes(KEY_BYTES)


class Card:
    """The open folder of a cache.

    `read` and `holds` may be called by any thread, at any time; all else by one thread at a time.

    Attributes:
        counts: the counters that were last written.
        wear: what was written since it was opened.
        evicted: entries that went because their segment was reclaimed.
        damaged: records that were found damaged.
    """

    def __init__(self, folder: Path, settings: CardSettings, *, writable: bool = True) -> None:
        """Open it, and make it when it is to be written; blocks for the disk.

        Raises:
            LogBusy: another process writes it.
            OSError: the disk refuses, or there is nothing to read.
        """
        self._folder = folder
        self._settings = settings
        self._writable = writable
        self._uses: dict[bytes, int] = {}
        self._suspects: set[bytes] = set()
        self._carried_bytes = 0
        self._indexed_until = 0
        self.counts: dict[str, Any] = {}
        self.wear = Wear()
        self.evicted = self.damaged = 0
        if writable and not folder.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            sync_folder(folder.parent)
        self._catalogue = Catalogue(
            folder, writable=writable, index_bytes=settings.longest_index_bytes
        )
        self._log = SegmentLog(
            folder / LOG_NAME,
            segments=settings.segments,
            segment_bytes=settings.segment_bytes,
            writable=writable,
            # It would say of an empty log that it goes on in its middle.
            before_emptying=self._catalogue.delete,
        )
        try:
            self._recover()
        except BaseException:
            self.abandon()
            raise

    def __len__(self) -> int:
        return len(self._catalogue.places)

    def __iter__(self) -> Iterator[bytes]:
        return iter(list(self._catalogue.places))

    @property
    def kept_bytes(self) -> int:
        """Bytes of the payloads that can be read."""
        return sum(map(length_of, list(self._catalogue.places.values())))

    @property
    def reserved_bytes(self) -> int:
        """Bytes of all files, whether they are full or not."""
        paths = [self._folder / LOG_NAME, *catalogue.files(self._folder)]
        return sum(path.stat().st_size for path in paths if path.exists())

    @property
    def writable(self) -> bool:
        """It may be written; if not, others may write it meanwhile."""
        return self._writable

    @property
    def vanished(self) -> bool:
        """Its log was deleted: what is written now would be lost."""
        return self._log.vanished

    @property
    def uncertain(self) -> bool:
        """A write failed: the log may hold more entries than are known."""
        return self._log.uncertain

    def holds(self, key: bytes) -> bool:
        """Whether the card has this entry."""
        return key in self._catalogue.places

    def read(self, key: bytes, *, counts: bool = True) -> bytes | None:
        """An entry's payload, None when there is none or it is damaged. Never writes.

        Its checksum is looked at when it is read for the first time. `counts`: it was asked for,
        and will be carried over when its segment is reclaimed.

        Raises:
            OSError: the disk refuses.
        """
        places = self._catalogue.places
        where = places.get(key)
        if where is None:
            return None
        checked = bool(where & CHECKED)
        if checked:
            payload: bytes | None = self._log.payload(where ^ CHECKED)
        else:
            payload = self._log.checked_payload(where, key)
        if payload is None or len(payload) != length_of(where):
            self.damaged += 1
            self._suspects.add(key)
            self._catalogue.was_checked(key, where, good=False)
            return self.read(key, counts=counts)  # it may have been replaced meanwhile
        # Who does not write it can't know when others write over it: looks each time.
        if self._writable and not checked:
            self._catalogue.was_checked(key, where, good=True)
            where |= CHECKED
        if self._catalogue.places.get(key) != where:
            # Its segment was reclaimed, or the card was closed, while it was read.
            return self.read(key, counts=counts)
        uses = self._uses.get(key, 0)
        if counts and uses < MOST_USES:
            self._uses[key] = uses + 1
        return payload

    def recheck(self) -> None:
        """Look at every checksum again when its record is next read."""
        self._catalogue.recheck()

    def write(self, records: Iterable[Record], counts: Mapping[str, Any]) -> None:
        """Write a group of records and the counters; returns when they are on the card.

        Raises:
            OSError: the disk refuses; what was synced before is kept, the rest is not.
            ValueError: a record is longer than a segment.
        """
        if self.vanished:
            raise FileNotFoundError(2, "it was deleted", str(self._folder / LOG_NAME))
        # A start without an index would find older versions of what was found damaged.
        suspects = [key for key in list(self._suspects) if not self.holds(key)]
        queue = deque(Record(Kind.FORGOTTEN, key, b"") for key in suspects)
        queue.extend(records)
        queue.append(Record(Kind.COUNTS, _COUNTS_KEY, json.dumps(counts).encode()))
        if any(record_bytes(len(one.payload)) > self._settings.segment_bytes for one in queue):
            raise ValueError("a record is longer than a segment")
        queue.extendleft(self._carried())
        while queue:
            batch = self._fitting(queue)
            if batch:
                self._append(batch)
            else:
                self._reclaim()
                queue.extendleft(self._carried())
        self._suspects.difference_update(suspects)
        self.counts = dict(counts)
        if self._position - self._indexed_until >= self._settings.index_every_bytes:
            self.write_index()

    def forget(self, keys: Iterable[bytes]) -> None:
        """Make entries unreadable, on the card too; returns when they are.

        Reads the whole log, for older copies of them.

        Raises:
            OSError: the disk refuses; they are not served any more until the next start.
        """
        keys = frozenset(keys)
        for key in keys:
            self._catalogue.drop(key)
        # A start without an index must know, even if a wipe is lost in a power cut.
        self.write([Record(Kind.FORGOTTEN, key, b"") for key in keys], self.counts)
        with self.wear.counted(syncs=1):
            self._log.wipe(keys)
            self._log.sync()

    def write_index(self) -> None:
        """Bring the index up to date. A broken one is set aside and made anew; never raises."""
        with self.wear.counted(syncs=_TRANSACTION_SYNCS):
            written = self._catalogue.write(
                before=first_place(self._log.oldest),
                until=(self._log.segment, self._log.offset),
                counts=self.counts,
            )
        if written:
            self._indexed_until = self._position

    def close(self) -> None:
        """Bring the index up to date and close both files. Idempotent."""
        if self._writable and not self._log.closed and self._catalogue.changed:
            self.write_index()
        self.abandon()

    def abandon(self) -> None:
        """Close both files as they are. Idempotent.

        Whoever reads meanwhile finds nothing, and never what another file holds that gets the
        number of ours.
        """
        self._catalogue.forget_all()
        self._log.close()

    def delete(self) -> None:
        """Close and delete all files.

        Raises:
            OSError: the disk refuses.
        """
        try:
            # The index first, for good: it must never be found beside a newer log.
            self._catalogue.delete()
            (self._folder / LOG_NAME).unlink(missing_ok=True)
            sync_folder(self._folder)
        finally:
            self.abandon()

    def problems(self) -> Iterator[str]:
        """Read every entry and compare what is known of it; blocks for long."""
        oldest = first_place(self._log.oldest)
        for key, where in self._catalogue.plain().items():
            if self._log.checked_payload(where, key) is None:
                yield f"the record at {where:#x} is damaged"
            if where < oldest:
                yield f"the record at {where:#x} lies in a reclaimed segment"
        if self.reserved_bytes > self._settings.budget_bytes:
            allowed = self._settings.budget_bytes
            yield f"the files take {self.reserved_bytes} bytes, {allowed} are allowed"
        if self._writable:
            yield from self._catalogue.problems(oldest)

    @property
    def _position(self) -> int:
        return self._log.segment * self._settings.segment_bytes + self._log.offset

    def _fitting(self, queue: deque[Record]) -> list[Record]:
        """Of the next records those that fit into this segment, and the index."""
        batch: list[Record] = []
        left: list[Record] = []
        size, room = 0, self._settings.most_entries - len(self)
        while queue:
            record = queue.popleft()
            is_more = record.kind is Kind.ENTRY and not self.holds(record.key)
            with_it = size + record_bytes(len(record.payload))
            if self._log.fits(with_it) and (room > 0 or not is_more):
                batch.append(record)
                size = with_it
                room -= is_more
            else:
                left.append(record)
        queue.extend(left)
        return batch

    def _append(self, batch: list[Record]) -> None:
        size = sum(record_bytes(len(record.payload)) for record in batch)
        with self.wear.counted(size, syncs=1):
            places = self._log.append(batch)
            self._log.sync()
        for record, where in zip(batch, places, strict=True):
            if record.kind is Kind.ENTRY:
                self._catalogue.add(record.key, where)
            elif record.kind is Kind.FORGOTTEN:
                self._catalogue.drop(record.key)

    def _reclaim(self) -> None:
        """Go on to the next segment; what its slot still holds is gone."""
        self._log.next_segment()
        self._carried_bytes = 0
        gone = self._catalogue.drop_before(first_place(self._log.oldest))
        for key in gone:
            self._uses.pop(key, None)
        self.evicted += len(gone)

    def _carried(self) -> list[Record]:
        """Used entries of the segment whose slot comes next, as far as they may be carried."""
        doomed = self._log.segment + 1 - self._log.segments
        used = sorted(
            (
                (self._uses[key], where, key)
                for key, where in self._catalogue.plain().items()
                if segment_of(where) == doomed and self._uses.get(key)
            ),
            reverse=True,
        )
        room = min(
            self._settings.segment_bytes - self._log.offset,
            self._settings.carry_share * self._settings.segment_bytes - self._carried_bytes,
        )
        carried = []
        for uses, where, key in used:
            room -= record_bytes(length_of(where))
            if room < 0:
                break
            payload = self._log.checked_payload(where, key)
            if payload is not None:
                self._carried_bytes += record_bytes(length_of(where))
                self._uses[key] = uses - 1
                carried.append(Record(Kind.ENTRY, key, payload))
        return carried

    def _recover(self) -> None:
        """Know every entry: from the index, and from the log what came after it."""
        known = self._catalogue.read()
        try:
            if known is None:
                self._read_everything()
            else:
                self.counts = known.counts
                self._indexed_until = known.segment * self._settings.segment_bytes + known.offset
                self._learn(self._log.follow(known.segment, known.offset))
        except StaleStart:
            self._read_everything()
        self._catalogue.drop_before(first_place(self._log.oldest))

    def _read_everything(self) -> None:
        self.counts, self._indexed_until = {}, 0
        self._catalogue.forget_all()
        self._learn(self._log.everything())
        if self._writable and len(self):
            self.write_index()

    def _learn(self, records: Iterable[tuple[int, Record]]) -> None:
        learned = False
        for where, record in records:
            learned = True
            if record.kind is Kind.COUNTS:
                with contextlib.suppress(ValueError):
                    self.counts = json.loads(record.payload)
            elif record.kind is Kind.FORGOTTEN:
                self._catalogue.drop(record.key)
            else:
                self._catalogue.add(record.key, where)
        if self._writable and learned:
            # Who wrote it may have been killed before it was: the index must not know more.
            self._log.sync()


def exists(folder: Path) -> bool:
    """Whether there is a cache in this folder."""
    return (folder / LOG_NAME).exists()
