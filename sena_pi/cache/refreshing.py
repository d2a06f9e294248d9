"""Asking for aged answers while nobody asks for anything.

A request is made only when nobody has asked for five minutes, the card takes what is written, and
the day's own bound and the cloud's allowance leave one. Speech is never made: it costs more than
words, and most sentences of a new answer are new. The first to hear it waits for the voice alone.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final

from sena_pi.cache.refresh import LOOK_EVERY_S, QUIET_S, Habit, Refresher
from sena_pi.cache.service import CacheService
from sena_pi.errors import AllowanceSpent, CloudError
from sena_pi.sentences import SentenceSplitter
from sena_pi.speakable import speakable
from sena_pi.stages import EndedTurn, LanguageModel, Question

REST_S: Final = 3600.0
"""How long the cloud is left alone after it, or the allowance, said no."""
LONGEST_S: Final = 30.0
"""Longest wait for an answer."""

_log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What came of a request."""

    KEPT = "kept"
    NOT_KEPT = "not kept"
    STOPPED = "stopped"
    FAILED = "failed"


class IdleRefresh:
    """Belongs to the event loop, as the service does. One request at a time."""

    def __init__(
        self,
        service: CacheService,
        refresher: Refresher,
        model: LanguageModel,
        *,
        now: Callable[[], float | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`run` does it.

        Args:
            service: keeps the answers, by the rules of any other answer.
            refresher: says which; the service teaches it.
            model: the one whose answers are kept; asks only within the day's allowance.
            now: the wall clock; None while it can't be believed.
            monotonic: seconds that never go back.
        """
        self._service = service
        self._refresher = refresher
        self._model = model
        self._now = now
        self._monotonic = monotonic
        self._asked_at = monotonic()
        self._rests_until = -math.inf
        self._request: asyncio.Task[None] | None = None

    def turn_began(self) -> None:
        """Somebody asks: a request that is under way is given up. Returns at once."""
        self._asked_at = self._monotonic()
        if self._request is not None:
            self._request.cancel()

    async def run(self, idle: Callable[[], Awaitable[None]], every_s: float = LOOK_EVERY_S) -> None:
        """Look now and then, until cancelled; `idle` waits for the end of a turn."""
        while True:
            await asyncio.sleep(every_s)
            await idle()
            await self.look()

    async def look(self) -> None:
        """Ask one question, if one is due now; never raises for what comes of it."""
        habit = self._due()
        if habit is None:
            return
        # The group takes a cancelled request for an ended one.
        async with asyncio.TaskGroup() as tasks:
            self._request = tasks.create_task(self._refresh(habit), name="refresh")
        self._request = None

    def _due(self) -> Habit | None:
        now_s = self._monotonic()
        if now_s < self._asked_at + QUIET_S or now_s < self._rests_until:
            return None
        return self._refresher.due(self._now()) if self._service.can_keep else None

    async def _refresh(self, habit: Habit) -> None:
        outcome: Outcome | None = Outcome.STOPPED
        try:
            async with asyncio.timeout(LONGEST_S):
                turn = await self._answered(habit)
            kept = self._service.keep_refreshed(habit, turn)
            outcome = Outcome.KEPT if kept else Outcome.NOT_KEPT
        except AllowanceSpent:
            outcome = None  # nothing was asked
            self._rest("the day's allowance is spent")
        except (CloudError, TimeoutError) as error:
            outcome = Outcome.FAILED
            self._rest(str(error) or "no answer came")
        except Exception:  # noqa: BLE001 - see below
            # A convenience must not end the assistant, whatever it trips over.
            outcome = Outcome.FAILED
            self._rest("a bug")
            _log.exception("refreshing an answer failed (a bug)")
        finally:
            if outcome is not None:
                self._tell(outcome)

    async def _answered(self, habit: Habit) -> EndedTurn:
        """The answer, as if it had been spoken."""
        known = habit.answer
        sentences: list[str] = []
        async with self._model.respond(Question(text=known.question)) as response:
            header = await response.header()
            splitter = SentenceSplitter(first_clause=True, language=header.language)
            async for delta in response.deltas():
                sentences += splitter.feed(delta)
            sentences += splitter.flush()
            complete = response.complete
            header = await response.header()
        return EndedTurn(
            header=replace(header, heard=known.question),
            conversation=(),
            sentences=tuple(filter(None, map(speakable, sentences))),
            model=self._model.name,
            known=None,
            whole=complete,
            # What a person waited for it last: nobody waits now.
            first_audio_ms=known.cost_ms,
        )

    def _rest(self, reason: str) -> None:
        self._rests_until = self._monotonic() + REST_S
        _log.info("cache: no answers are refreshed for an hour: %s", reason)

    def _tell(self, outcome: Outcome) -> None:
        now = self._now()
        if now is not None:
            self._refresher.requested(now)
            left = self._refresher.requests_left(now)
            _log.info("cache: an aged answer was asked for anew: %s; %d left", outcome, left)
        self._service.count_refresh(outcome)
