"""A cache's folder, and what is opened in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sena_pi.cache.card import Card
from sena_pi.cache.store import Store
from tests.cache.known import small_card, small_store
from tests.cache.stores import Clock, Opener


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def card(folder: Path) -> Iterator[Card]:
    with closing(Card(folder, small_card())) as card:
        yield card


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(folder: Path, clock: Clock) -> Iterator[Opener]:
    """Opens stores in the folder; they are closed at the end."""
    stores = []

    def opener(*, writable: bool = True, **settings: float) -> Store:
        store = Store(folder, small_store(**settings), writable=writable, monotonic=clock)  # type: ignore[arg-type]
        stores.append(store)
        return store

    yield opener
    for one in stores:
        one.abandon()
