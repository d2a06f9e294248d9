"""Alive means listening: the rules by which this process tells systemd that it is.

Pure: no clock, no task. `Watch.judge` gets what can be seen and says what follows. The cloud is no
part of it: that nobody answers in a data centre is no reason to restart a microphone.

What systemd does when it hears nothing for `WatchdogSec` is the last of several steps. A worker
that is silent, or whose microphone is, has been replaced by its supervisor long before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from sena_pi.audio import FRAME_S


@runtime_checkable
class Liveness(Protocol):
    """Something with a heart of its own, which can stop: a light with a thread or a process."""

    @property
    def beat_s(self) -> float | None:
        """Monotonic time when it last showed that it lives; None: nothing in it can stop now."""


@dataclass(frozen=True, slots=True)
class Ears:
    """What the audio worker last said of itself.

    Attributes:
        beat_s: monotonic time of its last heartbeat; None before the first.
        capturing: a microphone is open.
        frames: frames through the wake word, since that worker began.
        zeros_s: for how long all samples have been exactly zero.
        absence: why no microphone is open, where that is known; it is looked for all the time.
    """

    beat_s: float | None = None
    capturing: bool = False
    frames: int = 0
    zeros_s: float = 0.0
    absence: str = ""


@dataclass(frozen=True, slots=True)
class CurrentTurn:
    """The turn that is going on.

    Attributes:
        name: its id.
        listening: the question is still being heard.
        played_s: seconds of its sound that were heard.
    """

    name: str
    listening: bool
    played_s: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be seen of this process at one moment.

    Attributes:
        now_s: monotonic time.
        ears: the audio worker.
        muted: a person does not want to be heard.
        lights: when each part with a heart of its own last beat, by name.
        turn: the one that is going on, None on idle.
    """

    now_s: float
    ears: Ears = field(default_factory=Ears)
    muted: bool = False
    lights: dict[str, float | None] = field(default_factory=dict)
    turn: CurrentTurn | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """How long what may stand still.

    Attributes:
        frames_s: no frame passes through the wake word, and nobody says why.
        beat_s: a worker without a microphone does not show that it lives.
        heart_s: a light does not; one that shows the same for long writes it every five seconds.
        listening_s: a turn hears its question.
        thinking_s: a turn neither begins to sound nor sounds on.
        zeros_s: nothing but zeros comes from a microphone: its worker is replaced, and again
            whenever that has lasted twice as long.
        zeros_told_s: that has not helped: a person is told.
        zeros_dead_s: nor has that: the process is as good as dead. So long that the restarts,
            each of which opens the cache anew, stay rare.
    """

    frames_s: float = 2.0
    beat_s: float = 2.0
    heart_s: float = 8.0
    listening_s: float = 25.0
    thinking_s: float = 40.0
    zeros_s: float = 30.0
    zeros_told_s: float = 60.0
    zeros_dead_s: float = 600.0


class Fault(StrEnum):
    """Why a process that runs is not alive."""

    FRAMES = "no sound passes through the wake word"
    LIGHT = "the light does not answer"
    TURN = "a turn does not end"
    ZEROS = "the microphone delivers nothing but zeros"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows.

    Attributes:
        faults: why systemd must not be told that we live; none: it is told.
        ready: all that can be had now is there.
        hearing: somebody who speaks is heard.
        zeros_s: for how long the microphone has delivered nothing but zeros, over all workers.
        worked: a microphone has given some sound since this process began.
        replace: the audio worker is to be replaced now.
        deaf: a person must be told that they are not heard, though a microphone is open.
    """

    faults: tuple[Fault, ...] = ()
    ready: bool = False
    hearing: bool = False
    zeros_s: float = 0.0
    worked: bool = False
    replace: bool = False
    deaf: bool = False


class Watch:
    """Judges what is seen, moment after moment."""

    def __init__(self, rules: Rules | None = None) -> None:
        self._rules = rules or Rules()
        self._frames = 0
        self._frames_s = -math.inf
        self._worked = False
        self._sound_s: float | None = None
        self._zeros_s = 0.0
        self._replace_at_s = self._rules.zeros_s
        self._progress: CurrentTurn | None = None
        self._progress_s = -math.inf

    def judge(self, seen: Seen) -> Verdict:
        """What follows from this; to be called at least every second."""
        rules, now_s, ears = self._rules, seen.now_s, seen.ears
        beats = ears.beat_s is not None and now_s - ears.beat_s <= rules.beat_s
        waits = seen.muted or (beats and not ears.capturing and bool(ears.absence))
        hearing = not waits and self._frames_advance(seen)
        zeros_s = self._zeros_since(ears)
        faults = []
        if not hearing and not waits:
            faults.append(Fault.FRAMES)
        if any(beat is not None and now_s - beat > rules.heart_s for beat in seen.lights.values()):
            faults.append(Fault.LIGHT)
        if self._turn_hangs(seen):
            faults.append(Fault.TURN)
        if zeros_s >= rules.zeros_dead_s:
            faults.append(Fault.ZEROS)
        return Verdict(
            faults=tuple(faults),
            ready=hearing or waits,
            hearing=hearing and zeros_s < rules.zeros_s,
            zeros_s=zeros_s,
            worked=self._worked,
            replace=self._is_time_to_replace(zeros_s),
            deaf=zeros_s >= rules.zeros_told_s,
        )

    def _frames_advance(self, seen: Seen) -> bool:
        if seen.ears.frames != self._frames:
            self._frames = seen.ears.frames
            # A worker that begins anew counts from nothing: that is no frame yet.
            if seen.ears.frames:
                self._frames_s = seen.now_s
        return seen.now_s - self._frames_s <= self._rules.frames_s

    def _zeros_since(self, ears: Ears) -> float:
        """How long nothing but zeros has come, whichever worker heard it."""
        if not ears.capturing:
            if ears.absence:
                self._sound_again()
                self._sound_s = None
            return self._zeros_s
        if ears.beat_s is None or not ears.frames:
            return self._zeros_s
        heard_s = ears.frames * FRAME_S - ears.zeros_s
        if self._sound_s is None or heard_s > FRAME_S / 2:
            self._sound_s = ears.beat_s - ears.zeros_s
        self._zeros_s = ears.beat_s - self._sound_s
        if heard_s > FRAME_S / 2:
            self._worked = True
        if not ears.zeros_s:
            self._sound_again()
        return self._zeros_s

    def _sound_again(self) -> None:
        self._zeros_s = 0.0
        self._replace_at_s = self._rules.zeros_s

    def _is_time_to_replace(self, zeros_s: float) -> bool:
        if zeros_s < self._replace_at_s:
            return False
        self._replace_at_s = 2 * zeros_s
        return True

    def _turn_hangs(self, seen: Seen) -> bool:
        if seen.turn != self._progress:
            self._progress, self._progress_s = seen.turn, seen.now_s
        if seen.turn is None:
            return False
        rules = self._rules
        bound_s = rules.listening_s if seen.turn.listening else rules.thinking_s
        return seen.now_s - self._progress_s > bound_s
