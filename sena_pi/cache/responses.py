"""The response cache: answers by what was asked, speech by what is said."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, overload

from sena_pi.cache.entries import Stored, StoredAnswer, StoredSpeech, unpacked
from sena_pi.cache.keys import AnswerKey, SpeechKey
from sena_pi.cache.normalise import normal
from sena_pi.cache.policy import Bypass
from sena_pi.cache.records import Kind, Record
from sena_pi.cache.stats import Stats, Tally
from sena_pi.cache.store import Store, StoreSettings, Tier
from sena_pi.clock import local_zone
from sena_pi.stages import Cacheability

_CLOCK_SLACK_S: Final = 60.0
_FULL_DAY_S: Final = 24 * 3600.0

_log = logging.getLogger(__name__)

WallClock = Callable[[], float | None]
"""Seconds since 1970; None while the clock can't be believed. Returns at once."""


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """What is kept for how long.

    Attributes:
        store: bounds, and what is written when.
        hours_s: age up to which an answer that changes within days is served.
        longest_s: nothing older is served, and it is deleted; None: no such bound.
    """

    store: StoreSettings = field(default_factory=StoreSettings)
    hours_s: float = 3600.0
    longest_s: float | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry in a list.

    Attributes:
        key: its key.
        entry: what is kept.
        tier: where it is.
        size_bytes: what it takes.
        state: "kept", or why it is not served now.
    """

    key: bytes
    entry: Stored
    tier: Tier
    size_bytes: int
    state: Literal["kept", "expired", "clock not set"]


class ResponseCache:
    """Answers and speech. `get`, `put` and `turn_ended` never wait for a write, and never raise.

    Any thread may call it. All other methods wait for the card.
    """

    def __init__(
        self,
        folder: Path,
        settings: CacheSettings,
        *,
        now: WallClock = time.time,
        writable: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open it; blocks for the card. A card that refuses leaves a cache in memory.

        Args:
            folder: the cache's own folder; it is made.
            settings: bounds.
            now: the wall clock.
            writable: False: only what is there is read.
            monotonic: seconds that never go back.
        """
        self._settings = settings
        self._now = now
        self._monotonic = monotonic
        self._counting = threading.Lock()
        self._stats = Stats()
        self._day_began = monotonic()
        self._counted: tuple[int, int, int, int] = (0, 0, 0, 0)
        self._store = Store(
            folder,
            settings.store,
            writable=writable,
            counts=self._counts,
            monotonic=monotonic,
        )
        if self._store.card is not None:
            self._stats = Stats(self._store.card.counts)
        self._store.written_today = self._stats.today.written_bytes
        self._stats.day = self._stats.day or self._today()

    @property
    def trouble(self) -> str | None:
        """Why nothing is written now, None when all is well."""
        return self._store.trouble

    # --- in a turn ----------------------------------------------------------------------------

    @overload
    def get(self, key: AnswerKey) -> StoredAnswer | None: ...

    @overload
    def get(self, key: SpeechKey) -> StoredSpeech | None: ...

    def get(self, key: AnswerKey | SpeechKey) -> Stored | None:
        """What is kept under this key and may be served now. Writes nothing; counts."""
        found = self.look_up(key)
        return None if found is None else found[1]

    def look_up(
        self, *keys: AnswerKey | SpeechKey
    ) -> tuple[AnswerKey | SpeechKey, Stored, Tier] | None:
        """The first of these keys, all of one kind, under which something may be served now.

        Counted as one hit or one miss. Writes nothing.
        """
        found = None
        for key in keys:
            found = self._served(key)
            if found is not None:
                break
        self._count(keys[0], found[2] if found is not None else None)
        return found

    def _served(
        self, key: AnswerKey | SpeechKey
    ) -> tuple[AnswerKey | SpeechKey, Stored, Tier] | None:
        fetched = self._store.fetch(key.digest)
        if fetched is None:
            return None
        payload, tier = fetched
        try:
            entry = unpacked(payload)
        except ValueError as error:
            _log.warning("an entry of the cache can't be read: %s", error)
            return None
        wanted = StoredAnswer if isinstance(key, AnswerKey) else StoredSpeech
        if not isinstance(entry, wanted) or self._state(entry) != "kept":
            return None
        return key, entry, tier

    def put(self, key: AnswerKey | SpeechKey, entry: Stored) -> Bypass | None:
        """Keep an entry, in memory first; why it is not kept, None when it is."""
        keep = entry.keep if isinstance(entry, StoredAnswer) else Cacheability.EVERGREEN
        if keep is Cacheability.NEVER:
            return self.bypassed(Bypass.NEVER)
        if keep is Cacheability.HOURS and self._now() is None:
            return self.bypassed(Bypass.CLOCK)
        if not self._store.put(Record(Kind.ENTRY, key.digest, entry.packed())):
            return self.bypassed(Bypass.TOO_LONG)
        return None

    def bypassed(self, reason: Bypass) -> Bypass:
        """Count an answer that was not looked for, or not kept; gives the reason back."""
        with self._counting:
            self._stats.add_by("bypasses", reason)
        return reason

    def saved(self, milliseconds: float) -> None:
        """Count time that nobody had to wait for."""
        with self._counting:
            self._stats.add("saved_ms", max(0.0, milliseconds))

    def refreshed(self, outcome: str) -> None:
        """Count a question that was asked anew while nobody waited."""
        with self._counting:
            self._stats.add_by("refreshes", outcome)

    def turn_ended(self) -> None:
        """A turn is over, and what it kept is complete."""
        self._store.turn_ended()

    # --- beside the turns ---------------------------------------------------------------------

    def maintain(self) -> Tally | None:
        """Write what is due, and begin a new day where one has begun; the tally of the old one.

        Never raises. To be called after each turn and now and then.
        """
        if self._store.flush_due:
            self._store.flush()
        self._count_store()
        return self._next_day()

    def stats(self) -> dict[str, Any]:
        """Everything that is counted, as plain values."""
        self._count_store()
        store = self._store
        card = store.card
        with self._counting:
            return {
                "day": self._stats.day,
                "today": self._stats.today.as_dict(),
                "total": self._stats.total.as_dict(),
                "entries": store.entries,
                "memory_bytes": store.memory_bytes,
                "card_entries": len(card) if card is not None else 0,
                "card_payload_bytes": card.kept_bytes if card is not None else 0,
                "card_bytes": card.reserved_bytes if card is not None else 0,
                "budget_bytes": self._settings.store.card.budget_bytes,
                "trouble": store.trouble,
            }

    def entries(self) -> Iterator[Listed]:
        """Every entry, one in memory at a time; reads all of the card."""
        for key in list(self._store.keys()):
            found = self._store.peek(key)
            if found is None:
                continue
            payload, tier = found
            try:
                entry = unpacked(payload)
            except ValueError:
                continue
            yield Listed(key, entry, tier, len(payload), self._state(entry))

    def forget(self, text: str, wake_words: Sequence[str] = ()) -> int:
        """Forget all answers to a question, and their speech; how many answers there were.

        Args:
            text: the question, however it is written.
            wake_words: phrases that may precede it, here or in what is kept.

        Raises:
            OSError: the card refuses; they are not served until the next start.
        """
        keys, words = [], []
        wanted = cache(lambda language: normal(text, language, wake_words))
        for listed in self.entries():
            entry = listed.entry
            if isinstance(entry, StoredAnswer) and wanted(entry.language) == normal(
                entry.question, entry.language, wake_words
            ):
                keys.append(listed.key)
                words.append(entry.text)
        self._store.forget([*keys, *self._speech_of(words)])
        return len(keys)

    def forget_key(self, key: AnswerKey) -> bool:
        """Forget one answer and its speech; was there one? Raises OSError as `forget`."""
        found = self._store.peek(key.digest)
        if found is None:
            return False
        answer = unpacked(found[0])
        words = [answer.text] if isinstance(answer, StoredAnswer) else []
        self._store.forget([key.digest, *self._speech_of(words)])
        return True

    def clear(self, *, expired: bool = False) -> int:
        """Forget everything, or what has expired; how many entries.

        Raises:
            OSError: the card refuses.
        """
        if not expired:
            count = self._store.entries
            self._store.clear()
            return count
        keys = [one.key for one in self.entries() if one.state == "expired"]
        self._store.forget(keys)
        return len(keys)

    def check(self) -> list[str]:
        """Read everything and compare; what is wrong, in words. Blocks for long."""
        problems = list(self._store.problems())
        for key in list(self._store.keys()):
            found = self._store.peek(key)
            try:
                if found is not None:
                    unpacked(found[0])
            except ValueError as error:
                problems.append(f"the entry {key.hex()} can't be read: {error}")
        return problems

    def flush(self) -> None:
        """Write what is due, and count it. Never raises."""
        self._store.flush()
        self._count_store()

    def close(self) -> None:
        """Write what is due and the counters; close. Idempotent, never raises."""
        self._count_store()
        self._store.close()

    def _speech_of(self, words: Sequence[str]) -> list[bytes]:
        """Keys of the sentences of answers."""
        if not words:
            return []
        sentences = {sentence for text in words for sentence in text.split("\n")}
        return [
            listed.key
            for listed in self.entries()
            if isinstance(listed.entry, StoredSpeech) and listed.entry.sentence in sentences
        ]

    def _state(self, entry: Stored) -> Literal["kept", "expired", "clock not set"]:
        keep = entry.keep if isinstance(entry, StoredAnswer) else Cacheability.EVERGREEN
        longest_s = self._settings.longest_s
        now = self._now()
        if keep is not Cacheability.EVERGREEN:
            longest_s = min(self._settings.hours_s, longest_s or self._settings.hours_s)
            if now is None:
                return "clock not set"
        if longest_s is None or now is None or entry.kept_at is None:
            return "kept" if keep is Cacheability.EVERGREEN else "expired"
        return "kept" if -_CLOCK_SLACK_S <= now - entry.kept_at < longest_s else "expired"

    def _count(self, key: AnswerKey | SpeechKey, tier: Tier | None) -> None:
        kind = "" if isinstance(key, AnswerKey) else "speech_"
        with self._counting:
            if tier is None:
                self._stats.add(f"{kind}misses")
            else:
                self._stats.add_by(f"{kind}hits", tier)

    def _counts(self) -> dict[str, Any]:
        self._count_store()
        with self._counting:
            return self._stats.as_counts()

    def _count_store(self) -> None:
        store = self._store
        card = store.card
        if card is None:
            return
        now = (card.wear.written_bytes, card.wear.syncs, store.evicted, card.damaged)
        names = ("written_bytes", "syncs", "evicted", "damaged")
        with self._counting:
            for name, count, before in zip(names, now, self._counted, strict=True):
                if count > before:
                    self._stats.add(name, count - before)
            self._counted = now

    def _today(self) -> str | None:
        now = self._now()
        if now is None:
            return None
        return datetime.fromtimestamp(now, local_zone()).date().isoformat()

    def _next_day(self) -> Tally | None:
        """By the wall clock where it is set; else after a whole day of running."""
        day = self._today()
        if self._stats.day is None and day is not None:
            self._stats.day = day
        if day is not None and self._stats.day is not None and day >= self._stats.day:
            over = day > self._stats.day
        else:
            over = self._monotonic() - self._day_began >= _FULL_DAY_S
        if not over:
            return None
        self._day_began = self._monotonic()
        self._store.recheck()
        with self._counting:
            tally = self._stats.new_day(day)
        if self._settings.longest_s is not None:
            self._delete_expired()
        return tally

    def _delete_expired(self) -> None:
        try:
            self.clear(expired=True)
        except OSError as error:
            _log.warning("old answers can't be deleted: %s", error.strerror)
