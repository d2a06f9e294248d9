"""Request traces that tell eviction rules apart, and the exact LRU they are held against."""

from __future__ import annotations

from bisect import bisect
from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import accumulate

from sena_pi.bench.cache.traces import Entry, seeded

ZIPF_EXPONENT = 0.9
SIZE_BYTES = (8 * 1024, 24 * 1024)
SCAN_SHARE = 0.1
SCAN_LENGTH = 200
DRIFT_STEPS = 20
DRIFT_SHARE = 0.05
"""Drift: at each of the steps this share of the objects trades popularity."""


def thing(name: str) -> Entry:
    """An object of a size that follows from its name."""
    return Entry.named(name, seeded("size", name).randint(*SIZE_BYTES))


class Popularity:
    """Draws ranks, 0 the most popular, as Zipf's law has them."""

    def __init__(self, objects: int, seed: int) -> None:
        self._rng = seeded("zipf", seed)
        self._edges = list(accumulate(1 / rank**ZIPF_EXPONENT for rank in range(1, objects + 1)))

    def draw(self) -> int:
        """The next rank."""
        return bisect(self._edges, self._rng.random() * self._edges[-1])


def zipf(requests: int, objects: int, seed: int) -> list[Entry]:
    """Popular objects stay popular."""
    things = [thing(f"object/{number}") for number in range(objects)]
    popularity = Popularity(objects, seed)
    return [things[popularity.draw()] for _ in range(requests)]


def scanned(requests: int, objects: int, seed: int) -> list[Entry]:
    """Zipf, and now and then a run of objects that are asked for once and never again."""
    rng = seeded("scans", seed)
    trace: list[Entry] = []
    fresh = 0
    a_scan = SCAN_SHARE / SCAN_LENGTH / (1 - SCAN_SHARE)
    for request in zipf(requests, objects, seed):
        if rng.random() < a_scan:
            trace += [thing(f"scan/{fresh + number}") for number in range(SCAN_LENGTH)]
            fresh += SCAN_LENGTH
        trace.append(request)
    return trace[:requests]


def drifting(requests: int, objects: int, seed: int) -> list[Entry]:
    """Zipf, but what is popular changes as time goes on."""
    rng = seeded("drift", seed)
    things = [thing(f"object/{number}") for number in range(objects)]
    popularity = Popularity(objects, seed)
    trace: list[Entry] = []
    for number in range(requests):
        if number % max(1, requests // DRIFT_STEPS) == 0:
            for _ in range(int(objects * DRIFT_SHARE)):
                one, other = popularity.draw(), rng.randrange(objects)
                things[one], things[other] = things[other], things[one]
        trace.append(things[popularity.draw()])
    return trace


def looping(requests: int, objects: int, seed: int) -> list[Entry]:
    """All objects in one order, again and again: nothing helps but to keep some of them."""
    things = [thing(f"object/{number}") for number in range(objects)]
    seeded("loop", seed).shuffle(things)
    return [things[number % objects] for number in range(requests)]


TRACES: dict[str, Callable[[int, int, int], list[Entry]]] = {
    "zipf": zipf,
    "scan": scanned,
    "drift": drifting,
    "loop": looping,
}
"""Name -> (requests, objects, seed) -> trace."""


def footprint_bytes(trace: Iterable[Entry]) -> int:
    """Payload of everything the trace asks for, each once."""
    return sum({entry.key: entry.size for entry in trace}.values())


def lru_hit_ratio(trace: list[Entry], budget_bytes: int) -> float:
    """What an exact LRU by payload bytes hits, with no overhead at all."""
    kept: OrderedDict[bytes, int] = OrderedDict()
    used = hits = 0
    for entry in trace:
        if entry.key in kept:
            hits += 1
            kept.move_to_end(entry.key)
        elif entry.size <= budget_bytes:
            kept[entry.key] = entry.size
            used += entry.size
            while used > budget_bytes:
                used -= kept.popitem(last=False)[1]
    return hits / len(trace)
