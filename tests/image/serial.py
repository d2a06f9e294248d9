"""A root shell at the other end of a serial line, used like a function call.

The line also carries what the kernel, the boot and the shell itself say, at any moment. So a
command's output is kept in files over there and comes as base64 between markers, each line with a
prefix, all of it with a digest; what arrives damaged is asked for again.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import re
import secrets
import select
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PLACE = "/run/sena-test"
MOST_ASKED_AGAIN = 4
_CHUNK = 600  # of a line: a terminal takes 4,095 characters, and noise must hit few of them
_HELLO_EVERY_S = 3.0
_DIGEST_CHARACTERS = 16


def prelude(place: str) -> list[str]:
    """What a shell is told first, with the folder for its files."""
    return [
        "stty -echo -onlcr cols 200 2>/dev/null",
        "PS1= PS2= PROMPT_COMMAND= HISTFILE= LANG=C.UTF-8",
        "export LANG PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root",
        f"mkdir -p {place}; cd {place}",
        # What the last command said, under this token.
        "_told() { printf '\\n@@B %s %s %s\\n' $1 $(cat rc) "
        f"$(cat out err | sha256sum | cut -c1-{_DIGEST_CHARACTERS}); "
        "base64 -w 72 out | sed 's/^/@o/'; base64 -w 72 err | sed 's/^/@e/'; "
        "printf '@@E %s\\n' $1; }",
        "_run() { base64 -d in >sh; (cd /; exec sh $OLDPWD/sh) >out 2>err </dev/null; "
        "echo $? >rc; _told $1; }",
    ]


class LineLost(Exception):
    """The shell does not answer; the text says what was last heard."""


class Damaged(Exception):
    """An answer has come with something else in it."""


FAILURES = (AssertionError, LineLost)
"""What a machine that is not as it should be raises."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a command."""

    status: int
    out: str
    err: str


def script_lines(token: str, script: str) -> Iterator[str]:
    """The lines that have a script run, each short."""
    encoded = base64.b64encode(script.encode()).decode()
    chunks = [encoded[at : at + _CHUNK] for at in range(0, len(encoded), _CHUNK)] or [""]
    for number, chunk in enumerate(chunks):
        yield f"printf %s {chunk} >{'>' if number else ''}in"
    yield f"_run {token}"


def answer_in(text: str, token: str) -> Result | None:
    """The answer with this token, if it has come whole.

    Raises:
        Damaged: it has come, and something is wrong with it.
    """
    end = re.search(rf"@@E {token}\r?\n", text)
    if end is None:
        return None
    begin = re.search(rf"@@B {token} (\d+) ([0-9a-f]{{{_DIGEST_CHARACTERS}}})\r?\n", text)
    if begin is None:
        raise Damaged("its beginning is lost")
    body = text[begin.end() : end.start()]
    try:
        out, err = (_decoded(body, prefix) for prefix in "oe")
    except (binascii.Error, ValueError) as error:
        raise Damaged(str(error)) from error
    if hashlib.sha256(out + err).hexdigest()[:_DIGEST_CHARACTERS] != begin[2]:
        raise Damaged("another text than was said")
    return Result(int(begin[1]), out.decode(errors="replace"), err.decode(errors="replace"))


def _decoded(body: str, prefix: str) -> bytes:
    lines = re.findall(rf"^@{prefix}([A-Za-z0-9+/=]*)\r?$", body, flags=re.MULTILINE)
    return base64.b64decode("".join(lines), validate=True)


class Shell:
    """The shell behind a socket that a machine's serial line ends in.

    Args:
        path: of the Unix socket.
        alive: whether the machine still runs; nothing is waited for when it does not.
        place: a folder over there for its files.
    """

    def __init__(self, path: Path, alive: Callable[[], bool], place: str = PLACE) -> None:
        self._alive = alive
        self._place = place
        self._heard = ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))

    def close(self) -> None:
        """Let go of the line."""
        self._socket.close()

    def begin(self, timeout_s: float) -> None:
        """Wait for the shell, and make it one that talks little.

        Raises:
            LineLost: there is none in time.
        """
        end = time.monotonic() + timeout_s
        # What a serial port gets before somebody reads it may block it for good (QEMU's PL011), so
        # the other side speaks first: systemd puts the terminal in order for the shell.
        while not self._heard:
            with contextlib.suppress(TimeoutError):
                self._hear(min(end, time.monotonic() + 1.0))
            if time.monotonic() > end:
                raise LineLost("nothing is heard")
        self._hello(end)
        # Debian's debug shell is bash, whose line editor has ideas of its own about a terminal.
        self._send("exec dash")
        self._hello(end)
        for line in prelude(self._place):
            self._send(line)
        self._hello(end)

    def run(self, script: str, timeout_s: float = 60.0) -> Result:
        """Run a script of `sh` and wait for its end.

        Raises:
            LineLost: it did not end in time, or the machine has.
        """
        token = secrets.token_hex(4)
        for line in script_lines(token, script):
            self._send(line)
        end = time.monotonic() + timeout_s
        for _ in range(MOST_ASKED_AGAIN):
            try:
                return self._answer(token, end)
            except Damaged:
                self._heard = ""
                self._hello(end)
                token_again = secrets.token_hex(4)
                self._send(f"_told {token_again}")
                token = token_again
        raise LineLost(f"the answer is damaged again and again: {self._heard[-300:]!r}")

    def send(self, script: str) -> None:
        """Have a script run in the background, and wait for nothing."""
        token = secrets.token_hex(4)
        *lines, _ = script_lines(token, script)
        for line in lines:
            self._send(line)
        self._send("base64 -d in >bg; sh bg >/dev/null 2>&1 </dev/null &")

    def listen(self, seconds: float) -> None:
        """Take what comes for so long, or until the machine ends."""
        end = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError, LineLost):
            while time.monotonic() < end:
                self._hear(end)
        self._heard = ""

    def interrupt(self, timeout_s: float = 20.0) -> None:
        """End a command that takes too long.

        Raises:
            LineLost: that is of no use.
        """
        self._socket.sendall(b"\x03")
        self._hello(time.monotonic() + timeout_s)

    def _answer(self, token: str, end: float) -> Result:
        while (result := answer_in(self._heard, token)) is None:
            try:
                self._hear(end)
            except TimeoutError as error:
                raise LineLost(str(error)) from None
        self._heard = ""
        return result

    def _hello(self, end: float) -> None:
        """Say something until it is repeated; what was said before is forgotten."""
        token = secrets.token_hex(4)
        said = 0.0
        # The marker is put together over there: an echo of the line is no answer.
        while f"@@{token}@@" not in self._heard:
            if time.monotonic() - said > _HELLO_EVERY_S:
                self._send(f"echo; printf '@@%s@@\\n' {token[:4]}''{token[4:]}")
                said = time.monotonic()
            with contextlib.suppress(TimeoutError):
                self._hear(min(end, said + _HELLO_EVERY_S + 0.1))
            if time.monotonic() > end:
                raise LineLost(f"no shell answers; heard: {self._heard[-400:]!r}")
        self._heard = self._heard.rpartition(f"@@{token}@@")[2]

    def _send(self, line: str) -> None:
        try:
            self._socket.sendall(line.encode() + b"\n")
        except OSError as error:
            raise LineLost(f"the machine is gone: {error}") from error

    def _hear(self, end: float) -> None:
        left_s = end - time.monotonic()
        readable, _, _ = select.select([self._socket], [], [], max(0.0, min(left_s, 1.0)))
        if readable:
            try:
                data = self._socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                raise LineLost(f"the machine is gone; heard: {self._heard[-400:]!r}")
            self._heard += data.decode(errors="replace").replace("\r\n", "\n")
            return
        if not self._alive():
            raise LineLost(f"the machine has ended; heard: {self._heard[-400:]!r}")
        if time.monotonic() > end:
            raise TimeoutError(f"not in time; heard: {self._heard[-400:]!r}")
