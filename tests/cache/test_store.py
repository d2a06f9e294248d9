"""The tiers under the cache: when something is written, and what is served when nothing can be."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from sena_pi.cache.catalogue import INDEX_NAME
from sena_pi.cache.records import Kind, Record
from sena_pi.cache.store import Store, StoreSettings
from tests.cache.known import key, log_bytes, payload, small_card, small_store
from tests.cache.stores import Clock, Opener, contents, put, served

# --- tiers ----------------------------------------------------------------------------------


def test_an_entry_is_served_from_memory_then_from_the_card(opened: Opener) -> None:
    """And after a start from the card."""
    store = opened()
    put(store, range(3))
    assert dict.fromkeys(range(3), (0, "memory")) == served(store, range(4))
    assert store.flush()
    assert dict.fromkeys(range(3), (0, "card")) == served(store, range(4))
    assert {key(0), key(1), key(2)} == set(store.keys())
    store.close()
    assert dict.fromkeys(range(3), (0, "card")) == served(opened(), range(4))


def test_neither_a_put_nor_a_hit_touches_the_card(opened: Opener, folder: Path) -> None:
    """Every byte of every file is as it was, and no sync was made."""
    store = opened()
    put(store, range(10))
    store.flush()
    put(store, range(10, 20))
    assert store.card is not None
    before, syncs = contents(folder), store.card.wear.syncs
    for _ in range(100):
        assert 20 == len(served(store, range(20)))
        store.turn_ended()
    assert before == contents(folder)
    assert syncs == store.card.wear.syncs


def test_a_flush_with_nothing_due_writes_nothing(opened: Opener, folder: Path) -> None:
    """Not even the counters."""
    store = opened()
    put(store, range(3))
    store.flush()
    before = contents(folder)
    assert store.flush()
    assert before == contents(folder)


def test_the_last_one_put_is_served(opened: Opener) -> None:
    """Whatever tier the older ones are in."""
    store = opened()
    for version in range(6):
        put(store, [1], version)
        assert {1: (version, "memory")} == served(store, [1])
        if version % 2:
            store.flush()
    assert {1: (5, "card")} == served(store, [1])


def test_an_entry_that_is_too_long_is_not_kept(opened: Opener) -> None:
    """It is said so, and nothing is served."""
    store = opened()
    longest = small_card().longest_payload
    assert store.put(Record(Kind.ENTRY, key(1), bytes(longest)))
    assert not store.put(Record(Kind.ENTRY, key(2), bytes(longest + 1)))
    assert (None, bytes(longest)) == (store.fetch(key(2)), (store.fetch(key(1)) or (None,))[0])


def test_memory_is_bounded_and_lets_go_of_what_need_not_be_written_first(opened: Opener) -> None:
    """What waits for the card goes last."""
    store = opened(memory_bytes=20_000, promote=True)
    put(store, range(4))
    assert 4 == len(served(store, range(4)))
    put(store, range(100, 160))
    assert store.memory_bytes <= 20_000
    assert {0, 1, 2, 3} == served(store, range(4)).keys()
    assert store.evicted > 0
    assert [] == list(store.problems())


def test_an_older_version_is_not_served_when_the_newer_had_to_go(opened: Opener) -> None:
    """The card refused it and memory was full: then none; nor is it listed, nor after the flush."""
    store = opened(memory_bytes=8_000, written_bytes_a_day=1)
    put(store, [1], 0)
    store.flush()
    put(store, [1], 1)
    put(store, range(100, 120))
    assert {} == served(store, [1])
    assert key(1) not in set(store.keys())
    store.recheck()
    assert store.flush()
    assert {} == served(store, [1])
    put(store, [1], 2)
    assert {1: (2, "memory")} == served(store, [1])


# --- promotion ------------------------------------------------------------------------------


def test_without_promotion_all_is_written(opened: Opener) -> None:
    """At the next flush."""
    store = opened()
    put(store, range(5))
    store.flush()
    assert {"card"} == {tier for _, tier in served(store, range(5)).values()}


def test_with_promotion_only_what_was_asked_for_again_is_written(opened: Opener) -> None:
    """The rest stays in memory."""
    store = opened(promote=True)
    put(store, range(5))
    served(store, [1, 3])
    assert store.flush()
    assert {0: "memory", 1: "card", 2: "memory", 3: "card", 4: "memory"} == {
        number: tier for number, (_, tier) in served(store, range(5)).items()
    }


def test_with_promotion_a_newer_version_of_what_the_card_has_is_written(opened: Opener) -> None:
    """An older one must not come back after a start."""
    store = opened(promote=True)
    put(store, [1])
    served(store, [1])
    store.flush()
    put(store, [1], 1)
    store.close()
    assert {1: (1, "card")} == served(opened(promote=True), [1])


def test_what_comes_back_soon_after_it_had_to_go_is_written(opened: Opener) -> None:
    """Memory remembers the keys of those that fell out unasked."""
    store = opened(promote=True, memory_bytes=8_000)
    put(store, [1])
    put(store, range(100, 120))
    assert {} == served(store, [1])
    put(store, [1])
    assert store.flush()
    assert {1: (0, "card")} == served(store, [1])


# --- when it is written -----------------------------------------------------------------------


def test_a_group_is_due_when_its_bytes_are_many(opened: Opener) -> None:
    """Not before."""
    store = opened(group_bytes=len(payload(1)) + len(payload(2)))
    put(store, [1])
    assert not store.flush_due
    put(store, [2])
    assert store.flush_due
    store.flush()
    assert not store.flush_due


def test_a_group_is_due_after_so_many_turns(opened: Opener) -> None:
    """Turns in which nothing waits do not count."""
    store = opened(group_turns=3)
    for _ in range(5):
        store.turn_ended()
    put(store, [1])
    for _ in range(2):
        store.turn_ended()
        assert not store.flush_due
    store.turn_ended()
    assert store.flush_due


def test_a_group_is_due_when_its_oldest_has_waited_long(opened: Opener, clock: Clock) -> None:
    """By the clock that never goes back, from the first entry on, over newer ones."""
    store = opened(group_age_s=100)
    put(store, [1])
    clock.now += 99
    put(store, [2])
    assert not store.flush_due
    clock.now += 1
    assert store.flush_due
    store.flush()
    clock.now += 1000
    assert not store.flush_due


def test_the_bytes_of_a_day_are_bounded(opened: Opener, folder: Path) -> None:
    """When they are spent all stays in memory and is served, until the next day."""
    store = opened(written_bytes_a_day=10_000, group_turns=1)
    number = 0
    while store.written_today < 10_000:
        put(store, [number])
        store.flush()
        number += 1
    before = contents(folder)
    put(store, [500])
    store.turn_ended()
    assert (False, False) == (store.flush_due, store.flush())
    assert {500: (0, "memory")} == served(store, [500])
    assert before == contents(folder)
    store.recheck()
    assert (True, True) == (store.flush_due, store.flush())
    assert {500: (0, "card")} == served(store, [500])


def test_counters_are_kept_with_each_group_and_at_the_end(folder: Path) -> None:
    """Not at each event; and only when they have changed."""
    counts = {"hits": 1}
    store = Store(folder, small_store(), counts=lambda: dict(counts))
    put(store, [1])
    store.flush()
    counts["hits"] = 2
    before = contents(folder)
    store.fetch(key(1))
    assert before == contents(folder)
    store.close()
    after = contents(folder)
    with closing(Store(folder, small_store(), counts=lambda: dict(counts))) as again:
        assert again.card is not None
        assert {"hits": 2} == again.card.counts
    assert after == contents(folder)


# --- forgetting -------------------------------------------------------------------------------


def test_a_forgotten_entry_is_in_no_tier(opened: Opener, folder: Path) -> None:
    """Nor after a start, with or without the index."""
    store = opened()
    put(store, [1, 2], 0)
    store.flush()
    put(store, [1, 3], 1)
    store.forget([key(1), key(3), key(77)])
    assert {2} == served(store, range(4)).keys()
    assert payload(1)[8:] not in log_bytes(folder)
    store.abandon()
    (folder / INDEX_NAME).unlink()
    assert {2} == served(opened(), range(4)).keys()


def test_what_was_forgotten_can_be_put_again(opened: Opener) -> None:
    """It is a new entry."""
    store = opened()
    put(store, [1])
    store.flush()
    store.forget([key(1)])
    put(store, [1], 1)
    store.flush()
    assert {1: (1, "card")} == served(store, [1])
    store.abandon()
    assert {1: (1, "card")} == served(opened(), [1])


def test_clearing_leaves_nothing(opened: Opener, folder: Path) -> None:
    """In memory, on the card, after a start; and it goes on."""
    store = opened()
    put(store, range(20))
    store.flush()
    put(store, range(20, 25))
    store.clear()
    assert (0, {}) == (store.entries, served(store, range(25)))
    assert payload(1)[8:] not in log_bytes(folder)
    put(store, [30])
    assert store.flush()
    store.abandon()
    assert {30} == served(opened(), range(40)).keys()


def test_nothing_is_deleted_by_who_only_reads(opened: Opener, folder: Path) -> None:
    """It is refused, and all is there."""
    store = opened()
    put(store, range(3))
    store.close()
    reader = opened(writable=False)
    with pytest.raises(PermissionError):
        reader.clear()
    with pytest.raises(PermissionError):
        reader.forget([key(1)])
    assert {0, 1, 2} == served(opened(), range(3)).keys()


def test_settings_bound_the_card_by_default() -> None:
    """64 MiB in all, of which a day writes no more."""
    settings = StoreSettings()
    assert (
        settings.card.segments * settings.card.segment_bytes + settings.card.index_bytes <= 64 << 20
    )
    assert settings.written_bytes_a_day <= settings.card.budget_bytes
