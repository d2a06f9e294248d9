"""Light: ms from a press, and from a wake word, to the first frame on the wire; processors busy.

The whole appliance in this process, with a simulated microphone and a simulated ring: the real
drivers write to a bus that keeps the moment. The button's pin is driven by a thread, as gpiozero
drives it; the wake word is spoken, and heard by the audio worker, whose own time stamp counts.
Beside it a busy process for each processor, at the voice worker's priority, and garbage like that
of a conversation; the control tells what the machine itself takes to hand over from one thread to
another. `scripts/prove light [TRIALS]`, about 2 s a trial; half as
many wake words as presses.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory
from wyoming.event import Event

from sena_pi import wire
from sena_pi.app import Appliance, Simulation, running
from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from sena_pi.body import gpio
from sena_pi.body.hardware import Hardware
from sena_pi.calm import freeze
from sena_pi.keys import KeyStore
from sena_pi.settings import Settings
from sena_pi.simulated.console import ConsoleLight
from sena_pi.workers.voice import NICENESS
from tests.prove.figures import machine
from tests.speech import say

TARGET_MS = 30.0
BOUND_S = 20.0
"""No figure, only an end."""
WAKE_WORD = "hey jarvis"
GPIO = 17
COUNT = 12
BETWEEN_S = 0.25
LISTENS_S = 0.3


class TimedBus:
    """A hardware SPI bus: keeps the moment and the bytes of each transfer."""

    rate = 0

    def __init__(self) -> None:
        self.transfers: list[tuple[int, bytes]] = []
        self._sent = threading.Condition()

    def transfer(self, words: list[int]) -> list[int]:
        with self._sent:
            self.transfers.append((time.monotonic_ns(), bytes(words)))
            self._sent.notify_all()
        return words

    def close(self) -> None: ...

    def lit_after(self, since_ns: int) -> int:
        """The moment of the first frame after this one that is not dark; blocks."""

        def found() -> int | None:
            later = (at_ns for at_ns, data in self.transfers if at_ns >= since_ns and is_lit(data))
            return next(later, None)

        with self._sent:
            moment = self._sent.wait_for(found, BOUND_S)
        assert moment is not None, "the ring stayed dark"
        del self.transfers[:-1]
        return moment


def is_lit(data: bytes) -> bool:
    lamps = data[4 : 4 + 4 * COUNT]
    return any(lamps[n] for n in range(len(lamps)) if n % 4)


class Pins(MockFactory):
    """Mock pins, and that bus."""

    def __init__(self) -> None:
        super().__init__()
        self.bus = TimedBus()

    def spi(self, **_: Any) -> TimedBus:
        return self.bus


@contextlib.contextmanager
def busy_processors() -> Iterator[None]:
    """A busy process for each processor, at the voice worker's priority."""
    code = f"import os\nos.nice({NICENESS})\nn = 0\nwhile True:\n n = (n * 31 + 7) % 65537"
    busy = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in busy:
            process.send_signal(signal.SIGKILL)
            process.wait()


class Collections:
    """How long the collector has stopped this process."""

    def __init__(self) -> None:
        self.pauses_ms: dict[int, list[float]] = {0: [], 1: [], 2: []}
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        now = time.thread_time()  # what others take meanwhile is not the collector's
        if phase == "start":
            self._began = now
        else:
            self.pauses_ms[info["generation"]].append(1000 * (now - self._began))

    def __str__(self) -> str:
        return ", ".join(
            f"generation {generation} {len(pauses)} times, at most {max(pauses):.1f} ms"
            for generation, pauses in self.pauses_ms.items()
            if pauses
        )


@contextlib.contextmanager
def collections_watched() -> Iterator[Collections]:
    collections = Collections()
    gc.callbacks.append(collections)
    try:
        yield collections
    finally:
        gc.callbacks.remove(collections)


def full_collection_s() -> float:
    began_s = time.thread_time()
    gc.collect()
    return time.thread_time() - began_s


async def litter() -> None:
    """Objects that come and go as in a conversation, some of them in circles."""
    kept: list[object] = []
    while True:
        for _ in range(50):
            circle: dict[str, object] = {"text": "x" * 100}
            circle["self"] = circle
            kept.append({"event": circle, "numbers": list(range(20))})
        del kept[:-2000]
        await asyncio.sleep(0.01)


async def press(pins: Pins) -> float:
    """One press of an idle assistant: ms until the ring is lit."""
    pin = pins.pin(GPIO)
    moment: list[int] = []

    def driven() -> None:
        moment.append(time.monotonic_ns())
        pin.drive_low()

    await asyncio.to_thread(driven)
    lit_ns = await asyncio.to_thread(pins.bus.lit_after, moment[0])
    await asyncio.sleep(0.05)
    await asyncio.to_thread(pin.drive_high)
    return (lit_ns - moment[0]) / 1e6


class Detections:
    """When the audio worker heard a wake word, by its own time stamps."""

    def __init__(self, appliance: Appliance) -> None:
        self.at_ns: asyncio.Queue[int] = asyncio.Queue()
        supervisor = appliance.audio.supervisor
        self._handle, supervisor._handle = supervisor._handle, self._overhear

    async def _overhear(self, event: Event) -> None:
        await self._handle(event)
        if event.type == wire.DETECTION:
            self.at_ns.put_nowait(event.data["monotonic_ns"])


async def wake(appliance: Appliance, pins: Pins, detections: Detections, recording: Path) -> float:
    """One wake word: ms from the worker's time stamp, in its own process, until the ring is lit."""
    await appliance.audio.simulate(str(recording))
    async with asyncio.timeout(BOUND_S):
        at_ns = await detections.at_ns.get()
    lit_ns = await asyncio.to_thread(pins.bus.lit_after, at_ns)
    return (lit_ns - at_ns) / 1e6


async def after(appliance: Appliance, way: Coroutine[Any, Any, float]) -> float:
    """What it measures; then the turn that was started is given up, and the ring goes dark."""
    value = await way
    await asyncio.sleep(LISTENS_S)
    appliance.assistant.interrupt()
    await appliance.assistant.idle()
    await asyncio.sleep(BETWEEN_S * (0.5 + random.random()))
    return value


_HAND_OVERS = """
import json, sys, threading, time
told = threading.Event()
given, taken = [0.0], []
def take():
    while True:
        told.wait()
        told.clear()
        taken.append(1000 * (time.monotonic() - given[0]))
threading.Thread(target=take, daemon=True).start()
def give():
    while True:
        time.sleep(0.2)
        given[0] = time.monotonic()
        told.set()
threading.Thread(target=give, daemon=True).start()
sys.stdin.read()
print(json.dumps(taken))
"""


@contextlib.contextmanager
def bare_hand_overs() -> Iterator[list[float]]:
    """The control: ms from one thread to another in a process that does nothing else meanwhile.

    What this takes the machine takes, whatever the appliance does.
    """
    argv = [sys.executable, "-c", _HAND_OVERS]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        values: list[float] = []
        yield values
        values += json.loads(process.communicate(b"")[0])


def told(name: str, values: list[float]) -> bool:
    values = sorted(values)
    p99 = values[min(len(values) - 1, int(0.99 * len(values)))]
    ok = p99 <= TARGET_MS
    print(
        f"{name:12} p50 {statistics.median(values):6.2f}  p99 {p99:6.2f}  max {values[-1]:6.2f} ms"
        f"  (n={len(values)})  target p99 <= {TARGET_MS:g} ms: {'yes' if ok else 'NO'}",
        flush=True,
    )
    return ok


async def measure(trials: int, recording: Path) -> bool:
    pins = Pins()
    hardware = Hardware(
        lambda: gpio.apa102_lamps(pins, select=0, count=COUNT, brightness=0.3),
        lambda on_edge: gpio.PinSwitch(pins, GPIO, on_edge, pull_up=True),
    )
    with io.StringIO() as nowhere:
        async with running(
            Settings(),
            KeyStore.from_environment(),
            ConsoleLight(nowhere),
            simulation=Simulation(hardware=hardware),
        ) as it:
            await it.listening.wait()
            await it.assistant.idle()
            littering = asyncio.ensure_future(litter())
            # As the appliance does it, but now.
            before_ms, after_ms = 1000 * freeze(), 1000 * full_collection_s()
            gc.set_threshold(*gc.get_threshold()[:2], 2**30)
            print(
                f"a full collection: {before_ms:.1f} ms of processor time, and "
                f"{after_ms:.1f} ms with {gc.get_freeze_count()} objects overlooked",
                flush=True,
            )
            with collections_watched() as collections, bare_hand_overs() as control:
                presses = [await after(it, press(pins)) for _ in range(trials)]
                detections = Detections(it)
                wakes = [
                    await after(it, wake(it, pins, detections, recording))
                    for _ in range(trials // 2)
                ]
            littering.cancel()
    told("control", control)
    ok = [told("press", presses), told("wake word", wakes)]
    print(f"collector: {collections}")
    return all(ok)


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder, busy_processors():
        for name in ("STATE", "CACHE", "RUNTIME"):
            os.environ[f"{name}_DIRECTORY"] = str(Path(folder) / name.lower())
        recording = Path(folder) / "said.wav"
        recording.write_bytes(wav_bytes(say(WAKE_WORD, "slt") + bytes(3200), MICROPHONE_FORMAT))
        ok = asyncio.run(measure(trials, recording))
        print(f"afterwards: load {os.getloadavg()[0]:.1f}")
    sys.exit(not ok)


if __name__ == "__main__":
    main()
