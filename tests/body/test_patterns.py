"""How each effect looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sena_pi.body.layers import Effect, Showing
from sena_pi.body.patterns import AMBER, BLACK, BLUE, FILL_S, RED, WHITE, Frame, pattern

COUNTS = [1, 3, 12, 24]
STILL = {Effect.DARK, Effect.MUTED, Effect.GAUGE, Effect.TOUCHED, Effect.TOUCHED_MUTED}
IN_LIGHT = set(Effect) - {Effect.DARK, Effect.FILLING, Effect.GAUGE}


def seen(effect: Effect, t: float, count: int = 12, level: float = 0.0) -> Frame:
    return pattern(Showing(effect, level)).paint(t, count)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("effect", Effect)
def test_a_frame_has_a_colour_for_each_lamp(effect: Effect, count: int) -> None:
    """At any time, and each of its parts is a byte."""
    for t in (0.0, 0.01, 0.7, 3.3, 1e6):
        frame = seen(effect, t, count, 0.4)
        assert count == len(frame)
        assert all(0 <= part <= 255 for colour in frame for part in colour)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("effect", sorted(IN_LIGHT))
def test_the_first_frame_can_be_seen(effect: Effect, count: int) -> None:
    """A person looks when something begins: no effect may begin in the dark."""
    assert any(max(colour) >= 50 for colour in seen(effect, 0.0, count))


@pytest.mark.parametrize("effect", Effect)
def test_a_pattern_pauses_as_long_as_its_frame_stays(effect: Effect) -> None:
    """What does not move is painted once; what blinks is painted at its edges."""
    looks = pattern(Showing(effect, 0.5))
    if effect in STILL:
        assert looks.pause_s(0.0) is None
        assert looks.paint(0.0, 12) == looks.paint(100.0, 12)
        return
    t = 0.0
    while t < 5.0:
        pause_s = looks.pause_s(t)
        if pause_s is None:
            assert looks.paint(t, 12) == looks.paint(t + 100, 12)
            return
        assert pause_s > 0
        if pause_s > 0.03:
            assert looks.paint(t, 12) == looks.paint(t + pause_s * 0.99, 12)
        t += pause_s + 1e-6


def every_lamp(told: Callable[[tuple[int, int, int]], bool], frame: Frame) -> bool:
    return all(told(colour) for colour in frame)


def test_listening_is_blue_and_turns() -> None:
    """Every lamp is blue, and the brightest one moves on."""
    frames = [seen(Effect.LISTENING, t) for t in (0.0, 0.3, 0.6)]
    assert all(every_lamp(lambda c: c[2] > c[0] + c[1], frame) for frame in frames)
    assert [0, 3, 6] == [max(range(12), key=lambda n, f=frame: f[n][2]) for frame in frames]
    assert BLUE == frames[0][0]


def test_thinking_pulses_as_one() -> None:
    """All lamps alike; bright, dim, bright."""
    levels = [seen(Effect.THINKING, t) for t in (0.0, 0.6, 1.2)]
    assert all(1 == len(set(frame)) for frame in levels)
    assert levels[0][0][2] > 4 * levels[1][0][2]
    assert levels[0] == levels[2]


def test_speaking_moves() -> None:
    """Not all alike, and not the same a moment later."""
    assert 1 < len(set(seen(Effect.SPEAKING, 0.0)))
    assert seen(Effect.SPEAKING, 0.0) != seen(Effect.SPEAKING, 0.1)


def test_muted_is_red_and_steady() -> None:
    """Nothing but red, on every lamp."""
    assert every_lamp(lambda c: c[0] > 50 and c[1:] == (0, 0), seen(Effect.MUTED, 0.0))


def test_an_error_is_three_red_flashes() -> None:
    """And then dark."""
    looks = pattern(Showing(Effect.ERROR))
    shown, t = [], 0.0
    while (pause_s := looks.pause_s(t)) is not None:
        shown.append(looks.paint(t, 1)[0])
        t += pause_s
    shown.append(looks.paint(t, 1)[0])
    assert [RED, BLACK] * 3 + [BLACK] == shown


def test_a_fault_flashes_again_and_again() -> None:
    """Three flashes every four seconds."""
    at = [seen(Effect.FAULT, t, 1)[0] for t in (0.1, 0.6, 1.1, 1.6, 3.9, 4.1)]
    assert [RED, RED, RED, BLACK, BLACK, RED] == at


def test_offline_is_slow_and_amber() -> None:
    """A short blink every three seconds."""
    assert [AMBER, BLACK, BLACK, AMBER] == [
        seen(Effect.OFFLINE, t, 1)[0] for t in (0.0, 0.4, 2.9, 3.1)
    ]


@pytest.mark.parametrize(("level", "lit"), [(0.0, 0), (0.25, 3), (0.5, 6), (1.0, 12)])
def test_a_gauge_lights_its_part_of_the_ring(level: float, lit: int) -> None:
    """From the first lamp on."""
    assert [WHITE] * lit + [BLACK] * (12 - lit) == list(seen(Effect.GAUGE, 0.0, 12, level))


def test_the_ring_fills_and_blinks_when_it_is_full() -> None:
    """Empty, half, nearly full; then on and off: now letting go counts."""
    lamps = [
        sum(colour != BLACK for colour in seen(Effect.FILLING, part * FILL_S))
        for part in (0.0, 0.5, 0.99)
    ]
    assert [0, 6, 12] == lamps
    full = {tuple(seen(Effect.FILLING, FILL_S + t / 20)) for t in range(12)}
    assert {(RED,) * 12, (BLACK,) * 12} == full


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_what_is_missing_is_counted_out_in_amber(number: int) -> None:
    """As many flashes, then a pause, then again."""
    looks = pattern(Showing(Effect.MISSING, count=number))
    lit, t = [], 0.0
    while t < 4.0:
        lit.append(looks.paint(t, 1)[0])
        t += looks.pause_s(t) or 4.0
    assert number == lit.count(AMBER)
    assert looks.paint(0.0, 3) == looks.paint(4.0, 3)
    assert BLACK == looks.paint(3.9, 1)[0]
