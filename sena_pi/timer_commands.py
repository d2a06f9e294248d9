"""`sena timers`: what is set, asked of the assistant that runs, or read from its file."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sena_pi import control
from sena_pi.errors import SenaError
from sena_pi.places import SERVICE_RUNTIME_FOLDER, runtime_folder, state_folder
from sena_pi.timers.entries import Entry
from sena_pi.timers.instants import Instant, SystemInstants
from sena_pi.timers.requests import Kind
from sena_pi.timers.service import Timers
from sena_pi.timers.store import FILE_NAME, TimerStore

EXIT_OK: Final = 0
REQUEST: Final = "timers.list"
"""The control socket's word for all that is set."""


class TimersUnreadable(SenaError):
    """The file of timers is another user's."""


def run(args: argparse.Namespace, *, service: Path = SERVICE_RUNTIME_FOLDER) -> int:
    """`sena timers`: json.

    Args:
        args: the command line.
        service: where the socket of the system's service would be.

    Raises:
        SenaError: nobody may tell; says why.
    """
    running, data = _asked(service)
    if args.json:
        sys.stdout.write(f"{json.dumps({'running': running, **data})}\n")
        return EXIT_OK
    if not running:
        sys.stderr.write("sena is not running: nothing will ring before it is started again\n")
    sys.stdout.write("".join(f"{line}\n" for line in lines(data, SystemInstants()())))
    return EXIT_OK


def lines(data: dict[str, Any], now: Instant) -> list[str]:
    """An overview for people, a line for each."""
    told = [f"{_name(one)}: rings" for one in data["ringing"]]
    told += [f"{_name(one)}: {_left(one, now)}" for one in data["set"]]
    told += [f"{_name(one)}: was due while nobody could be told" for one in data["missed"]]
    if not data["clock_set"] and data["set"]:
        told.append("(the clock is not set: what goes by it is not certain)")
    return told or ["no timers or alarms are set"]


def _asked(service: Path) -> tuple[bool, dict[str, Any]]:
    path = state_folder() / FILE_NAME
    # Someone who has no timers of their own means the service's.
    places = [runtime_folder()] if path.exists() else [runtime_folder(), service]
    for place in places:
        with suppress(control.NobodyAnswers):
            return True, control.ask(place, REQUEST)
    try:
        path.open("rb").close()
    except PermissionError as error:
        raise TimersUnreadable(
            f"{path} is another user's; ask as that user, or with sudo"
        ) from error
    except OSError:
        pass  # There is none: nothing is set.
    return False, Timers(TimerStore(path)).overview()


def _name(one: dict[str, Any]) -> str:
    return f"{one['name']} {one['kind']}" if one["name"] else str(one["kind"])


def _left(one: dict[str, Any], now: Instant) -> str:
    entry = Entry.from_dict({name: one[name] for name in Entry.__dataclass_fields__})
    if entry.kind is Kind.ALARM:
        return f"{entry.due_at(now.zone).astimezone(now.zone):%a %Y-%m-%d %H:%M}"
    if one["left_s"] is None:
        return "nobody knows how long it still has; it was set before the clock was"
    left_s = round(one["left_s"])
    length = f"{left_s // 3600}:{left_s % 3600 // 60:02}:{left_s % 60:02}"
    return f"{length} left" if one["certain"] else f"{length} left at most"
