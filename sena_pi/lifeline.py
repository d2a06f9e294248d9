"""Looks after this process: tells systemd that it lives, and does what helps before it must not."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from sena_pi.devices.audio import AudioHealth
from sena_pi.journal import event
from sena_pi.notify import Notifier
from sena_pi.watchdog import CurrentTurn, Ears, Fault, Liveness, Rules, Seen, Verdict, Watch

LOOK_EVERY_S: Final = 0.5
FEEDS_A_TIMEOUT: Final = 4
"""How often systemd is told within the time after which it would restart us."""

_log = logging.getLogger(__name__)


class _Supervisor(Protocol):
    async def replace(self) -> None: ...


class _Speaker(Protocol):
    @property
    def played_s(self) -> float: ...


class Watched(Protocol):
    """The audio worker as the brain holds it, such as `Audio`."""

    health: AudioHealth

    @property
    def supervisor(self) -> _Supervisor:
        """Replaces it."""

    @property
    def speaker(self) -> _Speaker:
        """How far its sound has come."""


class _Turn(Protocol):
    name: str

    @property
    def listening(self) -> bool: ...


class TakesTurns(Protocol):
    """Who takes turns, such as an `Assistant`."""

    @property
    def turn(self) -> _Turn | None:
        """The turn that is going on."""


class Lifeline:
    """Judges twice a second what is seen of the appliance. Belongs to the event loop.

    That `run` gets to run is the loop's own sign of life: one that stands still feeds nobody.

    Args:
        audio: the audio worker.
        assistant: takes turns.
        notifier: tells systemd.
        describe: one line for people on what the appliance does now.
        muted: whether a person does not want to be heard.
        hearts: parts that can stop on their own, by name.
        on_deaf: told once when a microphone has become deaf, and once when it is not any more.
        rules: how long what may stand still.
    """

    def __init__(
        self,
        audio: Watched,
        assistant: TakesTurns,
        notifier: Notifier,
        *,
        describe: Callable[[Verdict], str] = lambda _verdict: "",
        muted: Callable[[], bool] = lambda: False,
        hearts: Mapping[str, Liveness] | None = None,
        on_deaf: Callable[[bool], None] = lambda _deaf: None,
        rules: Rules | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.verdict = Verdict()
        self._audio = audio
        self._assistant = assistant
        self._notifier = notifier
        self._describe = describe
        self._muted = muted
        self._hearts = dict(hearts or {})
        self._on_deaf = on_deaf
        self._watch = Watch(rules)
        self._monotonic = monotonic
        self._ready = False
        self._fed_s: float | None = None
        self._told = ""

    async def run(self) -> None:
        """Look after it until cancelled; then systemd is told that we end."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            self._notifier.stopping()

    async def look(self) -> None:
        """Judge what is seen now, and do what follows."""
        before, now_s = self.verdict, self._monotonic()
        verdict = self.verdict = self._watch.judge(self._seen(now_s))
        self._tell_faults(before.faults, verdict.faults)
        if verdict.deaf != before.deaf:
            self._on_deaf(verdict.deaf)
        self._tell_systemd(verdict, now_s)
        if verdict.replace:
            _log.warning(
                "the microphone has delivered nothing but zeros for %.0f s: it is opened anew",
                verdict.zeros_s,
                extra=event("zeros", zeros_s=round(verdict.zeros_s, 1)),
            )
            await self._audio.supervisor.replace()

    def _seen(self, now_s: float) -> Seen:
        health, turn = self._audio.health, self._assistant.turn
        beat = health.heartbeat
        capturing = bool(beat.get("capturing"))
        ears = Ears(
            beat_s=health.beat_s,
            capturing=capturing,
            frames=beat.get("frames", 0),
            zeros_s=beat.get("zeros_s", 0.0),
            absence="" if capturing else beat.get("text", ""),
        )
        current = None
        if turn is not None:
            current = CurrentTurn(turn.name, turn.listening, self._audio.speaker.played_s)
        hearts = {name: heart.beat_s for name, heart in self._hearts.items()}
        return Seen(now_s, ears, self._muted(), hearts, current)

    def _tell_systemd(self, verdict: Verdict, now_s: float) -> None:
        notifier, line = self._notifier, self._describe(verdict)
        if verdict.ready and not self._ready:
            self._ready = True
            notifier.ready(line)
        elif line != self._told:
            notifier.status(line)
        self._told = line
        if notifier.watchdog_s is None or verdict.faults:
            return
        if self._fed_s is None or now_s - self._fed_s >= notifier.watchdog_s / FEEDS_A_TIMEOUT:
            self._fed_s = now_s
            notifier.alive()

    def _tell_faults(self, before: tuple[Fault, ...], now: tuple[Fault, ...]) -> None:
        # Before the first frame nothing is wrong yet.
        if before == now or not self._ready:
            return
        if now:
            _log.error(
                "not alive: %s; systemd is not told that we are",
                "; ".join(now),
                extra=event("watchdog", reason="; ".join(now)),
            )
        else:
            _log.info("alive again", extra=event("watchdog"))
