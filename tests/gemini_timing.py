"""Measures the Gemini engines against the loopback server: `python -m tests.gemini_timing`.

Not a test: figures depend on the machine. One JSON line: what the library costs to load, what our
side adds before the first words, and how long after a cancel the server sees the connection close.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from sena_pi.audio import Utterance
from sena_pi.engines.gemini import Gemini
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.stages import Question
from tests.gemini.asking import ANSWER, TYPED, settings
from tests.gemini_replies import End, text_answer
from tests.gemini_server import GeminiServer, GeminiServerThread

ROUNDS = 60
FIVE_SECONDS = Question(utterance=Utterance(pcm=bytes(160_000), speech_end_sample=72_000))
WORDS = text_answer(ANSWER)
WORDS_THEN_SILENCE = text_answer(ANSWER, finish="").after(1, End.SILENCE)


def spread(milliseconds: list[float]) -> dict[str, float]:
    """Median, 95th percentile and worst."""
    ordered = sorted(milliseconds)
    return {
        "median_ms": round(statistics.median(ordered), 2),
        "p95_ms": round(ordered[int(0.95 * len(ordered))], 2),
        "max_ms": round(ordered[-1], 2),
    }


async def to_first_words(server: GeminiServer, gemini: Gemini, question: Question) -> float:
    """Milliseconds from the question to the first words, the server answering at once."""
    server.will_answer(WORDS)
    started = time.perf_counter()
    async with GeminiModel(gemini).respond(question) as response:
        words = response.deltas()
        await response.header()
        await anext(words)
        passed = time.perf_counter() - started
        async for _ in words:
            pass
    return passed * 1000


async def to_close(server: GeminiServer, gemini: Gemini, *, busy: bool) -> float:
    """Milliseconds from the cancel until the server sees the connection close."""
    server.will_answer(WORDS_THEN_SILENCE)
    reached = asyncio.Event()

    async def turn() -> None:
        async with GeminiModel(gemini).respond(TYPED) as response:
            await response.header()
            async for _ in response.deltas():
                reached.set()
                if busy:
                    await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(turn())
        await reached.wait()
        await asyncio.sleep(0.01)  # the turn has settled
        cancelled = time.monotonic()
        task.cancel()
    return (await server.requests[-1].closing() - cancelled) * 1000


def loading() -> dict[str, float]:
    """Seconds and megabytes that loading the library costs a fresh process."""
    program = (
        "import asyncio, json, re, time\n"
        "from sena_pi.engines.gemini import Gemini\n"
        "rss = lambda: int(re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
        "before, started = rss(), time.perf_counter()\n"
        "asyncio.run(Gemini('key').warm_up())\n"
        "print(json.dumps({'warm_up_s': round(time.perf_counter() - started, 3),"
        " 'before_mb': before // 1024, 'after_mb': rss() // 1024}))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, cwd=Path.cwd()
    )
    return json.loads(ran.stdout)


async def measured(server: GeminiServer) -> dict[str, object]:
    """All figures."""
    gemini = Gemini(server.key, settings(server))
    await gemini.connect()
    try:
        return {
            "loading": loading(),
            "first_words_typed": spread(
                [await to_first_words(server, gemini, TYPED) for _ in range(ROUNDS)]
            ),
            "first_words_5_s_of_sound": spread(
                [await to_first_words(server, gemini, FIVE_SECONDS) for _ in range(ROUNDS)]
            ),
            "cancel_to_close_waiting": spread(
                [await to_close(server, gemini, busy=False) for _ in range(ROUNDS)]
            ),
            "cancel_to_close_busy": spread(
                [await to_close(server, gemini, busy=True) for _ in range(ROUNDS)]
            ),
        }
    finally:
        await gemini.aclose()


if __name__ == "__main__":
    with GeminiServerThread() as loopback:
        sys.stdout.write(json.dumps(asyncio.run(measured(loopback)), indent=1) + "\n")
