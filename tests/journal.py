"""A journal of a test's own: a real systemd-journald in a namespace, where one can run."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_JOURNALD = Path("/lib/systemd/systemd-journald")
_PATIENCE_S = 15.0


@dataclass(frozen=True)
class Journal:
    """What was written to it can be read again.

    Attributes:
        socket: where records are sent.
        namespace: its name.
    """

    socket: Path
    namespace: str

    def ask(self, *matches: str) -> str:
        """What `journalctl` prints."""
        run = subprocess.run(
            ["journalctl", f"--namespace={self.namespace}", "--no-pager", "-q", *matches],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=30,
        )
        return run.stdout

    def entries(self, *matches: str, at_least: int = 1) -> list[dict[str, Any]]:
        """The records that match, oldest first; waits until there are so many."""
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            found = [json.loads(line) for line in self.ask("-o", "json", *matches).splitlines()]
            if len(found) >= at_least or time.monotonic() > until_s:
                return found
            time.sleep(0.05)

    @contextlib.contextmanager
    def service(self, *argv: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
        """A program that has this journal where a service has the system's: its own, and stderr.

        Ended by SIGTERM when the context is left.
        """
        place = Path("/run/systemd/journal")
        made = not place.exists()
        place.mkdir(parents=True, exist_ok=True)
        script = f'mount --bind "$0" {place} && exec "$@"'
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.connect(str(self.socket.parent / "stdout"))
            # Its identifier, unit, priority; no level prefix, and nothing is passed on.
            stream.sendall(b"sena\n\n6\n0\n0\n0\n0\n")
            status = os.fstat(stream.fileno())
            process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script, str(self.socket.parent), *argv],
                env={**env, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
            )
        try:
            with process:
                yield process
                process.terminate()
        finally:
            process.kill()
            if made:
                place.rmdir()


@contextlib.contextmanager
def journal() -> Iterator[Journal]:
    """Start one; skips visibly where that can't be."""
    if os.geteuid() != 0 or not _JOURNALD.exists() or shutil.which("journalctl") is None:
        pytest.skip("only root can run a systemd-journald, where there is one")
    namespace = f"senatest{os.getpid()}"
    machine = Path("/etc/machine-id").read_text().strip()
    folder = Path(f"/run/systemd/journal.{namespace}")
    process = subprocess.Popen(
        [_JOURNALD, namespace], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until_s = time.monotonic() + _PATIENCE_S
        while not (folder / "socket").exists():
            if process.poll() is not None or time.monotonic() > until_s:
                pytest.skip("systemd-journald does not run here")
            time.sleep(0.02)
        yield Journal(folder / "socket", namespace)
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)
        shutil.rmtree(folder, ignore_errors=True)
        for place in ("/run/log/journal", "/var/log/journal"):
            shutil.rmtree(f"{place}/{machine}.{namespace}", ignore_errors=True)
