"""The supervisor: starts a worker, passes its events on, and replaces it whatever it does."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from wyoming.event import Event

from sena_pi import wire
from sena_pi.devices.worker import Supervisor, WorkerProcess, WorkerSpec
from sena_pi.errors import WorkerError
from sena_pi.run_queue import waited_for_processor_s

ECHO = """
    channel.send(Event("sena-ready", {"pid": os.getpid(), "settings": first.data}))
    for event in events:
        channel.send(event)
"""
STAYS_SILENT = """
    channel.send(Event("sena-ready"))
    for event in events: pass
"""
DOES_NOT_READ = """
    channel.send(Event("sena-ready"))
    threading.Event().wait()
"""
NEVER_READY = """
    for event in events: pass
"""
REFUSES = """
    channel.send(Event("error", {"text": "there is no model"}))
    for event in events: pass
"""


def spec(tmp_path: Path, body: str, **options: float) -> WorkerSpec:
    """A worker with this body behind the real channel."""
    script = tmp_path / "worker.py"
    script.write_text(
        textwrap.dedent("""
            from sena_pi.workers.stdio import claim_stdio
            fds = claim_stdio()
            import os, sys, threading
            from wyoming.event import Event
            from sena_pi.workers.channel import Channel
            print("a stray line on standard output")
            channel = Channel(*fds)
            events = channel.events()
            first = next(events)
        """)
        + textwrap.dedent(body)
        + "\nchannel.close()\n"
    )
    argv = (sys.executable, str(script))
    return WorkerSpec(name="test", argv=argv, settings={"key": "secret"}, **options)


class Log:
    """What a supervisor told, and a way to wait for it.

    Attributes:
        down_at_s: monotonic time of each death.
    """

    def __init__(self) -> None:
        self.down_at_s: list[float] = []
        self.events: list[Event] = []
        self.readies: list[Event] = []
        self.downs: list[str] = []
        self._news = asyncio.Event()

    async def handle(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def up(self, ready: Event) -> None:
        self.readies.append(ready)
        self._news.set()

    async def down(self, error: WorkerError) -> None:
        self.downs.append(str(error))
        self.down_at_s.append(time.monotonic())
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await self._news.wait()
                self._news.clear()


def supervise(
    worker: WorkerSpec,
    story: Callable[[Supervisor, Log], Awaitable[None]],
    kind: Callable[..., Supervisor] = Supervisor,
) -> Supervisor:
    """Run a story beside a supervisor."""

    async def main() -> Supervisor:
        log = Log()
        supervisor = kind(worker, log.handle, up=log.up, down=log.down)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(supervisor.run())
            try:
                await story(supervisor, log)
            finally:
                running.cancel()
        return supervisor

    return asyncio.run(main())


def test_settings_go_in_and_events_come_back(tmp_path: Path) -> None:
    """The first event holds the settings; payloads arrive whole; stray output is not an event."""

    async def story(supervisor: Supervisor, log: Log) -> None:
        await log.until(lambda: bool(log.readies))
        await supervisor.send(Event("x", {"turn": "1"}, bytes(range(256)) * 400))
        await log.until(lambda: bool(log.events))
        assert {"key": "secret"} == log.readies[0].data["settings"]
        assert bytes(range(256)) * 400 == log.events[0].payload

    supervise(spec(tmp_path, ECHO), story)


def test_settings_are_not_in_the_command_line(tmp_path: Path) -> None:
    """A key in the settings is in no argument, no environment and no repr."""

    async def story(_: Supervisor, log: Log) -> None:
        await log.until(lambda: bool(log.readies))
        process = Path(f"/proc/{log.readies[0].data['pid']}")
        assert b"secret" not in (process / "cmdline").read_bytes()
        assert b"secret" not in (process / "environ").read_bytes()

    worker = spec(tmp_path, ECHO)
    supervise(worker, story)
    assert "secret" not in repr(worker)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_worker_that_dies_is_replaced(tmp_path: Path, end: signal.Signals) -> None:
    """Whatever ends it, another one is ready soon, and the death is told."""

    async def story(_: Supervisor, log: Log) -> None:
        await log.until(lambda: bool(log.readies))
        os.kill(log.readies[0].data["pid"], end)
        await log.until(lambda: len(log.readies) == 2)
        assert log.readies[0].data["pid"] != log.readies[1].data["pid"]
        assert 1 == len(log.downs)

    assert 1 == supervise(spec(tmp_path, ECHO), story).replacements


def test_a_silent_worker_is_replaced(tmp_path: Path) -> None:
    """One whose heart has stopped beating is killed and replaced."""

    async def story(_: Supervisor, log: Log) -> None:
        await log.until(lambda: len(log.readies) == 2)
        assert "silent" in log.downs[0]

    supervise(spec(tmp_path, STAYS_SILENT, silence_timeout_s=0.3), story)


def kept_waiting(pid: int) -> float:
    """As the kernel tells it of a process that waits for a processor all the time."""
    assert pid > 0
    return time.monotonic()


def test_a_worker_that_does_not_get_to_run_is_waited_for(tmp_path: Path) -> None:
    """The machine is busy with others: that is no silence of the worker."""
    speaks_late = """
        channel.send(Event("sena-ready"))
        threading.Event().wait(1.3)
        channel.send(Event("late"))
        for event in events: pass
    """

    async def story(_: Supervisor, log: Log) -> None:
        await log.until(lambda: bool(log.events or log.downs))
        assert [] == log.downs

    patient = functools.partial(Supervisor, waited_s=kept_waiting)
    supervise(spec(tmp_path, textwrap.dedent(speaks_late), silence_timeout_s=0.8), story, patient)


def test_a_worker_that_never_gets_to_run_is_replaced(tmp_path: Path) -> None:
    """It may as well hang in a loop of its own: nobody is waited for without end."""

    async def story(_: Supervisor, log: Log) -> None:
        await log.until(lambda: len(log.readies) == 2)
        assert "silent" in log.downs[0]

    patient = functools.partial(Supervisor, waited_s=kept_waiting)
    supervise(spec(tmp_path, STAYS_SILENT, silence_timeout_s=0.3), story, patient)


def test_waiting_for_a_processor_is_counted() -> None:
    """A thread that shares one processor with another waits for it; one that is gone does not."""
    busy = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(flush=True)\n"
    busy += "while True: pass"
    before = waited_for_processor_s(os.getpid())
    rivals = [
        subprocess.Popen((sys.executable, "-c", busy), stdout=subprocess.PIPE) for _ in range(2)
    ]
    try:
        for rival in rivals:
            assert rival.stdout is not None
            rival.stdout.readline()
        started = time.monotonic()
        while not (waited := waited_for_processor_s(rivals[0].pid)):
            assert time.monotonic() - started < 20
        assert waited > 0.0
    finally:
        for rival in rivals:
            rival.kill()
            rival.communicate()
    assert waited_for_processor_s(os.getpid()) >= before >= 0.0
    assert 0.0 == waited_for_processor_s(rivals[0].pid)


def test_a_stopped_worker_does_not_block_the_brain(tmp_path: Path) -> None:
    """Sending to a worker that does not read fails in bounded time, and replaces it."""

    async def story(supervisor: Supervisor, log: Log) -> None:
        await log.until(lambda: bool(log.readies))
        with pytest.raises(WorkerError, match="does not read"):  # noqa: PT012 - one of many
            for _ in range(100):
                await supervisor.send(Event("x", {}, bytes(65536)))
        await log.until(lambda: len(log.readies) == 2)

    supervise(spec(tmp_path, DOES_NOT_READ, send_timeout_s=0.2), story)


def test_sending_to_a_dead_worker_is_an_error_of_ours(tmp_path: Path) -> None:
    """No BrokenPipeError escapes, and nothing waits for the replacement."""

    async def story(supervisor: Supervisor, log: Log) -> None:
        with pytest.raises(WorkerError, match="being replaced"):
            await supervisor.send(Event("x"))
        await log.until(lambda: bool(log.readies))
        os.kill(log.readies[0].data["pid"], signal.SIGKILL)
        with pytest.raises(WorkerError):  # noqa: PT012 - one of many
            for _ in range(1000):
                await supervisor.send(Event("x", {}, bytes(1000)))

    supervise(spec(tmp_path, ECHO), story)


@pytest.mark.parametrize(
    ("body", "said"), [(NEVER_READY, "not ready"), (REFUSES, "there is no model")]
)
def test_a_worker_that_does_not_get_ready_is_told(tmp_path: Path, body: str, said: str) -> None:
    """The reason is in the error, and the process is gone."""

    async def main() -> None:
        with pytest.raises(WorkerError, match=said):
            async with WorkerProcess.started(spec(tmp_path, body, ready_timeout_s=1.0)):
                pass

    asyncio.run(main())


class EveryLifeIsShort(Supervisor):
    """Believes in no worker."""

    FIRST_DELAY_S = 0.04
    LONGEST_DELAY_S = 0.3
    HEALTHY_AFTER_S = 1e9


class EveryLifeIsLong(EveryLifeIsShort):
    """Believes in each one, however soon it dies."""

    HEALTHY_AFTER_S = 0.0


def pauses(kind: type[Supervisor], caplog: pytest.LogCaptureFixture) -> list[tuple[str, float]]:
    """Between the deaths of six workers that can't even be started: as told, and in seconds."""

    async def story(_: Supervisor, log: Log) -> None:
        await log.until(lambda: len(log.downs) == 6)
        times.extend(log.down_at_s)

    times: list[float] = []
    supervise(WorkerSpec(name="test", argv=("/no/such/program",)), story, kind)
    told = [record.getMessage().split("starts in ")[1] for record in caplog.records[:5]]
    waited_s = [end - start for start, end in itertools.pairwise(times)]
    return list(zip(told, waited_s, strict=True))


def test_each_replacement_waits_longer_than_the_last(caplog: pytest.LogCaptureFixture) -> None:
    """A worker that can't live does not keep the processor busy; but it is tried for ever."""
    told, waited_s = zip(*pauses(EveryLifeIsShort, caplog), strict=True)
    assert ("0.04 s", "0.08 s", "0.16 s", "0.30 s", "0.30 s") == told
    for wait_s, at_least_s in zip(waited_s, (0.04, 0.08, 0.16, 0.3, 0.3), strict=True):
        assert 0.95 * at_least_s <= wait_s


def test_a_healthy_life_is_followed_by_a_quick_replacement(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who lived well before it died is replaced at once: the waiting starts anew."""
    assert ["0.04 s"] * 5 == [told for told, _ in pauses(EveryLifeIsLong, caplog)]


def test_a_worker_that_can_not_be_started_yet_is_tried_again(tmp_path: Path) -> None:
    """A missing program is a replacement, and when it is there it is used."""
    program = tmp_path / "program"

    async def story(_: Supervisor, log: Log) -> None:
        await log.until(lambda: len(log.downs) == 2)
        assert "can't be started" in log.downs[0]
        new = tmp_path / "new"
        new.write_text(f"#!/bin/sh\nexec {sys.executable} {tmp_path / 'worker.py'}\n")
        new.chmod(0o700)
        new.rename(program)
        await log.until(lambda: bool(log.readies))

    spec(tmp_path, ECHO)
    supervise(WorkerSpec(name="test", argv=(str(program),)), story)


def test_a_loop_that_stood_still_does_not_blame_the_worker(tmp_path: Path) -> None:
    """The brain was busy and heard nobody: that is no silence of the worker."""

    async def story(supervisor: Supervisor, log: Log) -> None:
        await log.until(lambda: bool(log.readies))
        # Too large for the pipe: when the loop goes on, it is not there at once.
        supervisor.post(Event("x", {}, bytes(600_000)))
        stand_still(1.8)
        await log.until(lambda: bool(log.events or log.downs))
        assert [] == log.downs

    def stand_still(seconds: float) -> None:
        threading.Event().wait(seconds)

    supervise(spec(tmp_path, ECHO, silence_timeout_s=1.2), story)


def test_leaving_kills_and_reaps(tmp_path: Path) -> None:
    """After the context no process is left, not even a zombie."""

    async def main() -> int:
        async with WorkerProcess.started(spec(tmp_path, ECHO)) as (_, ready):
            return int(ready.data["pid"])

    assert not Path(f"/proc/{asyncio.run(main())}").exists()


def test_a_worker_ends_with_its_brain(tmp_path: Path) -> None:
    """A worker whose brain closed its end does not live on."""

    async def main() -> int:
        process = await asyncio.create_subprocess_exec(
            *spec(tmp_path, ECHO).argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(wire.encode(Event(wire.CONFIGURE, {})))
        process.stdin.close()
        async with asyncio.timeout(20):
            await process.communicate()
            return await process.wait()

    assert 0 == asyncio.run(main())
