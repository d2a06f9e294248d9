"""The wall clock, and whether it can be believed."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

_TIME_ERROR: Final = 5
_TIMEX_BYTES: Final = 512
_RTC_OFF_S: Final = 600
"""Further from the system's clock, a battery's clock did not set it."""
_LOCAL_ZONE: Final = Path("/etc/localtime")


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
    return ClockReading(datetime.now(local_zone()), is_trusted())


def local_zone(path: Path = _LOCAL_ZONE) -> tzinfo:
    """This machine's time zone as it is now, with its rules.

    `datetime.astimezone` alone knows the offset only, and only that of the zone in which the
    process was started: a card's owner may choose another meanwhile.

    UTC where none is set or its file is no such thing.
    """
    try:
        if name := os.environ.get("TZ", "").removeprefix(":"):
            return ZoneInfo(name)
        found = path.stat()
        return _zone_in(path, (found.st_dev, found.st_ino, found.st_mtime_ns))
    except (OSError, ValueError, LookupError):
        return UTC


@lru_cache(maxsize=2)
def _zone_in(path: Path, _version: tuple[int, int, int]) -> tzinfo:
    with path.open("rb") as file:
        return ZoneInfo.from_file(file)


def is_trusted(root: Path = Path("/"), *, synchronised: bool | None = None) -> bool:
    """Whether this machine can know the time.

    It can when the kernel's clock has been set from the network, or a battery keeps a clock
    running while the machine is off. A board described by a device tree, as every Raspberry Pi
    is, may start without either; any other machine is taken to have one, also where it is hidden.
    A Pi 5 has such a clock with and without a battery: without, it begins in 1970, and the time
    that the system starts with instead is another one.

    Args:
        root: where `sys` and `proc` are.
        synchronised: what the kernel says of its clock; None: ask it.
    """
    if _kernel_synchronised() if synchronised is None else synchronised:
        return True
    if any(_agrees(path) for path in (root / "sys/class/rtc").glob("rtc*/since_epoch")):
        return True
    return not (root / "proc/device-tree/model").exists()


def _agrees(since_epoch: Path) -> bool:
    try:
        return abs(time.time() - int(since_epoch.read_text(encoding="ascii"))) < _RTC_OFF_S
    except (OSError, ValueError):
        return False


def _kernel_synchronised() -> bool:
    """What `adjtimex` says; timesyncd and chrony both tell the kernel."""
    libc = ctypes.CDLL(None)
    status = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return bool(0 <= status < _TIME_ERROR)
