"""A circuit breaker: a dependency that keeps failing is left alone for a while.

Pure: no task, no lock, no clock of its own. It belongs to the event loop.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

from sena_pi.errors import (
    CaptivePortal,
    ClockWrong,
    CloudBusy,
    CloudDeclined,
    CloudError,
    CloudKeyRefused,
    CloudResting,
    CloudUnreachable,
)

_log = logging.getLogger(__name__)


class State(StrEnum):
    """What a breaker lets through."""

    CLOSED = "closed"
    """Everything."""
    OPEN = "open"
    """Nothing, until it has rested."""
    HALF_OPEN = "half-open"
    """One attempt at a time: it decides."""
    REFUSED = "refused"
    """Nothing, until there is another key."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a breaker opens, and for how long.

    Attributes:
        in_a_row: it opens after so many failures without a success between them,
        of_recent: or after so many failures among the last `recent` verdicts.
        recent: see above.
        rest_s: the first rest; each failed attempt after a rest doubles it.
        longest_rest_s: it is not doubled beyond this.
        busy_s: rest after a 429 that does not tell how long to wait.
        longest_busy_s: longest rest that a 429 can ask for.
        jitter: rests of its own are so much shorter or longer by chance, as a share: a cloud that
            comes back is not asked by everybody at once.
    """

    in_a_row: int = 3
    of_recent: int = 5
    recent: int = 10
    rest_s: float = 15.0
    longest_rest_s: float = 300.0
    busy_s: float = 30.0
    longest_busy_s: float = 3600.0
    jitter: float = 0.2


class Breaker:
    """The breaker of one dependency.

    A wrong clock and a captive portal say nothing about the dependency and don't count. An answer
    that was declined shows that it works.

    Args:
        name: the dependency, for the journal.
        rules: when it opens.
        monotonic: seconds that never go back.
        chance: evenly spread between -1 and 1.
    """

    def __init__(
        self,
        name: str,
        rules: BreakerRules | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = lambda: random.uniform(-1, 1),  # noqa: S311 - no secret
    ) -> None:
        self._name = name
        self._rules = rules or BreakerRules()
        self._monotonic = monotonic
        self._chance = chance
        self._recent: deque[bool] = deque(maxlen=self._rules.recent)
        self._rest_s = self._rules.rest_s
        self._reason: CloudError | None = None
        self._until_s = 0.0
        self._probing = False

    @property
    def state(self) -> State:
        """What it lets through now."""
        if self._reason is None:
            return State.CLOSED
        if isinstance(self._reason, CloudKeyRefused):
            return State.REFUSED
        return State.OPEN if self._monotonic() < self._until_s else State.HALF_OPEN

    @property
    def reason(self) -> CloudError | None:
        """What the dependency failed of; None while it is asked."""
        return self._reason

    @property
    def rests_s(self) -> float:
        """Seconds until it is asked again; 0 while it is, and while it waits for another key."""
        return max(0.0, self._until_s - self._monotonic())

    def attempt(self) -> Attempt:
        """Leave to ask once; a context manager, to be entered at once.

        Raises:
            CloudResting: it must not be asked now; `reason` tells what it failed of.
        """
        state = self.state
        if self._reason is None:
            return Attempt(self, probe=False)
        if state is State.HALF_OPEN and not self._probing:
            self._probing = True
            return Attempt(self, probe=True)
        left_s = max(0.0, self._until_s - self._monotonic())
        until = "there is another key" if state is State.REFUSED else f"{left_s:.0f} s have passed"
        raise CloudResting(f"{self._name} is not asked until {until}: {self._reason}", self._reason)

    def key_changed(self) -> None:
        """There is another key: what the old one met does not count any more."""
        if self.state is State.REFUSED:
            self._close()

    def network_changed(self) -> None:
        """There is another way to it: one that could not be reached has rested enough."""
        if isinstance(self._reason, CloudUnreachable):
            self._until_s = self._monotonic()
            self._rest_s = self._rules.rest_s

    def _worked(self, *, probe: bool) -> None:
        if self._reason is None:
            self._recent.append(True)
        elif probe and self.state is not State.REFUSED:
            _log.info("%s works again", self._name)
            self._close()

    def _failed(self, error: CloudError, *, probe: bool) -> None:
        if self.state is State.REFUSED:
            return  # of attempts that began before
        match error:
            case CaptivePortal() | ClockWrong() | CloudResting():
                return
            case CloudDeclined():
                self._worked(probe=probe)
            case CloudKeyRefused():
                self._open(error, 0.0)
            case CloudBusy(retry_after_s=float() | int() as told_s):
                self._open(error, min(told_s, self._rules.longest_busy_s))
            case CloudBusy():
                self._open(error, self._doubled(max(self._rest_s, self._rules.busy_s)))
            case _ if probe:
                self._open(error, self._doubled(self._rest_s))
            case _ if self._reason is None:
                self._recent.append(False)
                if self._is_enough():
                    self._open(error, self._doubled(self._rest_s))

    def _is_enough(self) -> bool:
        rules, verdicts = self._rules, list(self._recent)
        in_a_row = len(verdicts) >= rules.in_a_row and not any(verdicts[-rules.in_a_row :])
        return in_a_row or verdicts.count(False) >= rules.of_recent

    def _doubled(self, rest_s: float) -> float:
        """This rest, with a little chance; the next one is twice as long."""
        self._rest_s = min(2 * rest_s, self._rules.longest_rest_s)
        rest_s *= 1 + self._rules.jitter * self._chance()
        return min(rest_s, self._rules.longest_rest_s)

    def _open(self, error: CloudError, rest_s: float) -> None:
        self._reason = error
        self._until_s = max(self._until_s, self._monotonic() + rest_s)
        _log.warning("%s rests (%s, %.0f s): %s", self._name, self.state, rest_s, error)

    def _close(self) -> None:
        self._reason = None
        self._until_s = 0.0
        self._rest_s = self._rules.rest_s
        self._recent.clear()


class Attempt:
    """One attempt, and what came of it. Left without a word it counts as nothing."""

    def __init__(self, breaker: Breaker, *, probe: bool) -> None:
        self._breaker = breaker
        self._probe = probe
        self._failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._probe:
            self._breaker._probing = False  # noqa: SLF001 - the other half of the same class

    def worked(self) -> None:
        """The dependency did what was asked."""
        self._breaker._worked(probe=self._probe)  # noqa: SLF001

    def failed(self, error: CloudError) -> None:
        """It did not; told again, it counts once."""
        if not self._failed:
            self._failed = True
            self._breaker._failed(error, probe=self._probe)  # noqa: SLF001
