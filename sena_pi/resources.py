"""What the appliance costs: time until it listens, and each process's processor and memory."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

from sena_pi.app import Simulation, running
from sena_pi.keys import KeyStore
from sena_pi.phases import Phase
from sena_pi.settings import Settings

IDLE_S = 10.0
"""How long the idle appliance is watched."""
DEVICE_TIMEOUT_S = 6.0
"""How long real sound devices are waited for, before simulated ones are measured instead."""

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What one process has used so far.

    Attributes:
        name: "brain", or the worker's name.
        processor_s: processor time.
        resident_mb: memory in RAM, shared pages included.
        proportional_mb: the same with each shared page divided among its sharers: these add up.
    """

    name: str
    processor_s: float
    resident_mb: float
    proportional_mb: float


@dataclass(frozen=True, slots=True)
class Resources:
    """What was measured.

    Attributes:
        sound: "real" or "simulated".
        listening_s: from the start until frames pass through the wake word.
        watched_s: how long the idle appliance was watched.
        before: each process at the start of that time.
        after: each process at its end.
        replaced: audio workers that had to be replaced meanwhile: the figures are then not those
            of a machine at rest.
    """

    sound: str
    listening_s: float
    watched_s: float
    before: list[ProcessUse]
    after: list[ProcessUse]
    replaced: int = 0

    def lines(self) -> list[str]:
        """A table for people."""
        return [
            f"sound devices: {self.sound}",
            f"time to listening: {self.listening_s:.2f} s",
            f"idle for {self.watched_s:.0f} s:",
            *map(self._line, self.after),
        ]

    def busy_percent(self, use: ProcessUse) -> float:
        """How much of a core a process of `after` took meanwhile."""
        earlier = {before.name: before.processor_s for before in self.before}
        return 100 * (use.processor_s - earlier.get(use.name, 0.0)) / self.watched_s

    def _line(self, use: ProcessUse) -> str:
        return (
            f"  {use.name:6} {self.busy_percent(use):5.1f} % of a core "
            f"{use.resident_mb:6.0f} MB ({use.proportional_mb:.0f} MB its share)"
        )


class _NoLight:
    def show(self, phase: Phase) -> None: ...


async def measure(settings: Settings, keys: KeyStore, idle_s: float = IDLE_S) -> Resources:
    """Start the appliance, let it idle, and read what its processes use; about 20 s."""
    try:
        return await _measure(settings, keys, None, idle_s)
    except TimeoutError:
        return await _measure(settings, keys, Simulation(), idle_s)


async def _measure(
    settings: Settings, keys: KeyStore, simulation: Simulation | None, idle_s: float
) -> Resources:
    started_s = time.monotonic()
    async with running(settings, keys, _NoLight(), simulation=simulation) as appliance:
        async with asyncio.timeout(DEVICE_TIMEOUT_S):
            await appliance.listening.wait()
        listening_s = time.monotonic() - started_s
        # What is loaded beside listening must not count as idling.
        await asyncio.sleep(IDLE_S / 2)
        before = processes()
        replacements = appliance.audio.supervisor.replacements
        await asyncio.sleep(idle_s)
        return Resources(
            sound="real" if simulation is None else "simulated",
            listening_s=listening_s,
            watched_s=idle_s,
            before=before,
            after=processes(),
            replaced=appliance.audio.supervisor.replacements - replacements,
        )


def processes() -> list[ProcessUse]:
    """This process and its children."""
    brain = os.getpid()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            pid, parent = int(folder.name), int(fields[1])
            if brain not in (pid, parent):
                continue
            argument = (folder / "cmdline").read_bytes().rstrip(b"\0").rsplit(b"\0", 1)[-1]
            resident = int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            proportional = _proportional_bytes(folder)
        except (OSError, IndexError, ValueError):
            continue  # It has just ended.
        name = "brain" if pid == brain else argument.decode(errors="replace").rsplit(".", 1)[-1]
        used_s = (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND
        found.append(ProcessUse(name, used_s, resident / 1e6, proportional / 1e6))
    return sorted(found, key=lambda use: use.name)


def _proportional_bytes(process: Path) -> int:
    lines = (process / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
