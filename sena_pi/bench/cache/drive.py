"""The child that replays a turn trace: `python -m sena_pi.bench.cache.drive TASK`.

TASK is a JSON object (`Task`); the answer is one JSON object on standard output. In a process of
its own a design can be counted alone, and its memory and threads end with it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sena_pi.bench.cache.design import Design, fill
from sena_pi.bench.cache.device import (
    Written,
    device_written,
    process_written,
    sync_folder,
)
from sena_pi.bench.cache.registry import designs
from sena_pi.bench.cache.traces import Entry, Household, Turn


@dataclass(frozen=True, slots=True)
class Task:
    """What the child does.

    Attributes:
        design: its name in the registry.
        folder: of the cache.
        stat: the device's counters, None to count the process's own.
        turns: of the trace; 0 fills the cache with cold entries instead.
        household: who asks.
    """

    design: str
    folder: str
    stat: str | None
    turns: int
    sync_every: int
    budget_bytes: int
    household: Household

    @classmethod
    def from_json(cls, text: str) -> Task:
        """The inverse of `to_json`."""
        data = json.loads(text)
        return cls(**{**data, "household": Household(**data["household"])})

    def to_json(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))

    def written(self) -> Written:
        """The counters now."""
        return process_written() if self.stat is None else device_written(Path(self.stat))


@dataclass(slots=True)
class Tally:
    """What a trace came to."""

    turns: int = 0
    turn_hits: int = 0
    texts: int = 0
    text_hits: int = 0
    sentences: int = 0
    sentence_hits: int = 0
    put_bytes: int = 0

    def turn(self, design: Design, turn: Turn) -> None:
        """Ask for all a turn needs and put what is missing.

        Raises:
            ValueError: the design gave another payload than was put.
        """
        hits = 0
        for entry in turn:
            found = design.get(entry.key)
            if found is None:
                design.put(entry.key, entry.payload())
                self.put_bytes += entry.size
            elif found != entry.payload():
                raise ValueError(f"{design.name} gave a wrong payload")
            hit = found is not None
            hits += hit
            if entry.spoken:
                self.sentences += 1
                self.sentence_hits += hit
            else:
                self.texts += 1
                self.text_hits += hit
        self.turns += 1
        self.turn_hits += hits == len(turn)
        design.after_turn()


def replay(task: Task, design: Design) -> Tally:
    """The whole trace, closing included."""
    tally = Tally()
    folder = Path(task.folder)
    for number, turn in enumerate(task.household.turns(task.turns), start=1):
        tally.turn(design, turn)
        if number % task.sync_every == 0:
            sync_folder(folder)
    design.close()
    sync_folder(folder)
    return tally


def cold_entries(task: Task) -> Iterator[tuple[bytes, bytes]]:
    """As many as the bound holds; nobody asks for them."""
    size = task.household.answer_bytes
    for number in range(task.budget_bytes // size):
        entry = Entry.named(f"cold/{number}", size)
        yield entry.key, entry.payload()


def main() -> int:
    """The child's work."""
    task = Task.from_json(sys.argv[1])
    factory = designs()[task.design]
    if task.turns == 0:
        design = factory(Path(task.folder), task.budget_bytes)
        fill(design, cold_entries(task))
        design.close()
        sync_folder(Path(task.folder))
        return 0
    started = time.monotonic()
    before = task.written()
    tally = replay(task, factory(Path(task.folder), task.budget_bytes))
    written = task.written().since(before)
    took_s = time.monotonic() - started
    json.dump({**asdict(tally), "took_s": took_s, "written": asdict(written)}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
