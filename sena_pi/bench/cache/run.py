"""The command: measure what was asked for, keep each result, report."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from sena_pi.bench.cache import hits, lookups, opening, refresh, wear
from sena_pi.bench.cache.book import Book, Cell
from sena_pi.bench.cache.options import PARTS, Options
from sena_pi.bench.cache.plot import draw, pyplot
from sena_pi.bench.cache.registry import chosen
from sena_pi.bench.cache.report import table
from sena_pi.errors import ConfigError

MEASURES: dict[str, Callable[[Options, Book], Iterator[tuple[Cell, dict[str, Any]]]]] = {
    "bytes": wear.measure,
    "lookups": lookups.measure,
    "eviction": hits.measure,
    "open": opening.measure,
    "refresh": refresh.measure,
}


def run(options: Options) -> int:
    """Measure, and write a JSON file, a plot and a table on standard output.

    Every result is kept as soon as it is there, so that an interrupted run can be resumed.

    Returns:
        The exit code: 0.

    Raises:
        ConfigError: a design or part that there is not.
        EngineUnavailable: a library is missing.
        WorkerError: a measuring process failed.
    """
    check(options)
    book = Book.open(options)
    with terminated_as_interrupted():
        for part in options.parts:
            for cell, result in MEASURES[part](options, book):
                book.add(cell, result)
                sys.stderr.write(f"{cell.part}: {cell.design}, {cell.size}, seed {cell.seed}\n")
    plot = book.path.with_suffix(".png")
    draw(book, plot)
    sys.stdout.write(f"{table(book)}\n{book.path}\n{plot}\n")
    return 0


def check(options: Options) -> None:
    """Find out before the first hour what would fail after it.

    Raises:
        ConfigError: a design or part that there is not.
        EngineUnavailable: a library is missing.
    """
    problems = [f"no part is called {part!r}" for part in options.parts if part not in PARTS]
    if not options.seeds:
        problems.append("at least one seed is needed")
    if problems:
        raise ConfigError(problems)
    pyplot()
    for factory in chosen(options.designs).values():
        with tempfile.TemporaryDirectory(prefix="sena-bench-") as folder:
            factory(Path(folder), options.budget_bytes).close()


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C, so that what is mounted is unmounted."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
