"""The index, and the catalogue that keeps it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sena_pi.cache import catalogue
from sena_pi.cache.catalogue import BROKEN_NAME, CHECKED, INDEX_NAME, Catalogue
from sena_pi.cache.index import (
    APPLICATION_ID,
    BYTES_PER_ENTRY,
    EMPTY_BYTES,
    FORM,
    ForeignIndex,
    Index,
)
from sena_pi.cache.records import place
from tests.cache.known import key

COUNTS = {"hits": 3}
UNTIL = (9, 640)


def places(count: int, segment: int = 1) -> dict[bytes, int]:
    return {
        random.Random(f"{segment} {n}").randbytes(16): place(segment + n // 100, n % 100 * 800, 700)
        for n in range(count)
    }


def written(path: Path, known: dict[bytes, int]) -> None:
    with closing(Index(path)) as index:
        index.replace(known, UNTIL, COUNTS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / INDEX_NAME


def test_what_was_written_is_read(path: Path) -> None:
    """Keys, places, the end and the counters, by a writer and by a reader."""
    known = places(500)
    written(path, known)
    for writable in (True, False):
        with closing(Index(path, writable=writable)) as index:
            snapshot = index.read()
        assert (known, *UNTIL, COUNTS) == (
            snapshot.places,
            snapshot.segment,
            snapshot.offset,
            snapshot.counts,
        )


def test_changes_are_one_transaction(path: Path) -> None:
    """Old places go, single ones go, new ones come."""
    known = places(300)
    written(path, known)
    before = place(2, 0, 0)
    dropped = known.pop(list(known)[250])
    added = places(20, segment=8)
    with closing(Index(path)) as index:
        index.write(before=before, dropped=[dropped], added=added, until=(10, 8), counts={})
        snapshot = index.read()
    expected = {one: where for one, where in known.items() if where >= before} | added
    assert (expected, 10, 8, {}) == (
        snapshot.places,
        snapshot.segment,
        snapshot.offset,
        snapshot.counts,
    )


def test_a_new_index_knows_nothing(path: Path) -> None:
    """It says that the log is to be read from its beginning."""
    with closing(Index(path)) as index:
        snapshot = index.read()
    assert ({}, 0, 0, {}) == (snapshot.places, snapshot.segment, snapshot.offset, snapshot.counts)


def test_a_reader_makes_no_index(path: Path) -> None:
    """Nothing is there afterwards."""
    with pytest.raises(sqlite3.OperationalError):
        Index(path, writable=False)
    assert not path.exists()


def test_it_is_never_longer_than_it_may_be(path: Path) -> None:
    """A row too many is told, and the file and its journal stay within the bound."""
    longest = 64 << 10
    with closing(Index(path, longest_bytes=longest)) as index:
        room = (longest - EMPTY_BYTES) // BYTES_PER_ENTRY
        index.replace(places(room), UNTIL, COUNTS)
        with pytest.raises(sqlite3.OperationalError) as full:
            index.replace(places(4 * room), UNTIL, COUNTS)
        assert sqlite3.SQLITE_FULL == full.value.sqlite_errorcode
        assert room == len(index.read().places)
    assert path.stat().st_size <= longest


def test_pages_that_became_half_empty_do_not_fill_it(tmp_path: Path) -> None:
    """Entries that are replaced at random for long: it is written anew when it is too long."""
    longest = 64 << 10
    room = (longest - EMPTY_BYTES) // BYTES_PER_ENTRY
    book = Catalogue(tmp_path, writable=True, index_bytes=longest)
    assert book.read() is not None
    chance = random.Random(1)
    for round_ in range(200):
        numbers = range(room) if not round_ else chance.sample(range(room), room // 12)
        for n, number in enumerate(numbers):
            book.add(key(number), place(1 + round_, n * 8, 100))
        assert book.write(before=0, until=(round_ + 2, 0), counts=COUNTS)
        assert (tmp_path / INDEX_NAME).stat().st_size <= longest
    assert [] == list(book.problems(0))
    book.close()


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Catalogue]:
    one = Catalogue(tmp_path, writable=True, index_bytes=64 << 10)
    yield one
    one.close()


def read_again(folder: Path) -> dict[bytes, int] | None:
    book = Catalogue(folder, writable=True, index_bytes=64 << 10)
    try:
        return None if book.read() is None else book.places
    finally:
        book.close()


def corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = random.Random(1).randbytes(len(data) - 4096)
    path.write_bytes(data)


def no_database(path: Path) -> None:
    path.write_bytes(b"once upon a time " * 400)


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE recipe (name)")
        database.commit()


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {FORM + 1}")


def half_made(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute("CREATE TABLE entry (place INTEGER PRIMARY KEY, key BLOB)")
        database.commit()


def nonsense(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE known SET offset = offset + 8")
        database.commit()


def not_json(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE known SET counts = '{'")
        database.commit()


def not_writable_any_more(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[18] = 3  # the file format's version for writers: a future one
    path.write_bytes(data)


@pytest.mark.parametrize(
    "harm",
    [corrupt, no_database, foreign, newer, half_made, nonsense, not_json, not_writable_any_more],
)
def test_an_index_that_is_none_is_set_aside_and_made_anew(
    harm: object, book: Catalogue, tmp_path: Path
) -> None:
    """Its bytes are kept under another name, and the next writing makes a whole one."""
    path = tmp_path / INDEX_NAME
    written(path, places(300))
    assert callable(harm)
    harm(path)
    harmed = path.read_bytes()
    if book.read() is None:
        assert harmed == (tmp_path / BROKEN_NAME).read_bytes()
        book.forget_all()
    known = places(40, segment=5)
    for one in list(book.places):
        book.drop(one)
    for one, where in known.items():
        book.add(one, where)
    book.write(before=0, until=UNTIL, counts=COUNTS)
    book.write(before=0, until=UNTIL, counts=COUNTS)
    book.close()
    assert known == read_again(tmp_path)
    assert (tmp_path / BROKEN_NAME).exists()


def test_a_broken_index_that_is_too_long_is_not_kept(book: Catalogue, tmp_path: Path) -> None:
    """The bound of the files is more than the use of a broken one."""
    (tmp_path / INDEX_NAME).write_bytes(bytes(range(256)) * 1024)
    assert book.read() is None
    assert [] == list(tmp_path.iterdir())


def test_a_locked_index_is_left_alone(book: Catalogue, tmp_path: Path) -> None:
    """It is not broken: it is neither read nor set aside, and is written when it is free."""
    path = tmp_path / INDEX_NAME
    written(path, places(30))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert book.read() is None
        assert not book.write(before=0, until=UNTIL, counts=COUNTS)
        assert not (tmp_path / BROKEN_NAME).exists()
    book.forget_all()
    book.add(key(1), place(1, 0, 9))
    assert book.write(before=0, until=UNTIL, counts=COUNTS)
    book.close()
    assert {key(1): place(1, 0, 9)} == read_again(tmp_path)


def test_an_older_form_is_not_read_by_a_reader(path: Path) -> None:
    """It can't migrate it; a writer can."""
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute("CREATE TABLE other (x)")
        database.commit()
    with pytest.raises(ForeignIndex):
        Index(path, writable=False)


def test_a_damaged_record_is_not_known_any_more(book: Catalogue, tmp_path: Path) -> None:
    """Neither in memory nor, from the next writing on, in the index, whenever it came there."""
    old, new, good = key(1), key(2), key(3)
    assert book.read() is not None
    book.add(old, place(1, 0, 9))
    book.write(before=0, until=UNTIL, counts=COUNTS)
    book.add(new, place(1, 800, 9))
    book.add(good, place(1, 1600, 9))
    for one in (old, new):
        book.was_checked(one, book.places[one], good=False)
    book.was_checked(good, book.places[good], good=True)
    assert {good: place(1, 1600, 9) | CHECKED} == book.places
    assert [] == list(book.problems(0))
    assert book.changed
    book.write(before=0, until=UNTIL, counts=COUNTS)
    assert [] == list(book.problems(0))
    book.close()
    assert {good: place(1, 1600, 9)} == read_again(tmp_path)


def test_a_replaced_record_cannot_be_called_damaged(book: Catalogue) -> None:
    """Who looked at the old one tells too late."""
    book.add(key(1), place(1, 0, 9))
    book.add(key(1), place(2, 0, 9))
    book.was_checked(key(1), place(1, 0, 9), good=False)
    assert {key(1): place(2, 0, 9)} == book.places


def test_differences_between_index_and_memory_are_told(book: Catalogue, tmp_path: Path) -> None:
    """In both directions."""
    assert book.read() is not None
    book.add(key(1), place(1, 0, 9))
    book.write(before=0, until=UNTIL, counts=COUNTS)
    with closing(sqlite3.connect(tmp_path / INDEX_NAME)) as database:
        database.execute("UPDATE entry SET place = place + 1048576")
        database.execute("INSERT INTO entry (place, key) VALUES (?, ?)", (9, key(2)))
        database.commit()
    assert 2 == len(list(book.problems(0)))


def test_deleting_it_leaves_no_file(book: Catalogue, tmp_path: Path) -> None:
    """Not of a broken one and not of a journal."""
    for path in catalogue.files(tmp_path):
        path.write_bytes(b"x")
    book.delete()
    assert [] == list(tmp_path.iterdir())
