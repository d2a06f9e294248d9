"""`sena status`: asks the assistant that runs how it is."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from sena_pi import control, status
from sena_pi.places import SERVICE_RUNTIME_FOLDER, runtime_folder

EXIT_OK: Final = 0
EXIT_PROBLEM: Final = 1


def run(args: argparse.Namespace) -> int:
    """One `sena status`; 0 while it is alive, 1 while it is not.

    Raises:
        SenaError: none runs, or it can't be asked.
    """
    data = asked()
    if args.json:
        sys.stdout.write(f"{json.dumps(data)}\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in status.lines(data)))
    return EXIT_PROBLEM if data["faults"] else EXIT_OK


def asked(
    request: str = "status",
    arguments: dict[str, Any] | None = None,
    *,
    service: Path = SERVICE_RUNTIME_FOLDER,
) -> Any:  # noqa: ANN401 - JSON
    """What an assistant of this user answers, or else the service's.

    Raises:
        SenaError: none runs, or it can't be asked.
    """
    own = runtime_folder()
    try:
        return control.ask(own, request, arguments)
    except control.NobodyAnswers:
        if own == service:
            raise
        return control.ask(service, request, arguments)
