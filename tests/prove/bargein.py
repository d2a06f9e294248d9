"""Barge-in: ms from a press until the server sees its streams closed and the speaker is silent.

The whole appliance on a PulseAudio server, the real google-genai client, a loopback server whose
answer and speech are both still arriving. `scripts/prove bargein [TRIALS]`, about 5 s a trial.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from sena_pi.phases import Phase
from tests.gemini_replies import End, answer_json, sound_answer, text_answer
from tests.gemini_server import GeminiServer
from tests.house import QUESTION, House, house, tone
from tests.prove.figures import machine, spread
from tests.soundserver import sound_server


async def trial(it: House, gemini: GeminiServer) -> tuple[float, float, float]:
    """One interrupted answer: ms to the stream closed, the speech closed, the speaker silent."""
    hanging = answer_json(heard="q", say="One sentence. And then")
    gemini.will_answer(text_answer(hanging[:-2], finish="").after(1, End.SILENCE))
    gemini.will_speak(sound_answer(*[tone(600, 0.5)] * 6, finish="").after(6, End.SILENCE))
    asked = len(gemini.requests)
    await it.say(QUESTION)
    await it.light.reached(Phase.SPEAKING)
    await it.played(0.5)
    answer, speech = gemini.requests[asked : asked + 2]
    start = time.monotonic()
    it.appliance.assistant.press()
    closed = await asyncio.gather(answer.closing(), speech.closing())
    silent_s = it.appliance.audio.speaker.flushed_s
    await it.light.reached(Phase.IDLE)
    return (*(1000 * (moment - start) for moment in closed), 1000 * (silent_s - start))


async def measure(folder: Path, trials: int) -> None:
    with sound_server(folder) as sound:
        os.environ.update(sound.environment)
        os.environ["STATE_DIRECTORY"] = str(folder / "state")
        os.environ["CACHE_DIRECTORY"] = str(folder / "cache")
        os.environ["RUNTIME_DIRECTORY"] = str(folder / "run")
        async with GeminiServer() as gemini, house(sound, gemini) as it:
            results = [await trial(it, gemini) for _ in range(trials)]
    for name, values in zip(
        ("answer's stream closed", "speech's stream closed", "speaker silent"),
        zip(*results, strict=True),
        strict=True,
    ):
        print(f"{name:24} {spread(values, 'ms')}")


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), trials))


if __name__ == "__main__":
    main()
