"""A worker process as the brain holds it: started, spoken to, watched, replaced."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from wyoming.event import Event, async_read_event

from sena_pi import wire
from sena_pi.errors import WorkerError
from sena_pi.run_queue import waited_for_processor_s

_log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 1.0
"""How long a worker that is no longer needed may take to put its things in order."""

EventHandler = Callable[[Event], Awaitable[None]]


def worker_argv(module: str) -> tuple[str, ...]:
    """How to start `sena_pi.workers.<module>` with this interpreter."""
    return (sys.executable, "-P", "-m", f"sena_pi.workers.{module}")


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """How to start a worker and what is expected of it.

    Attributes:
        name: for the journal ("audio").
        argv: the command.
        settings: data of the first event sent to it; may hold keys.
        ready_timeout_s: it must have answered READY by then.
        silence_timeout_s: longest silence of a healthy worker; None: it may stay silent.
        send_timeout_s: longest wait for it to take an event.
    """

    name: str
    argv: Sequence[str]
    settings: dict[str, object] = field(default_factory=dict, repr=False)
    ready_timeout_s: float = 20.0
    silence_timeout_s: float | None = None
    send_timeout_s: float = 1.0


_UNREADABLE = (AttributeError, KeyError, RecursionError, TypeError, ValueError)
"""What an event that is none, or that lacks a field, makes of its reader."""
_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS")


def _without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """A worker reads untrusted text and sound: keys in our environment are not its business."""
    return {
        name: value
        for name, value in environ.items()
        if not any(secret in name.upper() for secret in _SECRET_NAMES)
    }


class WorkerProcess:
    """One running process. Belongs to the event loop that started it."""

    def __init__(self, spec: WorkerSpec, process: asyncio.subprocess.Process) -> None:
        self.spec = spec
        self._process = process
        self._sending = asyncio.Lock()

    @classmethod
    @contextlib.asynccontextmanager
    async def started(cls, spec: WorkerSpec) -> AsyncIterator[tuple[WorkerProcess, Event]]:
        """Start it and wait for READY; ended and reaped when the context is left.

        Raises:
            WorkerError: it ended, or did not get ready in time.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *spec.argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=_without_secrets(os.environ),
            )
        except OSError as error:
            raise WorkerError(f"{spec.name} worker can't be started: {error}") from error
        worker = cls(spec, process)
        try:
            try:
                async with asyncio.timeout(spec.ready_timeout_s):
                    await worker.send(Event(wire.CONFIGURE, spec.settings))
                    ready = await worker.receive()
            except TimeoutError:
                raise WorkerError(
                    f"{spec.name} worker not ready after {spec.ready_timeout_s:g} s"
                ) from None
            _check_ready(spec, ready)
            yield worker, ready
        except WorkerError:
            await worker.kill()
            raise
        finally:
            await worker.stop()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def send(self, event: Event) -> None:
        """Hand an event to the worker.

        Raises:
            WorkerError: it is gone, or did not take the event in time.
        """
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - it was opened as a pipe
        try:
            async with asyncio.timeout(self.spec.send_timeout_s), self._sending:
                stdin.write(wire.encode(event))
                await stdin.drain()
        except (ConnectionError, RuntimeError):
            raise WorkerError(f"{self.spec.name} worker is gone") from None
        except TimeoutError:
            raise WorkerError(f"{self.spec.name} worker does not read") from None

    def post(self, event: Event) -> None:
        """Hand an event over without waiting, where cancelled code must not; may be lost."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(wire.encode(event))

    async def receive(self) -> Event:
        """The next event; waits without limit (see `Supervisor` for silence).

        Raises:
            WorkerError: the worker ended.
        """
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was opened as a pipe
        try:
            event = await async_read_event(stdout)
        except asyncio.IncompleteReadError:
            event = None
        except _UNREADABLE as error:
            await self.kill()
            raise WorkerError(f"{self.spec.name} worker sent what is no event: {error!r}") from None
        if event is None:
            status = await self.kill()
            raise WorkerError(f"{self.spec.name} worker ended (status {status})")
        return event

    async def stop(self) -> None:
        """Close its events, which asks it to end, and kill it if it does not. Idempotent."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            _log.warning("%s worker did not end by itself", self.spec.name)
        finally:
            await self.kill()

    def end(self) -> None:
        """Kill it at once, without waiting; whoever receives its events reaps it. Never raises."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                # Not Process.kill: it polls, and so may reap the child behind asyncio's back.
                os.kill(self._process.pid, signal.SIGKILL)

    async def kill(self) -> int:
        """End it at once and reap it; its exit status. Idempotent, never raises."""
        self.end()
        # asyncio calls a process ended when its pipes are, too: a grandchild that holds one, or
        # a pipe that nobody reads any more, would be waited for without end.
        transport = self._process._transport  # type: ignore[attr-defined]  # noqa: SLF001
        stdin, stdout = map(transport.get_pipe_transport, (0, 1))
        if not stdin.is_closing() or stdin.get_write_buffer_size():
            stdin.abort()
        stdout.close()
        status = await self._process.wait()
        transport.close()
        return status


def _check_ready(spec: WorkerSpec, event: Event) -> None:
    if event.type == wire.ERROR:
        raise WorkerError(f"{spec.name} worker: {event.data.get('text', 'failed')}")
    if event.type != wire.READY:
        raise WorkerError(f"{spec.name} worker said {event.type!r} before it was ready")


class Supervisor:
    """Keeps one worker running: starts it, passes its events on, replaces it when it fails.

    `run` is one task of the brain's TaskGroup. `handle` is called for each event in order, and
    `up` and `down` at each start and end, all on the loop; none may wait for long, since the
    worker's events wait meanwhile.
    """

    FIRST_DELAY_S = 0.05
    LONGEST_DELAY_S = 2.0
    HEALTHY_AFTER_S = 10.0
    MOST_PATIENCE = 2.0
    """How many times its longest silence a worker is waited for that does not get to run."""

    def __init__(
        self,
        spec: WorkerSpec,
        handle: EventHandler,
        *,
        up: EventHandler | None = None,
        down: Callable[[WorkerError], Awaitable[None]] | None = None,
        waited_s: Callable[[int], float] = waited_for_processor_s,
    ) -> None:
        """`waited_s` tells how long a process has been kept from running, by its id."""
        self.spec = spec
        self.replacements = 0
        self._heard = 0.0
        self._silent = False
        self._handle = handle
        self._up = up
        self._down = down
        self._waited_s = waited_s
        self._worker: WorkerProcess | None = None
        self._outdated = False

    @property
    def pid(self) -> int | None:
        """Process id of the worker that is ready, if one is."""
        return self._worker.pid if self._worker else None

    async def send(self, event: Event) -> None:
        """Hand an event to the worker.

        Raises:
            WorkerError: no worker is ready, or it did not take the event in time; one that
                does not read is killed and replaced.
        """
        worker = self._worker
        if worker is None:
            raise WorkerError(f"{self.spec.name} worker is being replaced")
        try:
            await worker.send(event)
        except WorkerError:
            await worker.kill()
            raise

    def post(self, event: Event) -> None:
        """Hand an event over without waiting; lost when no worker is ready."""
        if self._worker is not None:
            self._worker.post(event)

    async def replace(self) -> None:
        """Kill the worker that is ready, if one is: `run` starts another."""
        if self._worker is not None:
            await self._worker.kill()

    def reconfigure(self, **settings: object) -> None:
        """Change settings: the worker that has the old ones ends at once, and a new one starts.

        Returns at once. That is no failure: it is neither counted nor delayed.
        """
        self.spec.settings.update(settings)
        self._outdated = True
        if self._worker is not None:
            self._worker.end()

    async def run(self) -> None:
        """Keep the worker running until cancelled."""
        delay_s = self.FIRST_DELAY_S
        while True:
            started = time.monotonic()
            self._outdated = False
            try:
                async with WorkerProcess.started(self.spec) as (worker, ready):
                    await self._serve(worker, ready)
            except WorkerError as error:
                if self._outdated:
                    _log.info("%s worker starts anew, with other settings", self.spec.name)
                    if self._down is not None:
                        await self._down(error)
                    continue
                self.replacements += 1
                lived_s = time.monotonic() - started
                if lived_s > self.HEALTHY_AFTER_S:
                    delay_s = self.FIRST_DELAY_S
                _log.warning(
                    "%s; it lived %.1f s, replacement %d starts in %.2f s",
                    error,
                    lived_s,
                    self.replacements,
                    delay_s,
                )
                if self._down is not None:
                    await self._down(error)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, self.LONGEST_DELAY_S)

    async def _serve(self, worker: WorkerProcess, ready: Event) -> None:
        self._worker = worker
        self._heard = time.monotonic()
        self._silent = False
        if self._outdated:  # since it was told its settings
            worker.end()
        failure: Exception | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                if self.spec.silence_timeout_s is not None:
                    tasks.create_task(self._guard(worker, self.spec.silence_timeout_s))
                if self._up is not None:
                    await self._up(ready)
                while True:
                    event = await worker.receive()
                    self._heard = time.monotonic()
                    await self._pass_on(event)
        except* WorkerError as group:
            # Raised below: what is raised in here comes out as a group before Python 3.11.4.
            failure = group.exceptions[0]
        finally:
            self._worker = None
        if self._silent:
            raise WorkerError(
                f"{self.spec.name} worker silent for {self.spec.silence_timeout_s:g} s"
            )
        if failure is not None:
            raise failure

    async def _pass_on(self, event: Event) -> None:
        try:
            await self._handle(event)
        except _UNREADABLE as error:
            raise WorkerError(
                f"{self.spec.name} worker sent a {event.type!r} that can't be read: {error!r}"
            ) from None

    async def _guard(self, worker: WorkerProcess, silence_timeout_s: float) -> None:
        """Kill a worker that has been silent for too long; its pipe then reads as ended.

        Its silence is its own: not while this loop stood still, and, up to `MOST_PATIENCE`, not
        while it was ready to run and the processors were busy with others.
        """
        step_s = silence_timeout_s / 4
        waited_before_s: float | None = None
        while True:
            slept = time.monotonic()
            await asyncio.sleep(step_s)
            now = time.monotonic()
            if now - slept > 2 * step_s:
                # It was this loop that stood still: the worker gets a new chance.
                self._heard = now
            if self._heard >= slept:
                waited_before_s = None
                continue
            waited_s = self._waited_s(worker.pid)
            if waited_before_s is None:
                waited_before_s = waited_s
            silent_s = now - self._heard
            starved_s = min(
                waited_s - waited_before_s, (self.MOST_PATIENCE - 1) * silence_timeout_s
            )
            if silent_s - starved_s > silence_timeout_s:
                self._silent = True
                await worker.kill()
                return
