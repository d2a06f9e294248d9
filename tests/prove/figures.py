"""Helpers of the commands that prove figures: how a figure and its circumstances are printed."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence


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
