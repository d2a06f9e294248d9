"""Lamps and the button on a Raspberry Pi's pins: gpiozero, and the one room that knows it.

gpiozero drives the pins through lgpio, which the system brings along (Debian's or Raspberry Pi's
`python3-lgpio`). Both are imported when something is opened: a machine without them runs without
light and button, and says so.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from sena_pi.body.encoding import APA102_HZ, WS2812_HZ, apa102, ws2812
from sena_pi.body.lamps import Lamps, LampsLost
from sena_pi.body.patterns import Frame
from sena_pi.body.switch import Edge, Switch, SwitchLost

PinFactory: TypeAlias = Any
"""gpiozero's `Factory`; it has no types."""

_ON_FROM: Final = 50
"""A lamp that can only be on or off is on from this brightness, of 255, on."""

_factory: PinFactory = None
_factory_lock = threading.Lock()


def board_pins() -> PinFactory:
    """This board's pins; the same object each time, since gpiozero counts who uses what.

    Raises:
        ImportError: gpiozero or lgpio is missing.
        Exception: what lgpio raises where there are no pins.
    """
    global _factory
    with _factory_lock:
        if _factory is None:
            from gpiozero.pins.lgpio import LGPIOFactory  # type: ignore[import-untyped]

            _factory = LGPIOFactory()
        return _factory


class SpiStrip:
    """Addressable lamps on a hardware SPI bus; `Lamps`."""

    def __init__(
        self, pins: PinFactory, *, select: int, rate_hz: int, count: int,
        encode: Callable[[Frame], bytes],
    ) -> None:  # fmt: skip
        """Open the bus.

        Args:
            pins: the board's.
            select: chip select, 0 or 1.
            rate_hz: of the bus.
            count: number of lamps.
            encode: a frame as bytes.

        Raises:
            LampsLost: there is no such bus.
        """
        self.count = count
        self._encode = encode
        with _lost_lamps(f"SPI bus 0, device {select} (dtparam=spi=on?)"):
            self._spi = pins.spi(port=0, device=select)
            try:
                # Where there is no hardware bus gpiozero makes one of software, far too slow and
                # uneven for lamps; that one has no rate, and refuses here.
                self._spi.rate = rate_hz
            except BaseException:
                self._spi.close()
                raise

    def light(self, frame: Frame) -> None:
        """Show a frame, as `Lamps.light`."""
        with _lost_lamps("the SPI bus"):
            self._spi.transfer(list(self._encode(frame)))

    def close(self) -> None:
        """Give the bus back, as `Lamps.close`."""
        with contextlib.suppress(Exception):
            self._spi.close()


class PinLamps:
    """A lamp on each of some pins, of one colour; `Lamps`."""

    def __init__(
        self, pins: PinFactory, gpios: Sequence[int], *, dimmed: bool, brightness: float
    ) -> None:
        """Open the pins.

        Args:
            pins: the board's.
            gpios: their numbers (BCM).
            dimmed: their brightness can be set, by pulse widths.
            brightness: 0 to 1; of dimmed lamps.

        Raises:
            LampsLost: they can't be had.
        """
        self.count = len(gpios)
        self._dimmed = dimmed
        self._brightness = brightness
        with _lost_lamps(f"GPIO {', '.join(map(str, gpios))}"):
            from gpiozero import LEDBoard  # type: ignore[import-untyped]

            self._board = LEDBoard(*gpios, pwm=dimmed, pin_factory=pins)

    def light(self, frame: Frame) -> None:
        """Show a frame, as `Lamps.light`: of each colour its brightest part."""
        values: list[float]
        if self._dimmed:
            values = [max(colour) / 255 * self._brightness for colour in frame]
        else:
            values = [max(colour) >= _ON_FROM for colour in frame]
        with _lost_lamps("the pins"):
            self._board.value = values

    def close(self) -> None:
        """Give the pins back, as `Lamps.close`."""
        with contextlib.suppress(Exception):
            self._board.close()


def apa102_lamps(pins: PinFactory, *, select: int, count: int, brightness: float) -> Lamps:
    """APA102 or SK9822 lamps.

    Raises:
        LampsLost: there is no such bus.
    """
    return SpiStrip(
        pins, select=select, rate_hz=APA102_HZ, count=count,
        encode=lambda frame: apa102(frame, brightness),
    )  # fmt: skip


def ws2812_lamps(pins: PinFactory, *, select: int, count: int, brightness: float) -> Lamps:
    """WS2812 lamps, on the bus's MOSI alone.

    Raises:
        LampsLost: there is no such bus.
    """
    return SpiStrip(
        pins, select=select, rate_hz=WS2812_HZ, count=count,
        encode=lambda frame: ws2812(frame, brightness),
    )  # fmt: skip


class PinSwitch:
    """A push button on a pin; a `Switch`."""

    def __init__(self, pins: PinFactory, gpio: int, on_edge: Edge, *, pull_up: bool) -> None:
        """Open the pin.

        Args:
            pins: the board's.
            gpio: its number (BCM).
            on_edge: told of each change, bounces and all, by gpiozero's thread.
            pull_up: the button connects the pin to ground; else to 3.3 V.

        Raises:
            SwitchLost: it can't be had.
        """
        try:
            from gpiozero import DigitalInputDevice

            # Not its own debouncing: that waits for the end of the bounces before it tells.
            self._device = DigitalInputDevice(gpio, pull_up=pull_up, pin_factory=pins)
        except Exception as error:  # lgpio's own errors share no base
            raise SwitchLost(f"GPIO {gpio}: {error}") from error
        self._device.when_activated = lambda: on_edge(True)  # noqa: FBT003
        self._device.when_deactivated = lambda: on_edge(False)  # noqa: FBT003

    @property
    def pressed(self) -> bool:
        """It is down now."""
        return bool(self._device.is_active)

    def close(self) -> None:
        """Give the pin back; no more edges are told."""
        self._device.close()


def open_switch(gpio: int, on_edge: Edge, *, pull_up: bool) -> Switch:
    """A button on this board.

    Raises:
        SwitchLost: it can't be had.
    """
    try:
        pins = board_pins()
    except Exception as error:  # as above; and no lgpio at all
        raise SwitchLost(f"no pins: {error}; apt install python3-lgpio") from error
    return PinSwitch(pins, gpio, on_edge, pull_up=pull_up)


def open_on_board(make: Callable[[PinFactory], Lamps]) -> Lamps:
    """Lamps on this board.

    Raises:
        LampsLost: they can't be had.
    """
    with _lost_lamps("no pins (apt install python3-lgpio?)"):
        pins = board_pins()
    return make(pins)


@contextlib.contextmanager
def _lost_lamps(what: str) -> Iterator[None]:
    try:
        yield
    except LampsLost:
        raise
    except Exception as error:  # lgpio's own errors share no base
        raise LampsLost(f"{what}: {error}") from error
