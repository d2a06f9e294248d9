"""The doctor lights the lamps and reads the button, or asks who holds them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sena_pi.body.hardware import Hardware
from sena_pi.body.lamps import LampsLost
from sena_pi.body.patterns import BLACK, WHITE, Frame
from sena_pi.body.switch import Edge, SwitchLost
from sena_pi.doctor.body import ButtonCheck, LightCheck
from sena_pi.doctor.examination import Finding, Level, finding_of
from tests.doctor.patients import patient


class Ring:
    """Three lamps."""

    count = 3

    def __init__(self) -> None:
        self.shown: list[list[tuple[int, int, int]]] = []
        self.closed = False

    def light(self, frame: Frame) -> None:
        assert not self.closed
        self.shown.append(list(frame))

    def close(self) -> None:
        self.closed = True


class Knob:
    """A button that is held down or not."""

    def __init__(self, *, pressed: bool) -> None:
        self.pressed = pressed
        self.closed = False

    def close(self) -> None:
        self.closed = True


def found(check: Any, folder: Path, **given: Any) -> Finding:
    return asyncio.run(finding_of(check, patient(folder, **given)))


def test_every_lamp_is_lit_and_dark_again(tmp_path: Path) -> None:
    """And given back."""
    ring = Ring()
    finding = found(LightCheck(lambda _: Hardware(open_lamps=lambda: ring)), tmp_path)
    assert (Level.GOOD, {"lamps": 3}) == (finding.level, finding.figures)
    assert ([[WHITE] * 3, [BLACK] * 3], True) == (ring.shown, ring.closed)


def test_lamps_and_buttons_that_can_t_be_had_are_problems(tmp_path: Path) -> None:
    """With what their drivers say."""

    def no_lamps() -> Ring:
        raise LampsLost("no SPI bus")

    def no_switch(on_edge: Edge) -> Knob:
        raise SwitchLost("no pins")

    broken = Hardware(open_lamps=no_lamps, open_switch=no_switch)
    for check, words in (
        (LightCheck(lambda _: broken), "no SPI bus"),
        (ButtonCheck(lambda _: broken), "no pins"),
    ):
        finding = found(check, tmp_path)
        assert (Level.PROBLEM, words) == (finding.level, finding.measured)


@pytest.mark.parametrize(("pressed", "level"), [(False, Level.GOOD), (True, Level.WARNING)])
def test_a_button_is_read(tmp_path: Path, pressed: bool, level: Level) -> None:  # noqa: FBT001
    """One that reads as held down is jammed, or wired the other way round."""
    knob = Knob(pressed=pressed)
    finding = found(ButtonCheck(lambda _: Hardware(open_switch=lambda _edge: knob)), tmp_path)
    assert (level, True) == (finding.level, knob.closed)


@pytest.mark.parametrize(("lit", "level"), [(True, Level.GOOD), (False, Level.PROBLEM)])
def test_one_that_runs_tells_of_its_light(tmp_path: Path, lit: bool, level: Level) -> None:  # noqa: FBT001
    """Nothing is opened beside it."""
    held = Hardware(open_lamps=Ring, open_switch=lambda _edge: Knob(pressed=False))
    status = {"light": {"lit": lit}}
    assert level is found(LightCheck(lambda _: held), tmp_path, status=status).level
    assert Level.UNKNOWN is found(ButtonCheck(lambda _: held), tmp_path, status=status).level


def test_none_that_is_wanted_is_no_fault(tmp_path: Path) -> None:
    """As the settings say."""
    for check in (LightCheck(), ButtonCheck()):
        finding = found(check, tmp_path, settings={"light": {"driver": "none"}})
        assert Level.UNKNOWN is finding.level
