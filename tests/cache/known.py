"""Payloads that tell of themselves, and a small cache for them."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Final

from sena_pi.cache.card import CardSettings
from sena_pi.cache.records import KEY_BYTES, Kind, Record
from sena_pi.cache.store import StoreSettings

SEGMENT_BYTES: Final = 16 << 10
INDEX_BYTES: Final = 96 << 10
_NAME: Final = struct.Struct("<II")


def small_card(segments: int = 8, **fields: float) -> CardSettings:
    """A card whose log goes round soon."""
    settings = {"segment_bytes": SEGMENT_BYTES, "index_every_bytes": 3 * SEGMENT_BYTES, **fields}
    budget = segments * SEGMENT_BYTES + INDEX_BYTES
    return CardSettings(budget_bytes=budget, **settings)  # type: ignore[arg-type]


def small_store(segments: int = 8, **fields: float) -> StoreSettings:
    """A store on such a card."""
    return StoreSettings(card=small_card(segments), **fields)  # type: ignore[arg-type]


def key(number: int) -> bytes:
    """The key of an entry."""
    return number.to_bytes(KEY_BYTES, "big")


def payload(number: int, version: int = 0) -> bytes:
    """The only right payload of this version of this entry: 40 to 3,000 bytes."""
    chance = random.Random(f"{number} {version}")
    return _NAME.pack(number, version) + chance.randbytes(chance.randrange(32, 2993))


def record(number: int, version: int = 0) -> Record:
    """An entry."""
    return Record(Kind.ENTRY, key(number), payload(number, version))


def version_of(number: int, found: bytes) -> int:
    """Which version was served; AssertionError when it is not this entry's, whole and undamaged."""
    assert len(found) >= _NAME.size, f"entry {number}: {len(found)} bytes were served"
    version: int = _NAME.unpack_from(found)[1]
    assert payload(number, version) == found, f"entry {number}: a wrong payload was served"
    return version


def log_bytes(folder: Path) -> bytes:
    """All that lies in the log's file."""
    return (folder / "responses.log").read_bytes()
