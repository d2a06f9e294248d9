"""Updates in the booted card: a good one, a tampered one, and two kinds that do not work."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from tests.image import releases
from tests.image.appliance import EXTRAS, mount_extras
from tests.image.qemu import Guest

SENA = "/usr/lib/sena/bin/sena"
UPDATE_S = 500.0
WHOLE_S = 3000.0
"""Of a bundle with all its libraries, which are compiled on the emulated processor."""
FALLS_BACK_S = 400.0
VOLUME = 37


def bundles(private: Path, whole: Path | None = None) -> list[tuple[str, bytes]]:
    """Name and bytes of what is tried; `whole` is one of `scripts/build-update`."""
    good = releases.bundle(private, "0.2.0")
    return [
        ("good.sena", good),
        ("flipped.sena", releases.flipped(releases.bundle(private, "0.2.1"))),
        ("deaf.sena", releases.bundle(private, "0.3.0", "deaf")),
        ("dying.sena", releases.bundle(private, "0.4.0", "dying")),
        ("older.sena", releases.bundle(private, "0.1.5")),
        *([("whole.sena", whole.read_bytes())] if whole else []),
    ]


def running(guest: Guest) -> str:
    """The version that is started."""
    told = json.loads(guest.out(f"{SENA} update --json", 120))
    return str(told["running"])


def update(guest: Guest, name: str, longest_s: float = UPDATE_S) -> tuple[int, str]:
    """`sena update`: its status, and the last line that it says."""
    result = guest.run(f"{SENA} update {EXTRAS}/{name}", longest_s)
    return result.status, (result.err.strip().splitlines() or [""])[-1]


def prove(guest: Guest, say: Callable[[str], None], whole: str | None = None) -> dict[str, object]:
    """Let them come, one after the other; last, where there is one, that of version `whole`.

    Raises:
        AssertionError: one behaves otherwise than it should.
    """
    guest.ready_s()
    mount_extras(guest)
    figures: dict[str, object] = {}
    guest.out(f"{SENA} volume {VOLUME}", 120)
    keys = guest.out("sha256sum /etc/sena/keys/*")

    def tried(name: str, status: int, wanted: str, runs: str, longest_s: float = UPDATE_S) -> None:
        start = time.monotonic()
        told = update(guest, name, longest_s)
        took_s = time.monotonic() - start
        figures[name] = {"says": told[1], "seconds": round(took_s, 1)}
        say(f"  {name}: {told[1]} ({took_s:.0f} s)")
        assert told[0] == status, told
        assert wanted in told[1], told
        if runs:
            guest.ready_s()
            assert running(guest) == runs, (name, running(guest))

    tried("flipped.sena", 1, "damaged", "0.1.0")
    tried("good.sena", 0, "0.2.0 is installed", "0.2.0")
    tried("older.sena", 1, "0.2.0, is newer", "0.2.0")
    tried("deaf.sena", 1, "0.3.0 did not become ready; 0.2.0 is back", "0.2.0")
    tried("dying.sena", 0, "0.4.0 is installed", "")
    start = time.monotonic()
    while running(guest) != "0.2.0":
        assert time.monotonic() - start < FALLS_BACK_S, "0.4.0 is not left"
        guest.run("sleep 3")
    figures["dying_left_s"] = round(time.monotonic() - start, 1)
    guest.ready_s()
    say(f"  0.4.0 was left by itself, {figures['dying_left_s']} s after `sena update` ended")
    if whole:
        tried("whole.sena", 0, f"{whole} is installed", whole, WHOLE_S)
    volume = json.loads(guest.out(f"{SENA} volume --json", 120))
    assert volume["volume"] == VOLUME, volume
    assert keys == guest.out("sha256sum /etc/sena/keys/*")
    return figures
