"""Factory reset: keys first, then settings, cache and state; the wish for it is deleted last.

The wish is on the disk before anything is deleted, so a power cut at any point is followed by a
whole reset at the next start. Keys are gone, and that is on the disk, before the rest is touched.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sena_pi.first_boot import request
from sena_pi.first_boot.boot_partition import BootPartition
from sena_pi.first_boot.taking import NOTES_NAME
from sena_pi.replace import sync_folder

PUBLIC: Final = frozenset({"voices"})
"""What lies in the state folder, says nothing about anybody, and came with the device."""

Remove = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the device keeps what is somebody's.

    Attributes:
        settings: `/etc/sena`.
        keys: the folder of keys.
        cache: the folder of answers.
        state: the folder of what outlives a restart, and of the wish.
    """

    settings: Path
    keys: Path
    cache: Path
    state: Path


def carry_out(kept: Kept, boot: BootPartition, *, remove: Remove | None = None) -> list[str]:
    """Reset the device; blocks. What could not be deleted, in lines.

    Where something on the data partition could not, the wish stays, for the next start.

    Args:
        kept: where everything lies.
        boot: loses its file as well: it may hold keys, and would bring the settings back.
        remove: deletes a file or a whole folder.

    Raises:
        OSError: the wish can't be left; nothing was deleted.
    """
    kept.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    request.ask(kept.state)
    problems: list[str] = []
    for folder, spared in _steps(kept):
        problems += _emptied(folder, spared, remove or _remove)
        if folder == kept.keys:
            problems += _wiped(boot)
    if not any(_left(folder, spared) for folder, spared in _steps(kept)):
        (kept.state / request.FILE_NAME).unlink()
        sync_folder(kept.state)
    return problems


def _steps(kept: Kept) -> Iterator[tuple[Path, frozenset[str]]]:
    """Folders in the order in which they are emptied, and the names that stay in each."""
    yield kept.keys, frozenset()
    yield kept.settings / NOTES_NAME, frozenset()
    yield kept.settings / "sena.d", frozenset()
    yield kept.cache, frozenset()
    yield kept.state, PUBLIC | {request.FILE_NAME}


def _wiped(boot: BootPartition) -> list[str]:
    try:
        boot.wipe()
    except OSError as error:
        return [f"the boot partition may still hold sena.toml: {error.strerror or error}"]
    return []


def _emptied(folder: Path, spared: frozenset[str], remove: Remove) -> list[str]:
    problems = []
    for path in _left(folder, spared):
        try:
            remove(path)
        except OSError as error:
            problems.append(f"{path} can't be deleted: {error.strerror or error}")
    if folder.is_dir():
        sync_folder(folder)
    return problems


def _left(folder: Path, spared: frozenset[str]) -> list[Path]:
    """What is to be deleted of a folder; what replace_file left unfinished is among it."""
    try:
        return sorted(path for path in folder.iterdir() if path.name not in spared)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        # It never follows a link, also not one that is put in its way meanwhile.
        shutil.rmtree(path)
    else:
        path.unlink()
