"""What asking for aged answers on idle gains and costs: the rule itself, on days that have hours.

The other traces have no hours. Here a household asks `refresh_turns` times a day, between seven
and eleven: as in the turn traces 40 % of it is new and half of the repeats are recent. Of the
questions 20 % have an answer that holds for an hour. Six more are habits: each asked on eight days
of ten at its own time, give or take a quarter of an hour, and its answer holds for an hour, too.
These are assumptions that favour refreshing, so the same household without habits stands beside it.

It gains little. With five seeds other than those the rule was made with, 28 days, 100 turns a day
and 20 requests a day allowed: 3.5 points of hits (46.8 to 50.3 %), of 15.2 that expiry costs. It
takes 5.0 requests a day, of which 27 % are for nobody: 1.3 requests and 0.9 kB written more a day
(2.4 %). Without habits: 0.04 points for 0.3 requests. At 2,000 turns a day it is never quiet, and
nothing is refreshed. Serving answers that are up to a day old (`keep_hours_s`) gains 7.3 points on
the same days and saves 7.6 requests, at the price of their age. And what is asked daily, like the
weather, is mostly what may not be kept at all: then there is nothing to refresh either.

The real `Refresher` says what to ask, the real `ResponseCache` keeps it, on a clock that is moved
by hand. Only texts are kept: a refresh never has speech made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sena_pi.bench.cache.book import Book, Cell
from sena_pi.bench.cache.options import Options
from sena_pi.bench.cache.traces import TEXT_BYTES, questions, seeded
from sena_pi.cache.budget import CardSettings
from sena_pi.cache.entries import StoredAnswer
from sena_pi.cache.keys import AnswerKey
from sena_pi.cache.refresh import LOOK_EVERY_S, QUIET_S, Refresher, RefreshSettings
from sena_pi.cache.responses import CacheSettings, ResponseCache
from sena_pi.cache.store import StoreSettings
from sena_pi.stages import Cacheability

FRESH_S = 3600.0
AGEING_SHARE = 0.2
HABITS = {"habits": 6, "no habits": 0}
"""Household -> how many habits it has."""
HABIT_SHARE_OF_DAYS = 0.8
HABIT_SPREAD_S = 900.0
WAKING_S = (7 * 3600.0, 23 * 3600.0)
_DAY_S = 24 * 3600.0
_START_S = 1_790_035_200.0
"""Midnight of some day."""
_CARD_BYTES = 32 << 20
_MODEL = "bench/model"


@dataclass(frozen=True, slots=True, order=True)
class Asking:
    """Somebody asks something.

    Attributes:
        at_s: when, in seconds since 1970.
        question: which question, by its name.
        ages: its answer holds for an hour; else for ever.
    """

    at_s: float
    question: str
    ages: bool

    @property
    def key(self) -> AnswerKey:
        """Of its answer."""
        return AnswerKey(self.question, "en", _MODEL, 1)

    def answer(self, now: float) -> StoredAnswer:
        """As it is given now."""
        rng = seeded("answer", self.question, now)
        text = rng.randbytes(rng.randint(*TEXT_BYTES) // 2).hex()
        keep = Cacheability.HOURS if self.ages else Cacheability.EVERGREEN
        return StoredAnswer(self.question, text, "en", keep, _MODEL, 1800.0, now)


def askings(seed: int, days: int, turns_a_day: int, habits: int) -> list[Asking]:
    """What a household asks, in order."""
    rng = seeded("refresh", seed)
    numbers = questions(seeded("refresh questions", seed), days * turns_a_day)
    usual = [(f"habit {number}", rng.uniform(*WAKING_S)) for number in range(habits)]
    asked = []
    for day in range(days):
        midnight_s = _START_S + day * _DAY_S
        for at_s in sorted(rng.uniform(*WAKING_S) for _ in range(turns_a_day)):
            name = f"question {next(numbers)}"
            ages = seeded("ages", seed, name).random() < AGEING_SHARE
            asked.append(Asking(midnight_s + at_s, name, ages))
        for name, usual_s in usual:
            if rng.random() < HABIT_SHARE_OF_DAYS:
                at_s = midnight_s + rng.gauss(usual_s, HABIT_SPREAD_S)
                asked.append(Asking(at_s, name, ages=True))
    return sorted(asked)


@dataclass(slots=True)
class Outcome:
    """What a trace came to.

    Attributes:
        hits: askings that were answered from the cache.
        misses: those that were not.
        expired: misses whose answer was kept once: no refreshing gains more.
        refreshes: requests on idle.
        unasked: refreshes that nobody asked for while they held.
        written_bytes: to the card, as the cache counts them.
    """

    hits: int = 0
    misses: int = 0
    expired: int = 0
    refreshes: int = 0
    unasked: int = 0
    written_bytes: int = 0

    @property
    def requests(self) -> int:
        """Questions that the cloud was asked."""
        return self.misses + self.refreshes


class Days:
    """A household, its cache and what refreshes it, on a clock moved by hand."""

    def __init__(self, folder: Path, per_day: int) -> None:
        self._now = _START_S
        self._outcome = Outcome()
        self._refresher = Refresher(RefreshSettings(per_day=per_day, fresh_s=FRESH_S))
        self._known: dict[AnswerKey, Asking] = {}
        self._unused: set[AnswerKey] = set()
        store = StoreSettings(CardSettings.of(_CARD_BYTES))
        self._cache = ResponseCache(
            folder,
            CacheSettings(store, hours_s=FRESH_S),
            now=lambda: self._now,
            monotonic=lambda: self._now,
        )

    def live(self, trace: list[Asking]) -> Outcome:
        """Ask all of it."""
        outcome = self._outcome
        with closing(self._cache):
            quiet_since = _START_S
            for asking in trace:
                self._idle(quiet_since + QUIET_S, asking.at_s)
                self._ask(asking)
                quiet_since = asking.at_s
            self._cache.maintain()
            outcome.written_bytes = self._cache.stats()["total"]["written_bytes"]
        outcome.unasked += len(self._unused)
        return outcome

    def _ask(self, asking: Asking) -> None:
        self._now = asking.at_s
        found = self._cache.look_up(asking.key)
        if found is None:
            self._outcome.misses += 1
            self._outcome.expired += asking.key in self._known
            answer = asking.answer(self._now)
            self._cache.put(asking.key, answer)
            self._outcome.unasked += asking.key in self._unused
        else:
            self._outcome.hits += 1
            assert isinstance(found[1], StoredAnswer)  # noqa: S101 - asked for by its key
            answer = found[1]
        self._unused.discard(asking.key)
        self._known[asking.key] = asking
        self._refresher.asked(asking.key, answer, self._now)
        self._cache.turn_ended()
        self._cache.maintain()

    def _idle(self, start_s: float, end_s: float) -> None:
        """Nobody asks anything."""
        while self._refresher.enabled and start_s < end_s:
            self._now = start_s
            habit = self._refresher.due(start_s)
            if habit is not None:
                answer = self._known[habit.key].answer(start_s)
                self._refresher.requested(start_s)
                self._cache.put(habit.key, answer)
                self._refresher.refreshed(habit.key, answer)
                self._cache.maintain()
                self._outcome.refreshes += 1
                self._outcome.unasked += habit.key in self._unused
                self._unused.add(habit.key)
            start_s += LOOK_EVERY_S


def measure(options: Options, book: Book) -> Iterator[tuple[Cell, dict[str, Any]]]:
    """One result a household, seed and budget, beside the same days without refreshing."""
    for household, habits in HABITS.items():
        for seed in options.seeds:
            cells = [Cell("refresh", household, seed, most) for most in options.refresh_budgets]
            missing = [cell for cell in cells if cell not in book]
            if not missing:
                continue
            trace = askings(seed, options.refresh_days, options.refresh_turns, habits)
            without = lived(options, trace, 0)
            for cell in missing:
                outcome = lived(options, trace, cell.size)
                yield cell, compared(outcome, without, options.refresh_days)


def lived(options: Options, trace: list[Asking], per_day: int) -> Outcome:
    """The trace with so many refreshes a day, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=options.card, prefix="sena-bench-") as folder:
        return Days(Path(folder) / "cache", per_day).live(trace)


def compared(outcome: Outcome, without: Outcome, days: int) -> dict[str, Any]:
    """A result: per day, and what refreshing changed."""
    turns = without.hits + without.misses
    return {
        "turns": turns,
        "hit_rate_without": without.hits / turns,
        "hit_rate": outcome.hits / turns,
        "points_gained": 100 * (outcome.hits - without.hits) / turns,
        "points_expired": 100 * without.expired / turns,
        "refreshes_a_day": outcome.refreshes / days,
        "unasked_a_day": outcome.unasked / days,
        "requests_a_day_without": without.requests / days,
        "requests_a_day": outcome.requests / days,
        "written_a_day_without": without.written_bytes / days,
        "written_a_day": outcome.written_bytes / days,
    }
