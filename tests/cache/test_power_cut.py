"""Power cuts and kills: nothing wrong is served, and nothing that was committed is lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sena_pi.cache.card import LOG_NAME
from sena_pi.cache.log import SegmentLog
from tests.cache.cuts import Life, cut_at, left_by, moments_of, writer_life
from tests.cache.kills import kill_writers
from tests.cache.known import SEGMENT_BYTES, record, small_card
from tests.cache.power_cut import Disk, Event, Operation, recorded

CUTS = 40
KILLS = 12


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """What a writer did, its rounds of the log, forgetting and restarts included."""
    return writer_life(tmp_path_factory.mktemp("writer"), seed=1, steps=250, found={})


def test_a_power_cut_loses_nothing_that_was_committed(life: Life, tmp_path: Path) -> None:
    """Whatever the card kept of what was not synced, in whatever order, torn or whole."""
    chance = random.Random(1)
    verdict = cut_at(life, moments_of(life.events, CUTS, chance), tmp_path, chance)
    assert [] == verdict.faults
    assert (CUTS, True) == (verdict.cuts, verdict.entries > 20 * CUTS)


def test_a_second_power_cut_loses_nothing_either(life: Life, tmp_path: Path) -> None:
    """Of a writer that goes on with what a first cut has left, or while it makes that good."""
    chance = random.Random(2)
    found = left_by(life, chance)
    second = writer_life(tmp_path, seed=2, steps=100, found=found)
    moments = [*moments_of(second.events, CUTS // 2, chance), *range(1, 20)]
    verdict = cut_at(second, moments, tmp_path, chance)
    assert [] == verdict.faults
    assert verdict.entries > 20 * CUTS // 2


def test_where_syncs_do_nothing_the_same_test_fails(life: Life, tmp_path: Path) -> None:
    """The control: entries are lost, and still no payload is wrong."""
    chance = random.Random(1)
    moments = moments_of(life.events, CUTS, chance)
    verdict = cut_at(life, moments, tmp_path, chance, honest=False)
    assert verdict.lost
    assert [] == verdict.wrong


def test_a_kill_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    """At any moment of a writer at full speed; the next one takes over what it left."""
    verdict = kill_writers(tmp_path, KILLS, random.Random(1))
    assert [] == verdict.faults
    assert (KILLS, True) == (verdict.cuts, verdict.entries > 20 * KILLS)


def test_what_a_start_finds_in_the_log_is_synced_before_the_index_knows_it(tmp_path: Path) -> None:
    """Its writer may have been killed before the sync."""
    folder = tmp_path / "cache"
    folder.mkdir()
    log = SegmentLog(folder / LOG_NAME, segments=small_card().segments, segment_bytes=SEGMENT_BYTES)
    log.append([record(1)])
    log.close()
    arguments = [str(folder), str(tmp_path / "trace.marks"), "1", "1"]
    descriptors = {}
    for event in recorded("tests.cache.writer", arguments, folder, tmp_path):
        if event.operation in (Operation.OPEN, Operation.CREATE):
            descriptors[event.descriptor] = event.name
        if event.operation is Operation.SYNC and descriptors[event.descriptor] == LOG_NAME:
            return
        assert event.operation is not Operation.MARK, "it was not synced before the first step"


def event(operation: Operation, offset: int = 0, name: str = "", data: bytes = b"") -> Event:
    return Event(operation, 3, offset, name, data)


def test_the_simulated_card_keeps_what_was_synced_and_tears_the_rest() -> None:
    """The test's own tool: synced bytes are always there, others are there or not by sectors."""
    card = Disk()
    card.do(event(Operation.CREATE, name="a"))
    card.do(event(Operation.WRITE, 0, data=b"old." * 256))
    card.do(event(Operation.SYNC))
    chance = random.Random(1)
    assert {True, False} == {"a" in card.after_a_cut(chance) for _ in range(40)}
    card.do(event(Operation.SYNC_FOLDER))
    card.do(event(Operation.WRITE, 0, data=b"new." * 256))
    states = {card.after_a_cut(chance)["a"] for _ in range(200)}
    sectors = {(state[:512], state[512:]) for state in states}
    old, new = b"old." * 128, b"new." * 128
    assert {(one, other) for one in (old, new) for other in (old, new)} == sectors
    card.do(event(Operation.RENAME, name="a", data=b"b"))
    assert {("a",), ("b",)} == {tuple(card.after_a_cut(chance)) for _ in range(40)}
    card.do(event(Operation.UNLINK, name="b"))
    card.do(event(Operation.SYNC_FOLDER))
    assert {} == card.after_a_cut(chance)
