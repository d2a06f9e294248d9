"""Microphone, wake word and speaker: the audio worker as the brain holds it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from wyoming.event import Event

from sena_pi import wire
from sena_pi.audio import MICROPHONE_FORMAT, Utterance
from sena_pi.chimes import Chime
from sena_pi.devices.speaker import WorkerSpeaker
from sena_pi.devices.worker import Supervisor, WorkerSpec, worker_argv
from sena_pi.endpointer import EndpointerSettings
from sena_pi.errors import WorkerError
from sena_pi.pauses import Listener, Nobody, SpeechPaused
from sena_pi.stages import Heard, Since, WakeEvent

SILENCE_TIMEOUT_S = 1.0
"""The worker's heart beats ten times a second: after a second without, it is replaced."""

GRACE_S = 5.0
"""How long after the longest question its endpoint may come; then the worker is replaced."""

CLOSE_WITHIN_S = 0.5
"""How long a worker may take to close its microphone."""

_NOBODY: Listener = Nobody()

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Hearing:
    turn: str
    heard: asyncio.Future[Heard]
    listener: Listener
    pcm: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class AudioHealth:
    """What the worker last said of itself.

    Attributes:
        capturing: frames arrive and go through the wake word.
        heartbeat: data of its last heartbeat.
        beat_s: monotonic time when that came, None before the first.
        ready: what it was configured to: wake engine, words and reasons.
        microphone: stable name of the open device, None while there is none.
    """

    capturing: bool = False
    heartbeat: dict[str, Any] = field(default_factory=dict)
    beat_s: float | None = None
    ready: dict[str, Any] = field(default_factory=dict)
    microphone: str | None = None


def _instead_of(data: dict[str, Any]) -> str:
    wanted = data.get("instead_of")
    return f", until {wanted!r} is there (see `sena devices`)" if wanted else ""


def _ignore(*_: object) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class AudioListeners:
    """Who is told what, on the event loop; each must return at once.

    Attributes:
        detection: a wake word was heard.
        hearing: True when frames arrive again, False when they have ceased.
        ready: the worker is configured; its wake engine, words and reasons.
        stop_word: a stop word was said while something played.
        spoken: a simulated recording has begun or ended.
    """

    detection: Callable[[WakeEvent], None] = _ignore
    hearing: Callable[[bool], None] = _ignore
    ready: Callable[[dict[str, Any]], None] = _ignore
    stop_word: Callable[[WakeEvent], None] = _ignore
    spoken: Callable[[dict[str, Any]], None] = _ignore


class Audio:
    """The one microphone and the one speaker. Belongs to the event loop.

    Attributes:
        speaker: plays sound; a `Speaker`.
        health: what the worker last said of itself.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        listeners: AudioListeners,
        *,
        silence_timeout_s: float = SILENCE_TIMEOUT_S,
        grace_s: float = GRACE_S,
        argv: Sequence[str] | None = None,
    ) -> None:
        self._listeners = listeners
        self._hearing: _Hearing | None = None
        longest_s = settings.get("listening", {}).get("longest_s", EndpointerSettings().longest_s)
        self._patience_s = longest_s + grace_s
        self._close_by_s: float | None = None
        self.health = AudioHealth()
        self.supervisor = Supervisor(
            WorkerSpec(
                name="audio",
                argv=argv or worker_argv("audio"),
                settings=settings,
                silence_timeout_s=silence_timeout_s,
            ),
            self._handle,
            up=self._up,
            down=self._down,
        )
        self.speaker = WorkerSpeaker(self.supervisor)

    async def run(self) -> None:
        """Keep the worker running until cancelled."""
        await self.supervisor.run()

    async def hear(
        self,
        turn: str,
        since: Since,
        listener: Listener = _NOBODY,
        *,
        no_speech_s: float | None = None,
    ) -> Heard:
        """Listen until the endpoint, as `Microphone.hear`; one turn at a time.

        Raises:
            WorkerError: also when there is no microphone: a question that nobody hears must not
                be waited for, nor be heard when a microphone comes back.
        """
        if self._hearing is not None:
            raise WorkerError(f"turn {self._hearing.turn} is still listening")
        if not self.health.capturing:
            raise WorkerError("there is no microphone")
        future: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        self._hearing = _Hearing(turn, future, listener)
        order: dict[str, object] = {"turn": turn, "since": since}
        if no_speech_s is not None:
            order["no_speech_s"] = no_speech_s
        try:
            await self.supervisor.send(Event(wire.LISTEN, order))
            async with asyncio.timeout(self._patience_s):
                return await future
        except TimeoutError:
            await self.supervisor.replace()
            raise WorkerError(f"no endpoint within {self._patience_s:g} s") from None
        finally:
            self._hearing = None
            if not future.done() or future.cancelled():
                self.supervisor.post(Event(wire.STOP_LISTENING, {"turn": turn}))

    def phrase(self, pause: SpeechPaused, *, complete: bool) -> None:
        """Tell the worker whether the phrase before a pause is whole, as `Microphone.phrase`."""
        if self._listens(pause.turn) is None:
            return
        data = {"turn": pause.turn, "end_sample": pause.end_sample, "complete": complete}
        self.supervisor.post(Event(wire.PHRASE, data))

    def chime(self, chime: Chime) -> None:
        """Play a short sound now; dropped while a turn sounds, or where it is switched off.

        Returns at once, also when the worker is gone.
        """
        self.supervisor.post(Event(wire.CHIME, {"name": str(chime)}))

    def hold(self, *, on: bool) -> None:
        """The turn that listens is spoken while a button is held, or the button was let go.

        Returns at once; does nothing when nobody listens.
        """
        if self._hearing is not None:
            self.supervisor.post(Event(wire.HOLD, {"turn": self._hearing.turn, "on": on}))

    def capture(self, *, on: bool) -> None:
        """Close the microphone, or open it again; returns at once.

        What was being heard is given up at once. A worker that goes on capturing after
        `CLOSE_WITHIN_S` is ended. Opening takes a new worker: the speaker is away for a second.
        """
        if on or not self.health.capturing:
            self.supervisor.reconfigure(capture=on)
            return
        self.supervisor.spec.settings["capture"] = False  # for the worker's successors
        self.supervisor.post(Event(wire.CLOSE_MICROPHONE, {}))
        self._close_by_s = time.monotonic() + CLOSE_WITHIN_S
        self._set_capturing(on=False)

    def set_gain(self, gain: float) -> None:
        """What all that is played is multiplied by, 0 to 1; heard within a tenth of a second."""
        self.supervisor.spec.settings["gain"] = gain  # for the worker's successors
        self.supervisor.post(Event(wire.GAIN, {"gain": gain}))

    async def simulate(self, path: str) -> None:
        """Have somebody speak a WAV file into the simulated microphone.

        Raises:
            WorkerError: the worker is gone.
        """
        await self.supervisor.send(Event(wire.SIMULATE, {"path": path}))

    async def _up(self, ready: Event) -> None:
        self.health.ready = ready.data
        self._listeners.ready(ready.data)

    async def _down(self, error: WorkerError) -> None:
        self.health.microphone = None
        self._give_up_hearing(error)
        self._set_capturing(on=False)
        self.speaker.lost(error)

    def _check_closed(self, *, capturing: bool) -> None:
        """One that hears although nobody wants to be heard is ended: its successor does not."""
        if self._close_by_s is None:
            return
        if not capturing:
            self._close_by_s = None
        elif time.monotonic() > self._close_by_s:
            self._close_by_s = None
            self.supervisor.reconfigure(capture=False)

    def _set_capturing(self, *, on: bool) -> None:
        if on == self.health.capturing:
            return
        self.health.capturing = on
        self._listeners.hearing(on)
        if not on:
            self._give_up_hearing(WorkerError("the microphone is lost"))

    def _give_up_hearing(self, error: WorkerError) -> None:
        if self._hearing is not None and not self._hearing.heard.done():
            self._hearing.heard.set_exception(error)

    async def _handle(self, event: Event) -> None:
        data = event.data
        match event.type:
            case wire.HEARTBEAT:
                self.health.heartbeat, self.health.beat_s = data, time.monotonic()
                self._check_closed(capturing=data["capturing"])
                wanted = self.supervisor.spec.settings.get("capture", True)
                self._set_capturing(on=bool(wanted and data["capturing"] and data["frames"]))
            case wire.AUDIO_CHUNK:
                self._take_audio(data["turn"], event.payload or b"")
            case wire.SPEECH_PAUSED:
                self._take_pause(data)
            case wire.SPEECH_RESUMED:
                if (hearing := self._listens(data["turn"])) is not None:
                    hearing.listener.resumed(bytes(hearing.pcm))
            case wire.ENDPOINT:
                self._take_endpoint(data)
            case wire.DETECTION | wire.STOP_WORD:
                wake = WakeEvent(data["name"], data["engine"], data["monotonic_ns"])
                is_stop = event.type == wire.STOP_WORD
                (self._listeners.stop_word if is_stop else self._listeners.detection)(wake)
            case wire.PLAYING | wire.PLAYED | wire.FLUSHED:
                self.speaker.handle(event)
            case wire.SPEAKER:
                self._take_speaker(data)
            case wire.MICROPHONE:
                self.health.microphone = data["device"]
                _log.info("microphone: %s%s", data["device"], _instead_of(data))
            case wire.SIMULATED:
                self._listeners.spoken(data)
            case wire.ERROR:
                _log.warning("audio worker: %s", data["text"])

    def _take_speaker(self, data: dict[str, Any]) -> None:
        if "rate_hz" in data:
            _log.info("speaker: %s at %d Hz%s", data["device"], data["rate_hz"], _instead_of(data))
            self.speaker.opened(data["rate_hz"])
        else:
            _log.warning("no speaker: %s", data["text"])

    def _listens(self, turn: str) -> _Hearing | None:
        """The hearing of a turn; None when it is another's or has had its endpoint."""
        hearing = self._hearing
        if hearing is None or hearing.turn != turn or hearing.heard.done():
            return None
        return hearing

    def _take_audio(self, turn: str, pcm: bytes) -> None:
        hearing = self._hearing
        if hearing is None or hearing.turn != turn:
            return
        hearing.pcm += pcm
        hearing.listener.audio(pcm)

    def _take_pause(self, data: dict[str, Any]) -> None:
        hearing = self._listens(data["turn"])
        if hearing is None:
            return
        end = data["speech_end_sample"]
        utterance = Utterance(bytes(hearing.pcm), end - data["start_sample"])
        hearing.listener.paused(SpeechPaused(hearing.turn, utterance, end, data["end_sample"]))

    def _take_endpoint(self, data: dict[str, Any]) -> None:
        hearing = self._listens(data["turn"])
        if hearing is None:
            return
        silence = data["end_sample"] - data["speech_end_sample"]
        spoke = data["reason"] != "no-speech"
        utterance = Utterance(bytes(hearing.pcm), data["speech_end_sample"] - data["start_sample"])
        heard = Heard(
            utterance=utterance if spoke else None,
            reason=data["reason"],
            speech_end_ns=data["monotonic_ns"] - silence * 10**9 // MICROPHONE_FORMAT.rate_hz,
            endpoint_ns=data["monotonic_ns"],
            speech_end_sample=data["speech_end_sample"],
        )
        hearing.heard.set_result(heard)
