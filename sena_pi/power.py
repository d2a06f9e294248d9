"""Undervoltage and throttling, as the firmware of a Raspberry Pi tells them.

A weak power supply is the commonest reason for a card that is damaged and for speech that comes
late, and nobody sees it: so the journal says it, once a day for each kind.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sena_pi.journal import event

BITS: Final = (
    (0, "undervoltage now"),
    (1, "processor slowed down now"),
    (2, "throttled now"),
    (3, "too hot now"),
    (16, "undervoltage since the start"),
    (17, "slowed down since the start"),
    (18, "throttled since the start"),
    (19, "too hot since the start"),
)
"""What the firmware tells (raspberrypi.com, `vcgencmd get_throttled`)."""
NOW: Final = 0b1111
"""The bits of this moment."""
LOOK_EVERY_S: Final = 60.0
TELL_EVERY_S: Final = 24 * 3600.0

_KINDS: Final = 16
"""A bit of this moment, and so much further the same since the start."""
_log = logging.getLogger(__name__)


def throttled(root: Path = Path("/")) -> int | None:
    """The firmware's bits, None where no firmware tells them; blocks.

    Args:
        root: where `sys` is; only at "/" the firmware's own program is asked, too.
    """
    text: str | None = None
    try:
        text = (root / "sys/devices/platform/soc/soc:firmware/get_throttled").read_text().strip()
    except OSError:
        if root == Path("/"):
            text = _from_program()
    try:
        return int(text, 16) if text else None
    except ValueError:
        return None


def _from_program() -> str | None:
    try:
        run = subprocess.run(
            ["vcgencmd", "get_throttled"],  # noqa: S607 - it lies elsewhere on older systems
            capture_output=True,
            text=True,
            timeout=3,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip().rpartition("=")[2] if run.returncode == 0 else None


class PowerWatch:
    """Tells the journal what the firmware complains of.

    Args:
        read: the firmware's bits; blocks.
        monotonic: seconds that never go back.
    """

    def __init__(
        self,
        read: Callable[[], int | None] = throttled,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._told_s: dict[int, float] = {}

    async def run(self) -> None:
        """Look every minute until cancelled; ends at once where no firmware tells."""
        while (bits := await asyncio.to_thread(self._read)) is not None:
            self.look(bits)
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self, bits: int) -> None:
        """These are the bits now."""
        now_s = self._monotonic()
        news = [(bit, what) for bit, what in BITS if bits >> bit & 1 and self._is_due(bit, now_s)]
        for bit, _ in news:
            self._told_s[bit % _KINDS] = now_s
        if news:
            said = ", ".join(what for _, what in news)
            _log.warning(
                "power: %s; use the power supply of the board, and cool it if it is hot",
                said,
                extra=event("power", throttled=f"{bits:#x}"),
            )

    def _is_due(self, bit: int, now_s: float) -> bool:
        """Of each kind once a day, whether of this moment or of the time since the start."""
        told_s = self._told_s.get(bit % _KINDS)
        return told_s is None or now_s - told_s >= TELL_EVERY_S
