"""What looks after the appliance and tells how it is: wired together here, for `sena_pi.app`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from sena_pi.announce import announce
from sena_pi.assistant import Assistant
from sena_pi.control import Handler
from sena_pi.devices.audio import GRACE_S, Audio
from sena_pi.errors import WorkerError
from sena_pi.lifeline import Lifeline
from sena_pi.network import NetworkWatch
from sena_pi.notify import Notifier
from sena_pi.parts import Parts
from sena_pi.power import PowerWatch
from sena_pi.reasons import Reason
from sena_pi.report import TurnReport
from sena_pi.settings import Settings
from sena_pi.sound_check import listen, play_tone
from sena_pi.stages import StatusLight
from sena_pi.status import StatusBoard
from sena_pi.watchdog import Liveness, Rules

_CACHE_PATIENCE_S: Final = 1.0
_SLACK_S: Final = 5.0


class Care:
    """The watchdog, the status, and what a person is told of a microphone that went deaf.

    Args:
        muted: whether a person does not want to be heard.
        lit: whether the light shows what it is to show.
    """

    def __init__(
        self,
        settings: Settings,
        audio: Audio,
        assistant: Assistant,
        light: StatusLight,
        parts: Parts,
        *,
        muted: Callable[[], bool] = lambda: False,
        lit: Callable[[], bool] = lambda: False,
        notifier: Notifier | None = None,
    ) -> None:
        self._audio = audio
        self._assistant = assistant
        self._clips = parts.clips
        self._cache = parts.cache
        self._breaker = parts.answers_breaker
        self._lit = lit
        self._deaf = asyncio.Event()
        self.board = StatusBoard(audio, parts.answers_breaker, muted=muted)
        self.lifeline = Lifeline(
            audio,
            assistant,
            notifier or Notifier.from_environment(),
            describe=lambda verdict: self.board.line(verdict, turn=self._turn()),
            muted=muted,
            hearts={"light": light} if isinstance(light, Liveness) else {},
            on_deaf=self._heard_to_be_deaf,
            rules=Rules(
                listening_s=settings.listening.longest_s + GRACE_S + _SLACK_S,
                thinking_s=parts.mind.deadlines.turn_s + _SLACK_S,
            ),
        )

    def turn_ended(self, report: TurnReport) -> None:
        """A turn is over."""
        self.board.turn_ended(report)

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the rest."""
        watches = [self.lifeline.run(), self._tell_deaf(), PowerWatch().run()]
        if self._breaker is not None:
            watches.append(NetworkWatch(self._breaker.network_changed).run())
        return watches

    def requests(self) -> dict[str, Handler]:
        """What the control socket answers."""
        return {
            "status": self._status,
            "doctor.microphone": self._microphone,
            "doctor.speaker": self._speaker,
        }

    async def _microphone(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        return (await listen(self._audio)).as_dict()

    async def _speaker(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        if self._assistant.turn is not None or self._assistant.asked:
            raise WorkerError("somebody talks to it now; try again")
        return {"first_sample_ms": await play_tone(self._audio.speaker)}

    async def _status(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        data = self.board.as_dict(self.lifeline.verdict, turn=self._turn())
        return {**data, "light": {"lit": self._lit()}, "cache": await self._cache_stats()}

    async def _cache_stats(self) -> dict[str, Any] | None:
        cache = self._cache
        if cache is None or cache.cache is None:
            return None
        try:
            async with asyncio.timeout(_CACHE_PATIENCE_S):
                return await cache.ask(lambda opened: opened.stats())
        except TimeoutError:
            return None

    def _turn(self) -> str | None:
        turn = self._assistant.turn
        return None if turn is None else ("listening" if turn.listening else "answering")

    def _heard_to_be_deaf(self, deaf: bool) -> None:  # noqa: FBT001 - a listener
        self._assistant.hearing(on=not deaf)
        # One that never worked is shown, not told: a restart by the watchdog would tell it again.
        if deaf and self.lifeline.verdict.worked:
            self._deaf.set()

    async def _tell_deaf(self) -> None:
        """Aloud once; the light tells it all the time."""
        await self._deaf.wait()
        clip = self._clips.reason(Reason.DEAF)
        await announce(clip, self._audio.speaker, self._assistant)
