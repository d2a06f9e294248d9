"""How long opening a full cache takes, in a fresh process, its pages not in memory where we can.

As a child, `python -m sena_pi.bench.cache.opening TASK` opens twice: an empty cache, which loads
the libraries, and then the full one. So the two times can be told apart.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sena_pi.bench.cache.book import Book, Cell
from sena_pi.bench.cache.child import run_child
from sena_pi.bench.cache.design import fill
from sena_pi.bench.cache.device import Ground, ground, sync_folder
from sena_pi.bench.cache.lookups import LEAST_BUDGET_BYTES, ROOM, keys_of, rows
from sena_pi.bench.cache.options import Options
from sena_pi.bench.cache.registry import chosen, designs

MODULE = "sena_pi.bench.cache.opening"


def measure(options: Options, book: Book) -> Iterator[tuple[Cell, dict[str, Any]]]:
    """Each design that the book lacks, with the medians of some openings."""
    for design in chosen(options.designs):
        cell = Cell("open", design, options.seeds[0], options.open_entries)
        if cell not in book:
            with ground(options.card, options.scratch) as place:
                yield cell, one(options, design, place)


def one(options: Options, design: str, place: Ground) -> dict[str, Any]:
    """Fill it, then open it some times."""
    budget_bytes = max(LEAST_BUDGET_BYTES, ROOM * options.open_entries * options.entry_bytes)
    with closing(designs()[design](place.folder, budget_bytes)) as full:
        fill(full, rows(options.open_entries, options.entry_bytes))
    sync_folder(place.folder)
    openings = []
    cold = True
    for _ in range(options.openings):
        cold = place.forget_pages() and cold
        task = {
            "design": design,
            "folder": str(place.folder),
            "budget_bytes": budget_bytes,
            "entries": options.open_entries,
        }
        openings.append(json.loads(run_child(MODULE, json.dumps(task))))
    medians = {
        name: statistics.median(opening[name] for opening in openings) for name in openings[0]
    }
    return {**medians, "openings": len(openings), "cold": cold, "entry_bytes": options.entry_bytes}


def main() -> int:
    """The child's work."""
    task = json.loads(sys.argv[1])
    factory = designs()[task["design"]]
    *_, key = keys_of(task["entries"])
    with tempfile.TemporaryDirectory(prefix="sena-bench-") as empty:
        started = time.perf_counter()
        factory(Path(empty), task["budget_bytes"]).close()
        loaded = time.perf_counter()
    opening = time.perf_counter()
    design = factory(Path(task["folder"]), task["budget_bytes"])
    opened = time.perf_counter()
    found = design.get(key)
    got = time.perf_counter()
    design.close()
    if found is None:
        raise ValueError("an entry that was put is missing")
    times = {
        "libraries_ms": 1e3 * (loaded - started),
        "open_ms": 1e3 * (opened - opening),
        "first_get_ms": 1e3 * (got - opened),
    }
    json.dump(times, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
