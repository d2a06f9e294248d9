"""How fast the local voices are: `python -m sena_pi.bench.voice --model VOICE.onnx`.

For Piper in its worker, and for espeak-ng: time from start to ready, memory, time to the first
sound of a ten-word sentence, and synthesis time per second of speech.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sena_pi.devices.voice import LocalVoice
from sena_pi.engines.espeak import Espeak
from sena_pi.stages import Synthesizer

SENTENCE = "The capital of France is Paris, a city of museums."


@dataclass(frozen=True, slots=True)
class Measured:
    """One sentence.

    Attributes:
        first_sound_ms: from asking to the first chunk.
        whole_ms: from asking to the last chunk.
        speech_s: length of the sound.
    """

    first_sound_ms: float
    whole_ms: float
    speech_s: float


async def speak(voice: Synthesizer) -> Measured:
    """Speak the sentence once, as fast as it goes."""
    asked = time.perf_counter()
    first = 0.0
    speech_s = 0.0
    async with voice.synthesize(SENTENCE) as chunks:
        async for chunk in chunks:
            first = first or time.perf_counter()
            speech_s += chunk.seconds
    return Measured(1e3 * (first - asked), 1e3 * (time.perf_counter() - asked), speech_s)


async def report(voice: Synthesizer, rounds: int) -> None:
    """Print what `rounds` sentences took."""
    all_ = [await speak(voice) for _ in range(rounds)]
    first = sorted(one.first_sound_ms for one in all_)
    real_time = statistics.median(one.whole_ms / 1e3 / one.speech_s for one in all_)
    sys.stdout.write(
        f"{voice.name}: first sound p50 {statistics.median(first):.0f} ms, worst {first[-1]:.0f} ms"
        f"; {all_[0].speech_s:.1f} s of speech at {real_time:.3f} of real time\n"
    )


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def measure(model: Path | None, threads: int, rounds: int) -> None:
    """All of it."""
    await report(Espeak(), rounds)
    if model is None:
        return
    started = time.perf_counter()
    voice = LocalVoice(model, threads=threads)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(voice.run())
        await voice.wait_ready()
        ready_ms = 1e3 * (time.perf_counter() - started)
        pid = voice.supervisor.pid or 0
        sys.stdout.write(f"{voice.name}: ready after {ready_ms:.0f} ms, {memory_mb(pid):.0f} MB\n")
        await report(voice, rounds)
        sys.stdout.write(f"{voice.name}: {memory_mb(pid):.0f} MB after {rounds} sentences\n")
        running.cancel()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m sena_pi.bench.voice", description=__doc__)
    parser.add_argument("--model", type=Path, help="a Piper voice; without it only espeak-ng")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    chosen = parser.parse_args()
    asyncio.run(measure(chosen.model, chosen.threads, chosen.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
