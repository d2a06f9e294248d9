"""The bytes on the wire."""

from __future__ import annotations

import pytest

from sena_pi.body.encoding import WS2812_HZ, apa102, ws2812

RED_GREEN_BLUE = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def test_apa102_sends_brightness_blue_green_red() -> None:
    """Four zero bytes; 111 and five bits of brightness, B, G, R a lamp; zeros to clock it out."""
    assert bytes.fromhex(
        "00000000"  # start
        "e80000ff e800ff00 e8ff0000"  # 0.25 of 31 steps is 8
        "00000000 00"  # SK9822 takes over; half a bit a lamp
    ) == apa102(RED_GREEN_BLUE, 0.25)


@pytest.mark.parametrize(("count", "clocks"), [(1, 1), (16, 1), (17, 2), (64, 4)])
def test_apa102_clocks_reach_the_last_lamp(count: int, clocks: int) -> None:
    """Half a clock for each lamp, after the 32 that SK9822 wants."""
    data = apa102([(0, 0, 0)] * count, 1.0)
    assert 4 + 4 * count + 4 + clocks == len(data)
    assert bytes(4 + clocks) == data[4 + 4 * count :]
    assert 8 * clocks >= count / 2


@pytest.mark.parametrize(
    ("brightness", "header"), [(0, 0xE0), (0.001, 0xE1), (0.5, 0xF0), (1, 0xFF)]
)
def test_apa102_brightness_has_31_steps(brightness: float, header: int) -> None:
    """The smallest brightness is not darkness."""
    assert header == apa102([(1, 2, 3)], brightness)[4]


def test_ws2812_makes_three_bits_of_one() -> None:
    """Green, red, blue; 110 is a one, 100 a zero, the highest bit first."""
    data = ws2812([(0x00, 0xFF, 0xA5)], 1.0)
    green, red = "110" * 8, "100" * 8
    blue = "".join("110" if bit == "1" else "100" for bit in f"{0xA5:08b}")
    expected = int(green + red + blue, 2).to_bytes(9, "big")
    assert expected == data[1:10]


def test_ws2812_bits_are_as_long_as_the_data_sheet_wants() -> None:
    """A zero is high for 0.4 us, a one for 0.8 us, each bit 1.25 us, all within 150 ns."""
    tick_us = 1e6 / WS2812_HZ
    assert tick_us == pytest.approx(0.4, abs=0.15)
    assert 2 * tick_us == pytest.approx(0.8, abs=0.15)
    assert 3 * tick_us == pytest.approx(1.25, abs=0.15)


def test_ws2812_ends_with_a_reset() -> None:
    """Low for more than 280 microseconds; and it begins low."""
    data = ws2812([(255, 255, 255)] * 2, 1.0)
    assert 0 == data[0]
    rest = data[1 + 18 :]
    assert bytes(len(rest)) == rest
    assert 8 * len(rest) / WS2812_HZ > 280e-6


def test_ws2812_brightness_scales_the_colours() -> None:
    """The same bytes as of the darker colour."""
    assert ws2812([(100, 50, 0)], 1.0) == ws2812([(200, 100, 0)], 0.5)
