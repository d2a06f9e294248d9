"""Alive means listening: what is fed, what is not, and what is done before systemd acts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sena_pi.audio import FRAME_S
from sena_pi.watchdog import CurrentTurn, Ears, Fault, Rules, Seen, Verdict, Watch

STEP_S = 0.5
LISTENING = CurrentTurn("7", listening=True, played_s=0.0)
ABSENT = Ears(absence="there is no default input device")


class Life:
    """A process that is looked at twice a second; it hears, unless a story changes that."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.ears = Ears(beat_s=self.now_s, capturing=True)
        self.lights: dict[str, float | None] = {}
        self.muted = False
        self.turn: CurrentTurn | None = None
        self.beating = self.advancing = True
        self.zeros = False
        self._watch = Watch()

    def pass_on(self, seconds: float) -> list[Verdict]:
        """What is judged meanwhile."""
        verdicts = []
        for _ in range(round(seconds / STEP_S)):
            self.now_s += STEP_S
            ears = self.ears
            if self.beating:
                ears = replace(ears, beat_s=self.now_s)
            if self.advancing and ears.capturing:
                frames = round(STEP_S / FRAME_S)
                zeros_s = ears.zeros_s + frames * FRAME_S if self.zeros else 0.0
                ears = replace(ears, frames=ears.frames + frames, zeros_s=zeros_s)
            self.ears = ears
            seen = Seen(self.now_s, ears, self.muted, dict(self.lights), self.turn)
            verdicts.append(self._watch.judge(seen))
        return verdicts

    def replace_worker(self) -> None:
        """Another worker, which counts from nothing, after a gap without heartbeats."""
        self.beating, self.ears = False, replace(self.ears, capturing=False)
        self.pass_on(1)
        self.beating = True
        self.ears = Ears(beat_s=self.now_s, capturing=True)


def faults(verdicts: list[Verdict]) -> tuple[Fault, ...]:
    """Those at the end."""
    return verdicts[-1].faults


def test_one_who_hears_is_fed() -> None:
    """From the first frame on, for as long as frames go through the wake word."""
    life = Life()
    verdicts = life.pass_on(3600)
    assert {()} == {verdict.faults for verdict in verdicts}
    assert all(verdict.ready and verdict.hearing for verdict in verdicts)


def test_one_who_has_not_heard_yet_is_neither_ready_nor_fed() -> None:
    """A worker that loads its engine has no frames."""
    life = Life()
    life.ears = Ears()
    life.beating = False
    verdict = life.pass_on(1)[-1]
    assert (False, (Fault.FRAMES,)) == (verdict.ready, verdict.faults)


def test_frames_that_stand_still_are_not_fed() -> None:
    """Heartbeats alone are no life: the field's complaint is a daemon that is up, and deaf."""
    life = Life()
    life.pass_on(5)
    life.advancing = False
    assert () == faults(life.pass_on(2))
    assert (Fault.FRAMES,) == faults(life.pass_on(1))


def test_a_replaced_worker_is_no_death() -> None:
    """It starts at zero again, and is fed again with its first frame."""
    life = Life()
    life.pass_on(60)
    life.replace_worker()
    assert () == faults(life.pass_on(1))


def test_a_known_absence_is_fed_while_it_is_retried() -> None:
    """No microphone is a state that people are told of; the device is looked for all the time."""
    life = Life()
    life.pass_on(5)
    life.ears = ABSENT
    verdict = life.pass_on(600)[-1]
    assert ((), True, False) == (verdict.faults, verdict.ready, verdict.hearing)
    life.beating = False
    assert (Fault.FRAMES,) == faults(life.pass_on(5))


def test_muted_is_fed_without_a_frame() -> None:
    """Nobody shall be heard: that is no fault, with or without a worker."""
    life = Life()
    life.muted, life.beating, life.advancing = True, False, False
    verdict = life.pass_on(600)[-1]
    assert ((), True, False) == (verdict.faults, verdict.ready, verdict.hearing)


def test_a_light_that_does_not_answer_is_not_fed() -> None:
    """One without a heart of its own is not asked."""
    life = Life()
    life.lights = {"ring": life.now_s, "console": None}
    assert () == faults(life.pass_on(Rules().heart_s))
    assert (Fault.LIGHT,) == faults(life.pass_on(1))


def test_a_turn_that_hears_for_too_long_is_not_fed() -> None:
    """Its own deadlines have failed."""
    life = Life()
    life.turn = LISTENING
    assert () == faults(life.pass_on(Rules().listening_s))
    assert (Fault.TURN,) == faults(life.pass_on(1))


def test_a_turn_that_thinks_or_sounds_on_without_a_sound_is_not_fed() -> None:
    """Neither a cloud nor a speaker may hold a turn for ever."""
    life = Life()
    life.turn = replace(LISTENING, listening=False)
    life.pass_on(Rules().thinking_s)
    life.turn = replace(life.turn, played_s=0.1)
    assert () == faults(life.pass_on(Rules().thinking_s))
    assert (Fault.TURN,) == faults(life.pass_on(1))


def test_long_answers_and_many_turns_are_no_hanging() -> None:
    """As long as sound is heard, or another turn begins, all is well."""
    life = Life()
    for number in range(300):
        life.turn = CurrentTurn("long", listening=False, played_s=float(number))
        assert () == faults(life.pass_on(1))
    for number in range(10):
        life.turn = replace(LISTENING, name=str(number))
        assert () == faults(life.pass_on(20))


def test_zeros_replace_the_worker_then_tell_a_person_then_end_the_process() -> None:
    """In this order, over all workers; a worker that was replaced begins to count at once."""
    life = Life()
    life.pass_on(10)
    life.zeros = True
    steps = []
    for second in range(1, 700):
        for verdict in life.pass_on(1):
            if verdict.replace:
                steps.append((second, "replaced"))
            if verdict.deaf and "told" not in [step for _, step in steps]:
                steps.append((second, "told"))
            if Fault.ZEROS in verdict.faults and "dead" not in [step for _, step in steps]:
                steps.append((second, "dead"))
        if steps and steps[-1] == (second, "replaced"):
            life.replace_worker()
    names = [step for _, step in steps]
    assert ["replaced", "told", "dead"] == list(dict.fromkeys(names))
    # Each replacement waits twice as long: some USB devices do not bear many.
    assert 3 <= names.count("replaced") <= 6
    assert 30 == steps[0][0]


@pytest.mark.parametrize("quiet_s", [5, 29])
def test_a_microphone_that_recovers_is_heard_again(quiet_s: float) -> None:
    """One sample that is not zero, and all begins anew."""
    life = Life()
    life.pass_on(10)
    for _ in range(50):
        life.zeros = True
        verdicts = life.pass_on(quiet_s)
        assert not any(verdict.replace or verdict.deaf for verdict in verdicts)
        life.zeros = False
        verdict = life.pass_on(1)[-1]
        assert (0.0, True) == (verdict.zeros_s, verdict.worked)


def test_a_microphone_that_never_gave_a_sound_counts_from_its_first_frame() -> None:
    """One that is plugged in with its switch off is told of as well."""
    life = Life()
    life.zeros = True
    verdict = life.pass_on(61)[-1]
    assert (True, False) == (verdict.deaf, verdict.worked)
    life.ears = ABSENT
    assert not life.pass_on(1)[-1].deaf
