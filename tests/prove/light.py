"""Light: ms from a press, and from a wake word, to the first frame on the wire; processors busy.

The whole appliance in this process, with a simulated microphone and a simulated ring: the real
drivers write to a bus that keeps the moment. The button's pin is driven by a thread, as gpiozero
drives it; the wake word is spoken, and heard by the audio worker, whose own time stamp counts.
Beside it a busy process for each processor, at the voice worker's priority, and garbage like that
of a conversation. The control tells what the machine takes to hand over from one thread to another
in a process that does nothing else, and "without" what is left when the threads on the way did not
have to wait for a processor. `scripts/prove light [TRIALS]`, a second a trial; half as many wake
words as presses.
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
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

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
from tests.prove.figures import machine, reported
from tests.speech import say

T = TypeVar("T")

TARGET_MS = 30.0
BOUND_S = 20.0
"""No figure, only an end."""
WAKE_WORD = "hey jarvis"
GPIO = 17
COUNT = 12
BETWEEN_S = 0.1
LISTENS_S = 0.05


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


@dataclass(frozen=True)
class Lateness:
    """How long it took until the ring was lit.

    Attributes:
        ms: from the press or the wake word on.
        waited_ms: of it, how long this process's threads on the way could have run and were not
            let: others had the processors.
    """

    ms: float
    waited_ms: float


def waited_ns(*threads: int) -> int:
    """How long these threads of this process have waited for a processor so far."""
    stats = (Path(f"/proc/self/task/{thread}/schedstat").read_text() for thread in threads)
    return sum(int(stat.split()[1]) for stat in stats)


def light_thread() -> int:
    (thread,) = (one for one in threading.enumerate() if one.name == "light")
    assert thread.native_id is not None
    return thread.native_id


async def press(pins: Pins) -> Lateness:
    """One press of an idle assistant, on a thread as gpiozero's is."""
    pin = pins.pin(GPIO)

    def pressed() -> Lateness:
        threads = (threading.get_native_id(), light_thread())
        before_ns, at_ns = waited_ns(*threads), time.monotonic_ns()
        pin.drive_low()
        lit_ns = pins.bus.lit_after(at_ns)
        return Lateness((lit_ns - at_ns) / 1e6, (waited_ns(*threads) - before_ns) / 1e6)

    lateness = await asyncio.to_thread(pressed)
    await asyncio.sleep(0.05)
    await asyncio.to_thread(pin.drive_high)
    return lateness


@dataclass(frozen=True)
class Heard:
    """A wake word on its way.

    Attributes:
        at_ns: when the audio worker heard it, by its own time stamp.
        told_ns: when the brain's loop took the event.
        waited_ns: how long the loop's and the light's thread had waited for a processor by then.
    """

    at_ns: int
    told_ns: int
    waited_ns: int


class Detections:
    """Wake words as they come in."""

    def __init__(self, appliance: Appliance) -> None:
        self.threads = (threading.get_native_id(), light_thread())
        self.heard: asyncio.Queue[Heard] = asyncio.Queue()
        supervisor = appliance.audio.supervisor
        self._handle, supervisor._handle = supervisor._handle, self._overhear

    async def _overhear(self, event: Event) -> None:
        if event.type == wire.DETECTION:
            waited = waited_ns(*self.threads)
            heard = Heard(event.data["monotonic_ns"], time.monotonic_ns(), waited)
            self.heard.put_nowait(heard)
        await self._handle(event)


async def wake(
    appliance: Appliance, pins: Pins, detections: Detections, recording: Path
) -> tuple[Lateness, float]:
    """One spoken wake word; and ms of it until the loop knew."""
    await appliance.audio.simulate(str(recording))
    async with asyncio.timeout(BOUND_S):
        heard = await detections.heard.get()
    lit_ns = await asyncio.to_thread(pins.bus.lit_after, heard.at_ns)
    waited_ms = (waited_ns(*detections.threads) - heard.waited_ns) / 1e6
    since_told_ms = (lit_ns - heard.told_ns) / 1e6
    lateness = Lateness((lit_ns - heard.at_ns) / 1e6, min(since_told_ms, waited_ms))
    return lateness, (heard.told_ns - heard.at_ns) / 1e6


async def after(appliance: Appliance, way: Coroutine[Any, Any, T]) -> T:
    """What it measures; then the turn that was started is given up, and the ring goes dark."""
    value = await way
    await asyncio.sleep(LISTENS_S)
    appliance.assistant.stop()
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


def p99_of(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.99 * len(values)))]


def told(name: str, values: Sequence[float], row: str = "") -> None:
    """A line, and a row of the record, which may have a longer name."""
    reported(row or name, {
        "n": len(values),
        "p50, ms": statistics.median(values),
        "p99, ms": p99_of(values),
        "max, ms": max(values),
    })  # fmt: skip
    print(
        f"{name:12} p50 {statistics.median(values):7.2f}  p99 {p99_of(values):7.2f}  "
        f"max {max(values):7.2f} ms  (n={len(values)})",
        flush=True,
    )


def told_of(name: str, values: Sequence[Lateness]) -> bool:
    told(name, [value.ms for value in values])
    without_ms = [max(0.0, value.ms - value.waited_ms) for value in values]
    told("  without *", without_ms, f"{name}, without waits for a processor")
    return p99_of([value.ms for value in values]) <= TARGET_MS


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
    ok = told_of("press", presses)
    told("until told", [told_ms for _, told_ms in wakes])
    since = [Lateness(late.ms - told_ms, late.waited_ms) for late, told_ms in wakes]
    told_of("since told", since)
    told("wake word", [late.ms for late, _ in wakes])
    ok &= p99_of([late.ms for late, _ in wakes]) <= TARGET_MS
    print(f"  p99 <= {TARGET_MS:g} ms, both: {'yes' if ok else 'NO'}  (* waits for a processor)")
    print(f"collector: {collections}")
    return ok


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
