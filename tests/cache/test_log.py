"""The log of segments."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sena_pi.cache.log import LogBusy, SegmentLog, StaleStart
from sena_pi.cache.records import Kind, Record, first_place, offset_of, record_bytes, segment_of
from tests.cache.known import key, payload, record

SEGMENTS = 4
SEGMENT_BYTES = 4096


def opened(folder: Path, **options: bool) -> SegmentLog:
    return SegmentLog(
        folder / "log",
        segments=SEGMENTS,
        segment_bytes=SEGMENT_BYTES,
        **options,  # type: ignore[arg-type]
    )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SegmentLog]:
    with closing(opened(tmp_path)) as one:
        yield one


def entry(number: int, length: int = 1000) -> Record:
    return Record(Kind.ENTRY, key(number), random.Random(number).randbytes(length))


def filled(log: SegmentLog, numbers: range) -> list[int]:
    """Write entries one by one; their places."""
    places = []
    for number in numbers:
        if not log.fits(record_bytes(1000)):
            log.next_segment()
        places += log.append([entry(number)])
    log.sync()
    return places


def keys(found: Iterator[tuple[int, Record]]) -> list[bytes]:
    return [one.key for _, one in found]


def test_its_size_is_reserved_and_never_changes(log: SegmentLog, tmp_path: Path) -> None:
    """From the beginning, in whole blocks of the disk, also after many rounds."""
    status = (tmp_path / "log").stat()
    assert (SEGMENTS * SEGMENT_BYTES, 0o600) == (status.st_size, status.st_mode & 0o777)
    assert status.st_blocks * 512 >= status.st_size
    filled(log, range(100))
    assert SEGMENTS * SEGMENT_BYTES == (tmp_path / "log").stat().st_size


def test_the_oldest_segment_is_written_over(log: SegmentLog) -> None:
    """The last entries are there, the first are gone, and none is taken for another."""
    places = filled(log, range(30))
    oldest = first_place(log.oldest)
    for number, where in enumerate(places):
        found = log.checked_payload(where, key(number))
        if where >= oldest:
            assert entry(number).payload == found
    gone = [where for where in places if segment_of(where) + SEGMENTS <= log.segment]
    assert gone
    assert {None} == {log.checked_payload(where, key(places.index(where))) for where in gone}


def test_a_log_is_read_without_any_index(log: SegmentLog, tmp_path: Path) -> None:
    """Oldest first, only what is not reclaimed, and writing goes on behind the last."""
    places = filled(log, range(30))
    kept = [number for number, where in enumerate(places) if segment_of(where) >= log.oldest]
    end = log.segment, log.offset
    log.close()
    with closing(opened(tmp_path)) as again:
        assert list(map(key, kept)) == keys(again.everything())
        assert end == (again.segment, again.offset)


def test_what_came_after_a_place_is_read_alone(log: SegmentLog, tmp_path: Path) -> None:
    """Over the end of a segment and of the file."""
    filled(log, range(10))
    known = log.segment, log.offset
    filled(log, range(10, 16))
    end = log.segment, log.offset
    log.close()
    with closing(opened(tmp_path)) as again:
        assert list(map(key, range(10, 16))) == keys(again.follow(*known))
        assert end == (again.segment, again.offset)


def test_a_start_that_is_older_than_a_round_is_told(log: SegmentLog) -> None:
    """Whoever has missed that much has to read everything."""
    filled(log, range(2))
    known = log.segment, log.offset
    filled(log, range(2, 2 + 3 * (SEGMENTS + 1)))
    with pytest.raises(StaleStart):
        keys(log.follow(*known))


@pytest.mark.parametrize("known", [(1000, 0), (1002, 2048), (8, 0)])
def test_a_start_that_is_not_of_this_log_is_told(log: SegmentLog, known: tuple[int, int]) -> None:
    """It says that the log is further than it is."""
    filled(log, range(20))
    with pytest.raises(StaleStart):
        keys(log.follow(*known))


def test_a_damaged_segment_in_the_middle_is_told(log: SegmentLog, tmp_path: Path) -> None:
    """Writing must not go on where it lies, in front of newer segments; those are found."""
    filled(log, range(3))
    known = log.segment, log.offset
    filled(log, range(3, 12))
    end = log.segment, log.offset
    with (tmp_path / "log").open("r+b") as file:
        file.seek(SEGMENT_BYTES)
        file.write(bytes(SEGMENT_BYTES))
    log.close()
    with closing(opened(tmp_path)) as again:
        with pytest.raises(StaleStart):
            keys(again.follow(*known))
        assert list(map(key, [0, 1, 2, *range(6, 12)])) == keys(again.everything())
        assert end == (again.segment, again.offset)


def test_another_size_empties_it(log: SegmentLog, tmp_path: Path) -> None:
    """Its segments lie elsewhere; whoever knows where they were is told before."""
    filled(log, range(10))
    log.close()
    told: list[int] = []
    path = tmp_path / "log"
    with closing(
        SegmentLog(
            path,
            segments=SEGMENTS + 1,
            segment_bytes=SEGMENT_BYTES,
            before_emptying=lambda: told.append(path.stat().st_size),
        )
    ) as other:
        assert [] == keys(other.everything())
    assert [SEGMENTS * SEGMENT_BYTES] == told
    assert (SEGMENTS + 1) * SEGMENT_BYTES == path.stat().st_size


def test_only_one_writes(log: SegmentLog, tmp_path: Path) -> None:
    """A second writer is told at once; a reader is not, and reads what is there."""
    (where,) = log.append([record(1)])
    with pytest.raises(LogBusy):
        opened(tmp_path)
    with closing(opened(tmp_path, writable=False)) as reader:
        assert payload(1) == reader.checked_payload(where, key(1))
        assert [key(1)] == keys(reader.everything())
    log.close()
    opened(tmp_path).close()


@pytest.mark.parametrize("size", [None, 0, SEGMENT_BYTES - 1])
def test_nothing_is_read_where_nothing_was_written(tmp_path: Path, size: int | None) -> None:
    """A reader never makes the file, and one that is being made is none yet."""
    if size is not None:
        (tmp_path / "log").write_bytes(bytes(size))
    with pytest.raises(FileNotFoundError):
        opened(tmp_path, writable=False)
    assert (size is not None) == (tmp_path / "log").exists()


def test_a_reader_cannot_write(log: SegmentLog, tmp_path: Path) -> None:
    """The file is open for reading alone."""
    with (
        closing(opened(tmp_path, writable=False)) as reader,
        pytest.raises(OSError, match="Bad file descriptor"),
    ):
        reader.append([record(1)])


def test_it_tells_that_it_was_deleted(log: SegmentLog, tmp_path: Path) -> None:
    """What is written then is gone when it is closed."""
    assert not log.vanished
    (tmp_path / "log").unlink()
    assert log.vanished


def test_a_wipe_leaves_no_byte_of_any_copy(log: SegmentLog, tmp_path: Path) -> None:
    """Not of older versions, and not of a record whose header is written over already."""
    old, new, other = entry(1, 900), entry(2, 900), entry(3, 900)
    victim = Record(Kind.ENTRY, key(1), random.Random(99).randbytes(900))
    log.append([old, other])
    log.next_segment()
    log.append([victim, new])
    log.sync()
    # A newer segment ends within the header of the first record of the second slot.
    with (tmp_path / "log").open("r+b") as file:
        file.seek(0)
        file.write(b"\xff" * 20)
    log.wipe({key(1)})
    data = (tmp_path / "log").read_bytes()
    assert victim.payload not in data
    assert old.payload not in data
    assert {key(2), key(3)} == {one.key for _, one in log.everything()}


def test_what_a_failed_write_left_never_comes_after_newer_records(tmp_path: Path) -> None:
    """A sync fails; other records are written in the place; a start finds those alone."""
    log = opened(tmp_path)
    log.append([entry(1, 300), entry(2, 300), entry(3, 300)])
    reads, writes = os.pipe()  # cannot be synced
    real, log._fd = log._fd, writes
    with pytest.raises(OSError, match="Invalid argument"):
        log.sync()
    assert (0, True) == (log.offset, log.uncertain)
    log._fd = real
    os.close(reads)
    os.close(writes)
    (where,) = log.append([entry(4, 200)])
    log.sync()
    assert (0, False) == (offset_of(where), log.uncertain)
    log.close()
    with closing(opened(tmp_path)) as again:
        assert [key(4)] == keys(again.everything())
