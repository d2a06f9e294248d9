"""How each effect looks: pure functions of time. The vocabulary is the one people know.

Blue while waking and listening, a pulse while thinking, moving while speaking, steady red when
muted, three red flashes on an error, slow amber without a network, dark when idle. After a start
one to five amber flashes count out what is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sena_pi.body.layers import Effect, Showing

RGB: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""
Frame: TypeAlias = Sequence[RGB]
"""A colour for each lamp, in their order along the ring."""

FRAME_S: Final = 1 / 40
"""Between two frames of what moves."""
FILL_S: Final = 5.0
"""How long a very long press takes to fill the ring."""

BLACK: Final[RGB] = (0, 0, 0)
BLUE: Final[RGB] = (0, 60, 255)
CYAN: Final[RGB] = (0, 170, 210)
WHITE: Final[RGB] = (200, 200, 200)
RED: Final[RGB] = (255, 0, 0)
AMBER: Final[RGB] = (255, 110, 0)

_FLASH_S: Final = 0.25
_FLASHES: Final = 3
_AGAIN_S: Final = 4.0
"""From one row of a fault's flashes to the next."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """How something looks, from the moment when it began to be shown.

    Attributes:
        paint: seconds and number of lamps -> a colour for each.
        pause_s: seconds -> how long that frame stays as it is; None: for good.
    """

    paint: Callable[[float, int], Frame]
    pause_s: Callable[[float], float | None]


def pattern(showing: Showing) -> Pattern:
    """How to show it."""
    if showing.effect is Effect.GAUGE:
        return Pattern(lambda _t, count: _filled(showing.level, count, WHITE), _never)
    if showing.effect is Effect.MISSING:
        return _flashes(AMBER, max(1, showing.count), every_s=_AGAIN_S)
    return _PATTERNS[showing.effect]


def _scaled(colour: RGB, by: float) -> RGB:
    red, green, blue = colour
    return round(red * by), round(green * by), round(blue * by)


def _never(_t: float) -> float | None:
    return None


def _always(_t: float) -> float | None:
    return FRAME_S


def _steady(colour: RGB) -> Pattern:
    return Pattern(lambda _t, count: [colour] * count, _never)


def _breath(colour: RGB, period_s: float, least: float) -> Pattern:
    def paint(t: float, count: int) -> Frame:
        up = 0.5 + 0.5 * math.cos(2 * math.pi * t / period_s)
        return [_scaled(colour, least + (1 - least) * up)] * count

    return Pattern(paint, _always)


def _turning(colour: RGB, turn_s: float, least: float) -> Pattern:
    """A bright head with a tail behind it; the first frame has its head on the first lamp."""

    def paint(t: float, count: int) -> Frame:
        head = t / turn_s * count
        behind = [((head - lamp) % count) / count for lamp in range(count)]
        return [_scaled(colour, max(least, 1 - 2 * part)) for part in behind]

    return Pattern(paint, _always)


def _waves(colour: RGB, period_s: float) -> Pattern:
    """Two crests that run along the ring, never dark."""

    def paint(t: float, count: int) -> Frame:
        phases = (4 * math.pi * lamp / count - 2 * math.pi * t / period_s for lamp in range(count))
        return [_scaled(colour, 0.65 + 0.35 * math.cos(phase)) for phase in phases]

    return Pattern(paint, _always)


def _blinking(colour: RGB, on_s: float, off_s: float) -> Pattern:
    period_s = on_s + off_s

    def pause_s(t: float) -> float:
        at = t % period_s
        return on_s - at if at < on_s else period_s - at

    return Pattern(lambda t, count: [colour if t % period_s < on_s else BLACK] * count, pause_s)


def _flashes(colour: RGB, flashes: int = _FLASHES, *, every_s: float | None) -> Pattern:
    """Some flashes, once or again and again."""
    lasts_s = 2 * _FLASH_S * flashes

    def at(t: float) -> float:
        return t if every_s is None else t % every_s

    def paint(t: float, count: int) -> Frame:
        lit = at(t) < lasts_s and int(at(t) / _FLASH_S) % 2 == 0
        return [colour if lit else BLACK] * count

    def pause_s(t: float) -> float | None:
        if at(t) < lasts_s:
            return _FLASH_S - at(t) % _FLASH_S
        return None if every_s is None else every_s - at(t)

    return Pattern(paint, pause_s)


def _filled(level: float, count: int, colour: RGB) -> Frame:
    """The ring filled from its first lamp on; the last lamp of them is partly lit."""
    return [_scaled(colour, min(1.0, max(0.0, level * count - lamp))) for lamp in range(count)]


def _filling() -> Pattern:
    """Fills, and blinks once it is full: then letting go does it, and before that nothing."""
    full = _blinking(RED, 0.15, 0.15)

    def paint(t: float, count: int) -> Frame:
        return full.paint(t, count) if t >= FILL_S else _filled(t / FILL_S, count, RED)

    return Pattern(paint, _always)


_PATTERNS: Final[dict[Effect, Pattern]] = {
    Effect.DARK: _steady(BLACK),
    Effect.STARTING: _turning(WHITE, 2.0, 0.0),
    Effect.LISTENING: _turning(BLUE, 1.2, 0.3),
    Effect.THINKING: _breath(BLUE, 1.2, 0.15),
    Effect.SPEAKING: _waves(CYAN, 1.0),
    Effect.ERROR: _flashes(RED, every_s=None),
    Effect.DEAF: _breath(AMBER, 3.0, 0.05),
    Effect.OFFLINE: _blinking(AMBER, 0.3, 2.7),
    Effect.TIMER: _breath(WHITE, 0.7, 0.1),
    Effect.MUTED: _steady(_scaled(RED, 0.4)),
    Effect.FAULT: _flashes(RED, every_s=_AGAIN_S),
    Effect.FILLING: _filling(),
    Effect.TOUCHED: _steady(BLUE),
    Effect.TOUCHED_MUTED: _steady(RED),
}
