"""`sena volume`, `sena mute`, `sena unmute`: asked of the assistant that runs, or kept for it."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sena_pi import control
from sena_pi.body.kept import FILE_NAME, Kept, KeptStore
from sena_pi.body.requests import volume_of
from sena_pi.errors import SenaError
from sena_pi.places import SERVICE_RUNTIME_FOLDER, runtime_folder, state_folder

EXIT_OK: Final = 0
EXIT_PROBLEM: Final = 1


class NotKept(SenaError):
    """Volume and mute can't be read or written here; says what to do."""


def run(args: argparse.Namespace, *, service: Path = SERVICE_RUNTIME_FOLDER) -> int:
    """`sena volume` (percent or None), `sena mute` or `sena unmute`; each with json.

    Args:
        args: the command line.
        service: where the socket of the system's service would be.

    Raises:
        SenaError: it can't be done; says why.
    """
    if args.command == "volume":
        request, arguments = "volume", {"percent": args.percent}
    else:
        request, arguments = "mute", {"on": args.command == "mute"}
    running, state = _asked(request, arguments, service)
    if args.json:
        sys.stdout.write(f"{json.dumps({'running': running, **state})}\n")
    else:
        microphone = "closed" if state["muted"] else "open" if running else "open when sena runs"
        sys.stdout.write(f"volume {state['volume']} %, microphone {microphone}\n")
    if not state["saved"]:
        sys.stderr.write("the card did not take it: after a restart it is as before\n")
    return EXIT_OK if state["saved"] else EXIT_PROBLEM


def _asked(request: str, arguments: dict[str, Any], service: Path) -> tuple[bool, dict[str, Any]]:
    path = state_folder() / FILE_NAME
    # Someone who has set nothing of their own means the service.
    places = [runtime_folder()] if path.exists() else [runtime_folder(), service]
    for place in dict.fromkeys(places):
        with suppress(control.NobodyAnswers):
            return True, control.ask(place, request, arguments)
    return False, _kept_for_later(request, arguments, KeptStore(path))


def _kept_for_later(request: str, arguments: dict[str, Any], store: KeptStore) -> dict[str, Any]:
    """The file is changed: whoever starts next reads it."""
    kept = store.load()
    if request == "volume":
        percent = volume_of(arguments)
        wanted = kept if percent is None else Kept(percent, kept.muted)
    else:
        wanted = Kept(kept.volume, arguments["on"])
    if wanted != kept or request == "mute":
        try:
            store.save(wanted)
        except OSError as error:
            raise NotKept(
                f"{store.path} can't be written: {error.strerror}; use the user sena runs as, "
                "or sudo"
            ) from error
    return {"volume": wanted.volume, "muted": wanted.muted, "saved": True}
