"""The log: one file of a fixed size, written round and round in segments.

Nothing in it is ever changed but by the next round, so a card writes it in order, and a power cut
can only harm what was being written. Its size is reserved when it is made: it can't grow, and a
disk that others fill up can't stop it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from sena_pi.cache.records import (
    HEADER_BYTES,
    Found,
    Record,
    first_place,
    length_of,
    offset_of,
    payload_of,
    place,
    record_bytes,
    segment_of,
    whole_records,
)

SEGMENT_BYTES: Final = 1 << 20


class LogBusy(OSError):
    """Another process writes this log."""


class SegmentLog:
    """The open log file. Reading may be done by any thread, everything else by one at a time.

    Attributes:
        segments: how many segments there are in the file.
        segment_bytes: length of each.
        segment: number of the segment that is being written; number n lies in slot n % segments.
        offset: where in it the next record goes.
    """

    def __init__(
        self,
        path: Path,
        *,
        segments: int,
        segment_bytes: int = SEGMENT_BYTES,
        writable: bool = True,
    ) -> None:
        """Open it, and make it when it is to be written and there is none; blocks for the disk.

        A file of another size is emptied: its segments lie elsewhere.

        Raises:
            LogBusy: another process writes it.
            FileNotFoundError: there is none, and it is only to be read.
            OSError: the disk refuses.
        """
        self._path = path
        flags = os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY
        self.segment_bytes = segment_bytes
        self._fd = os.open(path, flags | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(self._fd).st_size
            if writable:
                self._lock()
                if size != segments * segment_bytes:
                    self._reserve(segments * segment_bytes)
            else:
                segments = size // segment_bytes
        except BaseException:
            os.close(self._fd)
            raise
        self.segments = segments
        self.segment = 0
        self.offset = 0

    @property
    def closed(self) -> bool:
        """It was closed."""
        return self._fd < 0

    def close(self) -> None:
        """Close the file. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def oldest(self) -> int:
        """Number of the oldest segment that is still there."""
        return max(0, self.segment - self.segments + 1)

    def fits(self, size: int) -> bool:
        """Whether records of so many bytes fit into the segment that is being written."""
        return self.offset + size <= self.segment_bytes

    def next_segment(self) -> None:
        """Go on to the next segment; what its slot held is gone from now on."""
        self.segment += 1
        self.offset = 0

    @property
    def vanished(self) -> bool:
        """The file was deleted: what is written is gone when it is closed."""
        return os.fstat(self._fd).st_nlink == 0

    def append(self, records: Sequence[Record]) -> list[int]:
        """Write records, which must fit, behind each other; their places. Not yet synced.

        Raises:
            OSError: the disk refuses; the next record goes where these should have gone.
        """
        packed = [record.packed(self.segment) for record in records]
        data = b"".join(packed)
        view, at = memoryview(data), self._file_offset(self.segment, self.offset)
        while view:
            written = os.pwrite(self._fd, view, at)
            view, at = view[written:], at + written
        places = []
        for record, piece in zip(records, packed, strict=True):
            places.append(place(self.segment, self.offset, len(record.payload)))
            self.offset += len(piece)
        return places

    def sync(self) -> None:
        """Wait until all that was written is on the card.

        Raises:
            OSError: the disk refuses.
        """
        os.fdatasync(self._fd)

    def payload(self, where: int) -> bytes:
        """The bytes at a place, unchecked: for one that `checked_payload` has found good.

        Raises:
            OSError: the disk refuses.
        """
        at = self._file_offset(segment_of(where), offset_of(where)) + HEADER_BYTES
        return os.pread(self._fd, length_of(where), at)

    def checked_payload(self, where: int, key: bytes) -> bytes | None:
        """The payload at a place; None when it is damaged or is not this key's.

        Raises:
            OSError: the disk refuses.
        """
        segment = segment_of(where)
        at = self._file_offset(segment, offset_of(where))
        return payload_of(os.pread(self._fd, HEADER_BYTES + length_of(where), at), segment, key)

    def wipe(self, where: int) -> None:
        """Overwrite a payload with zeros, so that it can't be read from the card any more.

        Raises:
            OSError: the disk refuses.
        """
        at = self._file_offset(segment_of(where), offset_of(where)) + HEADER_BYTES
        os.pwrite(self._fd, bytes(length_of(where)), at)

    def follow(self, segment: int, offset: int) -> Iterator[tuple[int, Record]]:
        """Every whole record from here to the end, with its place; writing goes on behind them.

        Raises:
            StaleStart: the log has gone round since it was here.
            OSError: the disk refuses.
        """
        self.segment, self.offset = segment, offset
        while True:
            found = list(self._found(self.segment, self.offset))
            for one in found:
                yield place(self.segment, one.offset, len(one.record.payload)), one.record
            if found:
                self.offset = found[-1].offset + record_bytes(len(found[-1].record.payload))
            if not self._begun(self.segment + 1):
                return
            self.next_segment()

    def everything(self) -> Iterator[tuple[int, Record]]:
        """Every whole record, oldest first, with its place; writing goes on behind them.

        Raises:
            OSError: the disk refuses.
        """
        newest = {
            slot: max((one.segment for one in whole_records(self._slot(slot))), default=-1)
            for slot in range(self.segments)
        }
        self.segment, self.offset = max(0, *newest.values()), 0
        for segment in sorted(segment for segment in newest.values() if segment >= self.oldest):
            for one in self._found(segment, 0):
                yield place(segment, one.offset, len(one.record.payload)), one.record
                if segment == self.segment:
                    self.offset = one.offset + record_bytes(len(one.record.payload))

    def _found(self, segment: int, offset: int) -> Iterable[Found]:
        data = self._slot(segment % self.segments)
        return (one for one in whole_records(data, offset) if one.segment == segment)

    def _begun(self, segment: int) -> bool:
        """Whether the next segment was begun."""
        data = self._slot(segment % self.segments)
        newest = max((one.segment for one in whole_records(data)), default=-1)
        if newest > segment:
            raise StaleStart(first_place(newest))
        return newest == segment

    def _slot(self, slot: int) -> bytes:
        return os.pread(self._fd, self.segment_bytes, slot * self.segment_bytes)

    def _file_offset(self, segment: int, offset: int) -> int:
        return segment % self.segments * self.segment_bytes + offset

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno == errno.EWOULDBLOCK:
                raise LogBusy(errno.EWOULDBLOCK, "another process writes it") from None
            raise

    def _reserve(self, size: int) -> None:
        os.ftruncate(self._fd, 0)
        try:
            os.posix_fallocate(self._fd, 0, size)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            raise
        os.fsync(self._fd)


class StaleStart(Exception):
    """Whoever said where to begin reading has missed a whole round of the log."""
