"""Daily caps on what the cloud may cost: questions asked, seconds spoken.

Counted per local day, and by the wall clock, which can't be trusted on a board without a clock of
its own. So counts are only ever dropped for a later day, or, should the clock have jumped ahead
and come back, after a whole day of running. While the clock is plainly wrong (before 2025) what
is counted goes on top of what there is.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from sena_pi.clock import local_zone
from sena_pi.errors import AllowanceSpent
from sena_pi.replace import replace_file

_log = logging.getLogger(__name__)

SAVE_EVERY_S: Final = 60.0
_DAY_S = 24 * 3600.0
_FIRST_YEAR = 2025

REQUESTS_SPENT: Final = "I've reached today's limit for cloud questions. It resets at midnight."
"""What a person is told when no more questions may be asked."""


class Kind(StrEnum):
    """What is capped."""

    REQUESTS = "requests"
    SPEECH = "speech"


@dataclass(slots=True)
class _Count:
    """What was used since a day began.

    Attributes:
        day: that day, in ISO form; None while the clock could not be trusted.
        requests: questions asked.
        speech_s: seconds spoken.
        age_s: seconds of running since the count began, by the monotonic clock.
    """

    day: str | None = None
    requests: int = 0
    speech_s: float = 0.0
    age_s: float = 0.0


def _local_now() -> datetime:
    return datetime.now(local_zone())


class Allowance:
    """Counts what is asked of the cloud against the day's caps.

    Counting is instant and never touches the disk. `run`, a task of the brain, saves about once a
    minute (flash wears out), and `close` saves at the end: a crash forgets a minute at most. Two
    processes with one file do not see each other's counts; the one that saves last is believed.
    Counting belongs to one thread; `save` may run in another.
    """

    def __init__(
        self,
        path: Path,
        *,
        requests_per_day: int,
        speech_seconds_per_day: float,
        now: Callable[[], datetime] = _local_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read what was counted before; blocks for one small file.

        Args:
            path: the file counts are kept in; its folder is made when something is saved.
            requests_per_day: cap on questions.
            speech_seconds_per_day: cap on seconds spoken by the cloud.
            now: the wall clock, in local time.
            monotonic: seconds that never go back.
        """
        self._path = path
        self._requests_per_day = requests_per_day
        self._speech_seconds_per_day = speech_seconds_per_day
        self._now = now
        self._monotonic = monotonic
        self._tick = monotonic()
        self._saving = threading.Lock()
        self._unsaved = False
        self._said_unsaved = False
        self._count = self._read()

    def take_request(self) -> None:
        """Count one question to the cloud, before it is asked.

        Raises:
            AllowanceSpent: the cap is reached; the message is for the person who asked.
        """
        count = self._current()
        if count.requests >= self._requests_per_day:
            raise AllowanceSpent(REQUESTS_SPENT)
        count.requests += 1
        self._unsaved = True

    def add_speech(self, seconds: float) -> None:
        """Count seconds that the cloud has spoken, heard by anyone or not."""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"{seconds} is not a length of time")
        self._current().speech_s += seconds
        self._unsaved = True

    @property
    def speech_left_s(self) -> float:
        """Seconds the cloud may still speak today; 0 when its voice must not be used."""
        return max(0.0, self._speech_seconds_per_day - self._current().speech_s)

    def spent(self, kind: Kind) -> bool:
        """True when the cap of this kind is reached."""
        if kind is Kind.SPEECH:
            return self.speech_left_s == 0
        return self._current().requests >= self._requests_per_day

    @property
    def ample(self) -> bool:
        """Less than half of the day's questions were asked: some may be asked on a guess."""
        return 2 * self._current().requests < self._requests_per_day

    async def run(self, every_s: float = SAVE_EVERY_S) -> None:
        """Save now and then, off the event loop, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(self.save)

    def save(self) -> None:
        """Save what was counted since the last time; blocks for the disk, never raises OSError.

        When the disk refuses, counting goes on in memory and the journal is told once.
        """
        with self._saving:
            if not self._unsaved:
                return
            # In this order: what is counted meanwhile is saved the next time.
            self._unsaved = False
            data = json.dumps(asdict(self._count)).encode()
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                replace_file(self._path, data, mode=0o600)
            except OSError as error:
                self._unsaved = True
                self._say_unsaved(error)

    def close(self) -> None:
        """Save for the last time, the age of a count that waits for its day to pass included."""
        count = self._current()
        self._unsaved = self._unsaved or count.requests > 0 or count.speech_s > 0
        self.save()

    def _current(self) -> _Count:
        """The count that is on, begun anew when a new day has come."""
        tick = self._monotonic()
        count = self._count
        count.age_s += tick - self._tick
        self._tick = tick
        now = self._now()
        today = now.date().isoformat() if now.year >= _FIRST_YEAR else None
        if today is not None and count.day is None:
            count.day = today
        if today is not None and count.day is not None and today >= count.day:
            over = today > count.day
        else:  # the clock is behind the count, or there is none
            over = count.age_s >= _DAY_S
        if over:
            count = self._count = _Count(today)
        return count

    def _read(self) -> _Count:
        try:
            return _parsed(self._path.read_bytes())
        except FileNotFoundError:
            return _Count()
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or "it is damaged"
            _log.warning("today's cloud use starts from zero: %s: %s", self._path, reason)
            return _Count()

    def _say_unsaved(self, error: OSError) -> None:
        if not self._said_unsaved:
            self._said_unsaved = True
            _log.warning(
                "cloud use is counted in memory only: %s: %s",
                self._path,
                error.strerror or type(error).__name__,
            )


def _parsed(data: bytes) -> _Count:
    """The count a file holds.

    Raises:
        ValueError: it is not one.
    """
    fields = json.loads(data)
    if not isinstance(fields, dict):
        raise ValueError("not an object")  # noqa: TRY004 - damaged data, not a wrong call
    day = fields.get("day")
    if day is not None:
        day = date.fromisoformat(str(day)).isoformat()
    requests = _amount(fields.get("requests"))
    return _Count(day, int(requests), _amount(fields.get("speech_s")), _amount(fields.get("age_s")))


def _amount(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError("not an amount")
    return float(value)
