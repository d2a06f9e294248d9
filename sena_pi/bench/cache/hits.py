"""Hit ratios on traces that tell eviction rules apart, beside an exact LRU of the same bound.

The design's bound includes all it writes; the LRU's only the payload. So a design with overhead has
to evict better than LRU to come out equal.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sena_pi.bench.cache.book import Book, Cell
from sena_pi.bench.cache.design import Design, DesignFactory
from sena_pi.bench.cache.device import ground
from sena_pi.bench.cache.options import Options
from sena_pi.bench.cache.registry import UNBOUNDED, chosen
from sena_pi.bench.cache.requests import TRACES, footprint_bytes, lru_hit_ratio
from sena_pi.bench.cache.traces import Entry

SHARES = (0.05, 0.1, 0.2)
"""Bounds, as shares of a trace's footprint."""


def measure(options: Options, book: Book) -> Iterator[tuple[Cell, dict[str, Any]]]:
    """One result a design: every trace at every bound. Designs without a bound are left out."""
    seed = options.seeds[0]
    names = [name for name in chosen(options.designs) if name not in UNBOUNDED]
    cells = [Cell("eviction", name, seed, options.objects) for name in names]
    missing = [cell for cell in cells if cell not in book]
    if not missing:
        return
    traces = {name: make(options.requests, options.objects, seed) for name, make in TRACES.items()}
    for cell in missing:
        factory = chosen([cell.design])[cell.design]
        with ground(options.card, options.scratch) as place:
            ratios = {
                name: by_share(factory, trace, place.folder) for name, trace in traces.items()
            }
        yield cell, {"requests": options.requests, "traces": ratios}


def by_share(factory: DesignFactory, trace: list[Entry], where: Path) -> list[dict[str, float]]:
    """The design's and the LRU's hit ratio at each bound."""
    footprint = footprint_bytes(trace)
    found = []
    for share in SHARES:
        budget_bytes = int(share * footprint)
        with (
            tempfile.TemporaryDirectory(dir=where) as folder,
            closing(factory(Path(folder), budget_bytes)) as opened,
        ):
            ratio = hit_ratio(opened, trace)
        lru = lru_hit_ratio(trace, budget_bytes)
        found.append({"share": share, "budget_bytes": budget_bytes, "hit_ratio": ratio, "lru": lru})
    return found


def hit_ratio(design: Design, trace: list[Entry]) -> float:
    """Ask for each entry, put it when missing; each request is a turn."""
    hits = 0
    for entry in trace:
        if design.get(entry.key) is None:
            design.put(entry.key, entry.payload())
        else:
            hits += 1
        design.after_turn()
    return hits / len(trace)
