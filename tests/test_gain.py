"""How loud a percentage is, and how samples get so."""

from __future__ import annotations

import itertools
import math
from array import array

import pytest

from sena_pi.gain import Gain, gain_of


def test_steps_of_volume_sound_alike() -> None:
    """Ten of a hundred are 4 dB everywhere; nothing is silence, all leaves samples as they are."""
    decibels = [20 * math.log10(gain_of(percent)) for percent in range(10, 101, 10)]
    assert [pytest.approx(4.0)] * 9 == [b - a for a, b in itertools.pairwise(decibels)]
    assert (0.0, 1.0) == (gain_of(0), gain_of(100))
    assert (0.0, 1.0) == (gain_of(-5), gain_of(200))


def test_full_volume_touches_no_sample() -> None:
    """The same bytes, not even copied."""
    pcm = array("h", [1, -32768, 32767]).tobytes()
    assert Gain().applied(pcm) is pcm


def test_samples_are_multiplied() -> None:
    """Towards zero, without going over."""
    assert [16383, -16384, 0] == list(
        array("h", Gain(0.5).applied(array("h", [32767, -32768, 1]).tobytes()))
    )
    assert bytes(6) == Gain(0.0).applied(array("h", [32767, -32768, 1]).tobytes())


def test_a_change_does_not_click() -> None:
    """Within the next block the level goes evenly from the old to the new; then it stays."""
    block = array("h", [10_000] * 480).tobytes()
    gain = Gain(1.0)
    gain.applied(block)
    gain.set(0.5)
    changing = array("h", gain.applied(block))
    steps = [a - b for a, b in itertools.pairwise(changing)]
    assert all(0 <= step <= 12 for step in steps)
    assert 5000 == changing[-1]
    assert {5000} == set(array("h", gain.applied(block)))
    gain.set(1.0)
    gain.applied(block)
    assert block == gain.applied(block)


def test_an_empty_block_is_nothing() -> None:
    """Also while the level changes."""
    gain = Gain(1.0)
    gain.set(0.5)
    assert b"" == gain.applied(b"")
