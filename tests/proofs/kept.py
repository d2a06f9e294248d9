"""Records of proofs: a JSON file for each, with its parts in the order in which they were made."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tests.prove.figures import Row

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "docs/proofs"
HEAD_LINES, TAIL_LINES = 30, 70
"""Of what a part printed; what stands between them is progress."""


@dataclass(frozen=True)
class Part:
    """One call of a proof.

    Attributes:
        arguments: what was given to it.
        begun: UTC, "2026-11-23T20:15Z".
        commit: of the tree; "+" stands behind it when the tree held more than was committed.
        machine: processor, cores and Python.
        load_before: of the last minute, when it began.
        load_after: the same at its end; None: not known.
        took_s: seconds; None: not known.
        status: exit status; 0 is a promise kept, or a figure without a promise.
        figures: rows that the proof reported, for the table.
        lines: what it printed, cut in the middle where it is long.
    """

    arguments: str
    begun: str
    commit: str
    machine: str
    load_before: float
    load_after: float | None
    took_s: float | None
    status: int
    figures: list[Row]
    lines: list[str]

    def shortened(self) -> Part:
        """The same without the middle of many lines."""
        left_out = len(self.lines) - HEAD_LINES - TAIL_LINES
        if left_out <= 0:
            return self
        gap = f"... ({left_out} lines) ..."
        return replace(
            self, lines=[*self.lines[:HEAD_LINES], gap, *self.lines[-TAIL_LINES:]]
        )  # fmt: skip


def load(name: str, folder: Path = FOLDER) -> list[Part]:
    """The parts of a proof, oldest first; none when it was not recorded."""
    path = folder / f"{name}.json"
    if not path.exists():
        return []
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [Part(**part) for part in record["parts"]]


def add(name: str, part: Part, folder: Path = FOLDER, *, anew: bool = False) -> None:
    """Keep a part: in place of an older one with the same arguments, or of all when `anew`."""
    older = [] if anew else load(name, folder)
    parts = [*(one for one in older if one.arguments != part.arguments), part.shortened()]
    _write(folder / f"{name}.json", {"proof": name, "parts": [asdict(one) for one in parts]})


def names(folder: Path = FOLDER) -> Sequence[str]:
    """Proofs that were recorded."""
    return sorted(path.stem for path in folder.glob("*.json"))


def _write(path: Path, record: dict[str, Any]) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(new, path)  # noqa: PTH105 - the name of the system call that is meant
