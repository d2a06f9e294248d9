"""The timers and alarms of the appliance: set, asked for, cancelled, and rung when they are due.

Timers go by the machine's own clock while the machine runs, and by the wall clock across a power
cut; alarms by the wall clock and the time zone's rules. What was due while the machine was off
rings if it is not too late for that, and is otherwise told with the next answer about timers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sena_pi.journal import event
from sena_pi.timers.entries import Entry
from sena_pi.timers.instants import Now, SystemInstants
from sena_pi.timers.requests import Kind
from sena_pi.timers.ringing import Ringer, Ringing
from sena_pi.timers.store import Kept, TimerStore

RINGS_FOR_S: Final = 15 * 60.0
LATE_S: Final = {Kind.TIMER: 15 * 60.0, Kind.ALARM: 60 * 60.0}
"""How late one may still ring: a meal is burnt by then, a sleeper is still to be woken."""
LATE_IS_TOLD_FROM_S: Final = 60.0
LOOK_AGAIN_S: Final = 15.0
"""How often the wall clock is looked at for what goes by it: it may be set at any moment."""
SAVE_AGAIN_S: Final = 60.0
MOST: Final = 20
"""How many may be set; as many are remembered that were missed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """A timer or an alarm as it is now.

    Attributes:
        entry: which.
        left_s: until it rings; None while nobody can know.
        certain: False: it may be sooner, since the clock is not set.
    """

    entry: Entry
    left_s: float | None
    certain: bool = True


class Timers:
    """All timers and alarms. Belongs to the event loop; only `run` ever waits.

    Attributes:
        saved: all that is set is on the card; False, too, for the moment that takes.
        failed: the last time that was tried, the card refused.
    """

    def __init__(
        self, store: TimerStore, ringers: Iterable[Ringer] = (), *, now: Now | None = None
    ) -> None:
        """Reads the file: blocks for that."""
        self._store = store
        self._ringers = list(ringers)
        self._now = now or SystemInstants()
        kept = store.load()
        self._entries = list(kept.entries)
        self._missed = list(kept.missed)
        self._ringing: list[Ringing] = []
        self._next = 1 + max((entry.number for entry in [*self._entries, *self._missed]), default=0)
        self._changed = asyncio.Event()
        self.saved = True
        self.failed = False

    def add_ringer(self, ringer: Ringer) -> None:
        """One more that is told, also of what rings already."""
        self._ringers.append(ringer)
        if self._ringing:
            ringer.ring(tuple(self._ringing))

    # --- what a person asks for -----------------------------------------------------------------

    @property
    def now(self) -> Now:
        """The clocks it goes by."""
        return self._now

    @property
    def full(self) -> bool:
        """No more can be set."""
        return len(self._entries) >= MOST

    @property
    def ringing(self) -> Sequence[Ringing]:
        """What rings, in the order it began."""
        return tuple(self._ringing)

    def set_timer(self, duration_s: int, name: str = "") -> Entry:
        """A timer begins; it is on the card soon after. Not to be called when `full`."""
        return self._add(Entry.timer(self._next, duration_s, name, self._now()))

    def set_alarm(self, at: datetime, name: str = "") -> Entry:
        """An alarm is set for a moment with its time zone. Not to be called when `full`."""
        return self._add(Entry.alarm(self._next, at, name))

    def cancel(self, numbers: Iterable[int]) -> None:
        """These won't ring; those that are not there are overlooked."""
        gone = set(numbers)
        before = len(self._entries)
        self._entries = [entry for entry in self._entries if entry.number not in gone]
        if before != len(self._entries):
            self._touch()
            self._tell("cancelled", f"{before - len(self._entries)} cancelled")

    def stop_ringing(self) -> bool:
        """Everything that rings is silent, and over; was there anything? Returns at once."""
        if not self._ringing:
            return False
        self._tell("stopped", f"the ringing of {len(self._ringing)} was stopped")
        self._ringing.clear()
        self._tell_ringers()
        self._touch()
        return True

    def shown(self) -> list[Shown]:
        """All that are set and don't ring yet, the next one first."""
        now = self._now()
        shown = []
        for entry in self._entries:
            left = entry.left(now)
            shown.append(
                Shown(entry, max(0.0, left.seconds), left.certain) if left else Shown(entry, None)
            )
        return sorted(shown, key=lambda one: one.left_s if one.left_s is not None else 1e12)

    def take_missed(self) -> list[Entry]:
        """Those that were due while nobody could be told, to be told now: each is taken once."""
        missed, self._missed = self._missed, []
        if missed:
            self._touch()
        return missed

    def overview(self) -> dict[str, Any]:
        """JSON values: what is set, what rings, what was missed, how often the card was written."""
        return {
            "set": [
                {**one.entry.as_dict(), "left_s": one.left_s, "certain": one.certain}
                for one in self.shown()
            ],
            "ringing": [one.entry.as_dict() for one in self._ringing],
            "missed": [entry.as_dict() for entry in self._missed],
            "clock_set": self._now().trusted,
            "saved": self.saved,
            "writes": self._store.writes,
        }

    # --- what time brings -----------------------------------------------------------------------

    async def run(self) -> None:
        """Ring what is due and keep the file, until cancelled; then nothing rings any more."""
        try:
            while True:
                self._changed.clear()
                self.look()
                if not self.saved:
                    kept = self._kept()
                    problem = await asyncio.to_thread(self._save, kept)
                    self._tell_saved(kept, problem)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._longest_wait_s()):
                        await self._changed.wait()
        finally:
            for ringer in self._ringers:
                ringer.silence()
            if not self.saved:  # what a thread may be writing still is older, and comes first
                kept = self._kept()
                self._tell_saved(kept, self._save(kept))

    def look(self) -> None:
        """See what is due, missed, or has rung for long enough. Returns at once."""
        now = self._now()
        due: list[Ringing] = []
        waiting: list[Entry] = []
        for entry in self._entries:
            left = entry.left(now)
            if left is not None and left.seconds > 0:
                waiting.append(dated := entry.dated(now))
                if dated is not entry:
                    self._touch()
            elif left is not None and -left.seconds <= LATE_S[entry.kind]:
                due.append(Ringing(entry, now.boot_s, -left.seconds))
            else:
                self._miss(entry)
        self._entries = waiting
        over = [one for one in self._ringing if now.boot_s - one.since_boot_s >= RINGS_FOR_S]
        self._ringing = [*(one for one in self._ringing if one not in over), *due]
        if over:
            self._touch()
            self._tell("unheard", f"{len(over)} rang for {RINGS_FOR_S / 60:.0f} minutes unheard")
        if due:
            late_s = max(one.late_s for one in due)
            self._tell("rings", f"{len(due)} ring, {late_s:.1f} s late at most", late_s=late_s)
        if due or over:
            self._tell_ringers()

    def _miss(self, entry: Entry) -> None:
        why = "the machine was off, or its clock wrong"
        self._tell("missed", f"a {entry.kind} was due while {why}", logging.WARNING)
        self._missed = [*self._missed, entry][-MOST:]
        self._touch()

    def _longest_wait_s(self) -> float | None:
        """Until the next moment something has to be done; None: when something changes."""
        now = self._now()
        waits = [one.since_boot_s + RINGS_FOR_S - now.boot_s for one in self._ringing]
        for entry in self._entries:
            left = entry.left(now)
            if left is None:
                return 0.0
            by_machine = entry.kind is Kind.TIMER and entry.boot == now.boot
            waits.append(left.seconds if by_machine else min(left.seconds, LOOK_AGAIN_S))
            if entry.due_unix_s is None and by_machine:
                waits.append(LOOK_AGAIN_S)  # its date is written as soon as the clock is set
        if not self.saved:
            waits.append(SAVE_AGAIN_S)
        return max(0.0, min(waits)) if waits else None

    def _tell_ringers(self) -> None:
        for ringer in self._ringers:
            if self._ringing:
                ringer.ring(tuple(self._ringing))
            else:
                ringer.silence()

    # --- keeping --------------------------------------------------------------------------------

    def _add(self, entry: Entry) -> Entry:
        self._next += 1
        self._entries.append(entry)
        self._touch()
        what = f"a timer of {entry.duration_s} s" if entry.duration_s else "an alarm"
        self._tell("set", f"{what} is set", kind=str(entry.kind))
        return entry

    def _tell(
        self, action: str, what: str, level: int = logging.INFO, **fields: str | float
    ) -> None:
        """A line in the journal: numbers, never a name."""
        count = len(self._entries)
        told = event("timer", action=action, timers_set=count, **fields)
        _log.log(level, "timers: %s; set: %d", what, count, extra=told)

    def _kept(self) -> Kept:
        # What rings is kept until it is over: should the power fail, it rings again.
        ringing = (one.entry for one in self._ringing)
        return Kept((*ringing, *self._entries), tuple(self._missed))

    def _touch(self) -> None:
        self.saved = False
        self._changed.set()

    def _save(self, kept: Kept) -> OSError | None:
        """Blocks; in another thread while the loop runs."""
        try:
            self._store.save(kept)
        except OSError as error:
            return error
        return None

    def _tell_saved(self, kept: Kept, problem: OSError | None) -> None:
        if problem is not None and not self.failed:
            _log.error("timers can't be saved, a restart loses them: %s", problem.strerror)
        self.failed = problem is not None
        self.saved = problem is None and kept == self._kept()
