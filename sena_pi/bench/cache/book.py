"""Results in one JSON file, written after each of them: an interrupted run loses nothing."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from sena_pi.bench.cache.options import Options

LIBRARIES = ("sena-pi", "diskcache", "sqlite-utils", "matplotlib", "numpy")


@dataclass(frozen=True, slots=True)
class Cell:
    """What a result is of.

    Attributes:
        part: of `options.PARTS`.
        design: a name in the registry; the household (refresh).
        seed: of its trace.
        size: bytes of an answer (bytes), entries (lookups, open), objects (eviction), or
            requests a day (refresh).
    """

    part: str
    design: str
    seed: int
    size: int


class Book:
    """The results of one set of options.

    Attributes:
        path: its JSON file.
        data: what the file holds.
    """

    def __init__(self, path: Path, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data
        self._cells = {self._cell(result) for result in data["results"]}

    @classmethod
    def open(cls, options: Options) -> Book:
        """A new one; when resuming, the newest of the same options and versions in the folder."""
        options.out.mkdir(parents=True, exist_ok=True)
        # Through JSON, so that tuples compare equal to the lists they become.
        how = json.loads(json.dumps(options.how()))
        if options.resume:
            for path in sorted(options.out.glob("cache-*.json"), reverse=True):
                data = json.loads(path.read_text())
                if (data["how"], data["versions"]) == (how, versions()):
                    return cls(path, data)
        now = datetime.now(UTC)
        data = {
            "made": now.isoformat(timespec="seconds"),
            "machine": machine(),
            "versions": versions(),
            "options": options.to_json(),
            "how": how,
            "results": [],
        }
        return cls(options.out / f"cache-{now:%Y%m%dT%H%M%S}.json", data)

    def __contains__(self, cell: Cell) -> bool:
        return cell in self._cells

    def add(self, cell: Cell, result: dict[str, Any]) -> None:
        """Keep a result and write the file."""
        load = os.getloadavg()[0]
        self.data["results"].append({**asdict(cell), **result, "load": load})
        self._cells.add(cell)
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(self.data, indent=1))
        beside.replace(self.path)

    def results(self, part: str) -> list[dict[str, Any]]:
        """All of a part, in the order they were made."""
        return [result for result in self.data["results"] if result["part"] == part]

    @staticmethod
    def _cell(result: dict[str, Any]) -> Cell:
        return Cell(result["part"], result["design"], result["seed"], result["size"])


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "model": model(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg(),
    }


def model() -> str:
    """The board's or the processor's name, as far as the kernel tells."""
    board = Path("/proc/device-tree/model")
    if board.exists():
        return board.read_text().rstrip("\0")
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(": ", 1)[1]
    return platform.processor()


def versions() -> dict[str, str | None]:
    """Of Python, SQLite and the libraries; None of those that are not installed."""
    found: dict[str, str | None] = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = None
    return found
