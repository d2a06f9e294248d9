"""What is served when bits, sectors or whole segments of the card are damaged."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sena_pi.cache.card import LOG_NAME, Card
from sena_pi.cache.catalogue import BROKEN_NAME, INDEX_NAME
from tests.cache.cards import FULL, fill, reopened, served
from tests.cache.known import SEGMENT_BYTES, key, log_bytes, payload, record, small_card
from tests.cache.power_cut import preloaded


def flipped(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def keep(card: Card) -> None:
    """The index is there."""


def lose(card: Card) -> None:
    (card._folder / INDEX_NAME).unlink()


@pytest.mark.parametrize("index", [keep, lose])
def test_bit_flips_in_the_log_are_caught_or_harmless(
    index: Callable[[Card], None], card: Card, folder: Path
) -> None:
    """100 each: what is served is right; only the entry that was hit is not; all goes on."""
    fill(card, range(200))
    card.close()
    pristine = {path: path.read_bytes() for path in folder.iterdir()}
    chance = random.Random(1)
    caught = 0
    for _ in range(100):
        for path, data in pristine.items():
            path.write_bytes(data)
        with closing(Card(folder, small_card())) as whole:
            kept = served(whole)
        flipped(folder / LOG_NAME, chance.randrange(8 * len(pristine[folder / LOG_NAME])))
        index(card)
        with closing(Card(folder, small_card())) as harmed:
            found = served(harmed)
            # Where the newest segment was one record, entries of the one before it come back.
            lost = kept.keys() - found.keys()
            assert len(lost) <= 1
            caught += len(lost)
            assert [] == list(harmed.problems())
            fill(harmed, [500])
            assert {500: 0} == served(harmed, [500])
    assert caught > 50


def test_bit_flips_in_the_index_are_caught_or_harmless(card: Card, folder: Path) -> None:
    """200: what is served is right, what was written after the index is never lost."""
    fill(card, range(200))
    card.write_index()
    fill(card, range(200, 204))
    kept = served(card)
    card.abandon()
    pristine = {path: path.read_bytes() for path in folder.iterdir()}
    chance = random.Random(2)
    caught = 0
    for _ in range(200):
        for path, data in pristine.items():
            path.write_bytes(data)
        flipped(folder / INDEX_NAME, chance.randrange(8 * len(pristine[folder / INDEX_NAME])))
        harmed = Card(folder, small_card())
        found = served(harmed)
        assert found.items() <= kept.items()
        assert {200, 201, 202, 203} <= found.keys()
        caught += (folder / BROKEN_NAME).exists() or found != kept
        fill(harmed, [500])
        harmed = reopened(harmed, folder)
        assert found | {500: 0} == served(harmed, [*FULL, 500])
        harmed.abandon()
        (folder / BROKEN_NAME).unlink(missing_ok=True)
    assert caught > 10


@pytest.mark.parametrize("index", [keep, lose])
@pytest.mark.parametrize("length", [100, 4096, SEGMENT_BYTES])
def test_damage_in_the_middle_loses_only_what_was_there(
    index: Callable[[Card], None], length: int, card: Card, folder: Path
) -> None:
    """A row of bytes, a page or a whole segment: what lies behind it is served."""
    fill(card, range(200))
    kept = served(card)
    slot = (card._log.segment - 3) % card._log.segments
    end = card._log.segment, card._log.offset
    card.close()
    with (folder / LOG_NAME).open("r+b") as file:
        file.seek(slot * SEGMENT_BYTES)
        file.write(b"\xff" * length)
    index(card)
    with closing(Card(folder, small_card())) as harmed:
        assert end == (harmed._log.segment, harmed._log.offset)
        found = served(harmed)
        assert found.items() < kept.items()
        assert len(kept) - len(found) <= length // 500 + 2
        assert [] == list(harmed.problems())


@pytest.mark.parametrize("index", [keep, lose])
@pytest.mark.parametrize("back", [0, 3])
def test_a_bad_sector_hides_only_what_lies_in_it(
    index: Callable[[Card], None], back: int, card: Card, folder: Path, tmp_path: Path
) -> None:
    """In the newest segment or before it: a start finds the rest, and writing goes on."""
    fill(card, range(200))
    kept = served(card)
    slot = (card._log.segment - back) % card._log.segments
    card.abandon()
    index(card)
    program = (
        "import sys; from pathlib import Path; from sena_pi.cache.store import Store\n"
        "from tests.cache.known import key, payload, record, small_store\n"
        "store = Store(Path(sys.argv[1]), small_store())\n"
        "found = {number: store.fetch(key(number)) for number in range(200)}\n"
        "right = [n for n, one in found.items() if one and one[0] == payload(n)]\n"
        "assert len(right) == sum(one is not None for one in found.values())\n"
        "store.put(record(500))\n"
        "print(len(right), store.flush(), store.fetch(key(500)) == (payload(500), 'card'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        env=preloaded(folder, tmp_path, DISK_RECORDER_BAD_PAGE=str(slot * SEGMENT_BYTES)),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    right, *goes_on = done.stdout.split()
    assert ["True", "True"] == goes_on
    assert len(kept) - 12 <= int(right)


def test_a_damaged_record_is_told_and_counted(card: Card, folder: Path) -> None:
    """Before anybody asks for it by the check; after that it is known no more."""
    fill(card, range(3))
    data = bytearray(log_bytes(folder))
    data[data.index(payload(1)) + 20] ^= 1
    (folder / LOG_NAME).write_bytes(data)
    assert 1 == len([one for one in card.problems() if "damaged" in one])
    assert card.read(key(1)) is None
    assert (1, False, []) == (card.damaged, card.holds(key(1)), list(card.problems()))
    card.write([record(1, 1)], {})
    assert payload(1, 1) == card.read(key(1))


def test_no_older_version_takes_the_place_of_a_damaged_one(card: Card, folder: Path) -> None:
    """Once the damage was seen and something was written, not even without an index."""
    fill(card, range(3), version=0)
    fill(card, range(3), version=1)
    data = bytearray(log_bytes(folder))
    data[data.index(payload(1, 1)) + 20] ^= 1
    (folder / LOG_NAME).write_bytes(data)
    assert {0: 1, 2: 1} == served(card)
    fill(card, [7])
    card.abandon()
    (folder / INDEX_NAME).unlink()
    with closing(Card(folder, small_card())) as again:
        assert {0: 1, 2: 1, 7: 0} == served(again)


def test_a_record_damaged_after_it_was_checked_is_found_at_the_next_check(
    card: Card, folder: Path
) -> None:
    """Checksums are looked at once, and again after `recheck`."""
    fill(card, range(3))
    assert {0, 1, 2} == served(card).keys()
    data = bytearray(log_bytes(folder))
    data[data.index(payload(1)) + 20] ^= 1
    (folder / LOG_NAME).write_bytes(data)
    card.recheck()
    assert {0, 2} == served(card).keys()
