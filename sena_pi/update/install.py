"""Installs a bundle: check it, unpack it aside, put it on trial, flip to it, see it ready."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sena_pi.update import fetch
from sena_pi.update.bundle import Bundle
from sena_pi.update.errors import UpdateFailed, told_plainly
from sena_pi.update.releases import SLOTS, Releases
from sena_pi.update.rules import Shelf, Target, check_fits, fallen_back
from sena_pi.update.service import Service
from sena_pi.update.signature import Verifier
from sena_pi.update.slot import check_room, furnish
from sena_pi.update.version import Version

Say = Callable[[str], None]
"""Told what is being done, one line each."""


@dataclass(frozen=True, slots=True)
class Installer:
    """Installs bundles on one machine.

    Attributes:
        root: the folder of releases.
        releases: what is in it.
        machine: what releases must be for.
        key: the path of the public key.
        service: what runs them.
        on_trial: has an unpacked release answer a question, or raises UpdateFailed.
        say: told what is being done.
    """

    root: Path
    releases: Releases
    machine: Target
    key: Path
    service: Service
    on_trial: Callable[[Path], None]
    say: Say

    def install(self, source: str) -> Version:
        """Install a bundle from a file or address; blocks for minutes.

        Returns:
            The version that is started from now on.

        Raises:
            UpdateRefused: it must not be installed here; nothing was changed.
            UpdateFailed: it could not be; what ran before runs.
        """
        verifier = Verifier(self.key)
        with told_plainly("not installed, nothing was changed"), self.releases.installing():
            self.releases.tidy()
            with self._opened(source) as file:
                before, after = self._placed(Bundle(file, verifier))
            with told_plainly("installed and not seen ready"):
                self._see_ready(before, after)
            self._leave_nothing()
        return after.running

    @contextmanager
    def _opened(self, source: str) -> Iterator[IO[bytes]]:
        if not fetch.is_address(source):
            with Path(source).open("rb") as file:
                yield file
            return
        self.say(f"fetching {source}")
        slot = self.releases.new_slot()
        try:
            # It has no name, so nothing is left of it, whatever happens.
            with tempfile.TemporaryFile(dir=self.root / slot) as file:
                fetch.download(source, file)
                file.seek(0)
                yield file
        finally:
            self.releases.discard(slot)

    def _placed(self, bundle: Bundle) -> tuple[Shelf, Shelf]:
        """Everything up to the flip, and it."""
        version = bundle.manifest.version
        before = self.releases.shelf()
        check_fits(
            version, Target(bundle.manifest.arch, bundle.manifest.python), self.machine, before
        )
        with ExitStack() as undo:
            undo.callback(self._leave_nothing)
            slot = self.releases.new_slot()
            folder = self.root / slot
            check_room(folder, bundle.manifest.release_bytes)
            self.say(f"unpacking {version}")
            bundle.unpack(folder)
            furnish(folder, self.root / SLOTS / str(version), bundle)
            self.say(f"asking {version} a question")
            self.on_trial(folder)
            after = self.releases.install(slot, version)
            undo.pop_all()
        return before, after

    def _leave_nothing(self) -> None:
        # What comes of the update is told, and not that this went wrong; it is tried again.
        with suppress(OSError):
            self.releases.tidy()

    def _see_ready(self, before: Shelf, after: Shelf) -> None:
        if not self.service.running():
            self.say(f"{after.running} is started the next time sena is")
            return
        self.say(f"starting {after.running}")
        ready = self.service.restart()
        now = self.releases.shelf()
        # Newer systemds go on with a start that failed, and end it well when the fallback is ready.
        if ready and now.current == after.current:
            return
        if now.current == after.current:
            self.releases.change(now, fallen_back(now))
        if not ready:
            ready = self.service.restart()
        self._leave_nothing()
        raise UpdateFailed(
            f"{after.running} did not become ready; {before.running} is back"
            f"{'' if ready else ', and not ready either: see journalctl -u sena'}"
        )
