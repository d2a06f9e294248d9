"""A store whose card is another's, gone or in trouble, and threads that use it at once."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from sena_pi.cache.catalogue import INDEX_NAME
from sena_pi.cache.store import RETRY_S
from tests.cache.known import key, log_bytes, payload, record
from tests.cache.stores import Clock, Opener, put, served


def test_a_second_writer_keeps_its_entries_in_memory(
    opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so once, and does not say that it has forgotten what it can't delete."""
    first, second = opened(), opened()
    put(first, [1])
    first.flush()
    put(second, [2])
    for _ in range(3):
        assert not second.flush()
    assert {2: (0, "memory")} == served(second, [1, 2])
    assert ["another process writes it" in line for line in caplog.messages] == [True]
    with pytest.raises(OSError, match="another process writes it"):
        second.clear()
    with pytest.raises(OSError, match="another process writes it"):
        second.forget([key(1)])
    first.close()
    put(second, [3])
    assert second.flush()
    assert second.trouble is None
    second.abandon()
    # What could not be forgotten before is forgotten now.
    assert {3} == served(opened(), range(4)).keys()


def test_a_card_that_refused_is_left_alone_for_a_while(opened: Opener, clock: Clock) -> None:
    """Then it is tried again."""
    first, second = opened(), opened(group_turns=1)
    put(second, [2])
    second.turn_ended()
    second.flush()
    second.turn_ended()
    assert not second.flush_due
    clock.now += RETRY_S
    assert second.flush_due
    first.close()


def test_a_folder_that_vanished_is_made_anew(
    opened: Opener, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is put afterwards is found after a start."""
    store = opened()
    put(store, range(3))
    store.flush()
    shutil.rmtree(folder)
    assert {0, 1, 2} == served(store, range(3)).keys()
    put(store, [5])
    assert store.flush()
    assert {5: (0, "card")} == served(store, [5])
    assert 1 == len([one for one in caplog.records if one.levelno >= logging.WARNING])
    store.abandon()
    assert {5} == served(opened(), range(6)).keys()


def test_a_folder_that_cannot_be_made_leaves_a_cache_in_memory(
    opened: Opener, folder: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A file is in its place: one line; when it is gone the entries are written."""
    folder.write_bytes(b"")
    store = opened()
    put(store, [1])
    assert (False, False) == (store.flush(), store.flush())
    assert {1: (0, "memory")} == served(store, [1])
    assert store.trouble is not None
    assert [store.trouble] == list(store.problems())
    assert 1 == len(caplog.records)
    folder.unlink()
    assert store.flush()
    assert {1: (0, "card")} == served(store, [1])
    assert [] == list(store.problems())


def test_a_locked_index_hides_nothing(opened: Opener, folder: Path) -> None:
    """All is read from the log, and written to it."""
    store = opened()
    put(store, range(10))
    store.close()
    with closing(sqlite3.connect(folder / INDEX_NAME, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        store = opened()
        assert 10 == len(served(store, range(10)))
        put(store, [11])
        assert store.flush()
        store.close()
    assert 11 == len(served(opened(), range(12)))


def test_what_a_failed_sync_left_is_forgotten_too(opened: Opener, folder: Path) -> None:
    """It was never said to be written; it is not there after a start either."""
    store = opened()
    put(store, [1])
    store.flush()
    put(store, [2])
    assert store.card is not None
    log = store.card._log
    log.append([record(2)])
    reads, writes = os.pipe()  # cannot be synced
    real, log._fd = log._fd, writes
    with pytest.raises(OSError, match="Invalid argument"):
        log.sync()
    log._fd = real
    os.close(reads)
    os.close(writes)
    assert payload(2)[8:] in log_bytes(folder)
    store.forget([key(2)])
    assert payload(2)[8:] not in log_bytes(folder)
    store.abandon()
    (folder / INDEX_NAME).unlink()
    assert {1} == served(opened(), range(3)).keys()


def test_closing_twice_or_after_a_failure_is_harmless(opened: Opener, folder: Path) -> None:
    """Nothing is raised."""
    store = opened()
    put(store, [1])
    shutil.rmtree(folder)
    folder.write_bytes(b"")
    store.close()
    store.close()
    store.abandon()


def test_an_end_writes_what_is_due(opened: Opener) -> None:
    """And the index, so that the next start reads no log."""
    store = opened()
    put(store, range(5))
    store.close()
    assert 5 == len(served(opened(), range(5)))


def test_threads_get_the_right_payload_while_it_is_written(opened: Opener) -> None:
    """Readers and a writer at once, over rounds of the log: no exception, no wrong one."""
    store = opened()
    wrong: list[Exception] = []
    done = threading.Event()

    def reads() -> None:
        try:
            while not done.is_set():
                served(store, range(0, 300, 7))
                list(store.keys())
        except (AssertionError, RuntimeError, KeyError, ValueError, OSError) as error:
            wrong.append(error)

    readers = [threading.Thread(target=reads) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(4):
        for number in range(300):
            put(store, [number], version)
            if number % 20 == 0:
                store.flush()
    done.set()
    for reader in readers:
        reader.join(30)
    assert [] == wrong
    assert [] == list(store.problems())
