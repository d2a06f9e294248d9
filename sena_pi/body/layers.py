"""What the light shows when several things want to be shown: one list, read from the top."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sena_pi.phases import Phase

TOUCHED_S: Final = 0.12
"""How long a press is answered by itself, whatever comes of it."""
GAUGE_S: Final = 1.5
"""How long a new volume is shown."""


class Effect(StrEnum):
    """What can be seen."""

    DARK = "dark"
    STARTING = "starting"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    ERROR = "error"
    DEAF = "deaf"
    OFFLINE = "offline"
    MISSING = "missing"
    TIMER = "timer"
    MUTED = "muted"
    FAULT = "fault"
    GAUGE = "gauge"
    FILLING = "filling"
    TOUCHED = "touched"
    TOUCHED_MUTED = "touched, muted"


_PHASES: Final = {
    Phase.STARTING: Effect.STARTING,
    Phase.LISTENING: Effect.LISTENING,
    Phase.THINKING: Effect.THINKING,
    Phase.SPEAKING: Effect.SPEAKING,
    Phase.ERROR: Effect.ERROR,
    Phase.DEAF: Effect.DEAF,
}


@dataclass(frozen=True, slots=True)
class Layers:
    """All that wants to be shown.

    Attributes:
        phase: what the assistant is doing.
        fault: it does not work, and a person must see to it.
        muted: the microphone is closed because a person wanted it so.
        timer: a timer or an alarm rings.
        offline: the cloud can't be reached.
        attention: a person should see to something, though all goes on.
        missing: after a start, the number of what an answer needs and is not there; 0: nothing.
        filling: the button is held for a very long press.
        touched_until_s: a press is answered until then, monotonic.
        gauge: a new volume, 0 to 1.
        gauge_until_s: it is shown until then.
    """

    phase: Phase = Phase.STARTING
    fault: bool = False
    muted: bool = False
    timer: bool = False
    offline: bool = False
    attention: bool = False
    missing: int = 0
    filling: bool = False
    touched_until_s: float = 0.0
    gauge: float = 0.0
    gauge_until_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Showing:
    """What is to be seen.

    Attributes:
        effect: how.
        level: of a gauge, 0 to 1.
        count: of flashes.
        until_s: monotonic time from which on it may be something else; None: only by a change.
    """

    effect: Effect
    level: float = 0.0
    until_s: float | None = None
    count: int = 0


def resolve(layers: Layers, now_s: float) -> Showing:
    """The one thing to be shown now.

    A finger on the button comes first, since it waits for an answer; then fault, muted, timer,
    what the assistant does, and what is the matter while it does nothing. Whatever is shown for a
    muted device is red: nobody may take it for one that listens.
    """
    if layers.filling:
        return Showing(Effect.FILLING)
    if now_s < layers.touched_until_s:
        effect = Effect.TOUCHED_MUTED if layers.muted else Effect.TOUCHED
        return Showing(effect, until_s=layers.touched_until_s)
    if now_s < layers.gauge_until_s:
        return Showing(Effect.GAUGE, layers.gauge, layers.gauge_until_s)
    effect = _lasting(layers)
    return Showing(effect, count=layers.missing if effect is Effect.MISSING else 0)


def _lasting(layers: Layers) -> Effect:
    if layers.fault:
        return Effect.FAULT
    if layers.muted:
        return Effect.MUTED
    if layers.timer:
        return Effect.TIMER
    # A microphone that was not there at the start is deaf as well, and that says less.
    if layers.missing and layers.phase in {Phase.IDLE, Phase.DEAF, Phase.STARTING}:
        return Effect.MISSING
    if layers.phase is not Phase.IDLE:
        return _PHASES[layers.phase]
    if layers.attention:
        return Effect.FAULT
    return Effect.OFFLINE if layers.offline else Effect.DARK
