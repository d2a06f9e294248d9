"""The tiers under the cache: memory first, the card behind it.

`put` never touches the card and `fetch` never writes. `flush` writes what is due, in one group.
What the card refuses is one line in the journal: the entries stay in memory, and what can be
read is still read.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from sena_pi.cache.budget import CardSettings
from sena_pi.cache.card import Card, exists
from sena_pi.cache.fresh import FreshEntries
from sena_pi.cache.log import LogBusy
from sena_pi.cache.records import Kind, Record

Tier = Literal["memory", "card"]

RETRY_S: Final = 60.0
"""How long a card that refused is left alone."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Bounds, and what is written when.

    Attributes:
        card: how the card is used.
        memory_bytes: bound of the tier in memory.
        promote: an entry is written when it is asked for again, not when it comes.
        group_bytes: so much that is due is written at once,
        group_turns: or what is due after so many turns,
        group_age_s: or when the oldest of it has waited so long.
        written_bytes_a_day: when so much was written, new entries stay in memory until tomorrow.
    """

    card: CardSettings = field(default_factory=CardSettings)
    memory_bytes: int = 8 << 20
    promote: bool = False
    group_bytes: int = 256 << 10
    group_turns: int = 120
    group_age_s: float = 3600.0
    written_bytes_a_day: int = 64 << 20


class Store:
    """Keeps payloads by key.

    `fetch` and `put` may be called by any thread and never wait for a write; the other methods
    wait for each other and for the card.

    Attributes:
        trouble: why nothing is written now, None when all is well.
        written_today: bytes written to the card since the day began.
    """

    def __init__(
        self,
        folder: Path,
        settings: StoreSettings,
        *,
        writable: bool = True,
        counts: Callable[[], Mapping[str, Any]] = dict,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the card's half, and go on without it when that can't be; blocks for the disk.

        Args:
            folder: the cache's own folder; it is made.
            settings: bounds.
            writable: False: nothing is ever written, not even when the cache is made.
            counts: called for the counters to be kept with each group.
            monotonic: seconds that never go back.
        """
        self._folder = folder
        self._settings = settings
        self._writable = writable
        self._counts = counts
        self._monotonic = monotonic
        self._memory = FreshEntries(settings.memory_bytes)
        self._state = threading.Lock()
        self._writing = threading.RLock()
        self._turns_due = 0
        self._due_since: float | None = None
        self._tried_at = float("-inf")
        self._outdated: set[bytes] = set()
        self._evicted = 0
        self.trouble: str | None = None
        self.written_today = 0
        self.card: Card | None = None
        self._open()

    @property
    def entries(self) -> int:
        """Entries that can be served."""
        return len(list(self.keys()))

    @property
    def evicted(self) -> int:
        """Entries that had to make room since it was opened."""
        return self._evicted + (self.card.evicted if self.card is not None else 0)

    @property
    def memory_bytes(self) -> int:
        """Bytes in memory."""
        return self._memory.kept_bytes

    def keys(self) -> Iterator[bytes]:
        """Key of every entry, those in memory first."""
        with self._state:
            fresh = [entry.record.key for entry in self._memory]
            elsewhere = self._outdated.union(fresh)
        yield from fresh
        yield from (key for key in self.card or () if key not in elsewhere)

    def fetch(self, key: bytes) -> tuple[bytes, Tier] | None:
        """A payload and where it was; None when there is none. Never raises, never writes."""
        fresh = self._memory.get(key)
        if fresh is not None:
            if not fresh.asked:
                self._asked_again(key)
            return fresh.record.payload, "memory"
        card = self.card
        if card is None or key in self._outdated:
            return None
        try:
            payload = card.read(key)
        except OSError as error:
            if self.card is not card:
                return None  # it was closed meanwhile
            self._in_trouble(f"the cache can't be read: {error.strerror}")
            return None
        return None if payload is None else (payload, "card")

    def peek(self, key: bytes) -> tuple[bytes, Tier] | None:
        """As `fetch`, for those who only look: it does not count as being asked for."""
        fresh = self._memory.get(key)
        if fresh is not None:
            return fresh.record.payload, "memory"
        card = self.card
        if card is None or key in self._outdated:
            return None
        try:
            payload = card.read(key, counts=False)
        except OSError:
            return None
        return None if payload is None else (payload, "card")

    def put(self, record: Record) -> bool:
        """Keep a record in memory, and on the card in time; False: it is too long to be kept."""
        if len(record.payload) > self._settings.card.longest_payload:
            return False
        card = self.card
        due = not self._settings.promote or (card is not None and card.holds(record.key))
        with self._state:
            for gone in self._memory.add(record, due=due):
                self._evicted += 1
                if self._on_card(gone.key):
                    # The card knows only what it was before.
                    self._outdated.add(gone.key)
            self._note_due()
        return True

    def turn_ended(self) -> None:
        """A turn is over: `flush_due` may become true."""
        if self._memory.due_bytes:
            self._turns_due += 1

    @property
    def flush_due(self) -> bool:
        """Enough has gathered, or waited long enough, to be written."""
        settings = self._settings
        if not self._memory.due_bytes or self._due_since is None:
            return False
        now = self._monotonic()
        if self.trouble is not None and now - self._tried_at < RETRY_S:
            return False
        if self.written_today >= settings.written_bytes_a_day:
            return False
        return (
            self._memory.due_bytes >= settings.group_bytes
            or self._turns_due >= settings.group_turns
            or now - self._due_since >= settings.group_age_s
        )

    def flush(self) -> bool:
        """Write what is due; True when nothing is due any more. Never raises.

        Blocks for the card. Nothing is written when the day's bytes are spent.
        """
        with self._writing:
            if not self._writable:
                return False
            with self._state:
                due = self._memory.due()
            if not due and not self._outdated:
                return True
            self._tried_at = self._monotonic()
            card = self._ready()
            if card is None or self.written_today >= self._settings.written_bytes_a_day:
                return False
            with self._state:
                self._turns_due, self._due_since = 0, None
            return self._written(card, due)

    def keep_counts(self) -> None:
        """Write the counters alone, when they changed and nothing else is due. Never raises."""
        with self._writing:
            if self.card is not None and self.card.writable and self.trouble is None:
                counts = self._counts()
                if counts != self.card.counts:
                    self._written(self.card, [])

    def forget(self, keys: Iterable[bytes]) -> None:
        """Serve these entries no more, and make them unreadable on the card.

        Raises:
            OSError: the card refuses; they are not served until the next start.
        """
        keys = list(keys)
        with self._writing:
            with self._state:
                for key in keys:
                    self._memory.remove(key)
                self._outdated.update(keys)
            card = self._needed()
            if card is not None and (card.uncertain or any(map(card.holds, keys))):
                before = card.wear.written_bytes
                try:
                    card.forget(keys)
                finally:
                    self.written_today += card.wear.written_bytes - before
            self._outdated.difference_update(keys)

    def clear(self) -> None:
        """Delete all, and begin anew.

        Raises:
            OSError: the card refuses.
        """
        with self._writing:
            with self._state:
                self._memory.clear()
                self._due_since = None
            card = self._needed()
            self.card = None
            try:
                if card is not None:
                    card.delete()
                self._outdated.clear()
            finally:
                self._open()

    def recheck(self) -> None:
        """A new day: its bytes are counted anew, and every record's checksum is looked at again."""
        with self._writing:
            self.written_today = 0
            if self.card is not None:
                self.card.recheck()

    def problems(self) -> Iterator[str]:
        """Read every entry and compare what is known of it; blocks for long."""
        with self._writing:
            if self.trouble is not None:
                yield self.trouble
            with self._state:
                due_bytes = sum(len(one.payload) for one in self._memory.due())
                counted_right = self._memory.due_bytes == due_bytes
            if not counted_right:
                yield "the bytes in memory that wait for the card are counted wrongly"
            if self._memory.kept_bytes > self._settings.memory_bytes:
                yield f"{self._memory.kept_bytes} bytes are in memory"
            if self.card is not None:
                yield from self.card.problems()

    def close(self) -> None:
        """Write what is due and the counters, and close the card. Idempotent, never raises."""
        with self._writing:
            if self.card is None:
                return
            self.flush()
            self.keep_counts()
            card, self.card = self.card, None
            if card is not None:
                card.close()

    def abandon(self) -> None:
        """Close the card as it is."""
        with self._writing:
            if self.card is not None:
                self.card.abandon()
                self.card = None

    def _asked_again(self, key: bytes) -> None:
        with self._state:
            fresh = self._memory.get(key)
            if fresh is not None:
                fresh.asked = True
                self._memory.make_due(fresh)
                self._note_due()

    def _note_due(self) -> None:
        if self._memory.due_bytes and self._due_since is None:
            self._due_since = self._monotonic()

    def _written(self, card: Card, due: list[Record]) -> bool:
        before = card.wear.written_bytes
        outdated = list(self._outdated)
        forgotten = [Record(Kind.FORGOTTEN, key, b"") for key in outdated]
        try:
            card.write([*forgotten, *due], self._counts())
        except OSError as error:
            self._in_trouble(f"the cache can't be written: {error.strerror}")
            with self._state:
                self._note_due()
            return False
        finally:
            self.written_today += card.wear.written_bytes - before
        self._out_of_trouble()
        with self._state:
            self._outdated.difference_update(outdated)
            for record in due:
                self._memory.remove(record.key, record)
            self._note_due()
            return not self._memory.due_bytes

    def _on_card(self, key: bytes) -> bool:
        card = self.card
        return card is not None and card.holds(key)

    def _ready(self) -> Card | None:
        """The card to write to, opened again where it was lost."""
        if self.card is not None and self.card.vanished:
            self._in_trouble("the cache was deleted")
            self.abandon()
        if self.card is None or not self.card.writable:
            self._open()
        return self.card if self.card is not None and self.card.writable else None

    def _needed(self) -> Card | None:
        """The card to delete from; None when there is nothing on it."""
        if not self._writable:
            raise PermissionError(errno.EROFS, "the cache is only read here", str(self._folder))
        card = self._ready()
        if card is None and exists(self._folder):
            raise OSError(errno.EIO, self.trouble, str(self._folder))
        return card

    def _open(self) -> None:
        """Open the card, only to be read where it can't be written."""
        try:
            opened = Card(self._folder, self._settings.card, writable=self._writable)
        except OSError as error:
            self._in_trouble(f"the cache can't be opened: {error.strerror}")
            if self.card is None and not isinstance(error, LogBusy):
                with contextlib.suppress(OSError):
                    self.card = Card(self._folder, self._settings.card, writable=False)
        else:
            self.abandon()
            self.card = opened
            self._out_of_trouble()

    def _in_trouble(self, text: str) -> None:
        if text != self.trouble:
            _log.warning("%s (%s); answers are kept in memory", text, self._folder)
        self.trouble = text

    def _out_of_trouble(self) -> None:
        if self.trouble is not None:
            _log.info("the cache is on the card again (%s)", self._folder)
        self.trouble = None
