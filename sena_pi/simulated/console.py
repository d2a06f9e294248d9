"""A status light for people with a terminal instead of an LED ring."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from sena_pi.phases import Phase


class ConsoleLight:
    """A `StatusLight` that writes a line for each change of phase, with the time since start."""

    def __init__(
        self, out: TextIO | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out or sys.stderr
        self._monotonic = monotonic
        self._started_s = monotonic()
        self._shown: Phase | None = None

    def show(self, phase: Phase) -> None:
        """Show this phase, as `StatusLight.show`."""
        if phase == self._shown:
            return
        self._shown = phase
        try:
            self._out.write(f"[{self._monotonic() - self._started_s:7.3f} s] light: {phase}\n")
            self._out.flush()
        except (OSError, ValueError):
            return  # A closed terminal is no reason to stop listening.
