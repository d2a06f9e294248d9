"""Makes an unpacked release one that can be started: its Python, compiled modules, modes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from sena_pi.update.bundle import MANIFEST_NAME, SIGNATURE_NAME, Bundle
from sena_pi.update.errors import UpdateFailed
from sena_pi.update.machine import python_of_the_system

ROOM_LEFT_BYTES: Final = 64 * 1024 * 1024
"""What an update leaves free for the cache, the timers, the settings."""
_COMPILED: Final = 0.4
"""Compiled modules need this much of what a release needs."""
_COMPILING_S: Final = 900.0


def check_room(folder: Path, release_bytes: int) -> None:
    """Whether a release can be put into a folder.

    Raises:
        UpdateFailed: it can't.
    """
    needed = round(release_bytes * (1 + _COMPILED)) + ROOM_LEFT_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UpdateFailed(
            f"the update needs {needed // 1_000_000} MB in {folder}; "
            f"{free // 1_000_000} MB are free"
        )


def furnish(folder: Path, place: Path, bundle: Bundle) -> None:
    """Add to a release what is made on the machine; blocks for minutes on a slow one.

    Args:
        folder: where its files are now.
        place: where they will be.
        bundle: what they came from.

    Raises:
        UpdateFailed: its modules can't be compiled in time.
        OSError: it can't be written.
    """
    python = bundle.manifest.python
    system = python_of_the_system()
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(system)
    (folder / "pyvenv.cfg").write_text(
        f"home = {system.parent}\ninclude-system-site-packages = true\nversion = {python}\n",
        encoding="utf-8",
    )
    (folder / MANIFEST_NAME).write_bytes(bundle.manifest_bytes)
    (folder / SIGNATURE_NAME).write_bytes(bundle.signature)
    _compile(folder, place)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


def _compile(folder: Path, place: Path) -> None:
    """The assistant can't write here: without this, each start would compile it all."""
    parts = [str(folder / name) for name in ("lib", "porcupine4") if (folder / name).is_dir()]
    command = [
        "/usr/bin/nice", "-n", "19", sys.executable, "-I", "-m", "compileall", "-q",
        "-s", str(folder), "-p", str(place), *parts,
    ]  # fmt: skip
    try:
        # What some package has for other Pythons does not compile: the trial decides, not this.
        subprocess.run(command, capture_output=True, check=False, timeout=_COMPILING_S)
    except subprocess.TimeoutExpired:
        raise UpdateFailed(
            f"its modules were not compiled after {_COMPILING_S / 60:.0f} minutes"
        ) from None
