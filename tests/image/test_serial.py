"""The root shell on a serial line: with a real shell at its end, and noise on the way."""

from __future__ import annotations

import os
import pty
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.image.serial import Damaged, LineLost, Result, Shell, answer_in

WITHIN_S = 30.0


class Line:
    """A terminal with a shell on it, reached through a socket as QEMU's serial line is."""

    def __init__(self, folder: Path, noise: Callable[[bytes], bytes]) -> None:
        self.path = folder / "line"
        self._noise = noise
        self._master, slave = pty.openpty()
        self.shell = subprocess.Popen(
            ["bash", "--norc", "-i"], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, cwd=folder,
        )  # fmt: skip
        os.close(slave)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen(1)
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def alive(self) -> bool:
        return self.shell.poll() is None

    def close(self) -> None:
        self.shell.kill()
        self.shell.wait()
        self._server.close()
        for thread in self._threads:
            thread.join(5)
        os.close(self._master)

    def _serve(self) -> None:
        client, _ = self._server.accept()
        back = threading.Thread(target=self._up, args=(client,), daemon=True)
        self._threads.append(back)
        back.start()
        with client:
            try:
                while data := client.recv(4096):
                    os.write(self._master, data)
            except OSError:
                return

    def _up(self, client: socket.socket) -> None:
        try:
            while data := os.read(self._master, 4096):
                client.sendall(self._noise(data))
        except OSError:
            return


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Callable[..., Shell]]:
    """Makes shells; what they keep lies in the test's folder."""
    if shutil.which("dash") is None:
        pytest.skip("dash is not installed")
    opened: list[tuple[Line, Shell]] = []

    def make(noise: Callable[[bytes], bytes] = lambda data: data) -> Shell:
        it = Line(tmp_path, noise)
        shell = Shell(it.path, it.alive, str(tmp_path / "place"))
        opened.append((it, shell))
        shell.begin(WITHIN_S)
        return shell

    yield make
    for it, shell in opened:
        shell.close()
        it.close()


def test_output_errors_and_status_come_apart(line: Callable[..., Shell]) -> None:
    """A script's two outputs and its status, whatever characters are in them."""
    shell = line()
    result = shell.run(
        "echo 'ä @@E'; echo \"it's\" >&2; printf '\\001 no newline'; exit 7", WITHIN_S
    )
    assert result == Result(7, "ä @@E\n\x01 no newline", "it's\n")


def test_a_long_script_and_a_long_answer_arrive_whole(line: Callable[..., Shell]) -> None:
    """More than a line of a terminal takes, in both directions."""
    shell = line()
    words = "x" * 6000
    assert shell.run(f"echo {words}; seq 3000", WITHIN_S).out == (
        f"{words}\n" + "".join(f"{n}\n" for n in range(1, 3001))
    )


def test_what_the_kernel_says_meanwhile_is_no_answer(line: Callable[..., Shell]) -> None:
    """An answer with something else in it is asked for again."""
    spoilt: list[bytes] = []

    def noise(data: bytes) -> bytes:
        found = re.search(rb"@o[A-Za-z0-9+/]{20}", data)
        if found is not None and len(spoilt) < 2:
            spoilt.append(data)
            at = found.end()
            return data[:at] + b"[   12.3] printk: dropped\r\n" + data[at:]
        return data

    shell = line(noise)
    result = shell.run("seq 400", WITHIN_S)
    assert result.out == "".join(f"{n}\n" for n in range(1, 401))
    assert len(spoilt) == 2


def test_a_command_that_takes_too_long_is_left(line: Callable[..., Shell]) -> None:
    """The next one is answered."""
    shell = line()
    with pytest.raises(LineLost):
        shell.run("sleep 60", 1.0)
    shell.interrupt(WITHIN_S)
    assert shell.run("echo next", WITHIN_S).out == "next\n"


def test_an_answer_must_be_whole() -> None:
    """Its beginning, its digest and its end."""
    text = "@@B 0a0b 0 e3b0c44298fc1c14\n@@E 0a0b\n"
    assert answer_in(text, "0a0b") == Result(0, "", "")
    assert answer_in(text, "1111") is None
    assert answer_in(text.partition("@@E")[0], "0a0b") is None
    with pytest.raises(Damaged):
        answer_in(text.partition("\n")[2], "0a0b")
    with pytest.raises(Damaged):
        answer_in(text.replace("@@E", "@oQQ==\n@@E"), "0a0b")
