"""Any row of things that can happen to a cache, and what holds after each of them."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sena_pi.cache.card import LOG_NAME
from sena_pi.cache.catalogue import BROKEN_NAME, INDEX_NAME
from sena_pi.cache.records import Record
from sena_pi.cache.store import Store
from tests.cache.known import (
    SEGMENT_BYTES,
    key,
    log_bytes,
    payload,
    record,
    small_store,
    version_of,
)

NUMBERS = range(24)
numbers = st.sampled_from(NUMBERS)
SEGMENTS = 4


@contextlib.contextmanager
def no_file_longer_than(length: int) -> Iterator[None]:
    """The kernel refuses to write behind this length, in the middle of a write if need be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def no_sync() -> Iterator[None]:
    """The log's syncs fail; the writes before them do not."""

    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    real, os.fdatasync = os.fdatasync, fails
    try:
        yield
    finally:
        os.fdatasync = real


class CacheLife(RuleBasedStateMachine):
    """A cache, and what is known of it.

    `last`: the version that may be served, none of a key that is not in it. `unsure`: versions of
    which nobody knows whether the card has them, because a write or a deletion failed. `damaged`:
    entries whose record was damaged: without an index an older version may be found.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp()) / "cache"
        self.now = 0.0
        self.version = 0
        self.last: dict[int, int] = {}
        self.unsure: dict[int, set[int]] = {number: set() for number in NUMBERS}
        self.damaged: set[int] = set()
        self.trouble_expected = False
        self.promote = False

    @initialize(promote=st.booleans())
    def begin(self, promote: bool) -> None:  # noqa: FBT001
        self.promote = promote
        self.store = self.opened()

    def opened(self) -> Store:
        store = Store(
            self.folder,
            small_store(SEGMENTS, promote=self.promote, memory_bytes=30_000, group_turns=3),
            monotonic=lambda: self.now,
        )
        assert store.card is not None, store.trouble
        return store

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.abandon()
        shutil.rmtree(self.folder.parent)

    # --- what it may do -----------------------------------------------------------------------

    @rule(number=numbers)
    def put(self, number: int) -> None:
        self.version += 1
        self.last[number] = self.version
        assert self.store.put(record(number, self.version))
        assert self.seen(number) == self.version

    @rule(number=numbers)
    def fetch(self, number: int) -> None:
        found = self.store.fetch(key(number))
        assert (None if found is None else version_of(number, found[0])) == self.seen(number)

    @rule(seconds=st.sampled_from([0.5, 61.0, 4000.0, 1.6e9, -1.6e9]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.store.turn_ended()

    @rule()
    def flush_when_due(self) -> None:
        if self.store.flush_due:
            self.flush()

    @rule()
    def flush(self) -> None:
        due = self.store._memory.due()
        assert self.store.flush()
        self.trouble_expected = False
        if due:
            self.damaged.clear()  # it was seen, and is forgotten now
        for one in due:
            assert self.card_version(number_of(one)) == version_of(number_of(one), one.payload)

    @rule(chosen=st.sets(numbers, min_size=1, max_size=3))
    def forget(self, chosen: set[int]) -> None:
        versions = {number: self.unsure[number] | {self.last.get(number, 0)} for number in chosen}
        held = set(self.held()) & chosen
        self.store.forget(map(key, chosen))
        data = log_bytes(self.folder)
        for number in chosen:
            assert self.store.fetch(key(number)) is None
            if number in held:
                assert not [one for one in versions[number] if payload(number, one)[8:] in data]
            self.last.pop(number, None)
            if number in held:
                self.unsure[number].clear()
                self.damaged.discard(number)

    @rule()
    def clear(self) -> None:
        self.store.clear()
        assert 0 == self.store.entries
        self.trouble_expected = False
        self.last.clear()
        self.damaged.clear()
        self.unsure = {number: set() for number in NUMBERS}

    # --- what may happen to it ----------------------------------------------------------------

    @rule(length=st.integers(0, SEGMENTS * SEGMENT_BYTES))
    def the_disk_is_full(self, length: int) -> None:
        with no_file_longer_than(length):
            self.flush_that_may_fail()

    @rule()
    def the_disk_cannot_sync(self) -> None:
        with no_sync():
            self.flush_that_may_fail()

    def flush_that_may_fail(self) -> None:
        before = {number: self.seen(number) for number in self.last}
        for one in self.store._memory.due():
            self.unsure[number_of(one)].add(version_of(number_of(one), one.payload))
        self.trouble_expected = not self.store.flush()
        for number, version in before.items():
            # Only what the card reclaimed for the others may have gone.
            assert self.seen(number) in (version, None)
            if version is not None and self.seen(number) is None:
                assert key(number) not in {one.key for one in self.store._memory.due()}

    @rule(number=numbers)
    def the_disk_refuses_to_forget(self, number: int) -> None:
        last, older = self.last.pop(number, None), self.card_version(number)
        self.unsure[number] |= {one for one in (last, older) if one is not None}
        with no_sync(), contextlib.suppress(OSError):
            self.store.forget([key(number)])
        assert self.store.fetch(key(number)) is None

    @rule()
    def restart(self) -> None:
        card, before = self.store.card, self.card_versions()
        assert card is not None
        due = {number_of(one) for one in self.store._memory.due()}
        evicted = card.evicted
        self.store.close()
        kept = {number: version for number, version in before.items() if card.evicted == evicted}
        kept |= {number: self.last[number] for number in due}
        maybe = {number: {version} for number, version in before.items()}
        self.start_again(kept, maybe)

    @rule()
    def crash(self) -> None:
        before = self.card_versions()
        self.store.abandon()
        self.start_again(before)

    @rule()
    def crash_and_lose_the_index(self) -> None:
        before = self.card_versions()
        self.store.abandon()
        (self.folder / INDEX_NAME).unlink(missing_ok=True)
        self.start_again(before)

    @precondition(lambda self: (self.folder / INDEX_NAME).exists())
    @rule(seed=st.integers(0, 1000))
    def crash_and_damage_the_index(self, seed: int) -> None:
        before = self.card_versions()
        self.store.abandon()
        path = self.folder / INDEX_NAME
        data = bytearray(path.read_bytes())
        chance = random.Random(seed)
        for _ in range(20):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        # A row that became another's hides an entry; none may be served wrongly.
        self.start_again({}, {number: {version} for number, version in before.items()})
        for stranger in list(self.store.keys()):
            self.store.peek(stranger)  # the record tells that it is not its own
        (self.folder / BROKEN_NAME).unlink(missing_ok=True)

    @precondition(lambda self: self.held())
    @rule(chance=st.randoms(use_true_random=False))
    def crash_and_damage_a_record(self, chance: random.Random) -> None:
        before = self.card_versions()
        if not before:
            return
        number = chance.choice(sorted(before))
        found = payload(number, before.pop(number))
        self.store.abandon()
        data = bytearray(log_bytes(self.folder))
        data[data.rindex(found) + chance.randrange(len(found))] ^= 1 << chance.randrange(8)
        (self.folder / LOG_NAME).write_bytes(data)
        self.damaged.add(number)
        self.start_again(before)

    # --- what is known --------------------------------------------------------------------------

    def seen(self, number: int) -> int | None:
        """The version that would be served; looking does not count as asking."""
        found = self.store.peek(key(number))
        version = None if found is None else version_of(number, found[0])
        assert version in (self.last.get(number), None)
        return version

    def held(self) -> list[int]:
        card = self.store.card
        return [number for number in NUMBERS if card is not None and card.holds(key(number))]

    def card_version(self, number: int) -> int | None:
        assert self.store.card is not None
        found = self.store.card.read(key(number), counts=False)
        return None if found is None else version_of(number, found)

    def card_versions(self) -> dict[int, int]:
        found = {number: self.card_version(number) for number in NUMBERS}
        return {number: version for number, version in found.items() if version is not None}

    def start_again(self, kept: dict[int, int], maybe: dict[int, set[int]] | None = None) -> None:
        """Open it again: `kept` must be there; what else is must be in `maybe` or unsure."""
        self.store = self.opened()
        self.trouble_expected = False
        found = self.card_versions()
        for number in NUMBERS:
            version, unsure = found.get(number), self.unsure[number]
            if number in kept and version != kept[number]:
                assert version in unsure or number in self.damaged
            if version is not None and version != kept.get(number):
                allowed = unsure | (maybe or {}).get(number, set())
                assert version in allowed or number in self.damaged
            unsure.clear()
        self.last = found

    @invariant()
    def all_is_well(self) -> None:
        for number in NUMBERS:
            self.seen(number)
        assert self.store.card is not None
        assert self.store.card.reserved_bytes <= small_store(SEGMENTS).card.budget_bytes
        problems = set(self.store.problems())
        assert problems <= ({self.store.trouble} if self.trouble_expected else set())


def number_of(one: Record) -> int:
    return int.from_bytes(one.key, "big")


CacheLife.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestCacheLife = CacheLife.TestCase
