"""What the light shows when several things want to be shown."""

from __future__ import annotations

import itertools

import pytest

from sena_pi.body.layers import Effect, Layers, resolve
from sena_pi.phases import Phase

LASTING = (
    ({"fault": True}, Effect.FAULT),
    ({"muted": True}, Effect.MUTED),
    ({"timer": True}, Effect.TIMER),
    ({"phase": Phase.SPEAKING}, Effect.SPEAKING),
    ({"missing": 2}, Effect.MISSING),
    ({"attention": True}, Effect.FAULT),
    ({"offline": True}, Effect.OFFLINE),
)
"""From the most urgent on."""


@pytest.mark.parametrize("upper", range(len(LASTING)))
def test_the_more_urgent_one_is_shown(upper: int) -> None:
    """In this order; whatever is below does not matter."""
    fields, effect = LASTING[upper]
    for below in range(len(LASTING) - upper):
        for others in itertools.combinations(LASTING[upper + 1 :], below):
            wants = {name: value for other, _ in others for name, value in other.items()}
            layers = Layers(**{"phase": Phase.IDLE, **wants, **fields})
            assert effect == resolve(layers, 0.0).effect


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_can_be_shown(phase: Phase) -> None:
    """Idle is dark; all others have an effect of their own name."""
    expected = Effect.DARK if phase is Phase.IDLE else Effect(phase.value)
    assert expected == resolve(Layers(phase=phase), 0.0).effect


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.IDLE, Phase.DEAF])
def test_what_is_missing_is_counted_while_nothing_is_done(phase: Phase) -> None:
    """A microphone that was not there at the start is deaf as well, which says less."""
    showing = resolve(Layers(phase=phase, missing=1), 0.0)
    assert (Effect.MISSING, 1) == (showing.effect, showing.count)


def test_a_press_is_answered_before_anything_else_and_for_a_moment() -> None:
    """Even with a fault: the finger waits."""
    layers = Layers(fault=True, touched_until_s=10.0)
    assert Effect.TOUCHED == resolve(layers, 9.9).effect
    assert 10.0 == resolve(layers, 9.9).until_s
    assert Effect.FAULT == resolve(layers, 10.0).effect


def test_a_muted_device_is_red_also_while_it_is_pressed() -> None:
    """Nobody may take it for one that listens."""
    layers = Layers(phase=Phase.LISTENING, muted=True, touched_until_s=10.0)
    assert Effect.TOUCHED_MUTED == resolve(layers, 9.9).effect
    assert Effect.MUTED == resolve(layers, 10.0).effect


def test_a_volume_is_shown_for_a_moment() -> None:
    """With its level, above what lasts."""
    layers = Layers(muted=True, gauge=0.5, gauge_until_s=5.0)
    assert (Effect.GAUGE, 0.5, 5.0) == (
        resolve(layers, 4.0).effect,
        resolve(layers, 4.0).level,
        resolve(layers, 4.0).until_s,
    )
    assert Effect.MUTED == resolve(layers, 5.0).effect


def test_a_ring_that_fills_is_above_all() -> None:
    """Who holds the button must see how far it is."""
    layers = Layers(fault=True, muted=True, touched_until_s=9.0, gauge_until_s=9.0, filling=True)
    assert Effect.FILLING == resolve(layers, 1.0).effect
