"""The machine itself: clock, disk, card, power, memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from sena_pi.clock import is_trusted, local_zone
from sena_pi.doctor.examination import Finding, good, in_thread, problem, unknown, warning
from sena_pi.doctor.patient import Patient
from sena_pi.places import cache_folder, state_folder
from sena_pi.power import BITS, NOW, throttled

_MB: Final = 1 << 20
_SECTOR_BYTES: Final = 512
_LEAST_FREE: Final = 256 * _MB
_LEAST_MEMORY: Final = 64 * _MB
_HOT_C: Final = 80.0
_WORN: Final = 9
"""Of an eMMC's life, in tenths."""


class ClockCheck:
    """Whether the time is known."""

    name = "clock"
    timeout_s = 5.0
    group = "clock"

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        now = datetime.now(local_zone()).isoformat(sep=" ", timespec="seconds")
        if is_trusted(patient.root):
            return good(now, trusted=True)
        fix = "connect it to the network, and see `timedatectl`; until then timers and TLS may fail"
        return warning(f"{now}, and nobody has set it", fix, trusted=False)


class DiskCheck:
    """Whether there is room, and whether it can be written."""

    name = "disk"
    timeout_s = 10.0
    group = "disk"

    async def examine(self, patient: Patient) -> Finding:  # noqa: ARG002 - as all checks
        """As `Check.examine`."""
        return await in_thread(lambda: _disk(_existing(state_folder()), _existing(cache_folder())))


class CardCheck:
    """What was written to the card, and how worn it is where it tells."""

    name = "card"
    timeout_s = 10.0
    group = "card"

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        status = patient.status or {}
        cache = status.get("cache")
        ours = None if cache is None else int(cache["total"]["written_bytes"])
        return await in_thread(lambda: _card(patient.root, _existing(cache_folder()), ours))


class PowerCheck:
    """Undervoltage, throttling and heat, as the firmware of a Raspberry Pi tells them."""

    name = "power"
    timeout_s = 5.0
    group = "power"

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        return await in_thread(lambda: _power(patient.root))


class MemoryCheck:
    """How much is left."""

    name = "memory"
    timeout_s = 5.0
    group = "memory"

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        text = (patient.root / "proc/meminfo").read_text()
        sizes = {name: int(size) << 10 for name, size in re.findall(r"(\w+): +(\d+) kB", text)}
        free, total = sizes["MemAvailable"], sizes["MemTotal"]
        measured = f"{free / _MB:,.0f} of {total / _MB:,.0f} MB available"
        figures = {"available_bytes": free, "total_bytes": total}
        if free < _LEAST_MEMORY:
            return warning(measured, "end other services; see `sena doctor --resources`", **figures)
        return good(measured, **figures)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _disk(*folders: Path) -> Finding:
    told, free_bytes, readonly = [], [], []
    for folder in dict.fromkeys(folders):
        status = os.statvfs(folder)
        free = status.f_bavail * status.f_frsize
        free_bytes.append(free)
        told.append(f"{folder}: {free / _MB:,.0f} MB free")
        if status.f_flag & os.ST_RDONLY:
            readonly.append(str(folder))
    measured = ", ".join(told)
    if readonly:
        return problem(
            f"{measured}; {' and '.join(readonly)} can't be written",
            "the card may be failing: `dmesg | grep -i mmc`; answers are kept in memory only",
            free_bytes=min(free_bytes),
        )
    if min(free_bytes) < _LEAST_FREE:
        return warning(measured, "make room: `sudo apt clean`, `sudo journalctl --vacuum-size=50M`",
                       free_bytes=min(free_bytes))  # fmt: skip
    return good(measured, free_bytes=min(free_bytes))


def _card(root: Path, folder: Path, ours_bytes: int | None) -> Finding:
    device = _block_device(root, folder)
    parts = [] if ours_bytes is None else [f"{_size(ours_bytes)} by the cache in all"]
    if device is None:
        parts.append("its device does not tell")
        return unknown(", ".join(parts))
    written = int((device / "stat").read_text().split()[6]) * _SECTOR_BYTES
    up_s = float((root / "proc/uptime").read_text().split()[0])
    name = _read(device / "device/name") or device.name
    parts.insert(0, f"{name}: {_size(written)} written since the start, {up_s / 3600:.1f} h ago")
    figures: dict[str, object] = {"written_bytes": written, "cache_written_bytes": ours_bytes}
    life = _read(device / "device/life_time")
    if life:
        worst = max(int(value, 16) for value in life.split())
        parts.append(f"{max(0, worst - 1) * 10} to {worst * 10} % of its life used")
        figures["life_used_tenths"] = worst
        if worst >= _WORN:
            return warning(", ".join(parts), "replace it before it fails", **figures)
    return good(", ".join(parts), **figures)


def _block_device(root: Path, folder: Path) -> Path | None:
    """The disk a folder lies on, in sysfs; None where it is no disk of this machine."""
    number = folder.stat().st_dev
    link = root / f"sys/dev/block/{os.major(number)}:{os.minor(number)}"
    if not link.exists():
        return None
    place = link.resolve()
    disk = place.parent if (place / "partition").exists() else place
    return disk if (disk / "stat").exists() else None


def _power(root: Path) -> Finding:
    bits = throttled(root)
    if bits is None:
        return unknown("no firmware of a Raspberry Pi tells it here")
    heat = [float(text) / 1000 for text in _temperatures(root)]
    warm = f", {max(heat):.0f} °C" if heat else ""
    figures = {"throttled": bits, "celsius": max(heat, default=None)}
    found = [what for bit, what in BITS if bits >> bit & 1]
    measured = (", ".join(found) or "never undervoltage, never throttled") + warm
    if bits & NOW:
        fix = "use the power supply of the board, and a short cable; cool it if it is hot"
        return problem(measured, fix, **figures)
    if found or (heat and max(heat) > _HOT_C):
        fix = "use the power supply of the board, and unplug what it need not feed"
        return warning(measured, fix, **figures)
    return good(measured, **figures)


def _temperatures(root: Path) -> Iterator[str]:
    for path in sorted(root.glob("sys/class/thermal/thermal_zone*/temp")):
        text = _read(path)
        if text is not None and text.lstrip("-").isdigit():
            yield text


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _size(size: int) -> str:
    return f"{size / 1024:,.0f} kB" if size < _MB else f"{size / _MB:,.0f} MB"
