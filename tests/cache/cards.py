"""Cards to test: how they are filled and read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sena_pi.cache.card import Card
from tests.cache.known import key, record, small_card, version_of

FULL = range(400)
"""Entries enough for some rounds of the log."""


def fill(card: Card, numbers: Iterable[int], version: int = 0) -> None:
    """Write entries in groups of five."""
    waiting = [record(number, version) for number in numbers]
    while waiting:
        card.write(waiting[:5], {})
        del waiting[:5]


def served(card: Card, numbers: Iterable[int] = FULL) -> dict[int, int]:
    """Version of every entry that is served; each is looked at closely."""
    found = {number: card.read(key(number), counts=False) for number in numbers}
    return {number: version_of(number, one) for number, one in found.items() if one is not None}


def reopened(card: Card, folder: Path, **options: bool) -> Card:
    card.abandon()
    return Card(folder, small_card(), **options)
