"""The folder of releases on the data partition, which a power cut at any moment leaves usable.

    slots/1.2.0/    a release: bin, lib, porcupine4, and the manifest it came with
    slots/.new-…    one that is being unpacked, and is nobody's yet
    current         link to the release that is started; absent: the base
    previous        link to the one before it
    trial           how often a release that must still prove itself was started
    proven          the newest that ever proved itself

One rename of `current` is what installs a release; all before it can be forgotten, all after it
can be made up for. What is counted within one boot lies in the runtime folder, and wears no card.

The base reads what a newer release has written here: these formats must never change.
"""

from __future__ import annotations

import contextlib
import fcntl
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from sena_pi.update.disk import Disk
from sena_pi.update.errors import UpdateRefused
from sena_pi.update.rules import Shelf, flipped, starting
from sena_pi.update.version import Version

RELEASES_FOLDER: Final = Path("/var/lib/sena-releases")
"""Not in /var/lib/sena: the assistant may write there, and must not be able to replace itself."""
RUNTIME_FOLDER: Final = Path("/run/sena-update")
SLOTS: Final = "slots"
CURRENT: Final = "current"
PREVIOUS: Final = "previous"
TRIAL: Final = "trial"
PROVEN: Final = "proven"
_STARTS: Final = "starts"
_UNFINISHED: Final = ".new-"


class Releases:
    """What is on the card, and how it is changed.

    Args:
        disk: the folder of releases.
        runtime: a folder that is empty after each boot; made where it is absent.
        base: the version that came with the system.
    """

    def __init__(self, disk: Disk, runtime: Path, base: Version) -> None:
        self._disk = disk
        self._runtime = runtime
        self._base = base

    def shelf(self) -> Shelf:
        """What there is to choose from; whatever can't be read counts as absent."""
        proven = (self._disk.read(PROVEN) or b"").decode("ascii", "replace").strip()
        shelf = Shelf(
            base=self._base,
            current=self._linked(CURRENT),
            previous=self._linked(PREVIOUS),
            proven=Version.parse_or_none(proven),
        )
        text = self._disk.read(TRIAL) if shelf.on_trial else self._this_boot()
        counted, starts = self._counted(text)
        return replace(shelf, starts=starts) if counted == shelf.current else shelf

    # --- one at a time ------------------------------------------------------------------------

    @contextlib.contextmanager
    def installing(self) -> Iterator[None]:
        """Nobody else installs meanwhile.

        Raises:
            UpdateRefused: somebody does.
        """
        with self._locked("installing", fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Nobody else changes what is chosen; only ever held for a few syncs."""
        with self._locked("changing", fcntl.LOCK_EX):
            yield

    @contextlib.contextmanager
    def _locked(self, name: str, how: int) -> Iterator[None]:
        self._runtime.mkdir(parents=True, exist_ok=True)
        with (self._runtime / f"{name}.lock").open("wb") as file:
            try:
                fcntl.flock(file, how)
            except BlockingIOError:
                raise UpdateRefused("another update is going on") from None
            yield

    # --- a release comes ----------------------------------------------------------------------

    def new_slot(self) -> str:
        """A folder for a release that is nobody's yet: its path on the disk."""
        for folder in ("", SLOTS):
            with contextlib.suppress(FileExistsError):
                self._disk.make_folder(folder)
        slot = f"{SLOTS}/{_UNFINISHED}{secrets.token_hex(4)}"
        self._disk.make_folder(slot)
        return slot

    def discard(self, slot: str) -> None:
        """Throw a folder of `new_slot` away."""
        self._disk.remove_tree(slot)

    def install(self, slot: str, version: Version) -> Shelf:
        """Make what was unpacked the current release; on the disk when it returns.

        Raises:
            OSError: the disk refused; what was current is.
        """
        with self._changing():
            shelf = self.shelf()
            self._disk.sync_all()
            place = f"{SLOTS}/{version}"
            # Left by one that was tried before, and fell back.
            self._disk.remove_tree(place)
            self._disk.rename(slot, place)
            self._disk.sync(SLOTS)
            after = flipped(shelf, version)
            self._count(after)
            self._point(PREVIOUS, after.previous)
            try:
                self._point(CURRENT, after.current)
            except OSError:
                # It may have another name by now, and only its sync have failed.
                with contextlib.suppress(OSError):
                    self._point(CURRENT, shelf.current)
                raise
        return after

    # --- and goes, or stays ---------------------------------------------------------------------

    def start(self) -> Shelf:
        """Count a start, or fall back; what is returned is on the disk."""
        with self._changing():
            before = self.shelf()
            return self._changed(before, starting(before))

    def change(self, before: Shelf, after: Shelf) -> bool:
        """Put what the rules made of `before` on the disk.

        Returns:
            False: meanwhile somebody else changed something; nothing was done.
        """
        with self._changing():
            if self.shelf() != before:
                return False
            self._changed(before, after)
        return True

    def tidy(self) -> None:
        """Remove what is neither current nor previous; only for who is `installing`."""
        kept = {str(version) for name in (CURRENT, PREVIOUS) if (version := self._linked(name))}
        for name in self._disk.folders(SLOTS):
            if name not in kept:
                self._disk.remove_tree(f"{SLOTS}/{name}")

    @property
    def untidy(self) -> bool:
        """An update was cut short and left its files."""
        return any(name.startswith(_UNFINISHED) for name in self._disk.folders(SLOTS))

    def _changed(self, before: Shelf, after: Shelf) -> Shelf:
        if before.current != after.current:
            # First of all: what was counted of another release is ignored.
            self._point(CURRENT, after.current)
        if before.previous != after.previous:
            self._point(PREVIOUS, after.previous)
        if before.proven != after.proven and after.proven is not None:
            self._replace(PROVEN, f"{after.proven}\n".encode())
        if (before.current, before.starts) != (after.current, after.starts):
            self._count(after)
        return after

    def _count(self, shelf: Shelf) -> None:
        counted = f"{shelf.current} {shelf.starts}\n".encode()
        if shelf.on_trial:
            self._replace(TRIAL, counted)
            return
        self._forget(TRIAL)
        if shelf.starts:
            (self._runtime / _STARTS).write_bytes(counted)
        else:
            (self._runtime / _STARTS).unlink(missing_ok=True)

    # --- durably ------------------------------------------------------------------------------

    def _point(self, name: str, version: Version | None) -> None:
        if version is None:
            self._forget(name)
            return
        unfinished = f"{name}.new"
        self._disk.remove(unfinished)
        self._disk.link(unfinished, f"{SLOTS}/{version}")
        self._disk.rename(unfinished, name)
        self._disk.sync("")

    def _replace(self, name: str, data: bytes) -> None:
        unfinished = f"{name}.new"
        self._disk.write(unfinished, data)
        self._disk.sync(unfinished)
        self._disk.rename(unfinished, name)
        self._disk.sync("")

    def _forget(self, name: str) -> None:
        if self._disk.target(name) is not None or self._disk.read(name) is not None:
            self._disk.remove(name)
            self._disk.sync("")

    # --- read ---------------------------------------------------------------------------------

    def _linked(self, name: str) -> Version | None:
        """The release that a link names, if it is there."""
        slot = (self._disk.target(name) or "").removeprefix(f"{SLOTS}/")
        return Version.parse_or_none(slot) if slot in self._disk.folders(SLOTS) else None

    def _this_boot(self) -> bytes | None:
        try:
            return (self._runtime / _STARTS).read_bytes()
        except OSError:
            return None

    @staticmethod
    def _counted(data: bytes | None) -> tuple[Version | None, int]:
        version, _, starts = (data or b"").decode("ascii", "replace").strip().partition(" ")
        if not starts.isdecimal():
            return None, 0
        return Version.parse_or_none(version), int(starts)
