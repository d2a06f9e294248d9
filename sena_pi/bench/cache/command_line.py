"""The benchmark's arguments."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from sena_pi.bench.cache.options import PARTS, Options
from sena_pi.bench.cache.registry import designs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One argument for each option, with the option's default."""
    plain = Options()
    add = parser.add_argument
    add("--designs", nargs="+", choices=sorted(designs()), default=(), help="default: all")
    add("--parts", nargs="+", choices=PARTS, default=plain.parts, help="default: all")
    add("--seeds", nargs="+", type=int, default=plain.seeds, help="of the turn traces")
    add("--days", type=float, default=plain.days, help="of 2,000 turns (%(default)s)")
    add(
        "--answer-bytes",
        nargs="+",
        type=int,
        default=plain.answer_bytes,
        help="text and speech of one answer; one trace for each size",
    )
    add("--whole", action="store_true", help="one entry an answer, not one a sentence")
    add(
        "--shared-sentences",
        type=float,
        default=plain.shared_sentences,
        help="share of sentences spoken after many answers (%(default)s)",
    )
    add("--prefilled", action="store_true", help="count from a cache full of cold entries")
    add(
        "--sync-every",
        type=int,
        default=plain.sync_every,
        metavar="TURNS",
        help="turns between two syncfs (%(default)s)",
    )
    add("--budget-bytes", type=int, default=plain.budget_bytes, help="%(default)s")
    add("--table-sizes", nargs="+", type=int, default=plain.table_sizes, help="entries")
    add("--entry-bytes", type=int, default=plain.entry_bytes, help="of look-ups (%(default)s)")
    add("--gets", type=int, default=plain.gets, help="timed look-ups each (%(default)s)")
    add("--requests", type=int, default=plain.requests, help="of an eviction trace (%(default)s)")
    add("--objects", type=int, default=plain.objects, help="in an eviction trace (%(default)s)")
    add("--open-entries", type=int, default=plain.open_entries, help="%(default)s")
    add("--openings", type=int, default=plain.openings, help="%(default)s")
    add(
        "--refresh-budgets",
        nargs="+",
        type=int,
        default=plain.refresh_budgets,
        help="requests a day for aged answers",
    )
    add("--refresh-days", type=int, default=plain.refresh_days, help="%(default)s")
    add("--refresh-turns", type=int, default=plain.refresh_turns, help="a day (%(default)s)")
    add("--out", type=Path, default=plain.out, help="folder of the report (%(default)s)")
    add("--resume", action="store_true", help="go on with the newest report of the same options")
    add("--card", type=Path, default=plain.card, help="folder of the loop device's file")
    add(
        "--scratch",
        type=Path,
        default=plain.scratch,
        help="folder where there is no loop device (%(default)s)",
    )


def options_from(arguments: argparse.Namespace) -> Options:
    """The options that were given."""
    given: dict[str, Any] = {}
    for field in fields(Options):
        value = getattr(arguments, field.name)
        given[field.name] = tuple(value) if isinstance(value, list) else value
    return Options(**given)
