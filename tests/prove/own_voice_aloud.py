"""Own voice aloud: the whole appliance on a PulseAudio server whose microphone hears its speaker.

`scripts/prove own_voice_aloud [TURNS [LEVEL_DB]]`, about 9 s a turn: answers that hold the wake
word, every fifth interrupted by the button, and two at the end with nothing compared, the control,
one of which has to wake. Without a level: -6, -12, -20 and -30 dB in turn, TURNS at each.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import soxr

from sena_pi.phases import Phase
from sena_pi.report import Outcome
from tests.echo_room import at_peak
from tests.gemini_replies import answer_json, sound_answer, text_answer
from tests.gemini_server import GeminiServer
from tests.house import QUESTION, SPEECH_HZ, House, house
from tests.prove.figures import machine, reported
from tests.prove.own_voice import ANSWER_PEAK, ECHOES, VOICES
from tests.soundserver import sound_server
from tests.speech import say

ANSWER = "You could ask jarvis or fill a jar of this and then it goes on and on."
PRESS_EVERY = 5
GUESSES = 4
"""A question may be asked at each pause in it, before it is over."""
CONTROLS = 2


def spoken(n: int) -> bytes:
    """The answer by one of the voices, as the cloud sends sound."""
    pcm = at_peak(say(ANSWER, *VOICES[n % len(VOICES)]), ANSWER_PEAK)
    samples = np.frombuffer(pcm, np.int16)
    return bytes(soxr.resample(samples, 16_000, SPEECH_HZ).tobytes())


async def turn(it: House, gemini: GeminiServer, n: int, *, presses: bool) -> Counter[str]:
    """One question, its answer, and what came of it."""
    speech = spoken(n)
    pieces = [speech[at : at + 9600] for at in range(0, len(speech), 9600)]
    answer = text_answer(answer_json(heard=f"question {n}", say=ANSWER, keep="never"))
    gemini.will_answer(*[answer] * GUESSES)
    gemini.will_speak(*[sound_answer(*pieces)] * GUESSES)
    await it.say(QUESTION)
    if presses:
        await it.light.reached(Phase.SPEAKING)  # of this answer: the speaker still knows the last
        await it.played(1.0)
        it.appliance.assistant.press()
    report = await it.report()
    counts = Counter({"turns": 1, "pressed": int(presses)})
    counts["button silenced"] = int(presses and report.outcome is Outcome.INTERRUPTED)
    await it.appliance.assistant.idle()
    more = []
    while not it.reports.empty():
        more.append(it.reports.get_nowait())
    # Of a press: the listening that it began, in which nobody spoke.
    asked = [report for report in more if report.heard]
    counts["answered itself"] = len(asked)
    counts["woken"] = len(more) - int(presses) - len(asked)
    return counts


async def measure(folder: Path, echo: tuple[float, float], turns: int, **more: object) -> None:
    sums: Counter[str] = Counter()
    with sound_server(folder) as sound:
        sound.echo(*echo)
        os.environ.update(sound.environment)
        for name in ("STATE", "CACHE", "RUNTIME"):
            os.environ[f"{name}_DIRECTORY"] = str(folder / name.lower())
        wake = {"words": ["jarvis"], **more}
        async with GeminiServer() as gemini, house(sound, gemini, wake=wake) as it:
            for n in range(turns):
                presses = n % PRESS_EVERY == PRESS_EVERY - 1
                sums.update(await turn(it, gemini, n, presses=presses))
            own = it.appliance.audio.health.heartbeat["own_words"]
    told = ", ".join(f"{name} {number}" for name, number in sums.items())
    reported(f"{echo[0]:g} dB{', control' if more else ''}", dict(sums))
    print(f"{echo[0]:g} dB {more or ''}: {told}, own words {own}", flush=True)


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    levels = [float(level) for level in sys.argv[2:]]
    print(machine(), flush=True)
    for echo in ECHOES:
        if levels and echo[0] not in levels:
            continue
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(Path(folder), echo, turns))
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(Path(folder), echo, CONTROLS, ignore_own_voice=False))


if __name__ == "__main__":
    main()
