"""Runs a proof and keeps what it printed, or takes in what one printed elsewhere."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.proofs.kept import REPOSITORY, Part
from tests.prove.figures import REPORT_TO, Row

_MACHINE = re.compile(r"(\w+, \d+ cores, Python [\d.]+), load ([\d.]+)")
"""As `figures.machine` prints it."""


def run(name: str, arguments: Sequence[str], command: Sequence[str] = ()) -> Part:
    """Run a proof; what it prints is seen at once, and kept.

    Args:
        name: of the proof.
        arguments: its own.
        command: what to run instead.
    """
    argv = [*(command or (sys.executable, "-m", f"tests.prove.{name}")), *arguments]
    begun, start_s = datetime.now(UTC), time.monotonic()
    load_before = os.getloadavg()[0]
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "figures"
        rows.touch()
        environ = {**os.environ, REPORT_TO: str(rows), "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            argv, cwd=REPOSITORY, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace",
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                sys.stdout.write(line)
                sys.stdout.flush()
                lines.append(line.rstrip())
        figures: list[Row] = [json.loads(row) for row in rows.read_text().splitlines()]
    return Part(
        arguments=shlex.join(arguments),
        begun=_minute(begun),
        commit=_commit(),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        load_before=round(load_before, 1),
        load_after=round(os.getloadavg()[0], 1),
        took_s=round(time.monotonic() - start_s, 1),
        status=process.returncode,
        figures=figures,
        lines=list(_without_places(lines)),
    )


def taken_in(
    text: str,
    *,
    arguments: str,
    begun: datetime,
    commit: str,
    status: int,
    took_s: float | None = None,
    figures: Sequence[Row] = (),
) -> Part:
    """What a proof printed where it was not recorded, its machine and load included.

    Raises:
        ValueError: no line tells the machine.
    """
    told = _MACHINE.findall(text)
    if not told:
        raise ValueError("no line tells the machine and its load")
    loads = [float(load) for _, load in told]
    return Part(
        arguments=arguments,
        begun=_minute(begun),
        commit=commit,
        machine=told[0][0],
        load_before=loads[0],
        load_after=loads[-1] if len(loads) > 1 else None,
        took_s=took_s,
        status=status,
        figures=list(figures),
        lines=list(_without_places(text.splitlines())),
    )


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _commit() -> str:
    """Of the tree, and whether anything but records and the page has changed since."""
    try:
        commit = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--", ".", ":!docs")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def _git(*argv: str) -> str:
    run = subprocess.run(
        ["git", *argv], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    return run.stdout.strip()


def _without_places(lines: Sequence[str]) -> Iterator[str]:
    """Lines without folders of the machine that they were printed on."""
    places = {str(REPOSITORY.parent), str(Path.home()), tempfile.gettempdir()} - {"/"}
    known = "|".join(re.escape(place) for place in sorted(places, reverse=True))
    for line in lines:
        yield re.sub(rf"(?:{known})/[^\s'\",;:)\]]*", "(a file)", line)
