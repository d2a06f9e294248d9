"""The results as tables for the terminal."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sena_pi.bench.cache.book import Book

Name = TypeVar("Name", str, tuple[str, int])

MB = 1e6
KB = 1e3
NONE = "-"
LEGEND = (
    "put: payload that was missed and put, MB/day; floor: every payload once; "
    "floor 2: those asked for twice, once"
)


def table(book: Book) -> str:
    """Every part that has results, one under the other."""
    machine = book.data["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in book.data["versions"].items())
    parts = [
        f"{machine['model']}, {machine['cpus']} CPUs, load {machine['load'][0]:.1f}, {versions}",
        bytes_table(book.results("bytes"), book.data["how"]),
        lookups_table(book.results("lookups")),
        eviction_table(book.results("eviction")),
        open_table(book.results("open")),
        refresh_table(book.results("refresh"), book.data["how"]),
    ]
    return "\n\n".join(part for part in parts if part)


def bytes_table(results: list[dict[str, Any]], how: dict[str, Any]) -> str:
    """A line a design and answer size, means over the seeds."""
    if not results:
        return ""
    lines = []
    for size in sorted({result["size"] for result in results}):
        of_size = [result for result in results if result["size"] == size]
        by_design = [
            [result for result in of_size if result["design"] == design]
            for design in unique(result["design"] for result in of_size)
        ]
        lines += [bytes_line(of_design, how["days"]) for of_design in by_design]
    entries = "one entry an answer" if how["whole"] else "texts and sentences apart"
    start = "cache full of cold entries" if how["prefilled"] else "from an empty folder"
    title = (
        f"Bytes: {how['days']:g} days, {entries}, {start}, a syncfs every {how['sync_every']} "
        f"turns (in flushes, not in syncs), by {results[0]['counting']}"
    )
    head = (
        "answer kB",
        "design",
        "seeds",
        "MB/day",
        "x floor",
        "put",
        "floor",
        "floor 2",
        "syncs/day",
        "flushes/day",
        "kB/10k hits",
        "hits %",
        "texts %",
        "sentences %",
        "s",
    )
    return f"{title}\n{LEGEND}\n{columns(head, lines)}"


def bytes_line(of_design: list[dict[str, Any]], days: float) -> list[str]:
    """One design's means over its seeds."""

    def mean(name: str, scale: float, digits: int) -> str:
        values = [result[name] for result in of_design]
        if None in values:
            return NONE
        return f"{statistics.mean(values) * scale:.{digits}f}"

    return [
        f"{of_design[0]['size'] / 1000:.1f}",
        of_design[0]["design"],
        str(len(of_design)),
        mean("bytes_a_day", 1 / MB, 2),
        mean("times_floor", 1, 2),
        mean("put_bytes_a_day", 1 / MB, 2),
        mean("floor_bytes_a_day", 1 / MB, 2),
        mean("floor_twice_bytes_a_day", 1 / MB, 2),
        mean("syncs", 1 / days, 0),
        mean("flushes", 1 / days, 0),
        mean("hits_written_bytes", 1 / 1e3, 0),
        mean("turn_hit_rate", 100, 2),
        mean("text_hit_rate", 100, 2),
        mean("sentence_hit_rate", 100, 2),
        mean("took_s", 1, 1),
    ]


def lookups_table(results: list[dict[str, Any]]) -> str:
    """A line a table size and design."""
    if not results:
        return ""
    lines = [
        [
            str(result["size"]),
            result["design"],
            *(f"{result[f'p{percent}_us']:.1f}" for percent in (50, 95, 99)),
            f"{result['times_sqlite3']:.2f}",
            f"{result['first']['p50_us']:.1f}",
            f"{result['first_times_sqlite3']:.2f}",
        ]
        for result in sorted(results, key=lambda result: (result["size"], result["p50_us"]))
    ]
    head = ("entries", "design", "p50 us", "p95", "p99", "x sqlite3", "first p50", "x sqlite3")
    return f"Look-ups of {results[0]['entry_bytes']} bytes\n{columns(head, lines)}"


def eviction_table(results: list[dict[str, Any]]) -> str:
    """A line a trace and bound, a column a design."""
    if not results:
        return ""
    lines = []
    for trace, bounds in results[0]["traces"].items():
        for number, bound in enumerate(bounds):
            ratios = [result["traces"][trace][number]["hit_ratio"] for result in results]
            lines.append(
                [trace, f"{bound['share']:.0%}", *(f"{r:.3f}" for r in (bound["lru"], *ratios))]
            )
    head = ("trace", "bound", "exact LRU", *(result["design"] for result in results))
    return f"Hit ratios, bound as a share of the footprint\n{columns(head, lines)}"


def open_table(results: list[dict[str, Any]]) -> str:
    """A line a design."""
    if not results:
        return ""
    lines = [
        [
            result["design"],
            str(result["size"]),
            f"{result['open_ms']:.1f}",
            f"{result['first_get_ms']:.2f}",
            f"{result['libraries_ms']:.0f}",
            "cold" if result["cold"] else "in memory",
        ]
        for result in results
    ]
    head = ("design", "entries", "open ms", "first get ms", "libraries ms", "pages")
    return f"Opening, medians of fresh processes\n{columns(head, lines)}"


def refresh_table(results: list[dict[str, Any]], how: dict[str, Any]) -> str:
    """A line a household and budget, means over the seeds."""
    if not results:
        return ""
    lines = [
        refresh_line([result for result in results if cell_of(result) == cell])
        for cell in unique(map(cell_of, results))
    ]
    title = (
        f"Refreshing aged answers on idle: {how['refresh_days']} days of {how['refresh_turns']} "
        "turns, habits beside them"
    )
    legend = (
        "gained: points of hits; lost: points of turns whose answer had expired, the most that can "
        "be gained; unasked: refreshes that nobody asked for"
    )
    head = (
        "household",
        "at most/day",
        "seeds",
        "hits %",
        "gained",
        "lost",
        "refreshes/day",
        "unasked %",
        "requests/day",
        "more",
        "kB/day",
        "more",
    )
    return f"{title}\n{legend}\n{columns(head, lines)}"


def cell_of(result: dict[str, Any]) -> tuple[str, int]:
    """What a line of the refresh table is of."""
    return result["design"], result["size"]


def refresh_line(of_cell: list[dict[str, Any]]) -> list[str]:
    """The means over the seeds: hits, requests and bytes without refreshing, and what it adds."""

    def mean(name: str) -> float:
        return statistics.fmean(result[name] for result in of_cell)

    refreshes = mean("refreshes_a_day")
    return [
        of_cell[0]["design"],
        str(of_cell[0]["size"]),
        str(len(of_cell)),
        f"{100 * mean('hit_rate_without'):.2f}",
        f"{mean('points_gained'):.2f}",
        f"{mean('points_expired'):.2f}",
        f"{refreshes:.2f}",
        f"{100 * mean('unasked_a_day') / refreshes:.0f}" if refreshes else NONE,
        f"{mean('requests_a_day_without'):.1f}",
        f"{mean('requests_a_day') - mean('requests_a_day_without'):.2f}",
        f"{mean('written_a_day_without') / KB:.1f}",
        f"{(mean('written_a_day') - mean('written_a_day_without')) / KB:.2f}",
    ]


def columns(head: Sequence[str], lines: list[list[str]]) -> str:
    """Aligned: names to the left, figures to the right."""
    table_ = [list(head), *lines]
    widths = [max(map(len, column)) for column in zip(*table_, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width)
            if head[number] in {"design", "trace", "household"}
            else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table_
    )


def unique(names: Iterable[Name]) -> list[Name]:
    """Each once, in the order of their first coming."""
    return list(dict.fromkeys(names))
