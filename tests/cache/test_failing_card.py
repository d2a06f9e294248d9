"""A card that fails: a call of the system to it raises EIO, and no answer is lost for it."""

from __future__ import annotations

import errno
import itertools
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sena_pi.cache.store import Store
from tests.cache.known import record, small_store
from tests.cache.stores import Opener, put, served

NUMBERS = range(12)
WRITING = ("pwrite", "fdatasync", "fsync", "posix_fallocate")


class FailingCalls:
    """The calls by which files are written: from the n-th on, all of them fail."""

    def __init__(self, patch: pytest.MonkeyPatch, names: tuple[str, ...] = WRITING) -> None:
        self.made = 0
        self.failed: list[str] = []
        self.fails_from: int | None = None
        for name in names:
            patch.setattr(os, name, self._failing(name, getattr(os, name)))

    def _failing(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.made += 1
            if self.fails_from is not None and self.made >= self.fails_from:
                self.failed.append(name)
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*arguments)

        return call


def used(folder: Path) -> Store:
    """A store that was opened, filled, written, filled again and written again."""
    store = Store(folder, small_store())
    put(store, NUMBERS[:6])
    store.flush()
    put(store, NUMBERS[6:])
    store.flush()
    return store


def test_every_failing_call_costs_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever call is the first to fail: all is served, and each kind of trouble told once."""
    for first in itertools.count(1):
        with monkeypatch.context() as patch:
            calls = FailingCalls(patch)
            calls.fails_from = first
            caplog.clear()
            caplog.set_level(logging.WARNING)
            store = used(tmp_path / str(first))
            assert list(NUMBERS) == list(served(store, NUMBERS))
            for _ in range(3):
                store.flush()
            warned = [one.message for one in caplog.records]
            assert len(set(warned)) == len(warned)
            if not calls.failed:
                break
            assert store.trouble is not None
        # The card works again: all of it can be written, and outlives a crash.
        assert store.flush()
        assert store.trouble is None
        store.abandon()
        again = Store(tmp_path / str(first), small_store())
        assert list(NUMBERS) == list(served(again, NUMBERS))
        assert [] == list(again.problems())
        again.abandon()
    assert first > 5


def test_a_sync_that_fails_has_all_written_again(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may have dropped the pages: a second sync that works proves nothing of them."""
    store = opened()
    put(store, [1])
    assert store.flush()
    assert store.card is not None
    log = store.card._log
    before = log.offset
    log.append([record(2)])
    with monkeypatch.context() as patch:
        FailingCalls(patch, ("fdatasync",)).fails_from = 1
        with pytest.raises(OSError, match="Input/output error"):
            log.sync()
    assert before == log.offset
    log.append([record(3)])
    log.sync()
    store.abandon()
    found = served(opened(), range(4))
    assert {1, 3} == found.keys()


def test_a_card_that_cannot_be_read_is_a_miss(
    opened: Opener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And not the end of a turn; what is in memory is served, and so is all when it can be read."""
    store = opened()
    put(store, [1, 2])
    assert store.flush()
    put(store, [3])
    with monkeypatch.context() as patch:
        FailingCalls(patch, ("pread",)).fails_from = 1
        assert [3] == list(served(store, [1, 2, 3]))
        assert "can't be read" in (store.trouble or "")
    assert 1 == len([one for one in caplog.records if one.levelno >= logging.WARNING])
    assert [1, 2, 3] == list(served(store, [1, 2, 3]))
