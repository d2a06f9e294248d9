"""Bytes and flushes a day: what a trace of turns writes to the device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from sena_pi.bench.cache.book import Book, Cell
from sena_pi.bench.cache.child import run_child, run_child_counting_syncs
from sena_pi.bench.cache.device import ground
from sena_pi.bench.cache.drive import Task
from sena_pi.bench.cache.options import Options
from sena_pi.bench.cache.registry import chosen
from sena_pi.bench.cache.traces import TURNS_A_DAY, Household, floor_of

DRIVE = "sena_pi.bench.cache.drive"


def measure(options: Options, book: Book) -> Iterator[tuple[Cell, dict[str, Any]]]:
    """Each cell that the book does not hold yet, with its result."""
    for answer_bytes in options.answer_bytes:
        for seed in options.seeds:
            household = Household(seed, answer_bytes, options.whole, options.shared_sentences)
            for design in chosen(options.designs):
                cell = Cell("bytes", design, seed, answer_bytes)
                if cell not in book:
                    yield cell, one(options, household, design)


def one(options: Options, household: Household, design: str) -> dict[str, Any]:
    """One design on one trace, on a fresh file system."""
    turns = round(options.days * TURNS_A_DAY)
    with ground(options.card, options.scratch) as place:

        def task(phase: Literal["fill", "trace", "hits"]) -> str:
            return Task(
                design=design,
                folder=str(place.folder),
                stat=None if place.stat is None else str(place.stat),
                phase=phase,
                turns=turns,
                sync_every=options.sync_every,
                budget_bytes=options.budget_bytes,
                household=household,
            ).to_json()

        if options.prefilled:
            run_child(DRIVE, task("fill"))
        printed, syncs = run_child_counting_syncs(DRIVE, task("trace"))
        counted = json.loads(printed)
        hits = json.loads(run_child(DRIVE, task("hits")))
        counting = place.counting
    written = counted.pop("written")
    floor = floor_of(household.turns(turns))
    return {
        **counted,
        **hits,
        "counting": counting,
        "written_bytes": written["bytes"],
        "bytes_a_day": written["bytes"] / options.days,
        "flushes": written["flushes"],
        "syncs": syncs,
        "put_bytes_a_day": counted["put_bytes"] / options.days,
        "floor_bytes_a_day": floor.once_bytes / options.days,
        "floor_twice_bytes_a_day": floor.twice_bytes / options.days,
        "times_floor": written["bytes"] / floor.once_bytes,
        "times_put": written["bytes"] / counted["put_bytes"],
        "turn_hit_rate": counted["turn_hits"] / counted["turns"],
        "text_hit_rate": counted["text_hits"] / counted["texts"],
        "sentence_hit_rate": share(counted["sentence_hits"], counted["sentences"]),
    }


def share(part: int, whole: int) -> float | None:
    """None of nothing."""
    return part / whole if whole else None
