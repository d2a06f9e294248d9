"""A worker's end of its event channel: nothing but events on it, and never stuck behind it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from wyoming.event import Event, read_event

from sena_pi import wire
from sena_pi.workers.channel import EXIT_NOT_READ

BOUND_S = 20
"""No figure, only an end."""

PREAMBLE = """
    from sena_pi.workers.stdio import claim_stdio
    fds = claim_stdio()
    import os, sys
    from wyoming.event import Event
    from sena_pi.workers.channel import Channel
    def big(megabytes):
        return Event("big", {}, bytes(int(megabytes * 1024 * 1024)))
"""


@contextlib.contextmanager
def worker(tmp_path: Path, body: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process behind a channel; gone when the context is left."""
    script = tmp_path / "worker.py"
    script.write_text(textwrap.dedent(PREAMBLE) + textwrap.dedent(body))
    with (
        (tmp_path / "stderr").open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[bytes]) -> int:
    return process.wait(BOUND_S)


def test_a_worker_that_nobody_reads_ends(tmp_path: Path) -> None:
    """A full pipe does not hold a worker for ever: it ends within its deadline."""
    body = """
        channel = Channel(*fds, write_deadline_s=0.2)
        channel.send(big(1))
        for event in channel.events(): pass
    """
    with worker(tmp_path, body) as process:
        assert EXIT_NOT_READ == ended(process)


def test_a_worker_that_closes_unread_ends_too(tmp_path: Path) -> None:
    """Writing what is left has the same deadline."""
    body = """
        channel = Channel(*fds, write_deadline_s=0.2)
        channel.send(big(1))
        channel.close()
    """
    with worker(tmp_path, body) as process:
        assert EXIT_NOT_READ == ended(process)


def test_a_brain_that_reads_slowly_is_waited_for(tmp_path: Path) -> None:
    """The deadline is for one piece: what takes longer in all arrives, piece by piece."""
    body = """
        channel = Channel(*fds, write_deadline_s=1.5)
        channel.send(big(1))
        channel.close()
    """
    with worker(tmp_path, body) as process:
        assert process.stdout is not None
        read = 0
        for _ in range(10):
            read += len(os.read(process.stdout.fileno(), 65_536))
            threading.Event().wait(0.2)
        read += len(process.stdout.read())
        assert 1024 * 1024 < read
        assert 0 == ended(process)


def test_a_worker_whose_brain_is_gone_ends(tmp_path: Path) -> None:
    """A broken pipe is not a traceback in a thread that nobody watches."""
    body = """
        channel = Channel(*fds, write_deadline_s=10 * 60)
        for event in channel.events(): channel.send(event)
    """
    with worker(tmp_path, body) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        process.stdin.write(wire.encode(Event("x")))
        process.stdin.flush()
        assert EXIT_NOT_READ == ended(process)
    assert b"" == (tmp_path / "stderr").read_bytes()


def test_more_than_may_wait_ends_the_worker(tmp_path: Path) -> None:
    """Memory is bounded, however long the deadline."""
    body = """
        channel = Channel(*fds, write_deadline_s=10 * 60)
        for _ in range(6): channel.send(big(1))
        for event in channel.events(): pass
    """
    with worker(tmp_path, body) as process:
        assert EXIT_NOT_READ == ended(process)


def test_what_was_written_does_not_wait_any_more(tmp_path: Path) -> None:
    """A worker whose brain reads may send any amount in its life."""
    body = """
        channel = Channel(*fds)
        for event in channel.events(): channel.send(big(1.5))
        channel.close()
    """
    with worker(tmp_path, body) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(6):
            process.stdin.write(wire.encode(Event("more")))
            process.stdin.flush()
            event = read_event(process.stdout)
            assert event is not None
            assert event.payload is not None
            assert 1.5 * 1024 * 1024 == len(event.payload)
        process.stdin.close()
        assert 0 == ended(process)


def test_close_writes_all_that_is_queued(tmp_path: Path) -> None:
    """A worker's last words arrive, in order, though its process ends right after."""
    body = """
        channel = Channel(*fds)
        for n in range(30): channel.send(Event("n", {"n": n}, bytes(100_000)))
        channel.close()
        channel.close()
        os._exit(0)
    """
    with worker(tmp_path, body) as process:
        assert process.stdout is not None
        events = list(iter(lambda: read_event(process.stdout), None))
        assert list(range(30)) == [event.data["n"] for event in events]
        assert {100_000} == {len(event.payload) for event in events}
        assert 0 == ended(process)


def test_events_end_with_the_brain(tmp_path: Path) -> None:
    """When the brain closes its end there are no further commands, and no error."""
    body = """
        channel = Channel(*fds)
        channel.send(Event("count", {"commands": len(list(channel.events()))}))
        channel.close()
    """
    with worker(tmp_path, body) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(wire.encode(Event("a")) + wire.encode(Event("b", {}, b"pcm")))
        process.stdin.close()
        counted = read_event(process.stdout)
        assert counted is not None
        assert 2 == counted.data["commands"]
        assert 0 == ended(process)


@pytest.mark.parametrize(
    "stray",
    [
        'print("stray", flush=True)',
        'os.write(1, b"stray")',
        'os.system("echo stray")',
    ],
)
def test_a_stray_line_never_reaches_the_channel(tmp_path: Path, stray: str) -> None:
    """Whoever prints, Python, a library or a child: it goes where errors go."""
    body = f"""
        channel = Channel(*fds)
        {stray}
        channel.send(Event("only"))
        channel.close()
    """
    with worker(tmp_path, body) as process:
        assert process.stdout is not None
        assert wire.encode(Event("only")) == process.stdout.read()
        assert 0 == ended(process)
    assert b"stray" == (tmp_path / "stderr").read_bytes().strip()


def test_nobody_else_reads_the_commands(tmp_path: Path) -> None:
    """Standard input is empty for everybody but the channel."""
    body = """
        stolen = sys.stdin.read()
        channel = Channel(*fds)
        event = next(channel.events())
        channel.send(Event("got", {"stolen": stolen, "type": event.type}))
        channel.close()
    """
    with worker(tmp_path, body) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(wire.encode(Event("command")))
        process.stdin.flush()
        got = read_event(process.stdout)
        assert got is not None
        assert {"stolen": "", "type": "command"} == got.data
