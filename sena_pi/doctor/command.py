"""`sena doctor`: makes the checks, and prints a line for each."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sena_pi import control
from sena_pi.app import audio_settings
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.doctor.examination import Check, Level, Result, examined
from sena_pi.doctor.patient import Patient
from sena_pi.doctor.registry import CHECKS
from sena_pi.errors import SenaError
from sena_pi.keys import KeyStore
from sena_pi.settings import Settings
from sena_pi.status_command import asked

EXIT: Final = {Level.GOOD: 0, Level.UNKNOWN: 0, Level.WARNING: 1, Level.PROBLEM: 2}
_MARKS: Final = {
    Level.GOOD: "ok",
    Level.UNKNOWN: "-",
    Level.WARNING: "!",
    Level.PROBLEM: "X",
}


class NoSuchCheck(SenaError):
    """A check that was asked for does not exist."""


async def run(args: argparse.Namespace, settings: Settings) -> int:
    """Examine; 0: all is well, 1: something could be better, 2: something does not work.

    Raises:
        NoSuchCheck: see there.
    """
    checks = wanted(args.checks)
    results = []
    async for result in examined(checks, patient(args, settings)):
        results.append(result)
        if not args.json:
            sys.stdout.write("".join(f"{line}\n" for line in lines(result)))
            sys.stdout.flush()
    status = max(EXIT[result.finding.level] for result in results)
    if args.json:
        sys.stdout.write(f"{json.dumps(as_dict(results, status))}\n")
    return status


def wanted(names: Sequence[str]) -> list[Check[Patient]]:
    """The checks of these names, all without any.

    Raises:
        NoSuchCheck: there is none of that name.
    """
    known = {check.name: check for check in CHECKS}
    for name in names:
        if name not in known:
            raise NoSuchCheck(f"there is no check {name!r}; there are: {', '.join(known)}")
    return [check for check in CHECKS if not names or check.name in names]


def patient(args: argparse.Namespace, settings: Settings) -> Patient:
    """This machine, and the assistant that runs on it."""
    keys = KeyStore.from_environment()
    status: dict[str, Any] | None = None
    not_asked = ""
    try:
        status = asked()
    except control.NobodyAnswers:
        pass
    except SenaError as error:
        not_asked = str(error)
    told = audio_settings(settings, keys, None)
    return Patient(
        settings,
        keys,
        status,
        asked,
        lambda capture: Audio({**told, "capture": capture}, AudioListeners()),
        not_asked,
        quiet=args.quiet,
        cloud=not args.no_cloud,
    )


def lines(result: Result) -> Iterator[str]:
    """For people: what was found, and below it what can be done."""
    finding = result.finding
    yield f"{_MARKS[finding.level]:>2} {result.name:10} {finding.measured}"
    if finding.fix:
        yield f"{'':14}fix: {finding.fix}"


def as_dict(results: Sequence[Result], status: int) -> dict[str, Any]:
    """For programs."""
    return {
        "status": status,
        "checks": [
            {
                "name": result.name,
                "level": str(result.finding.level),
                "measured": result.finding.measured,
                "fix": result.finding.fix,
                "figures": dict(result.finding.figures),
            }
            for result in results
        ],
    }
