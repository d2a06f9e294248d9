"""The body as the appliance has it: light, button, mute and volume, wired to the assistant."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sena_pi.announce import announce
from sena_pi.assistant import Assistant
from sena_pi.body.controls import STEP, Controls, Sinks
from sena_pi.body.hardware import Hardware, hardware
from sena_pi.body.kept import FILE_NAME, KeptStore
from sena_pi.body.light import Light
from sena_pi.body.presses import Action, Circumstances, Presses, rung
from sena_pi.body.requests import BadRequest, volume_of
from sena_pi.body.switch import Switch, SwitchLost
from sena_pi.clips import Clips
from sena_pi.control import Handler
from sena_pi.gain import LOUDEST, gain_of
from sena_pi.phases import Phase
from sena_pi.places import state_folder
from sena_pi.reasons import Reason
from sena_pi.report import Source, TurnReport
from sena_pi.settings import Settings
from sena_pi.stages import Speaker, StatusLight

MOST_EDGES: Final = 32
"""Edges that may wait for the loop; of more only the last ones count, and how the button stands."""
TELL_AGAIN_S: Final = 15.0
"""When it could not be said that the light is broken: the clips may not be spoken yet."""

_CLOUDLESS: Final = frozenset({Reason.OFFLINE, Reason.PORTAL, Reason.CLOCK, Reason.KEY})
"""What stays as it is until somebody sees to it; a cloud that is busy or slow soon is not."""

_log = logging.getLogger(__name__)


class Chimes(Protocol):
    """Short sounds."""

    def play(self, name: str) -> None:
        """Play "wake", "done", "error" or "mute"; returns at once, never raises."""


class Rings(Protocol):
    """What may be ringing."""

    @property
    def ringing(self) -> object:
        """True as a condition while something rings."""

    def stop_ringing(self) -> bool:
        """Silence it; did anything ring?"""


class Hearing(Protocol):
    """The microphone and the speaker's gain, as the body steers them; all return at once."""

    @property
    def speaker(self) -> Speaker:
        """Plays sound."""

    def capture(self, *, on: bool) -> None:
        """Close the microphone, or open it again."""

    def set_gain(self, gain: float) -> None:
        """What all that is played is multiplied by."""

    def hold(self, *, on: bool) -> None:
        """A button is held while a question is spoken, or was let go."""


class NoChimes:
    """Silence, where there are no chimes."""

    def play(self, name: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What the body belongs to.

    Attributes:
        assistant: takes turns.
        audio: hears and sounds.
        rings: timers.
        clips: what is said about a light that is broken.
        chimes: heard instead of a light, and after presses.
    """

    assistant: Assistant
    audio: Hearing
    rings: Rings
    clips: Clips
    chimes: Chimes = field(default_factory=NoChimes)


class Body:
    """A `StatusLight`, and all that a person touches. Made before the rest, joined to it, run.

    Attributes:
        light: shows what is to be shown.
        controls: volume and mute.
    """

    def __init__(
        self,
        hardware: Hardware,
        store: KeptStore,
        shown: StatusLight,
        *,
        on_reset: Callable[[], None] | None = None,
    ) -> None:
        """Reads what was set; blocks for one small file.

        Args:
            hardware: lamps and button.
            store: keeps volume and mute.
            shown: is told every phase, too.
            on_reset: what a very long press asks for; None: it asks for nothing.
        """
        self.light = Light(hardware.open_lamps, on_lit=self._lit_from_thread)
        self.controls = Controls(store, Sinks(self._volume_set, self._mute_set))
        self.light.mute(on=self.muted)
        self._hardware = hardware
        self._shown = shown
        self._on_reset = on_reset
        self._presses = Presses(talks=hardware.hold_to_talk, resets=on_reset is not None)
        self._joined: Joined | None = None
        self._chimes: Chimes = NoChimes()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._switch: Switch | None = None
        self._edges: deque[tuple[bool, float]] = deque(maxlen=MOST_EDGES)
        self._due: asyncio.TimerHandle | None = None
        self._out = asyncio.Event()

    # What the rest asks.

    @property
    def muted(self) -> bool:
        """The microphone is closed because a person wants it so."""
        return self.controls.kept.muted

    @property
    def trusted(self) -> bool:
        """Sound may leave the device, as `Light.trusted`."""
        return self.light.trusted

    @property
    def beat_s(self) -> float | None:
        """When the light last showed that it lives, as `Liveness.beat_s`."""
        return self.light.beat_s

    def audio_settings(self) -> dict[str, Any]:
        """What the audio worker is to know from its start on."""
        kept = self.controls.kept
        return {"capture": not kept.muted, "gain": gain_of(kept.volume)}

    def requests(self) -> dict[str, Handler]:
        """What the control socket answers: `volume` (percent) and `mute` (on)."""

        async def volume(arguments: dict[str, Any]) -> dict[str, Any]:
            percent = volume_of(arguments)
            saved = percent is None or self.controls.set_volume(percent)
            return self._state(saved=saved)

        async def mute(arguments: dict[str, Any]) -> dict[str, Any]:
            on = arguments.get("on")
            if not isinstance(on, bool):
                raise BadRequest("mute takes on: true or false")
            return self._state(saved=self._set_muted(on=on))

        return {"volume": volume, "mute": mute}

    def show(self, phase: Phase) -> None:
        """What the assistant is doing, as `StatusLight.show`."""
        self.light.show(phase)
        self._shown.show(phase)
        # No other phase: the microphone would hear it, or an answer have to wait for it.
        if not self.light.configured and phase is Phase.ERROR:
            self._chimes.play("error")

    def woken(self) -> None:
        """A wake word was heard: shown before the turn that it starts has begun."""
        self.light.show(Phase.LISTENING)

    def turn_ended(self, report: TurnReport) -> None:
        """A turn is over; whether the cloud could be reached is shown until the next one."""
        if _CLOUDLESS.intersection(report.told):
            self.light.offline(on=True)
        elif report.source is Source.CLOUD:
            self.light.offline(on=False)

    def tap(self) -> None:
        """A short press by other means, such as a keyboard."""
        self.light.touch()
        self._do(rung(self._circumstances()))

    # Its own life.

    def join(self, joined: Joined) -> None:
        """Belong to these from now on."""
        self._joined = joined
        self._chimes = joined.chimes

    async def run(self) -> None:
        """Light and button, until cancelled. Neither of them ends it by failing."""
        self._loop = asyncio.get_running_loop()
        self.light.start()
        try:
            self._switch = self._opened_switch()
            while True:
                await self._out.wait()
                await self._tell_light_is_out()
        finally:
            if self._due is not None:
                self._due.cancel()
            if self._switch is not None:
                self._switch.close()
            self.light.close()

    def _opened_switch(self) -> Switch | None:
        if self._hardware.open_switch is None:
            return None
        try:
            return self._hardware.open_switch(self._edge_from_thread)
        except SwitchLost as error:
            _log.warning("button: %s; the assistant goes on without it", error)
            return None

    def _lit_from_thread(self, lit: bool) -> None:  # noqa: FBT001 - a listener
        with contextlib.suppress(RuntimeError):  # the loop has ended
            if self._loop is not None:
                act = self._out.clear if lit else self._out.set
                self._loop.call_soon_threadsafe(act)

    async def _tell_light_is_out(self) -> None:
        """Aloud, once each time that it goes out; chimes come at once."""
        assert self._joined is not None  # noqa: S101 - joined before it runs
        self._chimes.play("error")
        told = False
        while self._out.is_set():
            if not told:
                clip = self._joined.clips.reason(Reason.LIGHT)
                told = await announce(clip, self._joined.audio.speaker, self._joined.assistant)
            await asyncio.sleep(TELL_AGAIN_S)

    # The button. Edges come from a thread of gpiozero's.

    def _edge_from_thread(self, pressed: bool) -> None:  # noqa: FBT001 - an `Edge`
        if pressed:
            # Seen at once, whatever the loop is busy with; what comes of it follows.
            self.light.touch()
        self._edges.append((pressed, time.monotonic()))
        # With more than one the loop has been called, and takes all that there is.
        if len(self._edges) == 1 and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._take_edges)

    def _take_edges(self) -> None:
        while self._edges:
            pressed, at_s = self._edges.popleft()
            for action in self._presses.edge(at_s, self._circumstances(), pressed=pressed):
                self._do(action)
        self._wait_for_tick()

    def _tick(self) -> None:
        if self._switch is None:
            return
        pressed = self._switch.pressed
        now_s = time.monotonic()
        for action in self._presses.tick(now_s, self._circumstances(), pressed=pressed):
            self._do(action)
        self._wait_for_tick()

    def _wait_for_tick(self) -> None:
        if self._due is not None:
            self._due.cancel()
        next_s = self._presses.next_s
        if next_s is None or self._loop is None:
            self._due = None
            return
        # Both clocks are the monotonic one, but the loop's need not start where ours does.
        delay_s = max(0.0, next_s - time.monotonic())
        self._due = self._loop.call_later(delay_s, self._tick)

    def _circumstances(self) -> Circumstances:
        if self._joined is None:
            return Circumstances(muted=self.muted)
        assistant = self._joined.assistant
        turn = assistant.turn
        return Circumstances(
            ringing=bool(self._joined.rings.ringing),
            speaking=turn is not None and self._joined.audio.speaker.first_sample_ns is not None,
            busy=turn is not None or assistant.asked,
            muted=self.muted,
        )

    def _do(self, action: Action) -> None:
        if self._joined is None:
            return
        assistant, audio = self._joined.assistant, self._joined.audio
        match action:
            case Action.STOP_TIMER:
                self._joined.rings.stop_ringing()
            case Action.STOP_SPEECH | Action.END_TURN:
                assistant.stop()
            case Action.LISTEN:
                assistant.press()
            case Action.TELL_MUTED:
                self._chimes.play("mute")
            case Action.HOLD_TALK | Action.END_TALK:
                audio.hold(on=action is Action.HOLD_TALK)
            case Action.TOGGLE_MUTE:
                assistant.stop()
                self._set_muted(on=not self.muted)
            case Action.LOUDER | Action.QUIETER:
                self.controls.step(STEP if action is Action.LOUDER else -STEP)
                self._chimes.play("done")
            case Action.FILL | Action.CANCEL_FILL | Action.RESET:
                self.light.fill(on=action is Action.FILL)
                if action is Action.RESET and self._on_reset is not None:
                    self._on_reset()

    # Volume and mute.

    def _set_muted(self, *, on: bool) -> bool:
        saved = self.controls.set_muted(on=on)
        self._chimes.play(("mute" if on else "done") if saved else "error")
        return saved

    def _volume_set(self, percent: int) -> None:
        self.light.gauge(percent / LOUDEST)
        if self._joined is not None:
            self._joined.audio.set_gain(gain_of(percent))

    def _mute_set(self, muted: bool) -> None:  # noqa: FBT001 - a listener
        if self._joined is not None:
            self._joined.audio.capture(on=not muted)
        self.light.mute(on=muted)

    def _state(self, *, saved: bool) -> dict[str, Any]:
        kept = self.controls.kept
        return {"volume": kept.volume, "muted": kept.muted, "saved": saved}


def body_of(
    settings: Settings,
    shown: StatusLight,
    simulated: Hardware | None = None,
    *,
    on_reset: Callable[[], None] | None = None,
) -> Body:
    """The body that the settings name.

    Args:
        settings: name lamps and button.
        shown: is told every phase, too.
        simulated: in the place of the hardware that the settings name.
        on_reset: as of `Body`.
    """
    store = KeptStore(state_folder() / FILE_NAME)
    return Body(simulated or hardware(settings), store, shown, on_reset=on_reset)
