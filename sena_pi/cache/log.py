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
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from sena_pi.cache.records import (
    HEADER_BYTES,
    Found,
    Record,
    first_place,
    header_at,
    length_of,
    offset_of,
    payload_of,
    place,
    record_bytes,
    segment_of,
    whole_records,
)
from sena_pi.replace import sync_folder

SEGMENT_BYTES: Final = 1 << 20
_PAGE_BYTES: Final = 4096


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
        before_emptying: Callable[[], None] = lambda: None,
    ) -> None:
        """Open it, and make it when it is to be written and there is none; blocks for the disk.

        A file of another size is emptied: its segments lie elsewhere. `before_emptying` is called
        before that, and before a new one is made, when no other process can be writing.

        Raises:
            LogBusy: another process writes it.
            FileNotFoundError: there is none, or an empty one, and it is only to be read.
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
                    before_emptying()
                    self._reserve(segments * segment_bytes)
            else:
                segments = self._found_segments(size)
        except BaseException:
            os.close(self._fd)
            raise
        self.segments = segments
        self.segment = 0
        self.offset = 0
        self._synced = 0
        self._remains = 0
        self._left_remains = False

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
        self._left_remains = self.uncertain
        self.offset = self._synced = self._remains = 0

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
        # What an earlier attempt left behind these would be taken for newer than they are.
        data += bytes(max(0, self._remains - self.offset - len(data)))
        self._remains = self.offset + len(data)
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
            OSError: the disk refuses; what was not synced is to be written again.
        """
        try:
            os.fdatasync(self._fd)
        except OSError:
            # The kernel tells it once, and may have dropped the pages: asking again is no use.
            self.offset = self._synced
            raise
        self._synced = self.offset
        self._remains = 0

    @property
    def uncertain(self) -> bool:
        """There may be records in it that were never said to be written."""
        return self._left_remains or self._remains > 0

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

    def wipe(self, keys: Collection[bytes]) -> None:
        """Overwrite every payload of these keys with zeros. Not yet synced.

        Also older ones, copies that no index knows, and what is no whole record: it may be the
        rest of one of theirs. All segments are read for it.

        Raises:
            OSError: the disk refuses.
        """
        for slot in range(self.segments):
            data = self._slot(slot)
            end = 0
            for found in whole_records(data):
                self._wipe(slot, data, end, found.offset)
                end = found.offset + record_bytes(len(found.record.payload))
                if found.record.key in keys:
                    self._wipe(slot, data, found.offset + HEADER_BYTES, end)
            self._wipe(slot, data, end, len(data))

    def _wipe(self, slot: int, data: bytes, start: int, end: int) -> None:
        """Zeros into a part of a slot, but for those that are there already."""
        length = len(data[start:end].rstrip(b"\0"))
        if length:
            os.pwrite(self._fd, bytes(length), slot * self.segment_bytes + start)

    def follow(self, segment: int, offset: int) -> Iterator[tuple[int, Record]]:
        """Every whole record from here to the end, with its place; writing goes on behind them.

        Raises:
            StaleStart: the log has gone round since it was here, or it is another log.
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
                break
            self.next_segment()
        self._synced = self.offset
        self._expect_the_end()

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
        self._synced = self.offset

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

    def _expect_the_end(self) -> None:
        """Each slot begins with the segment that should be there, or with none that is known."""
        for slot in range(self.segments):
            expected = self.segment - (self.segment - slot) % self.segments
            try:
                head = header_at(os.pread(self._fd, HEADER_BYTES, slot * self.segment_bytes))
            except OSError:
                continue  # a bad sector tells nothing
            if head is not None and head.segment != expected:
                # A whole segment between is damaged, or who said where to begin was wrong.
                raise StaleStart(first_place(head.segment))

    def _slot(self, slot: int) -> bytes:
        """The bytes of a slot, zeros in place of bad sectors; OSError when no part can be read."""
        start = slot * self.segment_bytes
        try:
            data = os.pread(self._fd, self.segment_bytes, start)
        except OSError:
            data = b""
        return data if len(data) == self.segment_bytes else self._readable(start)

    def _readable(self, start: int) -> bytes:
        pages, failures = [], []
        for at in range(start, start + self.segment_bytes, _PAGE_BYTES):
            try:
                page = os.pread(self._fd, _PAGE_BYTES, at)
            except OSError as error:
                failures.append(error)
                page = b""
            pages.append(page.ljust(_PAGE_BYTES, b"\0"))
        if len(failures) == len(pages):
            # The card is gone rather than bad in a place: nothing must be built on that.
            raise failures[0]
        return b"".join(pages)[: self.segment_bytes]

    def _file_offset(self, segment: int, offset: int) -> int:
        return segment % self.segments * self.segment_bytes + offset

    def _found_segments(self, size: int) -> int:
        if size < self.segment_bytes:
            raise FileNotFoundError(errno.ENOENT, "nothing was written yet", str(self._path))
        return size // self.segment_bytes

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
        sync_folder(self._path.parent)


class StaleStart(Exception):
    """The log does not go on as whoever said where to begin reading believed."""
