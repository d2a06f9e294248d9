"""The service that is restarted for an update, and whether it is ready: systemd is asked."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Final, Protocol

UNIT: Final = "sena.service"
_RESTART_WITHIN_S: Final = 240.0
"""More than its TimeoutStopSec= and TimeoutStartSec= together."""
_ASKED_WITHIN_S: Final = 20.0
_SYSTEMD_RUNS: Final = Path("/run/systemd/system")


class Service(Protocol):
    """The assistant as a service. All block."""

    def running(self) -> bool:
        """Somebody wants it to run: it does, is about to, or failed to."""

    def restart(self) -> bool:
        """Stop it and start it again; whether it said that it is ready."""

    def ready_for_s(self) -> float | None:
        """For how long it has been ready; None: it is not."""


class SystemdService:
    """A `Service` that systemd keeps.

    Args:
        unit: its name.
    """

    def __init__(self, unit: str = UNIT) -> None:
        self._unit = unit

    def running(self) -> bool:
        """See `Service`."""
        return self._shown().get("ActiveState", "inactive") not in {"inactive", "deactivating"}

    def restart(self) -> bool:
        """See `Service`. A unit of `Type=notify` is started when it has sent READY=1."""
        # A new release must not pay for the failures of the old one.
        self._systemctl("reset-failed", self._unit, within_s=_ASKED_WITHIN_S)
        run = self._systemctl("restart", self._unit, within_s=_RESTART_WITHIN_S)
        return run is not None and run.returncode == 0

    def ready_for_s(self) -> float | None:
        """See `Service`."""
        shown = self._shown()
        if shown.get("ActiveState") != "active":
            return None
        since = shown.get("ActiveEnterTimestampMonotonic", "")
        return time.monotonic() - int(since) / 1e6 if since.isdecimal() else None

    def _shown(self) -> dict[str, str]:
        names = "ActiveState,ActiveEnterTimestampMonotonic"
        run = self._systemctl("show", f"--property={names}", self._unit, within_s=_ASKED_WITHIN_S)
        lines = run.stdout.splitlines() if run is not None else []
        return dict(line.split("=", 1) for line in lines if "=" in line)

    @staticmethod
    def _systemctl(*arguments: str, within_s: float) -> subprocess.CompletedProcess[str] | None:
        """What systemctl says; None: there is no systemd here, or it says nothing."""
        if not _SYSTEMD_RUNS.is_dir():
            return None
        try:
            return subprocess.run(
                ["/usr/bin/systemctl", *arguments],
                capture_output=True, text=True, check=False, timeout=within_s,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return None
