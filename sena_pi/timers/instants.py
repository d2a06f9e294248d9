"""What time it is, for something that must outlive a wrong clock and a power cut."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final

from sena_pi.clock import Clock, local_zone, system_clock

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Instant:
    """This moment, on each clock there is.

    Attributes:
        boot: names the run of the kernel that `boot_s` belongs to.
        boot_s: seconds since the machine started; nobody ever sets this clock.
        unix_s: seconds since 1970 by the wall clock.
        trusted: the wall clock is set.
        zone: where the person is.
    """

    boot: str
    boot_s: float
    unix_s: float
    trusted: bool
    zone: tzinfo

    @property
    def local(self) -> datetime:
        """What the clock on the wall shows."""
        return datetime.fromtimestamp(self.unix_s, UTC).astimezone(self.zone)


Now = Callable[[], Instant]
"""Reads all clocks; returns at once."""


class SystemInstants:
    """This machine's clocks.

    A clock that was right once in this run of the kernel stays so: without a network the kernel
    stops vouching for it after some hours, and it is still right to the second.
    """

    def __init__(self, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._boot = _boot()
        self._was_trusted = False

    def __call__(self) -> Instant:
        """The moment of the call."""
        reading = self._clock()
        self._was_trusted = self._was_trusted or reading.trusted
        return Instant(
            boot=self._boot,
            boot_s=time.clock_gettime(time.CLOCK_BOOTTIME),
            unix_s=reading.now.timestamp(),
            trusted=self._was_trusted,
            zone=local_zone(),
        )


def _boot() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        # Then nothing that was set before this process can be counted by the machine's clock.
        return f"process {os.getpid()} {time.monotonic_ns()}"
