"""Lamps and button on gpiozero's mock pins, at wire level."""

from __future__ import annotations

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from sena_pi.body import gpio
from sena_pi.body.encoding import APA102_HZ, WS2812_HZ, apa102, ws2812
from sena_pi.body.lamps import LampsLost
from sena_pi.body.switch import SwitchLost
from tests.body.rings import Board, WireTap

FRAME = [(255, 0, 0), (1, 2, 3), (0, 128, 255)]


def test_apa102_bits_are_on_the_wire() -> None:
    """Clock, data and select carry exactly the frame's bytes, one transfer a frame."""
    pins = Board()
    tap = WireTap(pins)
    lamps = gpio.apa102_lamps(pins, select=0, count=3, brightness=0.3)
    lamps.light(FRAME)
    lamps.light([(0, 0, 0)] * 3)
    assert 2 == len(tap.transfers)
    assert apa102(FRAME, 0.3) == tap.bytes_of(0)
    assert apa102([(0, 0, 0)] * 3, 0.3) == tap.bytes_of(1)
    lamps.close()


def test_ws2812_bits_are_on_the_wire() -> None:
    """The data line alone carries the lamps' own bits; the clock is ours."""
    pins = Board()
    tap = WireTap(pins)
    lamps = gpio.ws2812_lamps(pins, select=0, count=3, brightness=1.0)
    lamps.light(FRAME)
    assert ws2812(FRAME, 1.0) == tap.bytes_of(0)
    lamps.close()


@pytest.mark.parametrize(
    ("make", "rate_hz"), [(gpio.apa102_lamps, APA102_HZ), (gpio.ws2812_lamps, WS2812_HZ)]
)
def test_the_bus_has_the_rate_of_its_lamps(make: object, rate_hz: int) -> None:
    """For WS2812 it is what makes their bits."""
    lamps = make(Board(), select=0, count=3, brightness=1.0)  # type: ignore[operator]
    assert rate_hz == lamps._spi.rate
    lamps.close()


def test_a_bus_made_of_software_is_refused_and_given_back() -> None:
    """Where SPI is off gpiozero makes one; it can't drive lamps."""
    pins = MockFactory()
    for _ in range(2):
        with pytest.raises(LampsLost, match="SPI bus 0, device 0"):
            gpio.ws2812_lamps(pins, select=0, count=3, brightness=1.0)


def test_a_bus_in_use_is_lost_lamps() -> None:
    """Told, never raised as something else."""
    pins = Board()
    first = gpio.apa102_lamps(pins, select=0, count=3, brightness=1.0)
    with pytest.raises(LampsLost):
        gpio.apa102_lamps(pins, select=0, count=3, brightness=1.0)
    first.close()
    gpio.apa102_lamps(pins, select=0, count=3, brightness=1.0).close()


def test_plain_leds_are_on_or_off() -> None:
    """By the brightest part of their colour."""
    pins = MockFactory()
    lamps = gpio.PinLamps(pins, (5, 6, 13), dimmed=False, brightness=0.1)
    lamps.light([(0, 60, 255), (49, 49, 49), (0, 0, 0)])
    assert [True, False, False] == [pins.pin(n).state for n in (5, 6, 13)]
    lamps.close()


def test_dimmed_leds_have_a_brightness() -> None:
    """Pulse widths, scaled by the setting."""
    pins = MockFactory(pin_class=MockPWMPin)
    lamps = gpio.PinLamps(pins, (12, 13), dimmed=True, brightness=0.5)
    lamps.light([(0, 0, 255), (51, 0, 0)])
    assert [0.5, 0.1] == [pytest.approx(pins.pin(n).state) for n in (12, 13)]
    lamps.close()


def test_pins_in_use_are_lost_lamps() -> None:
    """Two owners of a pin is told where the second one is opened."""
    pins = MockFactory()
    first = gpio.PinLamps(pins, (5,), dimmed=False, brightness=1.0)
    with pytest.raises(LampsLost, match="GPIO 5"):
        gpio.PinLamps(pins, (5,), dimmed=False, brightness=1.0)
    first.close()


@pytest.mark.parametrize("pull_up", [True, False])
def test_a_switch_tells_every_edge(pull_up: bool) -> None:  # noqa: FBT001
    """Towards ground or towards 3.3 V; bounces are not its business."""
    pins = MockFactory()
    edges: list[bool] = []
    switch = gpio.PinSwitch(pins, 17, edges.append, pull_up=pull_up)
    pin = pins.pin(17)
    down, up = (pin.drive_low, pin.drive_high) if pull_up else (pin.drive_high, pin.drive_low)
    down()
    assert switch.pressed
    up()
    down()
    up()
    assert not switch.pressed
    assert [True, False, True, False] == edges
    switch.close()
    down()
    assert 4 == len(edges)


def test_a_pin_in_use_is_no_switch() -> None:
    """Such as one that an LED has."""
    pins = MockFactory()
    lamps = gpio.PinLamps(pins, (17,), dimmed=False, brightness=1.0)
    with pytest.raises(SwitchLost, match="GPIO 17"):
        gpio.PinSwitch(pins, 17, lambda _: None, pull_up=True)
    lamps.close()


def test_without_the_library_there_is_neither_light_nor_button() -> None:
    """What is missing is told, with what to do; nothing else breaks."""
    pytest.importorskip("gpiozero")
    try:
        import lgpio  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("this machine has lgpio")
    with pytest.raises(LampsLost, match="lgpio"):
        gpio.open_on_board(lambda pins: gpio.PinLamps(pins, (5,), dimmed=False, brightness=1))
    with pytest.raises(SwitchLost, match="lgpio"):
        gpio.open_switch(17, lambda _: None, pull_up=True)
