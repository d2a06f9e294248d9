"""The local ears hear a question while it is spoken, where they will be asked for it."""

from __future__ import annotations

import os

from sena_pi.breaker import Breaker, State
from sena_pi.guesses import Overhearer
from sena_pi.settings import Cloud

LEAST_CORES = 4
LEAST_MEMORY_BYTES = 1_500_000_000
"""The ears take 0.1 GB, and a core while somebody speaks."""


def hears_beside_cloud(cloud: Cloud) -> bool:
    """The ears are asked beside the cloud: as the settings say, or where the board can."""
    if cloud.local_commands != "auto":
        return cloud.local_commands == "on"
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (os.cpu_count() or 1) >= LEAST_CORES and memory_bytes >= LEAST_MEMORY_BYTES


class OverhearsWhileResting:
    """An `Overhearer` that leaves a question alone which the cloud is going to hear.

    So nothing is spent on it; and where the cloud is not asked, its rules answer at once.

    Args:
        ears: what hears.
        breaker: of the cloud's answers; None: there is no cloud.
    """

    def __init__(self, ears: Overhearer, breaker: Breaker | None) -> None:
        self._ears = ears
        self._breaker = breaker

    def begin(self, turn: str) -> None:
        """As `Overhearer.begin`, unless the cloud is going to be asked."""
        if self._breaker is None or self._breaker.state is not State.CLOSED:
            self._ears.begin(turn)

    def feed(self, turn: str, pcm: bytes) -> None:
        """As `Overhearer.feed`; a turn that was left alone is not known there."""
        self._ears.feed(turn, pcm)

    def cancel(self, turn: str) -> None:
        """As `Overhearer.cancel`."""
        self._ears.cancel(turn)
