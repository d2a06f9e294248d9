"""Helpers of the commands that prove figures: how a figure and its circumstances are printed."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

REPORT_TO = "SENA_PROOF_FIGURES"
"""Names the file that rows are appended to while a proof is recorded."""

Row: TypeAlias = dict[str, str | int | float]
"""A row of the proof's table: "what" it is about, and its figures by column."""


def machine() -> str:
    """The circumstances of a measurement, in a line."""
    load = os.getloadavg()[0]
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load {load:.1f}"
    )


def spread(values: Sequence[float], unit: str) -> str:
    """Smallest, median and largest of some values."""
    return (
        f"min {min(values):.2f} median {statistics.median(values):.2f} "
        f"max {max(values):.2f} {unit} (n={len(values)})"
    )


def reported(what: str, figures: Mapping[str, int | float]) -> None:
    """Give a row to the table of results; does nothing unless `scripts/prove --record` asks.

    Over the parts of a proof, whole numbers of the same row are counts and are added; others are
    measurements, of which the lowest and the highest are told.

    Args:
        what: first column.
        figures: column, with its unit ("RSS, MB") -> figure.
    """
    if place := os.environ.get(REPORT_TO):
        row: Row = {"what": what}
        row |= {
            name: value if isinstance(value, int) else round(value, 2)
            for name, value in figures.items()
        }
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def measured(values: Sequence[float], unit: str) -> dict[str, int | float]:
    """Columns that tell some values: how many, their median and the largest."""
    return {
        "n": len(values),
        f"median, {unit}": float(statistics.median(values)),
        f"max, {unit}": float(max(values)),
    }
