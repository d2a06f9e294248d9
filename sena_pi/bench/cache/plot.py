"""The plot: bytes a day by design, and look-up times against a raw sqlite3 select."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from sena_pi.bench.cache.book import Book
from sena_pi.bench.cache.rivals import INSTALL
from sena_pi.errors import EngineUnavailable

WIDTH_INCHES = 12
HEIGHT_INCHES = 5
MB = 1e6


def pyplot() -> Any:  # noqa: ANN401 - a module
    """matplotlib, drawing to files only.

    Raises:
        EngineUnavailable: it is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise EngineUnavailable(f"matplotlib is missing; {INSTALL}") from error
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt


def draw(book: Book, path: Path) -> None:
    """Draw the book's results; the ending of the name says which format."""
    plot = pyplot()
    figure, (left, right) = plot.subplots(
        1, 2, figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained"
    )
    draw_bytes(left, book.results("bytes"))
    draw_lookups(right, book.results("lookups"))
    figure.savefig(path)
    plot.close(figure)


def draw_bytes(axes: Any, results: list[dict[str, Any]]) -> None:  # noqa: ANN401 - untyped Axes
    """A bar a design and answer size: mean over the seeds; the floor as a dashed line."""
    axes.set_title("written to the device")
    axes.set_xlabel("MB a day")
    bars = {(result["design"], result["size"]) for result in results}
    for design, size in sorted(bars, key=lambda bar: (bar[1], bar[0])):
        of_bar = [r for r in results if (r["design"], r["size"]) == (design, size)]
        mean = statistics.mean(result["bytes_a_day"] for result in of_bar) / MB
        name = f"{design}, {size / 1000:.1f} kB"
        axes.barh(name, mean, color="tab:blue")
        axes.text(mean, name, f" {mean:.3g}", va="center")
        floor = (
            statistics.mean(
                r["floor_bytes"] * r["bytes_a_day"] / r["written_bytes"] for r in of_bar
            )
            / MB
        )
        axes.plot([floor, floor], [name, name], marker="|", color="tab:red", markersize=24)
    if bars:
        axes.set_xscale("log")
        axes.margins(x=0.2)
        axes.set_xlabel("MB a day (red: every payload once)")


def draw_lookups(axes: Any, results: list[dict[str, Any]]) -> None:  # noqa: ANN401 - untyped Axes
    """A line a design over the table's size."""
    axes.set_title("time of a get")
    axes.set_xlabel("entries")
    axes.set_ylabel("times a raw sqlite3 select (p50)")
    for design in sorted({result["design"] for result in results}):
        points = sorted(
            (result["size"], result["times_sqlite3"])
            for result in results
            if result["design"] == design
        )
        axes.plot(*zip(*points, strict=True), marker="o", label=design)
    if results:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.legend()
