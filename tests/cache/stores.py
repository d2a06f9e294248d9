"""Stores to test: how they are opened, filled and read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from sena_pi.cache.store import Store
from tests.cache.known import key, record, version_of

Opener = Callable[..., Store]
"""Opens a store of the test's folder, with settings."""


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def put(store: Store, numbers: Iterable[int], version: int = 0) -> None:
    for number in numbers:
        assert store.put(record(number, version))


def served(store: Store, numbers: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Version and tier of what is served."""
    found = {number: store.fetch(key(number)) for number in numbers}
    return {n: (version_of(n, one[0]), one[1]) for n, one in found.items() if one is not None}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
