"""Recovery of the audio worker: seconds until it listens again after a kill, a stop, a lost device.

Real PyAudio on a real PulseAudio server. `scripts/prove recovery [TRIALS]`, about 40 s a trial.
A virtual microphone of PulseAudio gives its first sound about two seconds after its server starts,
to whoever listens. So a lost server is counted twice: from the moment that it answers again, and
from the moment that another program got sound.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.devices.worker import Supervisor
from tests.prove.figures import machine, measured, reported, spread
from tests.soundserver import SoundServer, sound_server

T = TypeVar("T")


class Listening:
    """An audio worker, and the moments when its hearing came and went."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self.on = False
        self.audio = Audio({}, AudioListeners(hearing=self._tell))

    def _tell(self, on: bool) -> None:  # noqa: FBT001 - a listener
        self.on = on
        self._changed.set()

    async def becomes(self, *, on: bool) -> float:
        """Wait until it listens, or does not; the moment."""
        async with asyncio.timeout(60):
            while self.on is not on:
                self._changed.clear()
                await self._changed.wait()
        return time.monotonic()


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[Listening]:
    it = Listening()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(it.audio.run())
        await it.becomes(on=True)
        yield it
        running.cancel()


async def signalled(it: Listening, number: signal.Signals) -> float:
    pid = it.audio.supervisor.pid
    assert pid is not None
    start = time.monotonic()
    os.kill(pid, number)
    await it.becomes(on=False)
    return await it.becomes(on=True) - start


async def server_lost(it: Listening, server: SoundServer) -> tuple[float, float]:
    server.kill()
    await it.becomes(on=False)
    await asyncio.to_thread(server.start)
    answers = time.monotonic()
    sound = asyncio.ensure_future(asyncio.to_thread(first_sound, server))
    hears = await it.becomes(on=True)
    return hears - answers, hears - await sound


def first_sound(server: SoundServer) -> float:
    server.first_sound()
    return time.monotonic()


async def repeated(trials: int, way: Callable[[Listening], Awaitable[T]]) -> list[T]:
    results = []
    async with listening() as it:
        for _ in range(trials):
            results.append(await way(it))
            # The next trial must find a worker that has been well for longer than a start.
            await asyncio.sleep(Supervisor.HEALTHY_AFTER_S)
    return results


async def measure(server: SoundServer, trials: int) -> None:
    killed = await repeated(trials, lambda it: signalled(it, signal.SIGKILL))
    print(f"killed:                          {spread(killed, 's')}", flush=True)
    stopped = await repeated(trials, lambda it: signalled(it, signal.SIGSTOP))
    print(f"stopped:                         {spread(stopped, 's')}", flush=True)
    lost = await repeated(trials, lambda it: server_lost(it, server))
    reported("killed", measured(killed, "s"))
    reported("stopped", measured(stopped, "s"))
    reported("server lost, since it answers", measured([a for a, _ in lost], "s"))
    reported("server lost, since others hear", measured([b for _, b in lost], "s"))
    print(f"server lost, since it answers:   {spread([a for a, _ in lost], 's')}")
    print(f"server lost, since others hear:  {spread([b for _, b in lost], 's')}", flush=True)


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder, sound_server(Path(folder)) as server:
        os.environ.update(server.environment)
        asyncio.run(measure(server, trials))


if __name__ == "__main__":
    main()
