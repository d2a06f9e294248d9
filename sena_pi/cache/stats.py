"""What the cache did: today, and in all. Kept in memory; written only along with entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class Tally:
    """Counts over some time.

    Attributes:
        hits: answers that were found, by tier.
        misses: answers that were looked for and not found.
        bypasses: answers that were not looked for or not kept, by reason.
        speech_hits: sentences whose sound was found, by tier.
        speech_misses: sentences whose sound was looked for and not found.
        saved_ms: time not waited for: what the same answers took this device the first time,
            less what they took now.
        refreshes: questions asked anew while nobody waited, by what came of it.
        evicted: entries that had to make room.
        damaged: records that were found damaged.
        written_bytes: bytes written to the card.
        syncs: how often the card was waited for.
    """

    hits: dict[str, int] = field(default_factory=dict)
    misses: int = 0
    bypasses: dict[str, int] = field(default_factory=dict)
    speech_hits: dict[str, int] = field(default_factory=dict)
    speech_misses: int = 0
    saved_ms: float = 0.0
    refreshes: dict[str, int] = field(default_factory=dict)
    evicted: int = 0
    damaged: int = 0
    written_bytes: int = 0
    syncs: int = 0

    @classmethod
    def read(cls, data: object) -> Tally:
        """The tally that `asdict` made; what can't be read of it is zero."""
        tally = cls()
        if isinstance(data, Mapping):
            for one in fields(cls):
                value, default = data.get(one.name), getattr(tally, one.name)
                if isinstance(default, dict) and isinstance(value, Mapping):
                    counts = {str(k): n for k, n in value.items() if _is_count(n)}
                    setattr(tally, one.name, counts)
                elif not isinstance(default, dict) and _is_count(value):
                    setattr(tally, one.name, type(default)(value))
        return tally

    @property
    def answered(self) -> int:
        """Answers that were found."""
        return sum(self.hits.values())

    @property
    def hit_rate(self) -> float | None:
        """Share of the answers that were looked for and found; None before the first."""
        asked = self.answered + self.misses
        return self.answered / asked if asked else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, the rates and sums included."""
        rate = self.hit_rate
        return {
            **asdict(self),
            "saved_ms": round(self.saved_ms, 1),
            "answered": self.answered,
            "hit_rate": None if rate is None else round(rate, 4),
        }


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


class Stats:
    """Today's tally and the one of all days.

    Attributes:
        day: which day today is, in ISO form; None while the clock is not set.
    """

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        """Go on from what `as_counts` gave."""
        kept = kept or {}
        day = kept.get("day")
        self.day: str | None = day if isinstance(day, str) else None
        self.today = Tally.read(kept.get("today"))
        self.total = Tally.read(kept.get("total"))

    def as_counts(self) -> dict[str, Any]:
        """What is written along with entries."""
        return {"day": self.day, "today": asdict(self.today), "total": asdict(self.total)}

    def add(self, name: str, amount: float = 1) -> None:
        """Count something that is a number of `Tally`."""
        for tally in (self.today, self.total):
            setattr(tally, name, getattr(tally, name) + amount)

    def add_by(self, name: str, reason: str) -> None:
        """Count something that is counted by tier or reason."""
        for tally in (self.today, self.total):
            counts = getattr(tally, name)
            counts[reason] = counts.get(reason, 0) + 1

    def new_day(self, day: str | None) -> Tally:
        """Begin a day; the tally of the one that is over."""
        over, self.today, self.day = self.today, Tally(), day
        return over
