"""What is kept of a timer or an alarm, and how long it still has by clocks that may be wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from sena_pi.timers.instants import Instant
from sena_pi.timers.requests import Kind


@dataclass(frozen=True, slots=True)
class Entry:
    """A timer or an alarm that was set.

    Attributes:
        number: tells it apart from all others.
        kind: timer or alarm.
        name: as the person gave it, "" for none. The person's word: it is never logged.
        duration_s: a timer's whole length; 0 for an alarm.
        boot: the kernel's run that `due_boot_s` belongs to.
        due_boot_s: a timer's end on the clock of that run.
        due_unix_s: a timer's end by the wall clock; None while that was not set.
        local: an alarm's date and time on the clocks of wherever the person then is, ISO 8601.
    """

    number: int
    kind: Kind
    name: str = ""
    duration_s: int = 0
    boot: str = ""
    due_boot_s: float = 0.0
    due_unix_s: float | None = None
    local: str = ""

    @classmethod
    def timer(cls, number: int, duration_s: int, name: str, now: Instant) -> Entry:
        """A timer that begins now."""
        return cls(
            number,
            Kind.TIMER,
            name,
            duration_s,
            boot=now.boot,
            due_boot_s=now.boot_s + duration_s,
            due_unix_s=now.unix_s + duration_s if now.trusted else None,
        )

    @classmethod
    def alarm(cls, number: int, at: datetime, name: str) -> Entry:
        """An alarm; `at` has the time zone it was meant in."""
        # The fold is kept by the offset: the second half past two of an autumn night is another.
        return cls(number, Kind.ALARM, name, local=at.isoformat())

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Entry:
        """As `as_dict` made it.

        Raises:
            ValueError, TypeError, LookupError: it is something else.
        """
        entry = cls(**{**data, "kind": Kind(data["kind"])})
        if entry.kind is Kind.ALARM and datetime.fromisoformat(entry.local).tzinfo is None:
            raise ValueError("an alarm without an offset")
        # Types, too: the file may be anybody's.
        numbers = (entry.number, entry.duration_s, entry.due_boot_s, entry.due_unix_s or 0.0)
        if not all(isinstance(number, int | float) for number in numbers):
            raise TypeError("a number is none")
        if not isinstance(entry.name, str) or not isinstance(entry.boot, str):
            raise TypeError("a text is none")
        return entry

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def due_at(self, zone: tzinfo) -> datetime:
        """An alarm's moment: the same time of day, should the person have moved meanwhile."""
        said = datetime.fromisoformat(self.local)
        first = said.replace(tzinfo=zone, fold=0)
        second = first.replace(fold=1)
        meant = second if said.utcoffset() == second.utcoffset() else first
        return meant.astimezone(UTC)

    def left(self, now: Instant) -> Left | None:
        """How long it still has; None where nobody can know any more."""
        if self.kind is Kind.ALARM:
            return Left(self.due_at(now.zone).timestamp() - now.unix_s, certain=now.trusted)
        if self.boot == now.boot:
            return Left(self.due_boot_s - now.boot_s, certain=True)
        if self.due_unix_s is None:
            return None
        return Left(self.due_unix_s - now.unix_s, certain=now.trusted)

    def dated(self, now: Instant) -> Entry:
        """The same with its end by the wall clock, where that is known only now."""
        known = self.kind is Kind.ALARM or self.due_unix_s is not None
        if known or not now.trusted or self.boot != now.boot:
            return self
        return replace(self, due_unix_s=now.unix_s + self.due_boot_s - now.boot_s)


@dataclass(frozen=True, slots=True)
class Left:
    """The time until something rings.

    Attributes:
        seconds: negative when it is over. A clock that is not set is never ahead: a machine
            without a battery goes on where it was switched off. So this is the longest it can be.
        certain: the clock is set.
    """

    seconds: float
    certain: bool
