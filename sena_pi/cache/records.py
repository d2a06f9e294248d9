"""The form of one record in the log, and the number that says where it lies.

A record tells of itself: which segment it was written for, its key, its length, and a checksum
of each of its halves. So a log can be read without any index, the rest of an older segment is
never taken for the newer one that is written over it, and a damaged payload is never returned.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from zlib import crc32

KEY_BYTES: Final = 16
ALIGNMENT: Final = 8

_MAGIC: Final = b"SNA1"
_HEADER: Final = struct.Struct("<4sIIIIB3x16s")
_CHECKED: Final = struct.Struct("<IIIB3x16s")
_CHECKED_AT: Final = 8
HEADER_BYTES: Final = _HEADER.size

_LENGTH_BITS: Final = 20
_OFFSET_BITS: Final = 19
_SEGMENT_BITS: Final = 24
LONGEST_PAYLOAD: Final = (1 << _LENGTH_BITS) - 1
LARGEST_SEGMENT: Final = ALIGNMENT << _OFFSET_BITS
LAST_SEGMENT: Final = (1 << _SEGMENT_BITS) - 1


class Kind(IntEnum):
    """What a record holds."""

    ENTRY = 1
    FORGOTTEN = 2
    COUNTS = 3


_KINDS: Final = frozenset(map(int, Kind))


def place(segment: int, offset: int, length: int) -> int:
    """Where a payload lies, as one number of 63 bits that grows with age.

    Args:
        segment: number of the segment, counted from the log's beginning.
        offset: of the record in its segment, a multiple of 8 bytes.
        length: of the payload, in bytes.
    """
    return (segment << _OFFSET_BITS | offset // ALIGNMENT) << _LENGTH_BITS | length


def segment_of(place: int) -> int:
    """Number of the segment a place lies in."""
    return place >> (_OFFSET_BITS + _LENGTH_BITS)


def offset_of(place: int) -> int:
    """Offset of the record in its segment, in bytes."""
    return (place >> _LENGTH_BITS & (1 << _OFFSET_BITS) - 1) * ALIGNMENT


def length_of(place: int) -> int:
    """Length of the payload, in bytes."""
    return place & LONGEST_PAYLOAD


def first_place(segment: int) -> int:
    """No place of this segment is less, none of an earlier one is as much."""
    return place(segment, 0, 0)


def record_bytes(payload_bytes: int) -> int:
    """What a record with such a payload takes in the log."""
    return -(-(HEADER_BYTES + payload_bytes) // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Attributes:
        kind: what it holds.
        key: 16 bytes.
        payload: the bytes.
    """

    kind: Kind
    key: bytes
    payload: bytes

    def packed(self, segment: int) -> bytes:
        """The record as it is written into a segment."""
        fields = (segment, len(self.payload), crc32(self.payload), self.kind, self.key)
        header = _HEADER.pack(_MAGIC, crc32(_CHECKED.pack(*fields)), *fields)
        padding = record_bytes(len(self.payload)) - HEADER_BYTES - len(self.payload)
        return header + self.payload + bytes(padding)


@dataclass(frozen=True, slots=True)
class Header:
    """What a record says of itself; its payload may still be damaged."""

    segment: int
    length: int
    checksum: int
    kind: Kind
    key: bytes

    def fits(self, payload: bytes) -> bool:
        """Whether this is the payload that was written."""
        return len(payload) == self.length and crc32(payload) == self.checksum


def header_at(data: bytes, at: int = 0) -> Header | None:
    """The header that begins here, None when none does or it is damaged."""
    if len(data) - at < HEADER_BYTES:
        return None
    magic, checksum, segment, length, payload_checksum, kind, key = _HEADER.unpack_from(data, at)
    checked = data[at + _CHECKED_AT : at + HEADER_BYTES]
    if magic != _MAGIC or crc32(checked) != checksum or kind not in _KINDS:
        return None
    return Header(segment, length, payload_checksum, Kind(kind), key)


def payload_of(data: bytes, segment: int, key: bytes) -> bytes | None:
    """The payload of a record, None when it is damaged, or another's.

    Args:
        data: the record, from its header to the payload's last byte.
        segment: it was written for.
        key: it was written with.
    """
    if len(data) < HEADER_BYTES:
        return None
    _, _, found_segment, length, checksum, _, found_key = _HEADER.unpack_from(data)
    payload = data[HEADER_BYTES:]
    # What the header's own checksum would tell, these comparisons tell: it is not looked at.
    if (
        found_segment == segment
        and found_key == key
        and length == len(payload)
        and crc32(payload) == checksum
    ):
        return payload
    return None


@dataclass(frozen=True, slots=True)
class Found:
    """A whole record that a scan has found, and its offset."""

    offset: int
    segment: int
    record: Record


def whole_records(data: bytes, at: int = 0) -> Iterator[Found]:
    """Every undamaged record in the bytes of a segment, from an offset on.

    A damaged one is passed over; what lies behind it is found again by its magic.
    """
    while (at := data.find(_MAGIC, at)) >= 0:
        header = header_at(data, at) if at % ALIGNMENT == 0 else None
        if header is None:
            at += 1
            continue
        start = at + HEADER_BYTES
        payload = data[start : start + header.length]
        if header.fits(payload):
            yield Found(at, header.segment, Record(header.kind, header.key, payload))
            at += record_bytes(header.length)
        else:
            # Its length can be believed, its place in the row can't: it may have been written over.
            at += ALIGNMENT
