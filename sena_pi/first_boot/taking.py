"""Taking `sena.toml` over from the boot partition, safe against a power cut at any point.

    1. it is read and judged; a bad one is kept, and told beside it
    2. keys and settings are written where they belong, and are on the disk
    3. the file, as it was and as it will be, is noted beside the keys
    4. its keys are overwritten on the boot partition
    5. it is stamped as known, and the note is deleted

A cut up to 3 changes nothing: the next start begins anew. After it, the note tells what a file
that is half overwritten has been, and 4 is done again. A file that is neither what was noted nor
half way is another one: somebody replaced it, and it is taken over like the first.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sena_pi.errors import ConfigError
from sena_pi.first_boot.boot_partition import ERRORS_NAME, NAME, BootPartition, mixes
from sena_pi.first_boot.status import Taken
from sena_pi.keys import KeyStore
from sena_pi.replace import replace_file, sync_folder

if TYPE_CHECKING:
    from sena_pi.first_boot.card_file import CardFile

DROP_IN_NAME: Final = "50-card.toml"
NOTES_NAME: Final = "card"
"""Folder beside the keys: what is known of the file."""
STAMP_NAME: Final = "known"
CHANGING_NAME: Final = "changing"

_UNFINISHED: Final = f".{DROP_IN_NAME}.*"
_HEAD: Final = (
    f"{NAME} was not taken over; nothing on the device was changed. What is wrong:",
    "",
)
_FOOT: Final = ("", "Correct it, save it, put the card back and switch the device on.")


@dataclass(frozen=True, slots=True)
class Device:
    """Where things are kept on the data partition; `folder` is `/etc/sena`."""

    folder: Path
    keys: Path

    @property
    def drop_in(self) -> Path:
        """Settings from the card."""
        return self.folder / "sena.d" / DROP_IN_NAME

    @property
    def stamp(self) -> Path:
        """The fingerprint of the file that was taken over."""
        return self.folder / NOTES_NAME / STAMP_NAME

    @property
    def changing(self) -> Path:
        """While the file is overwritten: what it was, and after that, as long, what it will be."""
        return self.folder / NOTES_NAME / CHANGING_NAME


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        taken: in a word.
        problems: what a person must see to, in lines.
        remarks: what a person should know, in lines.
    """

    taken: Taken
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def take_over(boot: BootPartition, device: Device) -> Outcome:
    """Do it. Blocks.

    Errors of a disk are told as well as mistakes of a person; the next start tries again.
    """
    try:
        return _take_over(boot, device)
    except ConfigError as error:
        return Outcome(Taken.FAILED, error.problems)
    except OSError as error:
        problem = f"{NAME} can't be taken over: {error.strerror or error}"
        return Outcome(Taken.FAILED, (problem,))


def _take_over(boot: BootPartition, device: Device) -> Outcome:
    _sweep(device)
    found = _finished(boot, device, boot.content())
    if found is None:
        name = boot.misnamed()
        if not name:
            return Outcome(Taken.NONE, _untold(boot))
        wrong = f"{name}: must be called {NAME}, and no more; Windows may hide the end of its name"
        return _told(boot, (wrong,))
    if _bytes(device.stamp) == _fingerprint(found):
        return Outcome(Taken.KNOWN, _untold(boot))
    # All the settings come with it, which take long to load; most starts end above.
    from sena_pi.first_boot import card_file

    try:
        file = card_file.read(found)
    except ConfigError as error:
        return _told(boot, error.problems)
    _keep(file, device)
    if file.redacted != found:
        _write(device.changing, found + file.redacted)
        boot.overwrite(file.redacted)
    _write(device.stamp, _fingerprint(file.redacted))
    _delete(device.changing)
    return Outcome(Taken.NEW, (*_lost(file, device), *_untold(boot)), file.remarks)


def _sweep(device: Device) -> None:
    """Delete what replace_file could not finish before a power cut: keys may be in it."""
    ours = ((device.keys, ".*"), (device.stamp.parent, ".*"), (device.drop_in.parent, _UNFINISHED))
    for folder, names in ours:
        for path in folder.glob(names):
            _delete(path)


def _finished(boot: BootPartition, device: Device, found: bytes | None) -> bytes | None:
    """Go on with what a power cut interrupted; what the boot partition has then."""
    noted = _bytes(device.changing)
    if noted is None:
        return found
    before, after = noted[: len(noted) // 2], noted[len(noted) // 2 :]
    if found is not None and mixes(found, before, after):
        if found != after:
            boot.overwrite(after)
        _write(device.stamp, _fingerprint(after))
        found = after
    _delete(device.changing)
    return found


def _keep(file: CardFile, device: Device) -> None:
    """Keys and settings, on the disk when it returns."""
    store = KeyStore(device.keys)
    for name, secret in file.keys.items():
        store.save(name, secret.reveal())
    for name in file.removed:
        store.remove(name)
    settings = file.drop_in()
    if settings:
        _write(device.drop_in, settings, mode=0o644)
    else:
        _delete(device.drop_in)


def _lost(file: CardFile, device: Device) -> tuple[str, ...]:
    """A mark without its key: the file comes from another device, or the key was removed."""
    return tuple(
        f"{NAME}: keys.{name} was moved to a device, but not to this one; write the key again"
        for name in file.moved
        if not (device.keys / name).exists()
    )


def _told(boot: BootPartition, problems: tuple[str, ...]) -> Outcome:
    try:
        boot.tell((*_HEAD, *problems, *_FOOT))
    except OSError as error:
        problems = (*problems, f"this can't be written beside it: {error.strerror or error}")
    return Outcome(Taken.BAD, problems)


def _untold(boot: BootPartition) -> tuple[str, ...]:
    try:
        boot.tell(())
    except OSError as error:
        return (f"{ERRORS_NAME} is out of date, and stays: {error.strerror or error}",)
    return ()


def _fingerprint(data: bytes) -> bytes:
    return f"{hashlib.sha256(data).hexdigest()}\n".encode()


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    if _bytes(path) == data:
        sync_folder(path.parent)
        return
    # The folder of notes is as closed as that of keys; that of settings is for all to read.
    folder_mode = 0o700 if mode == 0o600 else 0o755
    path.parent.mkdir(mode=folder_mode, parents=True, exist_ok=True)
    sync_folder(path.parent.parent)
    replace_file(path, data, mode=mode)


def _delete(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_folder(path.parent)
