"""`sena update`: install a bundle, tell what is installed; what the service's unit calls."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sena_pi.errors import SenaError
from sena_pi.update.disk import RealDisk
from sena_pi.update.errors import told_plainly
from sena_pi.update.machine import base_version, this_machine
from sena_pi.update.releases import RELEASES_FOLDER, RUNTIME_FOLDER, Releases
from sena_pi.update.rules import Shelf, ready
from sena_pi.update.service import Service, SystemdService

EXIT_OK: Final = 0


@dataclass(frozen=True, slots=True)
class Places:
    """Where updates are kept.

    Attributes:
        root: the folder of releases.
        runtime: what is forgotten with each boot.
    """

    root: Path = RELEASES_FOLDER
    runtime: Path = RUNTIME_FOLDER

    def releases(self) -> Releases:
        """What is there."""
        return Releases(RealDisk(self.root), self.runtime, base_version())


def run(args: argparse.Namespace, places: Places | None = None) -> int:
    """One `sena update` command; blocks.

    Args:
        args: source (or None), starting, healthy, json.
        places: where updates are kept.

    Raises:
        SenaError: it can't be done; says why, and what to do.
    """
    places = places or Places()
    if args.starting:
        starting(places)
    elif args.healthy:
        healthy(places, SystemdService())
    elif args.source is None:
        _tell(places.releases().shelf(), as_json=args.json)
    else:
        _install(args.source, places)
    return EXIT_OK


def starting(places: Places) -> None:
    """The service is about to be started: count it, or fall back.

    Never raises what it can foresee: an assistant that can't be counted is better than none.
    """
    try:
        releases = places.releases()
        before = releases.shelf()
        after = releases.start()
        if before.current != after.current:
            _say(f"{before.running} does not work: {after.running} is started in its place")
        if releases.untidy:
            with releases.installing():
                releases.tidy()
    except (OSError, SenaError) as error:
        _say(f"this start is not counted: {error}")


def healthy(places: Places, service: Service) -> None:
    """A release on trial has proved itself, if the service has been ready for long enough.

    Raises:
        UpdateFailed: that can't be written down.
    """
    releases = places.releases()
    with told_plainly("not proved"):
        before = releases.shelf()
        after = ready(before, service.ready_for_s() if before.starts else None)
        if before != after and releases.change(before, after) and before.on_trial:
            _say(f"{after.running} has proved itself")


def _install(source: str, places: Places) -> None:
    # Not for every command: a start is counted before each start, and waits for its imports.
    from sena_pi.update.install import Installer
    from sena_pi.update.signature import PUBLIC_KEY
    from sena_pi.update.trial import try_turn

    installer = Installer(
        root=places.root,
        releases=places.releases(),
        machine=this_machine(),
        key=PUBLIC_KEY,
        service=SystemdService(),
        on_trial=try_turn,
        say=_say,
    )
    _say(f"{installer.install(source)} is installed")


def _tell(shelf: Shelf, *, as_json: bool) -> None:
    told = {
        "running": str(shelf.running),
        "previous": str(shelf.fallback) if shelf.current and shelf.fallback else None,
        "base": str(shelf.base),
        "on_trial": shelf.on_trial,
    }
    if as_json:
        sys.stdout.write(f"{json.dumps(told)}\n")
        return
    lines = [f"{told['running']} is started{', on trial' if shelf.on_trial else ''}"]
    if told["previous"]:
        lines.append(f"{told['previous']} is kept behind it")
    lines.append(f"{told['base']} came with the system")
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
