"""The plot: bytes a day by design, and look-up times against a raw sqlite3 select."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sena_pi.bench.cache.book import Book
from sena_pi.bench.cache.rivals import INSTALL
from sena_pi.errors import EngineUnavailable

WIDTH_INCHES = 13
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
    for axes, part, draw_part in ((left, "bytes", draw_bytes), (right, "lookups", draw_lookups)):
        results = book.results(part)
        axes.set_visible(bool(results))
        draw_part(axes, results)
    figure.savefig(path)
    plot.close(figure)


def draw_bytes(axes: Any, results: list[dict[str, Any]]) -> None:  # noqa: ANN401 - untyped Axes
    """A dot a design, a colour an answer size, means over the seeds; floors as dashed lines."""
    axes.set_title("written to the device")
    axes.set_xlabel("MB a day (dashed: every payload once)")
    for color, size in enumerate(sorted({result["size"] for result in results})):
        of_size = [result for result in results if result["size"] == size]
        means = {
            design: mean_mb(result["bytes_a_day"] for result in of_size if is_of(result, design))
            for design in {result["design"] for result in of_size}
        }
        ordered = sorted(means, key=lambda design: means[design], reverse=True)
        axes.plot(
            [means[design] for design in ordered],
            ordered,
            linestyle="",
            marker="o",
            color=f"C{color}",
            label=f"{size / 1000:.1f} kB an answer",
        )
        for design in ordered:
            axes.annotate(
                f"{means[design]:.1f}",
                (means[design], design),
                xytext=(0, 6),
                textcoords="offset points",
                ha="center",
            )
        floor = mean_mb(result["floor_bytes_a_day"] for result in of_size)
        axes.axvline(floor, linestyle="--", color=f"C{color}")
    if results:
        axes.set_xscale("log")
        axes.margins(x=0.1, y=0.15)
        axes.grid(axis="y", alpha=0.3)
        axes.legend()


def is_of(result: dict[str, Any], design: str) -> bool:
    """The result is this design's."""
    return bool(result["design"] == design)


def mean_mb(values: Iterable[float]) -> float:
    """Mean, in MB."""
    return statistics.mean(values) / MB


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
        axes.grid(alpha=0.3)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
