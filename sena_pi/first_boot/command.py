"""`sena first-boot` and `sena reset`: what is done before the assistant starts.

Each start waits for the first one: what it needs only now and then it imports only then.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sena_pi.errors import SenaError
from sena_pi.first_boot import request, reset
from sena_pi.first_boot.boot_partition import NAME, BootPartition
from sena_pi.first_boot.status import Status, Taken, leave
from sena_pi.first_boot.taking import Device, take_over
from sena_pi.places import (
    cache_folder,
    config_file,
    keys_folder,
    runtime_folder,
    state_folder,
)

EXIT_OK: Final = 0
EXIT_PROBLEM: Final = 1
_RESTART: Final = ("systemctl", "restart", "sena.service")
_RESTART_TIMEOUT_S: Final = 180.0


class NotReset(SenaError):
    """The device was not reset, or not whole; says why."""


def first_boot(args: argparse.Namespace) -> int:
    """`sena first-boot`: boot. A reset that is wanted comes first.

    Args:
        args: the command line.
    """
    # Settings and status are for the assistant, another user; keys have modes of their own.
    os.umask(0o022)
    boot = BootPartition(args.boot)
    problems: list[str] = []
    if request.is_asked(state_folder()):
        try:
            problems += reset.carry_out(_kept(), boot)
            _tell("the device was reset: keys, settings and all that was kept are deleted")
        except OSError as error:
            problems.append(f"the device was not reset: {error.strerror or error}")
    outcome = take_over(boot, Device(config_file().parent, keys_folder()))
    problems += outcome.problems
    status = Status(outcome.taken, tuple(problems))
    _tell(*problems, *outcome.remarks)
    if outcome.taken is Taken.NEW:
        _tell("settings and keys of the card are taken over")
    try:
        leave(status, args.status)
    except OSError as error:
        _tell(f"the status can't be left: {error.strerror or error}")
        return EXIT_PROBLEM
    return EXIT_PROBLEM if problems else EXIT_OK


def reset_device(
    args: argparse.Namespace,
    *,
    ask: Callable[[str], str] = input,
    restart: Callable[[], None] | None = None,
) -> int:
    """`sena reset --factory`: boot, yes.

    An assistant that runs is started anew, and the reset carried out in between.

    Args:
        args: the command line.
        ask: asks a person.
        restart: starts the service anew.

    Raises:
        SenaError: it is not reset, or not whole; says why.
    """
    kept = _kept()
    places = [kept.keys, kept.settings / "sena.d", kept.cache, kept.state]
    _tell("this deletes the keys, the settings of the card, the cache and all that was kept:")
    _tell(*(f"  {place}" for place in (*places, args.boot / NAME)))
    if not args.yes and not _agreed(ask):
        _tell("nothing was deleted")
        return EXIT_PROBLEM
    try:
        if _runs(runtime_folder()):
            request.ask(kept.state)
            (restart or _restart)()
            if request.is_asked(kept.state):
                raise NotReset("the device is not reset yet; see journalctl -u sena-first-boot")
            _tell("the device is reset")
            return EXIT_OK
        problems = reset.carry_out(kept, BootPartition(args.boot))
    except OSError as error:
        hint = "; run this as root (sudo)" if isinstance(error, PermissionError) else ""
        raise NotReset(f"the device was not reset: {error.strerror or error}{hint}") from error
    if problems:
        raise NotReset("\n".join(problems))
    _tell("the device is reset")
    return EXIT_OK


def _tell(*lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")


def _kept() -> reset.Kept:
    return reset.Kept(config_file().parent, keys_folder(), cache_folder(), state_folder())


def _agreed(ask: Callable[[str], str]) -> bool:
    try:
        return ask("type yes to go on: ").strip().lower() == "yes"
    except EOFError:
        return False


def _runs(place: Path) -> bool:
    from sena_pi import control

    try:
        control.ask(place, "status", {})
    except control.NobodyAnswers:
        return False
    except SenaError:  # somebody is there, and does not answer well
        return True
    return True


def _restart() -> None:
    try:
        subprocess.run(_RESTART, check=True, timeout=_RESTART_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotReset(
            "sena runs and can't be started anew; the reset is carried out when it next starts"
        ) from error
