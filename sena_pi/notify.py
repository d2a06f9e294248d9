"""What systemd is told: that we are ready, that we live, what we do, that we end.

The protocol is one datagram of `NAME=value` lines (sd_notify(3)): less than a library would be.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from typing import Final

_log = logging.getLogger(__name__)

_LONGEST_STATUS: Final = 200


class Notifier:
    """Tells systemd. Nothing here blocks or raises; without systemd nothing is told.

    Args:
        address: of the socket: a path, or a name that begins with "@"; empty: there is none.
        watchdog_s: how long systemd waits for `alive` before it restarts us; None: for ever.
    """

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._failing = False

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] = os.environ, *, process_id: int | None = None
    ) -> Notifier:
        """As systemd asked for it."""
        return cls(environ.get("NOTIFY_SOCKET", ""), _watchdog_s(environ, process_id))

    @property
    def heard(self) -> bool:
        """Somebody wants to be told."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """What this process is for can be had from now on."""
        self._send("READY=1", _status_line(status))

    def alive(self) -> None:
        """It still can; to be said more often than every `watchdog_s`."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for people, which `systemctl status` shows."""
        self._send(_status_line(text))

    def stopping(self) -> None:
        """It ends, and means to."""
        self._send("STOPPING=1", _status_line("ending"))

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                # A manager that does not read must not stop us; it is told again.
                out.settimeout(0)
                out.sendto("\n".join(lines).encode(), self._address)
            self._failing = False
        except OSError as error:
            if not self._failing:
                self._failing = True
                _log.warning("systemd can't be told how we are: %s", error.strerror or error)


def _status_line(text: str) -> str:
    line = " ".join(text.split())
    return f"STATUS={line[:_LONGEST_STATUS]}"


def _watchdog_s(environ: Mapping[str, str], process_id: int | None) -> float | None:
    meant = environ.get("WATCHDOG_PID", "")
    if meant and meant != str(os.getpid() if process_id is None else process_id):
        return None
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 else None
