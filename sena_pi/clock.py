"""The wall clock, and whether it can be believed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

_TIME_ERROR: Final = 5
_TIMEX_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What the clock shows.

    Attributes:
        now: local time, with its time zone.
        trusted: False while the clock may be wrong by hours, as after a start without network.
    """

    now: datetime
    trusted: bool


Clock = Callable[[], ClockReading]
"""Reads the clock; returns at once."""


def system_clock() -> ClockReading:
    """This machine's clock."""
    return ClockReading(datetime.now().astimezone(), is_trusted())


def is_trusted(root: Path = Path("/"), *, synchronised: bool | None = None) -> bool:
    """Whether this machine can know the time.

    It can when the kernel's clock has been set from the network, or a battery keeps a clock
    running while the machine is off. A board described by a device tree, as every Raspberry Pi
    is, starts without either; any other machine is taken to have one, also where it is hidden.

    Args:
        root: where `sys` and `proc` are.
        synchronised: what the kernel says of its clock; None: ask it.
    """
    if _kernel_synchronised() if synchronised is None else synchronised:
        return True
    if any((root / "sys/class/rtc").glob("rtc*")):
        return True
    return not (root / "proc/device-tree/model").exists()


def _kernel_synchronised() -> bool:
    """What `adjtimex` says; timesyncd and chrony both tell the kernel."""
    libc = ctypes.CDLL(None)
    status = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return bool(0 <= status < _TIME_ERROR)
