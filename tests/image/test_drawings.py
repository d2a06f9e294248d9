"""The drawings in docs/: they show what the code does, and can be read on any background."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sena_pi.body.layers import Effect, Showing
from sena_pi.body.patterns import pattern

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
DRAWINGS = ("led-states.svg", "wiring.svg")
LAMPS = 12
UNLIT = "#3a4047"
NOT_DRAWN = {Effect.TOUCHED, Effect.TOUCHED_MUTED}
"""A press is answered for a tenth of a second."""
SVG = "{http://www.w3.org/2000/svg}"


def groups() -> dict[str, ET.Element]:
    """Effect -> its lamps."""
    root = ET.parse(DOCS / "led-states.svg").getroot()  # noqa: S314 - our own file
    return {group.attrib["id"]: group for group in root.iter(f"{SVG}g") if "id" in group.attrib}


def shown(colour: tuple[int, int, int]) -> str:
    """A lamp's light as a screen shows it: lamps are linear, screens are not."""
    if colour == (0, 0, 0):
        return UNLIT
    return "#" + "".join(f"{round(255 * (part / 255) ** (1 / 2.2)):02x}" for part in colour)


def test_every_state_of_the_light_is_drawn() -> None:
    """A new effect needs a picture, and none is of one that is gone."""
    assert set(groups()) == {effect.value for effect in Effect if effect not in NOT_DRAWN}


@pytest.mark.parametrize("effect", [effect for effect in Effect if effect not in NOT_DRAWN])
def test_a_state_is_drawn_as_the_lamps_show_it(effect: Effect) -> None:
    """Each lamp has the colour that the pattern gives it at the moment that is drawn."""
    group = groups()[effect.value]
    level, count = float(group.attrib["data-level"]), int(group.attrib["data-count"])
    showing = Showing(effect, level, count=count)
    frame = pattern(showing).paint(float(group.attrib["data-seconds"]), LAMPS)
    drawn = [lamp.attrib["fill"] for lamp in group.iter(f"{SVG}circle")]
    assert drawn == [shown(colour) for colour in frame]


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_legible_in_light_and_dark(name: str) -> None:
    """It has a page of its own in both, a title for those who can't see, and no outside parts."""
    text = (DOCS / name).read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text
    assert text.count(".page { fill:") == 2
    assert 'role="img" aria-labelledby="title"' in text
    assert re.findall(r"(?:href|src|url)\s*[=(]", text) == []


def test_the_wires_go_to_the_pins_that_the_settings_mean() -> None:
    """SPI bus 0 and the button of the example, by the numbers of the header's pins."""
    text = (DOCS / "wiring.svg").read_text(encoding="utf-8")
    example = (REPOSITORY / "packaging/image/boot/sena.toml.example").read_text(encoding="utf-8")
    assert "#gpio = 17\n" in example
    for wire in ("pin 19: GPIO 10, MOSI", "pin 23: GPIO 11, SCLK", "pin 11: GPIO 17", "pin 2: 5 V"):
        assert f">{wire}</text>" in text
