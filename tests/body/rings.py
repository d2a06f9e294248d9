"""Raspberry Pi pins and buses that are not there: gpiozero's own, and what hangs on them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockSPIDevice, MockSPIInterface

from sena_pi.body.lamps import LampsLost
from sena_pi.body.patterns import Frame


class HardwareBus(MockSPIInterface):
    """Has a rate, as a hardware bus has and gpiozero's software bus has not."""

    rate_hz = 0

    def _get_rate(self) -> int:
        return self.rate_hz

    def _set_rate(self, value: int) -> None:
        self.rate_hz = value


class Board(MockFactory):
    """Mock pins with a hardware SPI bus.

    Parts of gpiozero's software bus, which the mock is made of, ask for the default factory.
    """

    def __init__(self) -> None:
        super().__init__()
        Device.pin_factory = self

    def _get_spi_class(self, shared: bool, hardware: bool) -> type:  # noqa: FBT001 - gpiozero's
        assert hardware
        assert not shared
        return HardwareBus


class WireTap(MockSPIDevice):
    """Lamps on the bus: keeps the bits that they see on the pins, transfer by transfer."""

    def __init__(self, pins: MockFactory) -> None:
        super().__init__(11, 10, 9, 8, pin_factory=pins)
        self.transfers: list[list[bool]] = []

    def on_start(self) -> None:
        super().on_start()
        self.rx_buf = []
        self.transfers.append(self.rx_buf)

    def bytes_of(self, transfer: int) -> bytes:
        """What was sent, the first bit highest."""
        bits = "".join(str(int(bit)) for bit in self.transfers[transfer])
        return int(bits, 2).to_bytes(len(bits) // 8, "big")


class PlainLamps:
    """`Lamps` that keep what they were told, can be waited for, and fail when they are to."""

    def __init__(self, count: int = 12) -> None:
        self.count = count
        self.frames: list[tuple[float, Frame]] = []
        self.opened = 0
        self.closed = 0
        self.broken = False
        self.hanging = threading.Event()
        self.hanging.set()
        self._told = threading.Condition()

    def open(self) -> PlainLamps:
        with self._told:
            self.opened += 1
            self._told.notify_all()
        if self.broken:
            raise LampsLost("the ring is broken")
        return self

    def light(self, frame: Frame) -> None:
        self.hanging.wait(30)
        if self.broken:
            raise LampsLost("the ring is broken")
        with self._told:
            self.frames.append((time.monotonic(), frame))
            self._told.notify_all()

    def close(self) -> None:
        self.closed += 1

    def wait_for(self, wanted: Any, timeout_s: float = 10.0) -> None:
        """Wait until `wanted(self)` holds."""
        with self._told:
            ends_s = time.monotonic() + timeout_s
            while not wanted(self):
                assert time.monotonic() < ends_s, "it never came to that"
                self._told.wait(0.005)  # some of it is told by nobody

    def wait_for_frame(self, wanted: Sequence[object] | Frame) -> None:
        """Wait until this is what the lamps show."""
        self.wait_for(lambda lamps: lamps.frames and list(lamps.frames[-1][1]) == list(wanted))
