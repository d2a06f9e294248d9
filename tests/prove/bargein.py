"""Barge-in: ms from a press until the speaker is silent and the server sees its streams closed.

`scripts/prove bargein [TURNS [FLUSHES]]`, about two minutes for each of two backends: a PulseAudio
server, and ALSA's file plugin in front of one (the plugin has no clock of its own). One busy
process per core runs at the voice worker's priority all the while.

The whole appliance, the real google-genai client, a loopback server whose answer and speech are
both still arriving; then the speaker alone, for many more. "told" is when the worker says that it
is silent; "heard" is when the last sound reaches a recorder of the speaker, the recorder's own
delay included, or the file, for which the plugin gathers some.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.phases import Phase
from sena_pi.workers.voice import NICENESS
from tests.gemini_replies import End, answer_json, sound_answer, text_answer
from tests.gemini_server import GeminiServer
from tests.house import QUESTION, SPEECH_HZ, House, house, tone
from tests.prove.figures import machine, reported
from tests.prove.idle import make_noise
from tests.soundserver import SoundServer, sound_server

NOISE_S = 900.0
"""A microphone with nothing but zeros would be opened anew in the middle."""
AFTER_S = 0.5
"""How long is recorded after silence was told."""
ANSWERED_S = 15.0
ATTEMPTS = 3
GUESSES = 4
"""A question may be asked at each pause in it, before it is over."""
LATE_MS = 60.0
"""Longest a person may have to wait for silence."""
_FILE_BACKEND = """</usr/share/alsa/alsa.conf>
pcm.server {{ type pulse }}
pcm.spoken {{ type file slave.pcm server file {file} format raw }}
pcm.!default {{ type pulse }}
ctl.!default {{ type pulse }}
"""

Row = dict[str, float]


class Heard:
    """When the last sound that is not silence was added to what a recorder collects.

    Args:
        length: bytes there are.
        read: bytes from a place to another.
    """

    LOOK_S = 0.002

    def __init__(self, length: Callable[[], int], read: Callable[[int, int], bytes]) -> None:
        self._length, self._read = length, read
        self._ending = threading.Event()
        self.last_sound_s = 0.0

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._ending.set()
            thread.join()

    def _watch(self) -> None:
        seen = self._length()
        while not self._ending.wait(self.LOOK_S):
            now_s, end = time.monotonic(), self._length()
            end -= end % 2
            if end > seen and any(array("h", self._read(seen, end))):
                self.last_sound_s = now_s
            seen = max(seen, end)


def _spin() -> None:
    os.nice(NICENESS)
    while True:
        pass


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """One busy process for each core, as a voice at work."""
    context = multiprocessing.get_context("spawn")
    busy = [context.Process(target=_spin, daemon=True) for _ in range(os.cpu_count() or 1)]
    for process in busy:
        process.start()
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.join()


Backend = tuple[SoundServer, str, Heard]
"""A sound server, the name of its speaker, and who listens to it."""


@contextlib.contextmanager
def pulse(folder: Path) -> Iterator[Backend]:
    """PulseAudio, and a recorder of its speaker."""
    with sound_server(folder) as sound, sound.recording() as recorded:
        os.environ.update(sound.environment)
        heard = Heard(lambda: len(recorded), lambda start, end: bytes(recorded[start:end]))
        with heard.watching():
            yield sound, "", heard


@contextlib.contextmanager
def file(folder: Path) -> Iterator[Backend]:
    """ALSA's file plugin, and what it writes."""
    raw = folder / "played.raw"
    raw.touch()
    with sound_server(folder) as sound, raw.open("rb") as played:
        alsa = folder / "file.conf"
        alsa.write_text(_FILE_BACKEND.format(file=raw))
        os.environ.update({**sound.environment, "ALSA_CONFIG_PATH": str(alsa)})
        heard = Heard(
            lambda: raw.stat().st_size,
            lambda start, end: os.pread(played.fileno(), end - start, start),
        )
        with heard.watching():
            yield sound, "spoken", heard


async def _ask(it: House, gemini: GeminiServer) -> None:
    """Until it is answered: on a busy machine a wake word may be torn, or a worker replaced."""
    hanging = answer_json(heard="q", say="One sentence. And then")
    for _ in range(ATTEMPTS):
        answer = text_answer(hanging[:-2], finish="").after(1, End.SILENCE)
        speech = sound_answer(*[tone(600, 0.5)] * 6, finish="").after(6, End.SILENCE)
        gemini.will_answer(*[answer] * GUESSES)
        gemini.will_speak(*[speech] * GUESSES)
        await it.say(QUESTION)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWERED_S):
                await it.light.reached(Phase.SPEAKING)
                return
        print("  (a question was not answered, and is asked again)", flush=True)
        await it.appliance.assistant.idle()
    raise TimeoutError("nothing is answered")


async def turn(it: House, gemini: GeminiServer, heard: Heard) -> Row:
    """One answer that a press interrupts."""
    asked = len(gemini.requests)
    await _ask(it, gemini)
    await it.played(0.5)
    # Of a guess that was wrong, the stream is closed by now.
    open_streams = [one for one in gemini.requests[asked:] if not one.closed.done()]
    start = time.monotonic()
    it.appliance.assistant.press()
    closed = await asyncio.gather(*(one.closing() for one in open_streams))
    await asyncio.sleep(AFTER_S)
    row = {"last stream closed": max(closed), "told": it.appliance.audio.speaker.flushed_s}
    await it.light.reached(Phase.IDLE)
    return {name: 1000 * (at - start) for name, at in {**row, "heard": heard.last_sound_s}.items()}


async def flush(it: House, heard: Heard, *, after_s: float) -> Row:
    """Sound that is flushed."""
    speaker = it.appliance.audio.speaker
    speaker.begin()
    await speaker.play(AudioChunk(AudioFormat(SPEECH_HZ), tone(600, 0.9)))
    await it.played(after_s)
    start = time.monotonic()
    await speaker.flush()
    told = speaker.flushed_s
    await asyncio.sleep(AFTER_S)
    return {
        "flush told": 1000 * (told - start),
        "flush heard": 1000 * (heard.last_sound_s - start),
    }


def show(backend: str, rows: Sequence[Row]) -> None:
    """Each figure's median, 99th percentile and largest."""
    for name in rows[0]:
        values = sorted(row[name] for row in rows)
        p99 = values[min(len(values) - 1, round(0.99 * len(values)))]
        late = sum(value > LATE_MS for value in values)
        reported(f"{backend}: {name}", {
            "n": len(values),
            "p50, ms": statistics.median(values),
            "p99, ms": p99,
            "max, ms": values[-1],
            f"over {LATE_MS:g} ms": late,
        })  # fmt: skip
        print(
            f"  {name:24} p50 {statistics.median(values):6.1f} p99 {p99:6.1f}"
            f" max {values[-1]:6.1f} ms (n={len(values)}, {late} over {LATE_MS:g} ms)",
            flush=True,
        )


async def measure(name: str, backend: Backend, turns: int, flushes: int) -> None:
    sound, device, heard = backend
    for kind in ("STATE", "CACHE", "RUNTIME"):
        os.environ[f"{kind}_DIRECTORY"] = str(sound.folder / kind.lower())
    make_noise(sound, sound.folder, NOISE_S)
    async with GeminiServer() as gemini, house(sound, gemini, speaker={"device": device}) as it:
        with busy_cores():
            after_s = [0.2 + 0.1 * (n % 5) for n in range(flushes)]
            show(name, [await flush(it, heard, after_s=one_s) for one_s in after_s])
            show(name, [await turn(it, gemini, heard) for _ in range(turns)])


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    flushes = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    for name, backend in {"PulseAudio": pulse, "ALSA's file plugin": file}.items():
        print(f"{name}: {machine()}, and a busy process per core", flush=True)
        with tempfile.TemporaryDirectory() as folder, backend(Path(folder)) as opened:
            asyncio.run(measure(name, opened, turns, flushes))


if __name__ == "__main__":
    main()
