"""The tier in memory: what the card does not hold yet, and what it need not hold.

The smaller queue of S3-FIFO (Yang et al., SOSP 2023): first in, first out; what was asked for
again in it has proved itself, and a key that comes back soon after it fell out has, too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sena_pi.cache.records import Record

_BESIDE_BYTES: Final = 300
"""What Python needs for an entry beside its payload."""
_REMEMBERED: Final = 8192


@dataclass(slots=True)
class Fresh:
    """An entry in memory.

    Attributes:
        record: what is kept.
        due: it is to be written to the card.
        asked: it was asked for since it came.
    """

    record: Record
    due: bool
    asked: bool = False


class FreshEntries:
    """Entries in memory, bounded in bytes. Not thread-safe, but for `get`."""

    def __init__(self, longest_bytes: int) -> None:
        self._longest_bytes = longest_bytes
        self._entries: OrderedDict[bytes, Fresh] = OrderedDict()
        self._gone: OrderedDict[bytes, None] = OrderedDict()
        self.kept_bytes = 0
        self.due_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Fresh]:
        return iter(self._entries.values())

    def get(self, key: bytes) -> Fresh | None:
        """The entry, if it is here."""
        return self._entries.get(key)

    def add(self, record: Record, *, due: bool) -> list[Record]:
        """Take an entry, the newer one of its key; those that had to go for it.

        One that came back after it had to go is due at once.
        """
        self.remove(record.key)
        due = due or self._gone.pop(record.key, self) is None
        self._entries[record.key] = Fresh(record, due)
        self.kept_bytes += _size(record)
        if due:
            self.due_bytes += len(record.payload)
        return list(self._make_room())

    def make_due(self, fresh: Fresh) -> None:
        """The entry is to be written to the card."""
        if not fresh.due:
            fresh.due = True
            self.due_bytes += len(fresh.record.payload)

    def due(self) -> list[Record]:
        """What is to be written, oldest first."""
        return [fresh.record for fresh in self._entries.values() if fresh.due]

    def remove(self, key: bytes, record: Record | None = None) -> bool:
        """Let an entry go, only if it still is `record` where that is given; was it here?"""
        fresh = self._entries.get(key)
        if fresh is None or (record is not None and fresh.record is not record):
            return False
        del self._entries[key]
        self.kept_bytes -= _size(fresh.record)
        if fresh.due:
            self.due_bytes -= len(fresh.record.payload)
        return True

    def clear(self) -> None:
        """Let all go, and what is remembered of those that went before."""
        self._entries.clear()
        self._gone.clear()
        self.kept_bytes = self.due_bytes = 0

    def _make_room(self) -> Iterator[Record]:
        while self.kept_bytes > self._longest_bytes and self._entries:
            # What waits for the card goes last: only when the card takes nothing.
            key = next((key for key, fresh in self._entries.items() if not fresh.due), None)
            fresh = self._entries[key or next(iter(self._entries))]
            self.remove(fresh.record.key)
            self._gone[fresh.record.key] = None
            if len(self._gone) > _REMEMBERED:
                self._gone.popitem(last=False)
            yield fresh.record


def _size(record: Record) -> int:
    return len(record.payload) + _BESIDE_BYTES
