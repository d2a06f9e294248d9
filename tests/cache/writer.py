"""A process that uses a cache at full speed and tells before each step what must be kept.

`python -m tests.cache.writer FOLDER MARKS SEED STEPS [FIRST_VERSION]`. Each line of MARKS is JSON.
`kept`: version and segment, by number, of the entries that the card holds. `gone`: what was
forgotten, as pairs of number and version. `coming`: versions that the step may write. `leaving`:
what it deletes.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

from sena_pi.cache.records import segment_of
from sena_pi.cache.store import Store
from tests.cache.known import key, record, small_store, version_of

NUMBERS = 120


class Writer:
    """The user of the cache. `first_version`: greater than all that were put before."""

    def __init__(self, folder: Path, marks: int, seed: int, *, first_version: int = 1) -> None:
        self._folder = folder
        self._marks = marks
        self._chance = random.Random(seed)
        self._first_version = first_version
        self._versions: dict[int, int] = {}
        self._pending: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._leaving: list[int] = []
        self._gone: set[tuple[int, int]] = set()
        self._open()
        for number in range(NUMBERS):
            served = self._store.peek(key(number))
            if served is not None:
                self._committed[number] = version_of(number, served[0])
        self._tell()

    def run(self, steps: int) -> None:
        """Do so many steps and tell of each; 0: for ever."""
        ways = [self._flush] * 40 + [self._forget] * 3 + [self._write_index] * 2
        ways += [self._restart, self._lose_index, self._end]
        done = 0
        while not steps or done < steps:
            done += 1
            self._use()
            step = self._clear if self._chance.random() < 0.004 else self._chance.choice(ways)
            self._leaving = self._leavers(step == self._forget, step == self._clear)
            self._tell()
            step()
        self._leaving = []
        self._tell()

    def _leavers(self, forget: bool, clear: bool) -> list[int]:  # noqa: FBT001
        held = [number for number in range(NUMBERS) if self._holds(number)]
        if clear:
            return held
        return self._chance.sample(held, min(2, len(held))) if forget else []

    def _holds(self, number: int) -> bool:
        return self._store.card is not None and self._store.card.holds(key(number))

    def _use(self) -> None:
        for _ in range(self._chance.randrange(1, 9)):
            number = min(int(self._chance.expovariate(1 / 30)), NUMBERS - 1)
            if self._store.fetch(key(number)) is None or self._chance.random() < 0.3:
                version = self._versions.get(number, self._first_version) + 1
                self._versions[number] = self._pending[number] = version
                self._store.put(record(number, version))

    def _flush(self) -> None:
        assert self._store.flush(), self._store.trouble
        self._flushed()

    def _flushed(self) -> None:
        self._committed.update(self._pending)
        self._pending.clear()

    def _forget(self) -> None:
        self._store.forget(map(key, self._leaving))
        for number in self._leaving:
            self._pending.pop(number, None)
            last = self._versions.get(number, self._committed[number])
            self._gone.update((number, version) for version in range(self._first_version, last + 1))

    def _clear(self) -> None:
        self._store.clear()
        self._pending.clear()

    def _write_index(self) -> None:
        assert self._store.card is not None
        self._store.card.write_index()

    def _end(self) -> None:
        self._store.close()
        self._flushed()
        self._open()

    def _restart(self) -> None:
        self._store.abandon()
        self._open()

    def _lose_index(self) -> None:
        self._store.abandon()
        (self._folder / "index.db").unlink(missing_ok=True)
        self._open()

    def _open(self) -> None:
        self._pending.clear()
        self._store = Store(self._folder, small_store())
        assert self._store.card is not None, self._store.trouble

    def _tell(self) -> None:
        card = self._store.card
        assert card is not None
        places = card._catalogue.plain()
        kept = {
            number: (version, segment_of(places[key(number)]))
            for number, version in self._committed.items()
            if key(number) in places
        }
        line = {
            "kept": kept,
            "gone": sorted(self._gone),
            "coming": self._pending,
            "leaving": self._leaving,
        }
        os.write(self._marks, json.dumps(line).encode() + b"\n")


def main() -> None:
    folder, marks, seed, steps, *first = sys.argv[1:]
    descriptor = os.open(marks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    first_version = int(first[0]) if first else 1
    Writer(Path(folder), descriptor, int(seed), first_version=first_version).run(int(steps))


if __name__ == "__main__":
    main()
