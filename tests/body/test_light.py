"""The light's thread: at once, asleep while nothing moves, and back when the lamps are."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sena_pi.body.layers import Effect, Showing
from sena_pi.body.light import REPAINT_S, Light
from sena_pi.body.patterns import BLACK, BLUE, Frame, pattern
from sena_pi.phases import Phase
from tests.body.rings import PlainLamps

DARK = [BLACK] * 12
RETRY_S = (0.005,)


def first(effect: Effect) -> Frame:
    return pattern(Showing(effect)).paint(0.0, 12)


@contextmanager
def shining(lamps: PlainLamps, lit: list[bool] | None = None) -> Iterator[Light]:
    light = Light(lamps.open, on_lit=(lit if lit is not None else []).append, retry_s=RETRY_S)
    light.show(Phase.IDLE)
    light.start()
    try:
        yield light
    finally:
        lamps.hanging.set()
        light.close()


def test_a_new_phase_begins_with_its_first_frame() -> None:
    """Whatever moved before: nobody sees the middle of a pattern first."""
    lamps = PlainLamps()
    with shining(lamps) as light:
        light.show(Phase.LISTENING)
        lamps.wait_for_frame(first(Effect.LISTENING))
        lamps.wait_for(lambda it: len(it.frames) > 5)
        light.mute(on=True)
        lamps.wait_for_frame(first(Effect.MUTED))


def test_what_is_hidden_begins_when_it_is_seen() -> None:
    """Dark, muted, and then what was hidden, from its first frame on; repeats aside."""
    lamps = PlainLamps()
    with shining(lamps) as light:
        lamps.wait_for_frame(DARK)
        light.mute(on=True)
        lamps.wait_for_frame(first(Effect.MUTED))
        light.show(Phase.THINKING)  # nothing of it is seen while muted
        light.mute(on=False)
        lamps.wait_for(lambda it: len({tuple(frame) for _, frame in it.frames}) >= 3)
    seen = [list(frame) for frame, _ in itertools.groupby(list(f) for _, f in lamps.frames)]
    assert [DARK, list(first(Effect.MUTED)), list(first(Effect.THINKING))] == seen[:3]


def test_what_moves_is_painted_again_and_again() -> None:
    """Without anybody asking."""
    lamps = PlainLamps()
    with shining(lamps) as light:
        light.show(Phase.SPEAKING)
        lamps.wait_for(lambda it: len({tuple(frame) for _, frame in it.frames}) > 10)


def test_a_press_is_answered_and_passes_by_itself() -> None:
    """Blue for a moment, and then what was there before."""
    lamps = PlainLamps()
    with shining(lamps) as light:
        lamps.wait_for_frame(DARK)
        light.touch()
        lamps.wait_for_frame([BLUE] * 12)
        lamps.wait_for_frame(DARK)


def test_closing_leaves_the_lamps_dark_and_given_back() -> None:
    """Nobody is watched by a light that nobody drives."""
    lamps = PlainLamps()
    with shining(lamps) as light:
        light.show(Phase.LISTENING)
        lamps.wait_for_frame(first(Effect.LISTENING))
        light.close()
        light.close()
    assert DARK == list(lamps.frames[-1][1])
    assert 1 == lamps.closed


def test_lamps_that_fail_are_opened_again_and_show_what_is_so_now() -> None:
    """Nothing else is asked of anybody; meanwhile the light is not lit, and not trusted."""
    lamps, lit = PlainLamps(), []
    with shining(lamps, lit) as light:
        lamps.wait_for_frame(DARK)
        assert light.lit
        assert light.trusted
        lamps.broken = True
        light.show(Phase.LISTENING)
        lamps.wait_for(lambda it: it.opened > 3)
        assert not light.lit
        assert not light.trusted
        light.show(Phase.THINKING)
        light.mute(on=True)
        lamps.broken = False
        lamps.wait_for_frame(first(Effect.MUTED))
        lamps.wait_for(lambda _: light.lit)
    assert [True, False, True] == lit


def test_lamps_that_were_never_there_are_looked_for() -> None:
    """A ring that is plugged in later lights up; before, it is told once."""
    lamps, lit = PlainLamps(), []
    lamps.broken = True
    with shining(lamps, lit) as light:
        lamps.wait_for(lambda it: it.opened > 3)
        assert not light.trusted
        lamps.broken = False
        lamps.wait_for_frame(DARK)
    assert [False, True] == lit


def test_lamps_that_hang_are_not_lit_and_hold_nobody_up() -> None:
    """A write that does not return: who shows a phase is not kept, and nobody trusts the light."""
    now_s = [1000.0]
    lamps = PlainLamps()
    light = Light(lamps.open, monotonic=lambda: now_s[0])
    light.start()
    lamps.wait_for(lambda it: it.frames)
    lamps.hanging.clear()
    light.mute(on=True)
    deadline = threading.Event()
    while light._writing_since_s is None:
        assert not deadline.wait(0.001)
    assert light.lit
    now_s[0] += 3
    assert not light.lit
    light.show(Phase.LISTENING)
    lamps.hanging.set()
    light.close()


def test_a_light_that_nobody_wants_is_trusted() -> None:
    """Without lamps by a person's own choice."""
    light = Light(None)
    light.start()
    light.show(Phase.LISTENING)
    light.close()
    assert light.trusted
    assert not light.lit
    assert Phase.LISTENING is light.layers.phase


def test_a_still_light_sleeps() -> None:
    """Dark for a moment: a frame, and another one only to put right what was disturbed."""
    now_s = [0.0]
    lamps = PlainLamps()
    light = Light(lamps.open, monotonic=lambda: now_s[0])
    light.show(Phase.IDLE)
    light.start()
    lamps.wait_for_frame(DARK)
    for _ in range(20):
        light.show(Phase.IDLE)  # wakes the thread; there is nothing new to be seen
    assert 1 == len(lamps.frames)
    now_s[0] += REPAINT_S
    light.show(Phase.IDLE)
    lamps.wait_for(lambda it: len(it.frames) == 2)
    light.close()


def test_the_heart_of_the_light_beats() -> None:
    """With every frame; lamps that hang, or are none, are not the light's own fault."""
    lamps = PlainLamps()
    assert Light(None).beat_s is None
    with shining(lamps) as light:
        lamps.wait_for_frame(DARK)
        lamps.wait_for(lambda _: light.beat_s is not None)
        lamps.hanging.clear()
        light.mute(on=True)
        lamps.wait_for(lambda _: light.beat_s is None)
