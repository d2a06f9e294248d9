"""How long a get takes, beside a raw sqlite3 select of the same row, in one run.

All tables of a size are filled first. Then the designs take turns, a few keys at a time, so that
what else the machine does falls on all of them. Each key's first get is counted apart: a design may
check more on it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from sena_pi.bench.cache.book import Book, Cell
from sena_pi.bench.cache.design import Design, DesignFactory, fill
from sena_pi.bench.cache.device import ground
from sena_pi.bench.cache.options import Options
from sena_pi.bench.cache.ours import WholeLookUp
from sena_pi.bench.cache.registry import chosen
from sena_pi.bench.cache.traces import Entry, payload, seeded

AT_A_TIME = 25
"""Keys a design looks up before the next design's turn."""
PASSES = 6
"""Each key is looked up this often; the first pass is counted apart."""
ROOM = 3
"""Bounds are this many times the payload: nothing may be evicted here."""
LEAST_BUDGET_BYTES = 64 * 1024 * 1024


class RawSqlite:
    """The yardstick: one table, one prepared select by primary key, nothing else.

    In WAL mode: SQLite's default journal takes file locks at each select, for nearly twice the
    time, and would make every other design look better than it is.
    """

    name = "sqlite3 select"

    def __init__(self, folder: Path, budget_bytes: int) -> None:  # noqa: ARG002 - no bound
        self._connection = sqlite3.connect(folder / "raw.db")
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS entry (key BLOB PRIMARY KEY, value BLOB)"
        )

    def get(self, key: bytes) -> bytes | None:
        """As `Design.get`."""
        row = self._connection.execute("SELECT value FROM entry WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def put(self, key: bytes, value: bytes) -> None:
        """As `Design.put`."""
        self.put_many([(key, value)])

    def put_many(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        """All in one transaction."""
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?)", items)

    def after_turn(self) -> None:
        """Nothing was put off."""

    def close(self) -> None:
        """As `Design.close`."""
        self._connection.close()


class Dictionary:
    """The other end of the scale: a dict. It keeps one value for all keys, to spare memory."""

    name = "dict"

    def __init__(self, folder: Path, budget_bytes: int) -> None:  # noqa: ARG002 - as a factory
        self._values: dict[bytes, bytes] = {}
        self._value = b""

    def get(self, key: bytes) -> bytes | None:
        """As `Design.get`."""
        return self._values.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """As `Design.put`."""
        self._value = self._value or value
        self._values[key] = self._value

    def after_turn(self) -> None:
        """Nothing was put off."""

    def close(self) -> None:
        """Nothing is held open."""


YARDSTICKS: dict[str, DesignFactory] = {
    "sqlite3": RawSqlite,
    "dict": Dictionary,
    "sena-by-question": WholeLookUp,
}


def measure(options: Options, book: Book) -> Iterator[tuple[Cell, dict[str, Any]]]:
    """Each table size that lacks a design in the book, all designs again: ratios need one run."""
    factories = chosen(options.designs)
    for entries in options.table_sizes:
        cells = {name: Cell("lookups", name, options.seeds[0], entries) for name in factories}
        if all(cell in book for cell in cells.values()):
            continue
        with ground(options.card, options.scratch) as place:
            results = one_size(options, entries, {**YARDSTICKS, **factories}, place.folder)
        for name, result in results.items():
            cell = Cell("lookups", name, options.seeds[0], entries)
            if cell not in book:
                yield cell, result


def keys_of(entries: int) -> Iterator[bytes]:
    """The keys of a table."""
    return (Entry.named(f"row/{number}", 0).key for number in range(entries))


def rows(entries: int, entry_bytes: int) -> Iterator[tuple[bytes, bytes]]:
    """The table's keys and values."""
    return ((key, payload(key, entry_bytes)) for key in keys_of(entries))


def one_size(
    options: Options, entries: int, factories: dict[str, DesignFactory], scratch: Path
) -> dict[str, dict[str, Any]]:
    """Fill a table in each design, look up in all of them; name -> result."""
    budget_bytes = max(LEAST_BUDGET_BYTES, ROOM * entries * options.entry_bytes)
    with ExitStack() as stack:
        opened: dict[str, Design] = {}
        for name, factory in factories.items():
            (scratch / name).mkdir()
            design = factory(scratch / name, budget_bytes)
            try:
                fill(design, rows(entries, options.entry_bytes))
            finally:
                design.close()
            # Opened anew, as after a start: what is slow only on first reads shows as such.
            opened[name] = stack.enter_context(closing(factory(scratch / name, budget_bytes)))
        return compare(options, entries, opened)


def compare(options: Options, entries: int, opened: dict[str, Design]) -> dict[str, dict[str, Any]]:
    """Look the same keys up in all designs, by turns."""
    if "dict" in opened:  # it alone forgets when closed
        fill(opened["dict"], rows(entries, options.entry_bytes))
    rng = seeded("lookups", options.seeds[0], entries)
    keys = rng.sample(list(keys_of(entries)), min(entries, max(1, options.gets // PASSES)))
    first: dict[str, list[int]] = {name: [] for name in opened}
    later: dict[str, list[int]] = {name: [] for name in opened}
    order = list(opened)
    for number in range(max(2, round(options.gets / len(keys)))):
        rng.shuffle(keys)
        taken = first if number == 0 else later
        for start in range(0, len(keys), AT_A_TIME):
            rng.shuffle(order)
            for name in order:
                taken[name] += timed(opened[name].get, keys[start : start + AT_A_TIME])
    raw = percentiles(later["sqlite3"])["p50_us"]
    raw_first = percentiles(first["sqlite3"])["p50_us"]
    return {
        name: {
            **percentiles(later[name]),
            "gets": len(later[name]),
            "first": {**percentiles(first[name]), "gets": len(first[name])},
            "times_sqlite3": percentiles(later[name])["p50_us"] / raw,
            "first_times_sqlite3": percentiles(first[name])["p50_us"] / raw_first,
            "entry_bytes": options.entry_bytes,
        }
        for name in opened
    }


def timed(get: Callable[[bytes], bytes | None], keys: list[bytes]) -> list[int]:
    """Nanoseconds of each get; a clock reading of some 50 ns is in each.

    Raises:
        ValueError: an entry is missing.
    """
    clock = time.perf_counter_ns
    taken = []
    for key in keys:
        before = clock()
        value = get(key)
        taken.append(clock() - before)
        if value is None:
            raise ValueError("an entry that was put is missing")
    return taken


def percentiles(taken_ns: list[int]) -> dict[str, float]:
    """p50, p95 and p99 in microseconds."""
    ordered = sorted(taken_ns)
    return {
        f"p{percent}_us": ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1e3
        for percent in (50, 95, 99)
    }
