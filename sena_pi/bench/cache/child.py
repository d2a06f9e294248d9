"""Running a measurement in a process of its own, with its sync calls counted on request."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from sena_pi.errors import WorkerError

SYNC_CALLS = ("fsync", "fdatasync", "sync_file_range", "msync")
"""The harness's own syncfs is not among them."""


def run_child(module: str, *arguments: str) -> str:
    """What `python -m module` printed.

    Raises:
        WorkerError: it failed; with what it said last.
    """
    return _run([sys.executable, "-m", module, *arguments])


def run_child_counting_syncs(module: str, *arguments: str) -> tuple[str, int | None]:
    """What `python -m module` printed, and how often it called for a sync.

    Counted by strace, stopping at those calls only (seccomp-bpf); None where there is no strace.
    """
    if shutil.which("strace") is None:
        return run_child(module, *arguments), None
    with tempfile.NamedTemporaryFile(mode="r", prefix="sena-bench-") as log:
        calls = ",".join(SYNC_CALLS)
        strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", f"trace={calls}", "-o", log.name]
        printed = _run([*strace, "--", sys.executable, "-m", module, *arguments])
        return printed, count_calls(log.read())


def count_calls(log: str) -> int:
    """Sync calls in strace's output; a call that was resumed is one call."""
    return sum(f" {call}(" in line for line in log.splitlines() for call in SYNC_CALLS)


def _run(command: list[str]) -> str:
    # Its own session: when we are interrupted, strace and what it traces end together.
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    try:
        printed, said = process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode != 0:
        last = said.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        raise WorkerError(f"the measuring process failed: {last[0]}")
    return printed
