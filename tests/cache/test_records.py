"""Records tell of themselves."""

from __future__ import annotations

import random

import pytest

from sena_pi.cache.records import (
    ALIGNMENT,
    HEADER_BYTES,
    KEY_BYTES,
    LARGEST_SEGMENT,
    LAST_SEGMENT,
    LONGEST_PAYLOAD,
    Kind,
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
from tests.cache.known import key, record

SEGMENT = 7


@pytest.mark.parametrize(
    ("segment", "offset", "length"),
    [
        (0, 0, 0),
        (1, ALIGNMENT, 1),
        (SEGMENT, 4096, 9216),
        (LAST_SEGMENT, LARGEST_SEGMENT - ALIGNMENT, LONGEST_PAYLOAD),
    ],
)
def test_a_place_is_one_number_that_sqlite_can_hold(segment: int, offset: int, length: int) -> None:
    """Its three parts come back, and it is a positive number of 63 bits."""
    where = place(segment, offset, length)
    assert (segment, offset, length) == (segment_of(where), offset_of(where), length_of(where))
    assert 0 <= where < 1 << 63


def test_places_grow_with_age() -> None:
    """No place of an earlier segment is as great as the first of a later one."""
    last = place(SEGMENT, LARGEST_SEGMENT - ALIGNMENT, LONGEST_PAYLOAD)
    assert last < first_place(SEGMENT + 1) <= place(SEGMENT + 1, 0, 0)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 3000])
def test_a_record_is_read_as_it_was_written(length: int) -> None:
    """Of any length, and its bytes are what was said."""
    one = Record(Kind.ENTRY, key(1), random.Random(1).randbytes(length))
    packed = one.packed(SEGMENT)
    assert record_bytes(length) == len(packed)
    assert len(packed) % ALIGNMENT == 0
    assert [(0, SEGMENT, one)] == [
        (found.offset, found.segment, found.record) for found in whole_records(packed)
    ]
    assert one.payload == payload_of(packed[: HEADER_BYTES + length], SEGMENT, key(1))


def test_a_payload_is_given_to_its_own_key_and_segment_only() -> None:
    """Not to another key, another segment, or with another length."""
    packed = record(1).packed(SEGMENT)[: HEADER_BYTES + len(record(1).payload)]
    assert payload_of(packed, SEGMENT, key(1)) is not None
    assert payload_of(packed, SEGMENT, key(2)) is None
    assert payload_of(packed, SEGMENT + 1, key(1)) is None
    assert payload_of(packed[:-1], SEGMENT, key(1)) is None
    assert payload_of(packed[: HEADER_BYTES - 1], SEGMENT, key(1)) is None


def test_every_single_bit_of_a_record_counts() -> None:
    """With any bit of it flipped a scan finds nothing, but for the bits that fill it up."""
    one = Record(Kind.ENTRY, key(1), b"Goodbye!!")
    packed = one.packed(SEGMENT)
    for bit in range(8 * (HEADER_BYTES + len(one.payload))):
        damaged = bytearray(packed)
        damaged[bit // 8] ^= 1 << bit % 8
        assert [] == list(whole_records(bytes(damaged))), f"bit {bit}"


def test_what_lies_behind_a_damaged_record_is_found() -> None:
    """In its header, which hides its length, or in its payload."""
    first, second, third = (record(number) for number in (1, 2, 3))
    for hurt in (0, HEADER_BYTES - 1, HEADER_BYTES + 3):
        data = bytearray(b"".join(one.packed(SEGMENT) for one in (first, second, third)))
        data[len(first.packed(SEGMENT)) + hurt] ^= 0xFF
        assert [first, third] == [found.record for found in whole_records(bytes(data))]


def test_half_a_record_is_none() -> None:
    """Whatever was cut off its end."""
    packed = record(1).packed(SEGMENT)
    for length in (0, 3, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 1, len(packed) // 2):
        assert [] == list(whole_records(packed[:length]))
    assert header_at(packed[: HEADER_BYTES - 1]) is None


def test_a_kind_that_is_not_known_is_no_record() -> None:
    """A future form's record is not taken for one of ours."""
    data = Record(9, key(1), b"from the future").packed(SEGMENT)  # type: ignore[arg-type]
    assert [] == list(whole_records(data))


def test_random_bytes_are_no_record() -> None:
    """Even with the magic strewn among them."""
    chance = random.Random(3)
    data = b"".join(b"SNA1" + chance.randbytes(chance.randrange(40)) for _ in range(2000))
    assert [] == list(whole_records(data))
    assert KEY_BYTES == len(key(1))
