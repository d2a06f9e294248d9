"""Which answer that has aged is worth asking for again before anybody asks.

What a household asks at the same time of the day, day after day, it is likely to ask again. So the
times at which a question was asked are remembered, and a question is worth a request when, on
enough of the past days, somebody asked it in the stretch of the day that a new answer would cover:

    gain = askings on past days in that stretch / (past days + 1)    (older days count for less)

The days are those since the question was first asked, and one more on which nobody asked: few days
are a weak reason. A request turns only one miss into a hit, as that miss would have kept its answer
for those who ask later: a gain above 1 is no better than 1, and at 0.5 half of them are wasted.

All of it is in memory and is lost at a restart: what people ask is written nowhere but in the
cache, and learning costs the card nothing.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from sena_pi.cache.entries import StoredAnswer
from sena_pi.cache.keys import AnswerKey
from sena_pi.stages import Cacheability

QUIET_S: Final = 300.0
"""So long after the last turn nobody is taken to be asking something."""
LOOK_EVERY_S: Final = 60.0
"""How often it is looked whether something is due."""

_DAY_S: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class RefreshSettings:
    """When an answer is asked for again.

    Attributes:
        per_day: requests in any 24 hours; 0: none, and nothing is learned.
        fresh_s: age up to which an answer that changes within days is served.
        least_gain: a smaller gain is not worth a request.
        least_days: on so many days it must have been asked in the stretch that is covered.
        ahead_s: an answer is renewed at most so long before it may be asked for, and put off
            while putting it off so long gains more askings than it loses.
        half_life_s: after so long an asking counts half.
        most_questions: bound of what is remembered; the least asked are forgotten.
        most_askings: of one question; the oldest are forgotten.
    """

    per_day: int = 0
    fresh_s: float = 3600.0
    least_gain: float = 0.5
    least_days: int = 3
    ahead_s: float = 600.0
    half_life_s: float = 7 * _DAY_S
    most_questions: int = 256
    most_askings: int = 32


@dataclass(slots=True)
class Habit:
    """A question that is asked again and again, perhaps.

    Attributes:
        key: its key; it stands alone.
        answer: as it was given last.
        askings: when it was asked, in seconds since 1970, oldest first.
    """

    key: AnswerKey
    answer: StoredAnswer
    askings: deque[float] = field(default_factory=deque)


class Refresher:
    """Learns from askings and says what to ask now. Pure: the time is given with each call.

    Times are wall time in seconds since 1970, None while the clock can't be believed: then
    nothing is learned and nothing is due. The day is any 24 hours, so time zones don't matter.
    Belongs to one thread.

    Attributes:
        settings: when an answer is asked for again.
    """

    def __init__(self, settings: RefreshSettings) -> None:
        self.settings = settings
        self._habits: dict[AnswerKey, Habit] = {}
        self._requests: deque[float] = deque(maxlen=max(1, settings.per_day))

    def __len__(self) -> int:
        """Questions that are remembered."""
        return len(self._habits)

    @property
    def enabled(self) -> bool:
        """Whether anything is ever asked."""
        return self.settings.per_day > 0

    def asked(self, key: AnswerKey, answer: StoredAnswer, now: float | None) -> None:
        """Somebody asked this and was given that answer, remembered or new.

        Remembered only if the answer ages and the question stands alone.
        """
        if now is None or not self.enabled:
            return
        if key.context or not answer.alone or answer.keep is not Cacheability.HOURS:
            self._habits.pop(key, None)
            return
        habit = self._habits.get(key)
        if habit is None:
            empty: deque[float] = deque(maxlen=self.settings.most_askings)
            habit = self._habits[key] = Habit(key, answer, empty)
        habit.answer = answer
        habit.askings.append(now)
        if len(self._habits) > self.settings.most_questions:
            self._forget_least(now)

    def due(self, now: float | None) -> Habit | None:
        """What to ask now, the largest gain first; None: nothing, or no request is left."""
        if now is None or self.requests_left(now) == 0:
            return None
        gains = [(self.gain(habit, now), habit) for habit in self._habits.values()]
        worth = [one for one in gains if one[0] >= self.settings.least_gain]
        return max(worth, key=lambda one: one[0])[1] if worth else None

    def requests_left(self, now: float) -> int:
        """Requests that may be made now."""
        made = sum(abs(now - at) < _DAY_S for at in self._requests)
        return max(0, self.settings.per_day - made)

    def requested(self, now: float) -> None:
        """A request is being made, whatever will come of it."""
        self._requests.append(now)

    def refreshed(self, key: AnswerKey, answer: StoredAnswer) -> None:
        """There is a new answer. Nobody asked for it: nothing is learned from that."""
        habit = self._habits.get(key)
        if habit is None:
            return
        if answer.keep is Cacheability.HOURS:
            habit.answer = answer
        else:
            del self._habits[key]

    def knows(self, key: AnswerKey) -> bool:
        """Whether this question is remembered."""
        return key in self._habits

    def forget(self, key: AnswerKey) -> None:
        """This question is not to be asked, until it is learned anew."""
        self._habits.pop(key, None)

    def clear(self) -> None:
        """Forget every question; requests that were made still count."""
        self._habits.clear()

    def gain(self, habit: Habit, now: float) -> float:
        """Hits that one request is likely to gain, 0 to 1; 0 while waiting costs nothing."""
        settings = self.settings
        # While the answer is served, only what comes after its end is gained.
        start_s = max(0.0, self._expires(habit) - now)
        if len(habit.askings) < settings.least_days or start_s >= settings.ahead_s:
            return 0.0
        gained = lost = won = 0.0
        days = set()
        for at in habit.askings:
            weight = math.exp2(-max(0.0, now - at) / settings.half_life_s)
            due_s = start_s + (at - now - start_s) % _DAY_S
            if due_s < settings.fresh_s:
                gained += weight
                days.add(round((now + due_s - at) / _DAY_S))
            if due_s < settings.ahead_s:
                lost += weight
            elif settings.fresh_s <= due_s < settings.fresh_s + settings.ahead_s:
                won += weight
        if not lost or won > lost or len(days) < settings.least_days:
            return 0.0
        return min(1.0, gained / (self._days(habit, now) + 1))

    def _expires(self, habit: Habit) -> float:
        kept_at = habit.answer.kept_at
        return -math.inf if kept_at is None else kept_at + self.settings.fresh_s

    def _days(self, habit: Habit, now: float) -> float:
        """Days since the first asking that is remembered, weighed as the askings are."""
        half_life_days = self.settings.half_life_s / _DAY_S
        days = max(0.0, now - habit.askings[0]) / _DAY_S
        return half_life_days / math.log(2) * (1 - math.exp2(-days / half_life_days))

    def _forget_least(self, now: float) -> None:
        """Of the least asked the one that was asked first."""

        def weight(habit: Habit) -> float:
            ages_s = (max(0.0, now - at) for at in habit.askings)
            return sum(math.exp2(-age_s / self.settings.half_life_s) for age_s in ages_s)

        del self._habits[min(self._habits.values(), key=weight).key]
