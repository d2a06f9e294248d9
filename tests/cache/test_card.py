"""What the card holds, and what is left of it when something is damaged, lost or another's."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sena_pi.cache.card import LOG_NAME, Card, CardSettings
from sena_pi.cache.catalogue import BROKEN_NAME, INDEX_NAME
from sena_pi.cache.log import LogBusy, SegmentLog
from sena_pi.cache.records import Kind, Record
from tests.cache.cards import FULL, fill, reopened, served
from tests.cache.known import (
    INDEX_BYTES,
    SEGMENT_BYTES,
    key,
    log_bytes,
    payload,
    record,
    small_card,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def card(folder: Path) -> Iterator[Card]:
    with closing(Card(folder, small_card())) as one:
        yield one


def test_the_last_entries_are_there_after_rounds_of_the_log(card: Card) -> None:
    """As many as fit; each as it was put; the older ones went, and are counted."""
    fill(card, FULL)
    kept = served(card)
    assert list(FULL[-len(kept) :]) == sorted(kept)
    assert card.kept_bytes > 0.6 * card._settings.segments * SEGMENT_BYTES
    assert len(FULL) - len(kept) == card.evicted
    assert [] == list(card.problems())


def test_used_entries_are_carried_over(card: Card) -> None:
    """Those that were asked for outlive a round, and go when they are asked for no more."""
    fill(card, range(5))
    for number in (1, 3):
        assert card.read(key(number)) == payload(number)
    fill(card, range(100, 100 + 95))
    assert {1, 3} == served(card, range(5)).keys()
    fill(card, range(200, 400))
    assert {} == served(card, range(5))


def test_who_only_looks_keeps_nothing_alive(card: Card) -> None:
    """`counts=False`: it goes as if it had not been looked at."""
    fill(card, range(5))
    card.read(key(1), counts=False)
    fill(card, range(100, 195))
    assert {} == served(card, range(5))


def test_what_is_carried_leaves_room_for_what_is_new(folder: Path) -> None:
    """Though all is asked for all the time: new entries are written, and nothing hangs."""
    with closing(Card(folder, small_card())) as card:
        for start in range(0, 400, 5):
            fill(card, range(start, start + 5))
            for number in FULL:
                card.read(key(number))
        assert {*range(395, 400)} <= served(card).keys()
        assert [] == list(card.problems())


def test_a_newer_version_takes_the_place_of_an_older(card: Card, folder: Path) -> None:
    """In memory, after a start, and after a start without an index."""
    for version in range(12):
        fill(card, range(10), version)
    assert dict.fromkeys(range(10), 11) == served(card)
    card.write_index()
    card = reopened(card, folder)
    assert dict.fromkeys(range(10), 11) == served(card)
    card.abandon()
    (folder / INDEX_NAME).unlink()
    with closing(Card(folder, small_card())) as again:
        assert dict.fromkeys(range(10), 11) == served(again)


def without_end(card: Card, folder: Path) -> None:
    card.abandon()


def with_end(card: Card, folder: Path) -> None:
    card.close()


def index_lost(card: Card, folder: Path) -> None:
    card.abandon()
    (folder / INDEX_NAME).unlink()


def index_damaged(card: Card, folder: Path) -> None:
    card.abandon()
    (folder / INDEX_NAME).write_bytes(b"this was an index " * 500)


def index_another_s(card: Card, folder: Path) -> None:
    card.abandon()
    with closing(Card(folder.parent / "other", small_card())) as other:
        fill(other, range(1000, 2000))
    (folder.parent / "other" / INDEX_NAME).replace(folder / INDEX_NAME)


def index_a_folder(card: Card, folder: Path) -> None:
    card.abandon()
    (folder / INDEX_NAME).unlink()
    (folder / INDEX_NAME).mkdir()


@pytest.mark.parametrize(
    "end", [without_end, with_end, index_lost, index_damaged, index_another_s, index_a_folder]
)
@pytest.mark.parametrize("entries", [0, 3, 60, 400])
def test_a_start_finds_what_was_written(
    end: Callable[[Card, Path], None], entries: int, card: Card, folder: Path
) -> None:
    """However the last process ended, whatever became of the index, and however full it is."""
    fill(card, range(entries))
    card.write([], {"hits": entries})
    kept = served(card)
    end(card, folder)
    with closing(Card(folder, small_card())) as again:
        assert (kept, entries) == (served(again), again.counts["hits"])
        assert [] == list(again.problems())
        fill(again, [9999])
        kept = served(again)
    with closing(Card(folder, small_card())) as third:
        assert (kept, payload(9999)) == (served(third), third.read(key(9999)))


def test_an_index_older_than_a_round_of_the_log_is_of_no_use(card: Card, folder: Path) -> None:
    """All is read from the log, and the index is made anew."""
    fill(card, range(20))
    card.close()
    old = (folder / INDEX_NAME).read_bytes()
    card = Card(folder, small_card())
    fill(card, range(20, 400))
    kept = served(card)
    card.abandon()
    (folder / INDEX_NAME).write_bytes(old)
    with closing(Card(folder, small_card())) as again:
        assert kept == served(again)
        assert [] == list(again.problems())


@pytest.mark.parametrize("lost", [lambda path: path.unlink(), lambda path: os.truncate(path, 7)])
def test_a_log_that_was_lost_takes_its_index_with_it(
    lost: Callable[[Path], None], card: Card, folder: Path
) -> None:
    """Nothing is believed to lie in a new one, and what is written there is found again."""
    fill(card, range(200))
    card.close()
    lost(folder / LOG_NAME)
    card = Card(folder, small_card())
    assert (0, {}) == (len(card), served(card))
    fill(card, range(300, 303))
    card = reopened(card, folder)
    assert {300, 301, 302} == served(card).keys()
    assert [] == list(card.problems())
    card.abandon()


def test_another_budget_begins_anew(card: Card, folder: Path) -> None:
    """The log has another size: it is empty, and never longer than its bound."""
    fill(card, range(200))
    card.close()
    with closing(Card(folder, small_card(segments=5))) as smaller:
        assert 0 == len(smaller)
        fill(smaller, range(200))
        assert [] == list(smaller.problems())
        assert smaller.reserved_bytes <= small_card(segments=5).budget_bytes


def test_a_budget_that_is_no_use_is_refused() -> None:
    """A log needs segments to go round in."""
    with pytest.raises(ValueError, match="too small"):
        CardSettings(budget_bytes=INDEX_BYTES + 2 * SEGMENT_BYTES, segment_bytes=SEGMENT_BYTES)


def test_a_record_longer_than_a_segment_is_refused(card: Card) -> None:
    """It would never fit; nothing of its group is written."""
    with pytest.raises(ValueError, match="longer than a segment"):
        card.write([record(1), Record(Kind.ENTRY, key(2), bytes(SEGMENT_BYTES))], {})
    assert 0 == len(card)


def test_all_files_stay_within_the_budget_at_every_moment(folder: Path) -> None:
    """With entries so small that the index is what is full, and a broken one set aside."""
    settings = small_card(index_every_bytes=2000)
    most = 0
    with closing(Card(folder, settings)) as card:
        for start in range(0, 8 * settings.most_entries, 40):
            entries = [Record(Kind.ENTRY, key(start + n), b"x") for n in range(40)]
            card.write(entries, {})
            most = max(most, card.reserved_bytes)
            assert len(card) <= settings.most_entries
        assert [] == list(card.problems())
        assert card.evicted > 0
    (folder / INDEX_NAME).write_bytes(random.Random(1).randbytes(settings.longest_index_bytes))
    with closing(Card(folder, settings)) as card:
        assert (folder / BROKEN_NAME).exists()
        assert [] == list(card.problems())
        assert max(most, card.reserved_bytes) <= settings.budget_bytes


def test_used_entries_outlive_a_round_when_the_index_is_full(folder: Path) -> None:
    """They are no more entries than before: they are written before their old place is lost."""
    settings = small_card()
    used = [Record(Kind.ENTRY, key(n), b"used") for n in range(20)]
    with closing(Card(folder, settings)) as card:
        card.write(used, {})
        count = 20
        while count < settings.most_entries:
            batch = min(50, settings.most_entries - count)
            card.write([Record(Kind.ENTRY, key(10**6 + count + n), b"x") for n in range(batch)], {})
            count += batch
        for one in used:
            card.read(one.key)
        log = card._log
        # Into the last slot that is free: the next reclaims the one where they lie.
        while log.segment < log.segments - 1:
            card._reclaim()
        card.write([Record(Kind.ENTRY, key(10**7), b"new")], {})
        assert log.segments == log.segment
        held = [card._catalogue.plain()[one.key] for one in used]
        assert {log.segments - 1} == {where >> 39 for where in held}


def test_a_forgotten_entry_is_gone_from_the_card(card: Card, folder: Path) -> None:
    """Also its older versions and copies, and it does not come back without an index."""
    for version in range(3):
        fill(card, range(10), version)
    card.read(key(4))
    fill(card, range(100, 195))
    assert {4} <= served(card, range(10)).keys()
    card.forget([key(4), key(194)])
    assert {} == served(card, (4, 194))
    kept = served(card)
    data = log_bytes(folder)
    assert not [version for version in range(3) if payload(4, version)[8:] in data]
    assert payload(194)[8:] not in data
    assert [] == list(card.problems())
    card = reopened(card, folder)
    assert kept == served(card)
    card.abandon()
    (folder / INDEX_NAME).unlink()
    with closing(Card(folder, small_card())) as again:
        assert kept == served(again)
        assert [] == list(again.problems())


def test_counters_are_kept_with_each_group(card: Card, folder: Path) -> None:
    """The last that were written, whether or not there is an index."""
    card.write([record(1)], {"hits": 1})
    card.write([], {"hits": 2, "days": {"today": 3}})
    card = reopened(card, folder)
    assert {"hits": 2, "days": {"today": 3}} == card.counts
    card.abandon()
    (folder / INDEX_NAME).unlink()
    with closing(Card(folder, small_card())) as again:
        assert {"hits": 2, "days": {"today": 3}} == again.counts


def test_reading_writes_nothing(card: Card, folder: Path) -> None:
    """No file of the folder changes, and nothing is written by this thread."""
    fill(card, range(40))
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    worn = card.wear.written_bytes, card.wear.syncs
    for _ in range(3):
        assert 40 == len([card.read(key(number)) for number in range(40)])
    assert before == {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.iterdir()}
    assert worn == (card.wear.written_bytes, card.wear.syncs)


def test_a_reader_sees_what_is_there_and_changes_nothing(card: Card, folder: Path) -> None:
    """While the writer runs; and it opens no cache where there is none."""
    fill(card, range(60))
    before = {path.name for path in folder.iterdir()}
    with closing(Card(folder, small_card(), writable=False)) as reader:
        assert served(card) == served(reader)
        assert [] == list(reader.problems())
    assert before == {path.name for path in folder.iterdir()}
    with pytest.raises(FileNotFoundError):
        Card(folder.parent / "none", small_card(), writable=False)
    assert not (folder.parent / "none").exists()


def test_a_reader_is_never_given_what_was_written_over(card: Card, folder: Path) -> None:
    """It has read an entry; the writer has gone round since: none, but not another's bytes."""
    fill(card, range(60))
    with closing(Card(folder, small_card(), writable=False)) as reader:
        before = served(reader)
        fill(card, range(1000, 1400))
        assert {} == served(reader)
        assert before


def test_only_one_process_writes(card: Card, folder: Path) -> None:
    """Another one is told; when the first ends it may."""
    program = (
        "import sys; from pathlib import Path; from sena_pi.cache.card import Card\n"
        "from sena_pi.cache.log import LogBusy; from tests.cache.known import small_card\n"
        "try: Card(Path(sys.argv[1]), small_card())\n"
        "except LogBusy: print('busy')\n"
        "else: print('mine')"
    )

    def other() -> str:
        command = [sys.executable, "-c", program, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()

    with pytest.raises(LogBusy):
        Card(folder, small_card())
    assert "busy" == other()
    card.close()
    assert "mine" == other()


def test_a_folder_that_vanished_is_told(card: Card, folder: Path) -> None:
    """Nothing is written into a deleted file; what it holds is still read."""
    fill(card, range(5))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    with pytest.raises(FileNotFoundError):
        card.write([record(9)], {})
    assert 5 == len(served(card))


def test_a_log_cut_short_by_others_serves_nothing_wrong(card: Card, folder: Path) -> None:
    """Not even entries that were found good before."""
    fill(card, range(30))
    assert 30 == len(served(card))
    os.truncate(folder / LOG_NAME, SEGMENT_BYTES // 2)
    assert len(served(card)) < 30


def test_deleting_leaves_an_empty_folder(card: Card, folder: Path) -> None:
    """All files of it."""
    fill(card, range(50))
    card.write_index()
    card.delete()
    assert [] == list(folder.iterdir())


def test_a_record_killed_before_its_sync_is_synced_before_the_index_knows_it(folder: Path) -> None:
    """A start syncs what it has learned from the log."""
    log = SegmentLog(_made(folder), segments=small_card().segments, segment_bytes=SEGMENT_BYTES)
    log.append([record(1)])
    log.close()
    with closing(Card(folder, small_card())) as card:
        assert {1: 0} == served(card)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder / LOG_NAME
