"""What presses of the one button mean. No clock, no thread: edges and ticks come with their time.

A press is answered by the first rung that fits: it stops a timer that rings, or the speech, or the
turn, or starts to listen. So is each press of a storm, and of two there is never more than one
turn. What follows tells more:

    held, after it started to listen     talk: the question ends when it is let go
    held for a second, after all else    the microphone is muted, or is not any more
    held on for five seconds             the ring fills for five more; let go before: nothing
    let go of a full ring                a reset is asked for; held on to twenty seconds: nothing
    twice, thrice, from idle             louder, quieter

From idle a mute is therefore a short press and then a long one. A button that is jammed does
nothing after all this: a reset needs it let go in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final

from sena_pi.body.patterns import FILL_S

BOUNCE_S: Final = 0.03
"""How long after an edge a switch may bounce. The edge itself counts at once."""
TALK_S: Final = 0.4
LONG_S: Final = 1.0
FILL_FROM_S: Final = 5.0
FULL_S: Final = FILL_FROM_S + FILL_S
JAMMED_S: Final = 20.0
GAP_S: Final = 0.3
"""Longest pause between the presses of two or three."""


class Action(StrEnum):
    """What the button asks for."""

    STOP_TIMER = "stop the timer"
    STOP_SPEECH = "stop the speech"
    END_TURN = "end the turn"
    LISTEN = "listen"
    TELL_MUTED = "tell that it is muted"
    HOLD_TALK = "listen as long as it is held"
    END_TALK = "the question is over"
    TOGGLE_MUTE = "mute or unmute"
    LOUDER = "louder"
    QUIETER = "quieter"
    FILL = "fill the ring"
    CANCEL_FILL = "empty the ring"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is going on when the button is pressed.

    Attributes:
        ringing: a timer rings.
        speaking: an answer is heard.
        busy: a turn goes on.
        muted: the microphone is closed.
    """

    ringing: bool = False
    speaking: bool = False
    busy: bool = False
    muted: bool = False


def rung(now: Circumstances) -> Action:
    """What a press does."""
    if now.ringing:
        return Action.STOP_TIMER
    if now.speaking:
        return Action.STOP_SPEECH
    if now.busy:
        return Action.END_TURN
    return Action.TELL_MUTED if now.muted else Action.LISTEN


class _Held(Enum):
    """What has come of the press that is going on."""

    SHORT = auto()
    TALK = auto()
    LONG = auto()
    FILLING = auto()
    JAMMED = auto()


class Presses:
    """Makes actions of edges and time.

    `edge` takes the edges as the switch tells them, `tick` is to be called at `next_s` with the
    switch's true state. Times are seconds of one clock that never goes back.
    """

    def __init__(self, *, talks: bool = True, resets: bool = False) -> None:
        """Takes whether holding is for talking, and whether a very long press may reset."""
        self._talks = talks
        self._resets = resets
        self._pressed = False
        self._settled_s = 0.0
        self._settling = False
        self._down_s = 0.0
        self._up_s = 0.0
        self._held = _Held.SHORT
        self._row: list[Action] = []

    @property
    def next_s(self) -> float | None:
        """When `tick` is to be called; None: not before the next edge."""
        times = [self._settled_s] if self._settling else []
        if self._pressed:
            times += [self._down_s + after_s for after_s in self._stages()]
        elif self._row:
            times.append(self._up_s + GAP_S)
        return min(times, default=None)

    def edge(self, at_s: float, now: Circumstances, *, pressed: bool) -> list[Action]:
        """The switch was closed or opened."""
        if self._settling and at_s < self._settled_s:
            return []  # a bounce; the state it ends in is looked at when it has settled
        return self._accept(at_s, now, pressed=pressed)

    def tick(self, at_s: float, now: Circumstances, *, pressed: bool) -> list[Action]:
        """Time went by; `pressed` is how the switch stands."""
        actions = []
        if self._settling and at_s >= self._settled_s:
            self._settling = False
            actions = self._accept(at_s, now, pressed=pressed)
        if self._pressed:
            return actions + self._hold(at_s)
        if self._row and at_s >= self._up_s + GAP_S:
            actions += self._row_ended(now)
        return actions

    def _accept(self, at_s: float, now: Circumstances, *, pressed: bool) -> list[Action]:
        if pressed is self._pressed:
            return []
        self._pressed = pressed
        self._settling, self._settled_s = True, at_s + BOUNCE_S
        return self._press(at_s, now) if pressed else self._release(at_s)

    def _press(self, at_s: float, now: Circumstances) -> list[Action]:
        actions = self._row_ended(now) if self._row and at_s >= self._up_s + GAP_S else []
        self._down_s, self._held = at_s, _Held.SHORT
        self._row.append(rung(now))
        return [*actions, self._row[-1]]

    def _release(self, at_s: float) -> list[Action]:
        actions = self._hold(at_s)  # what is due, should no tick have come in time
        self._up_s = at_s
        match self._held:
            case _Held.SHORT:
                return actions
            case _Held.TALK:
                actions.append(Action.END_TALK)
            case _Held.FILLING:
                actions.append(
                    Action.RESET if at_s >= self._down_s + FULL_S else Action.CANCEL_FILL
                )
        self._row = []
        return actions

    def _stages(self) -> list[float]:
        """After how many seconds of holding something comes of it."""
        match self._held:
            case _Held.SHORT:
                return [TALK_S if self._is_talk else LONG_S]
            case _Held.LONG if self._resets:
                return [FILL_FROM_S]
            case _Held.FILLING:
                return [JAMMED_S]
            case _:
                return []

    @property
    def _is_talk(self) -> bool:
        return self._talks and self._row == [Action.LISTEN]

    def _hold(self, at_s: float) -> list[Action]:
        actions: list[Action] = []
        # Compared as `next_s` is computed: a tick that comes when it was due is not early.
        while (stages := self._stages()) and at_s >= self._down_s + stages[0]:
            actions += self._stage()
        return actions

    def _stage(self) -> list[Action]:
        match self._held:
            case _Held.SHORT if self._is_talk:
                self._held = _Held.TALK
                return [Action.HOLD_TALK]
            case _Held.SHORT:
                self._held = _Held.LONG
                return [Action.TOGGLE_MUTE]
            case _Held.LONG:
                self._held = _Held.FILLING
                # Whoever goes on wants no mute.
                return [Action.TOGGLE_MUTE, Action.FILL]
            case _:
                self._held = _Held.JAMMED
                return [Action.CANCEL_FILL]

    def _row_ended(self, now: Circumstances) -> list[Action]:
        row, self._row = self._row, []
        if row[0] is not Action.LISTEN or len(row) not in (2, 3):
            return []
        ends = [Action.END_TURN] if now.busy else []
        return [*ends, Action.LOUDER if len(row) == 2 else Action.QUIETER]
