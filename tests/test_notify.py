"""What systemd is told, read from a socket as systemd reads it."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sena_pi.notify import Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Systemd's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(0)
        yield listening


def told(manager: socket.socket) -> list[str]:
    """Each datagram, its lines joined."""
    found = []
    while True:
        try:
            found.append(manager.recv(4096).decode().replace("\n", " "))
        except BlockingIOError:
            return found


def test_each_state_is_one_datagram(manager: socket.socket) -> None:
    """As sd_notify(3) has it; a status is one line, whatever is in it."""
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": manager.getsockname()})
    notifier.ready("listening\nfor you")
    notifier.alive()
    notifier.status("answering")
    notifier.stopping()
    assert [
        "READY=1 STATUS=listening for you",
        "WATCHDOG=1",
        "STATUS=answering",
        "STOPPING=1 STATUS=ending",
    ] == told(manager)


def test_an_abstract_socket_is_told_too() -> None:
    """A name that begins with "@" is no path."""
    name = f"sena-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        Notifier(f"@{name}").alive()
        listening.settimeout(0)
        assert ["WATCHDOG=1"] == told(listening)


def test_without_systemd_nothing_is_told() -> None:
    """In a terminal there is nobody to tell, and no error."""
    notifier = Notifier.from_environment({})
    notifier.ready("listening")
    assert (False, None) == (notifier.heard, notifier.watchdog_s)


def test_a_manager_that_is_gone_or_does_not_read_is_complained_about_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither raises, neither blocks, and the journal is not filled."""
    with caplog.at_level(logging.WARNING):
        gone = Notifier(str(tmp_path / "gone"))
        for _ in range(3):
            gone.alive()
        assert 1 == len(caplog.records)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(str(tmp_path / "full"))
            full = Notifier(str(tmp_path / "full"))
            for _ in range(2000):
                full.alive()
        assert 2 == len(caplog.records)


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "20000000"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "42"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_the_one_that_was_set_for_this_process(
    environ: dict[str, str], watchdog_s: float | None
) -> None:
    """Another process's, or none, is not ours."""
    assert watchdog_s == Notifier.from_environment(environ, process_id=42).watchdog_s
