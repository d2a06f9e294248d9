"""The eviction traces and the exact LRU."""

from __future__ import annotations

from collections import Counter

import pytest

from sena_pi.bench.cache.requests import (
    SCAN_SHARE,
    TRACES,
    footprint_bytes,
    looping,
    lru_hit_ratio,
    scanned,
    zipf,
)
from sena_pi.bench.cache.traces import Entry

REQUESTS = 10_000
OBJECTS = 500


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_follows_from_its_seed(name: str) -> None:
    """The same seed, the same requests, as many as asked for."""
    trace = TRACES[name](REQUESTS, OBJECTS, 1)
    assert REQUESTS == len(trace)
    assert trace == TRACES[name](REQUESTS, OBJECTS, 1)
    assert trace != TRACES[name](REQUESTS, OBJECTS, 2)


def test_zipf_has_its_exponent() -> None:
    """The first object is asked for about 10 ** 0.9 times as often as the tenth."""
    counts = [count for _, count in Counter(zipf(50_000, OBJECTS, 1)).most_common(10)]
    assert 10**0.9 == pytest.approx(counts[0] / counts[9], rel=0.25)


def test_scans_ask_once_and_never_again() -> None:
    """What the scans add is their share of the requests, each object once."""
    plain = set(zipf(REQUESTS, OBJECTS, 1))
    scans = [entry for entry in scanned(REQUESTS, OBJECTS, 1) if entry not in plain]
    assert SCAN_SHARE == pytest.approx(len(scans) / REQUESTS, abs=0.07)
    assert len(set(scans)) == len(scans)


def test_what_is_popular_drifts() -> None:
    """The objects most asked for at the start are others than at the end; not so without drift."""

    def still_popular(name: str) -> int:
        trace = TRACES[name](REQUESTS, OBJECTS, 1)
        first, last = Counter(trace[: REQUESTS // 4]), Counter(trace[-REQUESTS // 4 :])
        return len(
            {entry for entry, _ in first.most_common(30)}
            & {entry for entry, _ in last.most_common(30)}
        )

    assert still_popular("drift") < 15 < still_popular("zipf")


def test_lru_hits_nothing_on_a_loop_and_all_of_it_when_all_fits() -> None:
    """A loop larger than the bound is LRU's worst case."""
    trace = looping(1000, 100, 1)
    assert 0 == lru_hit_ratio(trace, footprint_bytes(trace) // 2)
    assert 0.9 == lru_hit_ratio(trace, footprint_bytes(trace))


def test_lru_keeps_what_was_used_last() -> None:
    """By hand: room for two; the one used again stays, the other goes."""
    a, b, c = (Entry.named(name, 10) for name in "abc")
    assert 2 / 5 == lru_hit_ratio([a, b, a, c, a], 20)
    assert 1 / 5 == lru_hit_ratio([a, b, a, c, b], 20)
