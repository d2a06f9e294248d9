"""Our own store, as the appliance runs it, but for the daily bound on writing."""

from __future__ import annotations

from pathlib import Path

from sena_pi.cache.budget import CardSettings
from sena_pi.cache.clock import TrustedTime
from sena_pi.cache.entries import StoredAnswer
from sena_pi.cache.keys import AnswerKey
from sena_pi.cache.normalise import normal
from sena_pi.cache.records import Kind, Record
from sena_pi.cache.responses import CacheSettings, ResponseCache
from sena_pi.cache.store import Store, StoreSettings
from sena_pi.errors import EngineUnavailable
from sena_pi.stages import Cacheability

_UNBOUNDED = 1 << 50
_MODEL = "benchmark/answers"
_MEMORY_SHARE = 8
"""Promoting, the tier in memory is part of the cache: it is taken from the same budget. Else it
only holds what is about to be written."""


class Ours:
    """The tiers of `sena_pi.cache.store`."""

    def __init__(self, folder: Path, budget_bytes: int, *, promote: bool = False) -> None:
        """Open it; `promote`: entries are written when they are asked for again."""
        self.name = "sena promoting" if promote else "sena"
        memory_bytes = budget_bytes // _MEMORY_SHARE
        settings = StoreSettings(
            card=CardSettings.of(budget_bytes - memory_bytes if promote else budget_bytes),
            memory_bytes=memory_bytes,
            promote=promote,
            group_bytes=min(StoreSettings().group_bytes, memory_bytes // 4),
            written_bytes_a_day=_UNBOUNDED,
        )
        self._store = Store(folder / "cache", settings)
        if self._store.card is None:
            raise EngineUnavailable(f"our own cache can't be opened: {self._store.trouble}")

    def get(self, key: bytes) -> bytes | None:
        """The payload."""
        found = self._store.fetch(key)
        return None if found is None else found[0]

    def put(self, key: bytes, value: bytes) -> None:
        """Keep it in memory; on the card with its group."""
        self._store.put(Record(Kind.ENTRY, key, value))

    def after_turn(self) -> None:
        """Write the group when one is due."""
        self._store.turn_ended()
        if self._store.flush_due:
            self._store.flush()

    def close(self) -> None:
        """Write what is due."""
        self._store.close()


class WholeLookUp:
    """The whole look-up of an answer by its question: normal form, key, store, entry, clock."""

    name = "sena, by question"

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        """Open it."""
        settings = StoreSettings(
            card=CardSettings.of(budget_bytes), written_bytes_a_day=_UNBOUNDED, group_turns=1000
        )
        self._cache = ResponseCache(folder / "cache", CacheSettings(settings), now=TrustedTime())

    def get(self, key: bytes) -> bytes | None:
        """Ask the question of this key, as people ask."""
        question = f"Hey Sena, can you tell me what the capital of {key.hex()} is?"
        answer = self._cache.get(self._key(normal(question, "en-US", ("hey sena", "jarvis"))))
        return None if answer is None else answer.text.encode()

    def put(self, key: bytes, value: bytes) -> None:
        """Keep an answer as long as the value."""
        question = f"what is the capital of {key.hex()}"
        answer = StoredAnswer(
            question, value.hex()[: len(value)], "en", Cacheability.EVERGREEN, _MODEL
        )
        self._cache.put(self._key(normal(question, "en-US")), answer)

    def after_turn(self) -> None:
        """Write the group when one is due."""
        self._cache.turn_ended()
        self._cache.maintain()

    def close(self) -> None:
        """Write what is due."""
        self._cache.close()

    def _key(self, question: str) -> AnswerKey:
        return AnswerKey(question, "en-US", _MODEL, 1)
