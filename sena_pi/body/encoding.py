"""The bytes that addressable lamps understand. Sources: data sheets of APA102C, SK9822, WS2812B."""

from __future__ import annotations

from typing import Final

from sena_pi.body.patterns import Frame

APA102_HZ: Final = 4_000_000
WS2812_HZ: Final = 2_400_000
"""Three SPI bits make one of theirs, in 1.25 microseconds."""

_APA102_STEPS: Final = 31
_WS2812_RESET: Final = bytes(100)
"""At least 280 microseconds low take a frame over; these are 333."""
_QUIET: Final = bytes(1)
"""The first bit of a transfer may be stretched: it must be a low one."""


def apa102(frame: Frame, brightness: float) -> bytes:
    """A frame for APA102 and SK9822.

    Args:
        frame: a colour for each lamp.
        brightness: 0 to 1; any but 0 is at least the lamps' smallest step.
    """
    steps = round(brightness * _APA102_STEPS)
    header = 0xE0 | (max(1, steps) if brightness > 0 else 0)
    data = bytearray(4)
    for red, green, blue in frame:
        data += bytes((header, blue, green, red))
    # SK9822 takes a frame over after 32 low bits; and each lamp delays the clock by half a bit.
    return bytes(data) + bytes(4 + (len(frame) + 15) // 16)


def ws2812(frame: Frame, brightness: float) -> bytes:
    """A frame for WS2812 and its relatives, for an SPI bus at `WS2812_HZ`.

    Args:
        frame: a colour for each lamp.
        brightness: 0 to 1; scales the colours.
    """
    data = bytearray(_QUIET)
    for red, green, blue in frame:
        for value in (green, red, blue):
            data += _WS2812_BYTES[round(value * brightness)]
    return bytes(data) + _WS2812_RESET


def _stretched(value: int) -> bytes:
    """Each bit of a byte as three: 110 for a one, 100 for a zero; the first is the highest."""
    bits = 0
    for place in range(7, -1, -1):
        bits = bits << 3 | (0b110 if value >> place & 1 else 0b100)
    return bits.to_bytes(3, "big")


_WS2812_BYTES: Final = tuple(_stretched(value) for value in range(256))
