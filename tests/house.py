"""The whole appliance in a test's hands: real parts between a sound server and a Gemini server."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import math
from array import array
from collections.abc import AsyncIterator

import numpy as np

from sena_pi.app import Appliance, running
from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from sena_pi.deadlines import Deadlines
from sena_pi.keys import KeyStore
from sena_pi.phases import Phase
from sena_pi.report import TurnReport
from sena_pi.settings import Settings, validated
from tests.gemini_server import GeminiServer
from tests.soundserver import RECORD_HZ, SoundServer
from tests.speech import say

BOUND_S = 40.0
"""No figure, only an end."""

SPEECH_HZ = 24_000
QUESTION = "hey jarvis, what is the capital of france"


class Light:
    """Keeps the phases that were shown, and lets a story wait for one."""

    def __init__(self) -> None:
        self.shown: list[Phase] = []
        self._changed = asyncio.Event()

    def show(self, phase: Phase) -> None:
        self.shown.append(phase)
        self._changed.set()

    async def reached(self, phase: Phase) -> None:
        async with asyncio.timeout(BOUND_S):
            while self.shown[-1:] != [phase]:
                self._changed.clear()
                await self._changed.wait()


class House:
    """The whole appliance, between a sound server and a Gemini server."""

    def __init__(self, appliance: Appliance, sound: SoundServer, light: Light) -> None:
        self.appliance = appliance
        self.light = light
        self.reports: asyncio.Queue[TurnReport] = asyncio.Queue()
        self._sound = sound
        self._folder = sound.folder

    async def say(self, text: str) -> None:
        """Somebody says this in the room; returns when it is said."""
        wav = self._folder / "said.wav"
        wav.write_bytes(wav_bytes(say(text, "slt") + bytes(3200), MICROPHONE_FORMAT))
        await asyncio.to_thread(self._sound.say, wav)

    async def played(self, seconds: float) -> None:
        """Wait until so much of an answer has been heard."""
        speaker = self.appliance.audio.speaker
        never = asyncio.Event()
        async with asyncio.timeout(BOUND_S):
            while speaker.played_s < seconds:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(never.wait(), 0.02)

    async def report(self) -> TurnReport:
        async with asyncio.timeout(BOUND_S):
            return await self.reports.get()


@contextlib.asynccontextmanager
async def house(
    sound: SoundServer,
    gemini: GeminiServer,
    *,
    deadlines: Deadlines | None = None,
    **more: dict[str, object],
) -> AsyncIterator[House]:
    """The appliance, listening; with more settings than the server's address.

    It asks once for each question, so that the server's script is followed, unless told otherwise.
    """
    light = Light()
    box: list[House] = []
    keys = KeyStore(sound.folder / "keys", environ={"GEMINI_API_KEY": gemini.key})
    async with running(
        _settings(gemini.url, more),
        keys,
        light,
        deadlines=deadlines,
        on_report=lambda report: box[0].reports.put_nowait(report),
    ) as appliance:
        box.append(House(appliance, sound, light))
        async with asyncio.timeout(BOUND_S):
            await appliance.listening.wait()
        yield box[0]


def _settings(url: str, more: dict[str, dict[str, object]]) -> Settings:
    usual: dict[str, object] = {
        "cloud": {"base_url": url},
        "limits": {"guesses": 0},
        "conversation": {"follow_up": False},
    }
    return validated({**usual, **more})


@functools.lru_cache(maxsize=32)
def tone(hz: float, seconds: float = 0.6) -> bytes:
    """24 kHz samples of a pure tone."""
    step = 2 * math.pi * hz / SPEECH_HZ
    return array(
        "h", (round(8000 * math.sin(step * n)) for n in range(int(seconds * SPEECH_HZ)))
    ).tobytes()


def tones_heard(recorded: bytes) -> list[int]:
    """The pitches in a recording that last for 0.3 s, in order, each in Hz to the next ten."""
    samples = np.frombuffer(bytes(recorded), dtype="<i2").astype(float)
    size = RECORD_HZ // 10
    pitches: list[int] = []
    for start in range(0, len(samples) - size, size):
        window = samples[start : start + size]
        if np.abs(window).max() < 2000:
            continue
        spectrum = np.abs(np.fft.rfft(window * np.hanning(size)))
        pitches.append(int(round(float(np.argmax(spectrum)) * RECORD_HZ / size, -1)))
    runs = [(pitch, len(list(run))) for pitch, run in itertools.groupby(pitches)]
    return [pitch for pitch, length in runs if length >= 3]
