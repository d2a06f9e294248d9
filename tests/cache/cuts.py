"""Power cuts of a cache: a recorded writer, cut anywhere, and what must be found afterwards."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path

from sena_pi.cache.store import Store
from tests.cache.known import key, log_bytes, payload, record, small_card, small_store, version_of
from tests.cache.power_cut import Disk, Event, Operation, recorded
from tests.cache.writer import NUMBERS

NEW_NUMBER = 1000


@dataclass
class Verdict:
    """What was found after cuts.

    Attributes:
        cuts: how many there were.
        entries: committed entries that were looked for, in all of them.
        rebuilt: cuts after which there was no index that could be used.
        wrong: payloads that were never put, or not for this entry.
        lost: committed entries that were not served, or in an older version.
        returned: entries that were forgotten or replaced and were there again.
        problems: what the cache said of itself, and whatever kept it from going on.
    """

    cuts: int = 0
    entries: int = 0
    rebuilt: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """All that should not be."""
        return [*self.wrong, *self.lost, *self.returned, *self.problems]

    def counts(self) -> dict[str, int]:
        """How many of each, by column of a table."""
        return {
            "times": self.cuts,
            "entries looked for": self.entries,
            "wrong": len(self.wrong),
            "lost": len(self.lost),
            "back again": len(self.returned),
            "problems": len(self.problems),
            "indexes made anew": self.rebuilt,
        }

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            *(getattr(self, one.name) + getattr(other, one.name) for one in fields(self))
        )

    def __str__(self) -> str:
        return (
            f"{self.cuts:5} times, {self.entries:7} committed entries looked for: "
            f"{len(self.wrong)} wrong payloads, {len(self.lost)} entries lost, "
            f"{len(self.returned)} back again, {len(self.problems)} problems; "
            f"{self.rebuilt} indexes made anew"
        )


@dataclass(frozen=True)
class Promise:
    """What a writer has said before a step.

    Attributes:
        kept: versions, by number, of what the card held.
        segments: and where.
        gone: numbers and versions that were forgotten.
        coming: versions that the step may have written.
        leaving: what the step deletes.
    """

    kept: dict[int, int]
    segments: dict[int, int]
    gone: frozenset[tuple[int, int]]
    coming: dict[int, int]
    leaving: frozenset[int]

    @classmethod
    def read(cls, line: bytes) -> Promise:
        """From one of its marks."""
        told = json.loads(line)
        kept = {int(number): one for number, one in told["kept"].items()}
        return cls(
            {number: version for number, (version, _) in kept.items()},
            {number: segment for number, (_, segment) in kept.items()},
            frozenset((number, version) for number, version in told["gone"]),
            {int(number): version for number, version in told["coming"].items()},
            frozenset(told["leaving"]),
        )


NOTHING = Promise({}, {}, frozenset(), {}, frozenset())

Allowed = Callable[[int, Store], set[int | None]]
"""The versions of an entry, by number, that may be served; None: it need not be there."""


def after(said: Promise, to_come: Promise) -> Allowed:
    """Either what was kept before a step, or what was kept after it."""
    reclaimed = max(to_come.segments.values(), default=0) - small_card().segments

    def allowed(number: int, _: Store) -> set[int | None]:
        versions = {said.kept.get(number), to_come.kept.get(number)}
        # An older version has gone before a newer one was written: its segment was reclaimed.
        gone = len(versions) > 1 and said.segments.get(number, reclaimed + 1) <= reclaimed
        return versions | {None} if gone else versions

    return allowed


def killed_in(said: Promise) -> Allowed:
    """What was kept before a step of which nobody knows how far it came."""

    def allowed(number: int, store: Store) -> set[int | None]:
        assert store.card is not None
        versions = {said.kept.get(number), said.coming.get(number, said.kept.get(number))}
        oldest, segment = store.card._log.oldest, said.segments.get(number, -1)
        # Half a write may be there: then the oldest segment has lost entries.
        reclaimed = segment < oldest or (segment == oldest and store.card.damaged > 0)
        return versions | {None} if reclaimed or number in said.leaving else versions

    return allowed


@dataclass(frozen=True)
class Life:
    """A writer's: what it found in its folder, and what it did."""

    found: dict[str, bytes]
    events: list[Event]


def writer_life(place: Path, *, seed: int, steps: int, found: dict[str, bytes]) -> Life:
    """Record a writer in a folder with these files; `place` is to be empty."""
    folder = place / "cache"
    folder.mkdir()
    for name, content in found.items():
        (folder / name).write_bytes(content)
    first_version = 1 + 1000 * steps if found else 1
    arguments = [folder, place / "trace.marks", seed, steps, first_version]
    return Life(found, recorded("tests.cache.writer", list(map(str, arguments)), folder, place))


def left_by(life: Life, chance: random.Random) -> dict[str, bytes]:
    """What a cut at some moment of a life leaves."""
    card = Disk(life.found)
    for event in life.events[: moments_of(life.events, 2, chance)[0]]:
        card.do(event)
    return card.after_a_cut(chance)


_RARE = {
    Operation.CREATE,
    Operation.ALLOCATE,
    Operation.RENAME,
    Operation.UNLINK,
    Operation.SYNC_FOLDER,
}
_NEAR_EVENTS = 8


def moments_of(events: list[Event], count: int, chance: random.Random) -> list[int]:
    """Moments for cuts: half of them anywhere, half soon after something rare happened."""
    rare = [at for at, event in enumerate(events, 1) if event.operation in _RARE]
    anywhere = [chance.randrange(1, len(events)) for _ in range(count - count // 2)]
    near = [chance.choice(rare) + chance.randrange(_NEAR_EVENTS) for _ in range(count // 2)]
    return [*anywhere, *near]


def cut_at(
    life: Life,
    moments: Iterable[int],
    place: Path,
    chance: random.Random,
    *,
    honest: bool = True,
) -> Verdict:
    """Cut the power after so many events, each of `moments` in turn, and look."""
    verdict, events = Verdict(), life.events
    promises = [
        (at, Promise.read(event.data))
        for at, event in enumerate(events)
        if event.operation is Operation.MARK
    ]
    card, done, told = Disk(life.found, honest=honest), 0, 0
    for moment in sorted(moments):
        for event in events[done:moment]:
            card.do(event)
        done = moment
        while told < len(promises) and promises[told][0] < moment:
            told += 1
        # Before its first word it has only looked at what it found.
        said = promises[max(told - 1, 0)][1]
        to_come = promises[told][1] if told < len(promises) else said
        folder = place / f"cut-{moment}"
        folder.mkdir(exist_ok=True)
        for name, content in card.after_a_cut(chance).items():
            (folder / name).write_bytes(content)
        look(folder, said, after(said, to_come), verdict, f"cut after {moment} events")
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    return verdict


def look(folder: Path, said: Promise, allowed: Allowed, verdict: Verdict, when: str) -> None:
    """Open the cache that a writer has left, compare it with its promises, and go on with it.

    Args:
        folder: of the cache.
        said: the writer's last promise.
        allowed: what may be served now.
        verdict: where it is written down.
        when: it was left.
    """
    verdict.cuts += 1
    verdict.entries += len(said.kept)
    had_index = (folder / "index.db").exists()
    before = {name.name for name in folder.iterdir()}
    store = Store(folder, small_store())
    if not had_index or "index.broken.db" in {one.name for one in folder.iterdir()} - before:
        verdict.rebuilt += 1
    if store.card is None:
        verdict.problems.append(f"{when}: {store.trouble}")
        return
    found = _served(store, verdict, when)
    for number in range(NUMBERS):
        version, right = found.get(number), allowed(number, store)
        if version in right:
            continue
        oldest = min((one for one in right if one is not None), default=None)
        is_lost = oldest is not None and (version is None or version < oldest)
        kind = verdict.lost if is_lost else verdict.returned
        kind.append(f"{when}: entry {number}, {version} instead of {right}")
    data = log_bytes(folder)
    verdict.returned += [
        f"{when}: the bytes of entry {number} are on the card still"
        for number, version in said.gone
        if payload(number, version)[8:] in data
    ]
    verdict.problems += [f"{when}: {problem}" for problem in store.problems()]
    _go_on(folder, store, found, verdict, when)


def _served(store: Store, verdict: Verdict, when: str) -> dict[int, int]:
    found = {}
    for number in range(NUMBERS):
        served = store.fetch(key(number))
        if served is not None:
            try:
                found[number] = version_of(number, served[0])
            except AssertionError as wrong:
                verdict.wrong.append(f"{when}: {wrong}")
    return found


def _go_on(folder: Path, store: Store, found: dict[int, int], verdict: Verdict, when: str) -> None:
    """It can be written, and the next start finds all."""
    store.put(record(NEW_NUMBER))
    written = store.flush()
    kept = [number for number in found if store.card and store.card.holds(key(number))]
    store.abandon()
    again = Store(folder, small_store())
    served = _served(again, verdict, when)
    if not written or again.fetch(key(NEW_NUMBER)) != (payload(NEW_NUMBER), "card"):
        verdict.problems.append(f"{when}: it can't go on: {store.trouble}")
    if any(served.get(number) != found[number] for number in kept):
        verdict.problems.append(f"{when}: the second start does not find what the first did")
    verdict.problems += [f"{when}, second start: {problem}" for problem in again.problems()]
    again.abandon()
