"""`sena run` as systemd has it: told when it is ready, that it lives, and that it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sena_pi.app import Simulation, running
from sena_pi.body.light import REPAINT_S
from sena_pi.keys import KeyStore
from sena_pi.settings import Settings
from sena_pi.watchdog import Rules
from tests.house import Light
from tests.test_run import SENA, environment, spoken

BOUND_S = 40.0
WATCHDOG_S = 2.0


class Manager:
    """What systemd hears, in order."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))

    def until(self, line: str, *, bound_s: float = BOUND_S) -> bool:
        """Listen until this is told; False when it is not within the time."""
        until_s = time.monotonic() + bound_s
        while (left_s := until_s - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            try:
                lines = self._socket.recv(4096).decode().splitlines()
            except TimeoutError:
                return False
            self.told += lines
            if line in lines:
                return True
        return False

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def started(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Manager]]:
    """`sena run` on simulated sound, with a watchdog."""
    manager = Manager(folder)
    question = spoken(folder, "hey jarvis, what time is it")
    environ = {
        **environment(folder),
        "NOTIFY_SOCKET": str(manager.path),
        "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)),
    }
    with subprocess.Popen(
        [*SENA, "run", "--simulate", *[str(question)] * 20],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process, manager
        finally:
            process.kill()
            manager.close()


def test_it_is_ready_lives_answers_and_ends(tmp_path: Path) -> None:
    """In this order; what it does is a line that anybody may read."""
    with started(tmp_path) as (process, manager):
        assert manager.until("READY=1")
        assert manager.until("WATCHDOG=1")
        assert manager.until("STATUS=answering a question")
        assert manager.until('STATUS=listening for "jarvis"')
        process.send_signal(signal.SIGTERM)
        assert manager.until("STOPPING=1")
        assert 0 == process.wait(BOUND_S)
    first = manager.told.index("READY=1")
    assert "WATCHDOG=1" not in manager.told[:first]
    assert not any("what time" in line for line in manager.told)


def test_a_loop_that_stands_still_feeds_nobody(tmp_path: Path) -> None:
    """Whatever holds it: systemd hears nothing for as long as the watchdog waits."""
    with started(tmp_path) as (process, manager):
        assert manager.until("WATCHDOG=1")
        process.send_signal(signal.SIGSTOP)
        while manager.until("WATCHDOG=1", bound_s=0.2):
            pass  # what was under way
        assert not manager.until("WATCHDOG=1", bound_s=WATCHDOG_S)
        process.send_signal(signal.SIGCONT)
        assert manager.until("WATCHDOG=1")


def test_an_audio_worker_that_hangs_is_replaced_and_life_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor is quicker than the watchdog: nobody has to be restarted."""
    manager = Manager(tmp_path)
    for name, value in environment(tmp_path).items():
        if name.endswith("_DIRECTORY"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
    monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG_S * 1e6)))

    async def main() -> None:
        keys = KeyStore(tmp_path / "keys", environ={})
        async with running(Settings(), keys, Light(), simulation=Simulation()) as appliance:
            supervisor = appliance.audio.supervisor
            assert await asyncio.to_thread(manager.until, "WATCHDOG=1")
            pid = supervisor.pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            while not (supervisor.replacements and appliance.audio.health.capturing):
                assert await asyncio.to_thread(manager.until, "WATCHDOG=1")
            assert pid != supervisor.pid
            assert await asyncio.to_thread(manager.until, "WATCHDOG=1")

    try:
        asyncio.run(main())
    finally:
        manager.close()


def test_the_light_has_time_to_repaint() -> None:
    """One that shows the same for long is quiet for five seconds, and is no dead one."""
    assert REPAINT_S < Rules().heart_s
