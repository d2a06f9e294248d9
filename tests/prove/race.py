"""The race of voices: ms to the first sound of a slow cloud voice, with the race and without it.

The real google-genai client on a loopback server that holds its first sound back, the real Piper
worker with the tests' tone voice (which costs next to nothing to compute, so the local voice's own
share is the worker's and the phonemiser's). `scripts/prove race [TRIALS]`, about 5 s a trial.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from sena_pi.devices.voice import LocalVoice
from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.engines.gemini_voice import GeminiVoice
from sena_pi.simulated.cloudless import tone
from sena_pi.voice_ladder import TurnVoice, VoiceLadder
from sena_pi.voice_race import Race
from tests.gemini_replies import End, Reply, sound_answer
from tests.gemini_server import SERVER, GeminiServer
from tests.prove.figures import machine, measured, reported, spread
from tests.tone_voice import write_tone_voice

SENTENCE = "The capital of France is Paris, and it lies on the Seine."
DELAYS_MS: tuple[int | None, ...] = (0, 300, 600, 1500, None)
GIVEN_UP_S = 5.0
NOBODY = "nobody"


def reply(delay_ms: int | None) -> Reply:
    """Two seconds of sound, held back for so long; None: for ever."""
    whole = sound_answer(*(chunk.pcm for chunk in tone(2.0).pieces(0.1)))
    return whole.after(0, End.SILENCE) if delay_ms is None else whole.with_pause(0, delay_ms / 1000)


@dataclass
class Figures:
    """What came of some sentences."""

    first_ms: list[float] = field(default_factory=list)
    winners: Counter[str] = field(default_factory=Counter)

    def report(self, what: str) -> None:
        """A row of the record."""
        first = measured(self.first_ms, "ms") if self.first_ms else {"n": 0}
        reported(what, {**first, **{f"by {name}": n for name, n in self.winners.items()}})

    def __str__(self) -> str:
        won = ", ".join(f"{name} {count}" for name, count in self.winners.most_common())
        return f"{spread(self.first_ms, 'ms')}; {won}" if self.first_ms else won


async def first_sound(voice: TurnVoice, figures: Figures) -> None:
    """Speak until the first sound, then leave."""
    start = time.monotonic()
    try:
        async with asyncio.timeout(GIVEN_UP_S), voice.synthesize(SENTENCE) as chunks:
            await anext(chunks)
            figures.first_ms.append(1000 * (time.monotonic() - start))
            figures.winners[voice.spoken_by[0].partition("/")[0]] += 1
    except TimeoutError:
        figures.winners[f"{NOBODY} in {GIVEN_UP_S:g} s"] += 1


class Voices:
    """A cloud voice, a local voice, and the cloud's other end."""

    def __init__(self, server: GeminiServer, gemini: Gemini, local: LocalVoice) -> None:
        self.server = server
        self._rungs = [GeminiVoice(gemini), local]

    def ladder(self, race: Race | None) -> VoiceLadder:
        """A new one, which knows of no loss yet."""
        return VoiceLadder(self._rungs, race)

    async def trials(self, delay_ms: int | None, race: Race | None, trials: int) -> Figures:
        """Sentences one after the other, each as the first of an appliance that has just begun."""
        figures = Figures()
        self.server.will_speak(*[reply(delay_ms)] * trials)
        if delay_ms is None and race is None:
            turns = [self.ladder(race).for_turn() for _ in range(trials)]
            await asyncio.gather(*(first_sound(turn, figures) for turn in turns))
            return figures
        for _ in range(trials):
            await first_sound(self.ladder(race).for_turn(), figures)
        return figures

    async def turns(self, delay_ms: int, count: int) -> tuple[Figures, Figures]:
        """Turns of one appliance, one after the other: before the cloud voice rests, and then."""
        ladder, before, after = self.ladder(Race()), Figures(), Figures()
        self.server.will_speak(*[reply(delay_ms)] * Race().losses)
        for turn in range(count):
            await first_sound(ladder.for_turn(), before if turn < Race().losses else after)
        return before, after

    async def left_open(self) -> int:
        """Requests whose connection is not closed within 10 s; the tests' wide bound."""
        unfinished = [request for request in self.server.requests if not request.sent_whole]
        closings = (request.closing() for request in unfinished)
        ends = await asyncio.gather(*closings, return_exceptions=True)
        return sum(isinstance(end, TimeoutError) for end in ends)


@contextlib.asynccontextmanager
async def voices(folder: Path) -> AsyncIterator[Voices]:
    local = LocalVoice(write_tone_voice(folder))
    async with GeminiServer() as server, asyncio.TaskGroup() as tasks:
        gemini = Gemini(server.key, GeminiSettings(base_url=server.url))
        running = tasks.create_task(local.run())
        await gemini.connect()
        await local.wait_ready()
        yield Voices(server, gemini, local)
        await gemini.aclose()
        running.cancel()


async def measure(folder: Path, trials: int) -> None:
    async with voices(folder) as it:
        # Loads what is loaded once.
        await it.trials(0, None, 1)
        before = asyncio.all_tasks()
        for delay_ms in DELAYS_MS:
            delay = "never" if delay_ms is None else f"{delay_ms} ms"
            for name, race in (("with", Race()), ("without", None)):
                figures = await it.trials(delay_ms, race, trials)
                figures.report(f"cloud's first sound {delay}, {name} race")
                print(f"cloud's first sound {delay:>7}, {name:>7} race: {figures}", flush=True)
        slow, rested = await it.turns(1500, trials)
        slow.report("turns in a row at 1500 ms, until it rests")
        rested.report("turns in a row at 1500 ms, while it rests")
        print(f"turns in a row at 1500 ms, until it rests: {slow}")
        print(f"turns in a row at 1500 ms, while it rests: {rested}")
        tasks = [t for t in asyncio.all_tasks() - before if t.get_name() != SERVER]
        print(f"connections left open: {await it.left_open()}, tasks left: {len(tasks)}")


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    logging.disable(logging.WARNING)
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), trials))
    print(machine())


if __name__ == "__main__":
    main()
