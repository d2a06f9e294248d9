"""What presses of the one button mean."""

from __future__ import annotations

import itertools
import random

import pytest

from sena_pi.body.presses import (
    BOUNCE_S,
    FILL_FROM_S,
    FULL_S,
    GAP_S,
    JAMMED_S,
    LONG_S,
    TALK_S,
    Action,
    Circumstances,
    Presses,
    rung,
)

IDLE = Circumstances()
BUSY = Circumstances(busy=True)
MUTED = Circumstances(muted=True)
A = Action


class Finger:
    """Somebody at the button, on a clock that only they move; ticks come when they are due.

    The assistant obeys: it listens, and ends its turns.
    """

    def __init__(self, presses: Presses, now: Circumstances = IDLE) -> None:
        self.presses = presses
        self.now = now
        self.at_s = 100.0
        self.pressed = False
        self.done: list[Action] = []

    def _do(self, actions: list[Action]) -> None:
        self.done += actions
        for action in actions:
            if action is A.LISTEN:
                self.now = BUSY
            elif action in (A.END_TURN, A.STOP_SPEECH, A.STOP_TIMER):
                self.now = IDLE

    def waits(self, seconds: float) -> Finger:
        until_s = self.at_s + seconds
        while (next_s := self.presses.next_s) is not None and next_s <= until_s:
            self.at_s = max(self.at_s, next_s)
            self._do(self.presses.tick(self.at_s, self.now, pressed=self.pressed))
        self.at_s = until_s
        return self

    def edge(self, *, pressed: bool) -> Finger:
        self.pressed = pressed
        self._do(self.presses.edge(self.at_s, self.now, pressed=pressed))
        return self

    def holds(self, seconds: float) -> Finger:
        return self.edge(pressed=True).waits(seconds).edge(pressed=False)

    def taps(self, times: int = 1) -> Finger:
        for _ in range(times):
            self.holds(0.1).waits(0.1)
        return self


def test_a_press_does_what_fits_first() -> None:
    """Timer, speech, turn; and else it listens, or tells that it can't."""
    every = [Circumstances(*flags) for flags in itertools.product([True, False], repeat=4)]
    for now in every:
        expected = (
            A.STOP_TIMER if now.ringing
            else A.STOP_SPEECH if now.speaking
            else A.END_TURN if now.busy
            else A.TELL_MUTED if now.muted
            else A.LISTEN
        )  # fmt: skip
        assert expected == rung(now)


def test_a_press_counts_at_once() -> None:
    """Not when it is let go, and not when the switch has settled."""
    presses = Presses()
    assert [A.LISTEN] == presses.edge(5.0, IDLE, pressed=True)


def test_a_tap_is_one_press() -> None:
    """However long one waits afterwards."""
    assert [A.LISTEN] == Finger(Presses()).taps().waits(60).done


def test_bounces_are_one_press() -> None:
    """Edges within the bounce time of the first one are none; the same when it is let go."""
    finger = Finger(Presses())
    for _ in range(5):
        finger.edge(pressed=True).waits(0.002).edge(pressed=False).waits(0.002)
    finger.edge(pressed=True).waits(0.2)
    for _ in range(5):
        finger.edge(pressed=False).waits(0.002).edge(pressed=True).waits(0.002)
    finger.edge(pressed=False).waits(60)
    assert [A.LISTEN] == finger.done


def test_a_press_shorter_than_a_bounce_ends() -> None:
    """Its end lies in the bounce time; it is not taken for a press that goes on for ever."""
    assert [A.LISTEN] == Finger(Presses()).holds(BOUNCE_S / 3).waits(60).done


def test_who_holds_it_talks_until_they_let_go() -> None:
    """Held longer than a tap, after it started to listen."""
    finger = Finger(Presses()).edge(pressed=True).waits(TALK_S)
    assert [A.LISTEN, A.HOLD_TALK] == finger.done
    finger.waits(8).edge(pressed=False).waits(60)
    assert [A.LISTEN, A.HOLD_TALK, A.END_TALK] == finger.done


def test_who_talks_for_long_does_not_mute_or_reset() -> None:
    """Holding for talking is nothing else, however long."""
    finger = Finger(Presses(resets=True)).holds(60).waits(60)
    assert [A.LISTEN, A.HOLD_TALK, A.END_TALK] == finger.done


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (MUTED, A.TELL_MUTED),
        (BUSY, A.END_TURN),
        (Circumstances(busy=True, speaking=True), A.STOP_SPEECH),
        (Circumstances(ringing=True), A.STOP_TIMER),
    ],
)
def test_a_long_press_that_did_not_start_to_listen_mutes(now: Circumstances, first: Action) -> None:
    """Or unmutes, at the end of its second and not before; letting go adds nothing."""
    finger = Finger(Presses(), now).edge(pressed=True).waits(LONG_S - 0.01)
    assert [first] == finger.done
    finger.waits(0.02).edge(pressed=False).waits(60)
    assert [first, A.TOGGLE_MUTE] == finger.done


def test_from_idle_a_tap_and_a_long_press_mute() -> None:
    """The tap's turn is ended by the second press, whose hold is then a long one."""
    finger = Finger(Presses()).taps().holds(1.5).waits(60)
    assert [A.LISTEN, A.END_TURN, A.TOGGLE_MUTE] == finger.done


def test_without_hold_to_talk_a_long_press_always_mutes() -> None:
    """For whom a mute matters more than talking."""
    assert [A.LISTEN, A.TOGGLE_MUTE] == Finger(Presses(talks=False)).holds(1.5).waits(60).done


def test_two_are_louder_and_three_are_quieter() -> None:
    """From idle, in quick succession; the turn that the third one started is ended."""
    assert [A.LISTEN, A.END_TURN, A.LOUDER] == Finger(Presses()).taps(2).waits(60).done
    assert [A.LISTEN, A.END_TURN, A.LISTEN, A.END_TURN, A.QUIETER] == (
        Finger(Presses()).taps(3).waits(60).done
    )


def test_slow_taps_are_single_ones() -> None:
    """Longer apart than the gap: stop, and ask again."""
    finger = Finger(Presses())
    for _ in range(3):
        finger.taps().waits(GAP_S)
    assert [A.LISTEN, A.END_TURN, A.LISTEN] == finger.waits(60).done


def test_stopping_an_answer_twice_changes_no_volume() -> None:
    """Who presses in a hurry wants silence."""
    finger = Finger(Presses(), Circumstances(busy=True, speaking=True)).taps(2).waits(60)
    assert [A.STOP_SPEECH, A.LISTEN] == finger.done


def test_a_very_long_press_fills_and_resets_when_it_is_let_go() -> None:
    """The mute of its first second is taken back."""
    finger = Finger(Presses(resets=True), MUTED).edge(pressed=True).waits(FILL_FROM_S)
    assert [A.TELL_MUTED, A.TOGGLE_MUTE, A.TOGGLE_MUTE, A.FILL] == finger.done
    finger.waits(FULL_S - FILL_FROM_S + 0.1)
    assert A.FILL == finger.done[-1]
    assert A.RESET == finger.edge(pressed=False).done[-1]
    assert 1 == finger.waits(60).done.count(A.RESET)


def test_let_go_before_it_is_full_nothing_is_reset() -> None:
    """The ring empties."""
    finger = Finger(Presses(resets=True), MUTED).holds(FULL_S - 0.1).waits(60)
    assert A.CANCEL_FILL == finger.done[-1]
    assert A.RESET not in finger.done


def test_a_jammed_button_resets_nothing() -> None:
    """Held on and on, the ring empties, and letting go does nothing any more."""
    finger = Finger(Presses(resets=True), MUTED).holds(JAMMED_S + 1).waits(60)
    assert A.CANCEL_FILL == finger.done[-1]
    assert A.RESET not in finger.done


def test_without_resets_a_very_long_press_is_a_long_one() -> None:
    """Nothing fills that leads nowhere."""
    assert [A.TELL_MUTED, A.TOGGLE_MUTE] == Finger(Presses(), MUTED).holds(60).done


def test_late_ticks_change_nothing() -> None:
    """A loop that slept through a long press finds the same actions when it is let go."""
    presses = Presses(resets=True)
    actions = presses.edge(0.0, MUTED, pressed=True)
    actions += presses.edge(FULL_S + 1, MUTED, pressed=False)
    assert [A.TELL_MUTED, A.TOGGLE_MUTE, A.TOGGLE_MUTE, A.FILL, A.RESET] == actions


def test_a_storm_of_presses_starts_one_turn_at_a_time() -> None:
    """A hundred edges a second at random: between two starts there is always an end."""
    chance = random.Random(7)
    finger = Finger(Presses(resets=True))
    for _ in range(2000):
        finger.edge(pressed=chance.random() < 0.5).waits(chance.expovariate(100))
    finger.edge(pressed=False).waits(60)
    turns = [a for a in finger.done if a in (A.LISTEN, A.END_TURN)]
    assert len(turns) > 20
    assert [A.LISTEN, A.END_TURN] * (len(turns) // 2) == turns[: len(turns) // 2 * 2]
    assert A.RESET not in finger.done
    assert finger.presses.next_s is None
