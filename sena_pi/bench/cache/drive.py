"""The child that drives one design: `python -m sena_pi.bench.cache.drive TASK`.

TASK is a JSON object (`Task`); the answer is one JSON object on standard output. In a process of
its own a design can be counted alone, and its memory and threads end with it.

A day's turns are driven in seconds. A design that writes after some idle time, too, needs a clock
that its factory gives it; here turns and closing are all that tells it to write.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Literal

from sena_pi.bench.cache.design import Design, fill
from sena_pi.bench.cache.device import (
    Written,
    device_written,
    process_written,
    sync_folder,
)
from sena_pi.bench.cache.registry import designs
from sena_pi.bench.cache.traces import Entry, Household, Turn

HITS = 10_000
HITS_A_SYNC = 100
HITS_TURNS = 100
"""What so many of the trace's last turns asked for is asked for again."""


@dataclass(frozen=True, slots=True)
class Task:
    """What the child does.

    Attributes:
        design: its name in the registry.
        folder: of the cache.
        stat: the device's counters, None to count the process's own.
        phase: "fill" with cold entries, replay the "trace", or count what "hits" write.
        turns: of the trace.
        household: who asks.
    """

    design: str
    folder: str
    stat: str | None
    phase: Literal["fill", "trace", "hits"]
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

    def open(self) -> Design:
        """The design in its folder."""
        return designs()[self.design](Path(self.folder), self.budget_bytes)

    def sync(self) -> None:
        """Write out the folder's file system."""
        sync_folder(Path(self.folder))

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


def fill_cold(task: Task) -> dict[str, Any]:
    """Fill to the bound with entries that nobody asks for."""
    size = task.household.answer_bytes
    entries = (Entry.named(f"cold/{number}", size) for number in range(task.budget_bytes // size))
    with closing(task.open()) as design:
        fill(design, ((entry.key, entry.payload()) for entry in entries))
    task.sync()
    return {}


def replay(task: Task) -> dict[str, Any]:
    """The whole trace, opening and closing included."""
    tally = Tally()
    started = time.monotonic()
    before = task.written()
    with closing(task.open()) as design:
        for number, turn in enumerate(task.household.turns(task.turns), start=1):
            tally.turn(design, turn)
            if number % task.sync_every == 0:
                task.sync()
    task.sync()
    written = task.written().since(before)
    took_s = time.monotonic() - started
    return {**asdict(tally), "took_s": took_s, "written": asdict(written)}


def count_hits(task: Task) -> dict[str, Any]:
    """Ask `HITS` times for what the last turns left in the cache; opening and closing apart."""
    lately = deque(task.household.turns(task.turns), maxlen=HITS_TURNS)
    with closing(task.open()) as design:
        kept = [entry.key for turn in lately for entry in turn if design.get(entry.key) is not None]
        design.after_turn()
        task.sync()
        before = task.written()
        hits = 0
        for number, key in enumerate(islice(cycle(kept), HITS), start=1):
            hits += design.get(key) is not None
            if number % HITS_A_SYNC == 0:
                design.after_turn()
                task.sync()
        written = task.written().since(before)
    return {"hits": hits, "hits_written_bytes": written.bytes if hits else None}


PHASES = {"fill": fill_cold, "trace": replay, "hits": count_hits}


def main() -> int:
    """The child's work."""
    task = Task.from_json(sys.argv[1])
    json.dump(PHASES[task.phase](task), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
