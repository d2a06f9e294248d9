"""The results as tables for the terminal, and as plain values for JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sena_pi.bench.conversation.advice import Findings, advice
from sena_pi.bench.conversation.figures import Figures, Spread, saved_s
from sena_pi.bench.conversation.results import SEQUENTIAL, STAGES, Results

FORMAT: Final = 1
"""Of the JSON."""
NONE: Final = "-"
_SPREAD: Final = ("min", "mean", "median", "p95", "p99", "max")


@dataclass(frozen=True, slots=True)
class Machine:
    """What it was measured on.

    Attributes:
        model: the board's or the processor's name.
        cpus: how many processors.
        load_before: processes that wanted to run in the minute before, on average.
        load_after: the same in the last minute of it.
    """

    model: str
    cpus: int
    load_before: float
    load_after: float

    @property
    def load(self) -> float:
        """The higher of the two."""
        return max(self.load_before, self.load_after)


def load() -> float:
    """Processes that wanted to run in the last minute, on average."""
    return os.getloadavg()[0]


def machine(load_before: float) -> Machine:
    """This one, now."""
    return Machine(_model(), os.cpu_count() or 1, load_before, load())


def _model() -> str:
    board, processor = Path("/proc/device-tree/model"), Path("/proc/cpuinfo")
    if board.exists():
        return board.read_text().rstrip("\0")
    lines = processor.read_text().splitlines() if processor.exists() else []
    names = (line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


@dataclass(frozen=True, slots=True)
class Report:
    """All that is told of a run.

    Attributes:
        results: what was measured.
        cloud: which cloud, and how fast it is.
        how: what it was asked to do.
        machine: on which.
    """

    results: Results
    cloud: str
    how: dict[str, Any]
    machine: Machine

    @property
    def findings(self) -> Findings:
        """The figures of each way."""
        return Findings.of(self.results, load=self.machine.load, cpus=self.machine.cpus)

    @property
    def advice(self) -> list[str]:
        """What follows."""
        return advice(self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found = self.findings
        return {
            "format": FORMAT,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": asdict(self.machine),
            "cloud": self.cloud,
            "how": self.how,
            "ways": {
                way: {
                    **of.as_dict(),
                    "saved_s": saved_s(self.results, way),
                    "ratios": found.ratios.get(way, {}),
                }
                for way, of in found.ways.items()
            },
            "recommendations": self.advice,
            "asked": self.results.as_dicts(),
        }

    def text(self) -> str:
        """Tables for people."""
        found = self.findings
        of = self.machine
        parts = [
            f"{of.model}, {of.cpus} processors, load {of.load_before:.1f} before and "
            f"{of.load_after:.1f} after\ncloud: {self.cloud}",
            *(_stages(figures) for figures in found.ways.values()),
            f"First audio, by who answered; seconds\n{columns(SOURCE_HEAD, source_rows(found))}",
            columns(CLOUD_HEAD, cloud_rows(found)),
            columns(*summary(self.results, found)),
            "What follows:\n" + "\n".join(f"- {line}" for line in self.advice),
        ]
        return "\n\n".join(parts)


def stage_rows(of: Figures) -> list[list[str]]:
    """A line a stage, in seconds: after the true end of speech, and after the endpoint."""
    rows = []
    for since, spreads in (("speech", of.from_speech), ("endpoint", of.from_endpoint)):
        rows += [
            [stage.replace("_", " "), since, *_seconds(spreads[stage])]
            for stage in STAGES
            if stage in spreads
        ]
    return rows


SOURCE_HEAD: Final = ("way", "by", "after", "count", *_SPREAD)


def source_rows(found: Findings) -> list[list[str]]:
    """A line a way and who answered, in seconds to the first audio."""
    return [
        [way, source, since, *_seconds(spread)]
        for way, of in found.ways.items()
        for source, spreads in of.by_source.items()
        for since, spread in spreads.items()
    ]


STAGE_HEAD: Final = ("stage", "after", "count", *_SPREAD)


def _stages(of: Figures) -> str:
    title = f"{of.way}: {of.answered} of {of.asked} questions answered; seconds"
    return f"{title}\n{columns(STAGE_HEAD, stage_rows(of))}"


def _seconds(spread: Spread) -> list[str]:
    return [str(spread.count), *(f"{getattr(spread, name) / 1000:.3f}" for name in _SPREAD)]


def summary(results: Results, found: Findings) -> tuple[tuple[str, ...], list[list[str]]]:
    """Head and lines of the table that compares the ways, a line for each of them."""
    head = (
        "way", "grade", "from speech", "hit rate", "by rules", "saved s", "median x", "p95 x",
        "misses x", "p95 x", "hits x",
    )  # fmt: skip
    rows = []
    for way, of in found.ways.items():
        ratio = found.ratios.get(way, {})
        rows.append(
            [
                way,
                of.grade or NONE,
                of.felt_grade or NONE,
                _share(of.hit_rate),
                str(of.ruled),
                _number(None if way == SEQUENTIAL else saved_s(results, way)),
                _number(ratio.get("median from endpoint")),
                _number(ratio.get("p95 from endpoint")),
                _number(ratio.get("median of misses")),
                _number(ratio.get("p95 of misses")),
                _number(ratio.get("median of hits")),
            ]
        )
    return head, rows


CLOUD_HEAD: Final = ("way", "requests", "for speech", "fillers", "reasons", "said again")


def cloud_rows(found: Findings) -> list[list[str]]:
    """A line a way: what the cloud was asked, and what else was said."""
    return [
        [
            way,
            NONE if of.questions is None else str(of.questions),
            NONE if of.speech is None else str(of.speech),
            str(of.fillers),
            str(of.reasons),
            str(of.said_again),
        ]
        for way, of in found.ways.items()
    ]


def _share(value: float | None) -> str:
    return NONE if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def columns(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Aligned: words to the left, figures to the right."""
    table = [list(head), *map(list, lines)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    left = {"way", "stage", "after", "by"}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if name in left else cell.rjust(width)
            for name, cell, width in zip(head, line, widths, strict=True)
        ).rstrip()
        for line in table
    )
