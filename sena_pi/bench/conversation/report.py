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
from sena_pi.bench.conversation.notes import STAGE_NAMES, notes
from sena_pi.bench.conversation.results import SEQUENTIAL, STAGES, Results

FORMAT: Final = 2
"""Of the JSON."""
NONE: Final = "-"
_SPREAD: Final = ("min", "mean", "median", "p95", "p99", "max")


@dataclass(frozen=True, slots=True)
class Machine:
    """What it was measured on.

    Attributes:
        model: the board's or the processor's name.
        cpus: how many processors.
        loads: processes that wanted to run, each on average over a minute: before it was
            measured, and after; likewise of each part that was measured by itself.
    """

    model: str
    cpus: int
    loads: Sequence[float]

    @property
    def load(self) -> float:
        """The highest."""
        return max(self.loads)

    @property
    def about(self) -> str:
        """One line for people."""
        lowest, highest = min(self.loads), max(self.loads)
        return f"{self.model}, {self.cpus} processors, load {lowest:.1f} to {highest:.1f}"


def load() -> float:
    """Processes that wanted to run in the last minute, on average."""
    return os.getloadavg()[0]


def machine(loads: Sequence[float]) -> Machine:
    """This one, under such loads."""
    return Machine(_model(), os.cpu_count() or 1, tuple(loads))


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
        how: what it was asked to do, as `Plan.as_dict`.
        machine: on which.
    """

    results: Results
    cloud: str
    how: dict[str, Any]
    machine: Machine

    @property
    def findings(self) -> Findings:
        """The figures of each way."""
        return Findings.of(
            self.results,
            adaptive=self.how["adaptive"],
            load=self.machine.load,
            cpus=self.machine.cpus,
        )

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
            "notes": notes(found),
            "recommendations": self.advice,
            "asked": self.results.as_dict()["asked"],
        }

    def text(self) -> str:
        """Tables for people."""
        found = self.findings
        parts = [
            f"{self.machine.about}\ncloud: {self.cloud}",
            *(_stages(figures) for figures in found.ways.values()),
            f"First audio, by who answered; seconds\n{columns(SOURCE_HEAD, source_rows(found))}",
            f"What the first audio waits for, one after the other; mean seconds from speech\n"
            f"{columns(WAIT_HEAD, wait_rows(found))}",
            columns(CLOUD_HEAD, cloud_rows(found)),
            columns(*summary(self.results, found)),
            f"First audio, as a multiple of {SEQUENTIAL}\n{columns(RATIO_HEAD, ratio_rows(found))}",
            "To read this:\n" + "\n".join(f"- {line}" for line in notes(found)),
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
    head = ("way", "grade", "from speech", "hit rate", "by rules", "saved s")
    rows = []
    for way, of in found.ways.items():
        rows.append(
            [
                way,
                of.grade or NONE,
                of.felt_grade or NONE,
                _share(of.hit_rate),
                str(of.ruled),
                _number(None if way == SEQUENTIAL else saved_s(results, way)),
            ]
        )
    return head, rows


RATIO_HEAD: Final = ("way", "of", "after", "median x", "p95 x")


def ratio_rows(found: Findings) -> list[list[str]]:
    """A line a way and kind of answer: all of them, misses and hits."""
    return [
        [way, name, since, *(f"{ratio[f'{part} {what}']:.3f}" for part in ("median", "p95"))]
        for way, ratio in found.ratios.items()
        for name, of in (("all", ""), ("misses", "of misses "), ("hits", "of hits "))
        for since in ("speech", "endpoint")
        if f"median {(what := f'{of}from {since}')}" in ratio
    ]


WAIT_HEAD: Final = ("way", *STAGE_NAMES.values(), "together")


def wait_rows(found: Findings) -> list[list[str]]:
    """A line a way: how long for each stage after those before it."""
    return [
        [way, *(f"{ms / 1000:.3f}" for ms in (*of.waits.values(), sum(of.waits.values())))]
        for way, of in found.ways.items()
        if of.waits
    ]


CLOUD_HEAD: Final = (
    "way", "requests", "wasted", "for speech", "guesses", "fillers", "reasons", "said again",
    "cut off",
)  # fmt: skip


def cloud_rows(found: Findings) -> list[list[str]]:
    """A line a way: what the cloud was asked, and what else was said."""
    return [
        [
            way,
            NONE if of.questions is None else str(of.questions),
            str(of.wasted),
            NONE if of.speech is None else str(of.speech),
            str(of.guesses),
            str(of.fillers),
            str(of.reasons),
            str(of.said_again),
            str(of.cut),
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
    left = {"way", "stage", "after", "by", "of"}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if name in left else cell.rjust(width)
            for name, cell, width in zip(head, line, widths, strict=True)
        ).rstrip()
        for line in table
    )
