"""From sound to sound in real time: virtual microphone, real parts, virtual speaker.

PulseAudio plays a wake word and a question into the microphone. PyAudio, Porcupine, the endpointer
and the real google-genai client (against a loopback server with Gemini's wire format) do the rest,
and what the speaker plays is recorded and recognised. Only Google and the hardware are not real.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from sena_pi.app import Appliance, running
from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from sena_pi.keys import KeyStore
from sena_pi.phases import Phase
from sena_pi.report import Outcome, Source, TurnReport
from sena_pi.settings import Settings, validated
from tests.gemini_replies import (
    End,
    Reply,
    answer_json,
    quota_spent,
    silence,
    sound_answer,
    text_answer,
)
from tests.gemini_server import GeminiServer
from tests.soundserver import RECORD_HZ, SoundServer, sound_server
from tests.speech import say

pytestmark = pytest.mark.sound

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


@pytest.fixture
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """A sound server that the appliance's workers use."""
    with sound_server(tmp_path) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
        yield server


@contextlib.asynccontextmanager
async def house(sound: SoundServer, gemini: GeminiServer) -> AsyncIterator[House]:
    """The appliance, listening."""
    light = Light()
    box: list[House] = []
    keys = KeyStore(sound.folder / "keys", environ={"GEMINI_API_KEY": gemini.key})
    async with running(
        _settings(gemini.url),
        keys,
        light,
        on_report=lambda report: box[0].reports.put_nowait(report),
    ) as appliance:
        box.append(House(appliance, sound, light))
        async with asyncio.timeout(BOUND_S):
            await appliance.listening.wait()
        yield box[0]


def _settings(url: str) -> Settings:
    return validated({"cloud": {"base_url": url}})


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


def tell(sound: SoundServer, story: Callable[[House, GeminiServer], object]) -> None:
    """Run a story in a house."""

    async def main() -> None:
        async with GeminiServer() as gemini, house(sound, gemini) as it:
            await story(it, gemini)  # type: ignore[misc]

    asyncio.run(main())


def answer(*sentences: str, **header: object) -> Reply:
    """A streamed answer of these sentences."""
    words = answer_json(heard="what is the capital of france", say=" ".join(sentences), **header)
    third = len(words) // 3
    return text_answer(words[:third], words[third:], gap_s=0.05)


def test_a_spoken_question_gets_its_answer_spoken(sound: SoundServer) -> None:
    """The sound that the cloud sent for each sentence is what the speaker plays, in order."""

    async def story(it: House, gemini: GeminiServer) -> None:
        gemini.will_answer(answer("Paris.", "It lies on the Seine."))
        gemini.will_speak(
            sound_answer(tone(600), tone(600), gap_s=0.02), sound_answer(tone(900), gap_s=0.02)
        )
        with sound.recording() as recorded:
            await it.say(QUESTION)
            report = await it.report()
        assert (Outcome.ANSWERED, Source.CLOUD) == (report.outcome, report.source)
        assert ("jarvis", "Paris. It lies on the Seine.") == (report.trigger, report.answered)
        assert [600, 900] == tones_heard(recorded)
        assert sorted(report.ms.values()) == list(report.ms.values())
        asked = gemini.requests[0].sound
        assert asked is not None
        # The whole question and the silence after it, and nothing of what was said before.
        assert 1.5 < len(asked) / 32_000 < 4.0

    tell(sound, story)


def test_a_press_silences_the_answer_and_closes_its_stream(sound: SoundServer) -> None:
    """Barge-in: the server sees its connection close, and the next question is heard."""

    async def story(it: House, gemini: GeminiServer) -> None:
        hanging = answer_json(heard="q", say="One sentence. And then")
        gemini.will_answer(text_answer(hanging[:-2], finish="").after(1, End.SILENCE))
        gemini.will_speak(sound_answer(*[tone(600, 0.5)] * 16))
        gemini.will_answer(answer("Paris."))
        gemini.will_speak(sound_answer(tone(900)))
        with sound.recording() as recorded:
            await it.say(QUESTION)
            await it.played(0.5)
            it.appliance.assistant.press()
            await gemini.requests[0].closing()
            await it.light.reached(Phase.LISTENING)
            await it.say("what is the capital of france")
            assert Outcome.INTERRUPTED == (await it.report()).outcome
            assert "Paris." == (await it.report()).answered
        assert [600, 900] == tones_heard(recorded)
        assert len(bytes(recorded)) > 0

    tell(sound, story)


def test_the_wake_word_interrupts_too(sound: SoundServer) -> None:
    """The wake word, spoken over the answer, begins a new turn."""

    async def story(it: House, gemini: GeminiServer) -> None:
        gemini.will_answer(answer("One sentence."), answer("Paris."))
        gemini.will_speak(sound_answer(*[tone(600, 0.5)] * 40), sound_answer(tone(900)))
        await it.say(QUESTION)
        await it.played(0.5)
        await it.say(QUESTION)
        assert Outcome.INTERRUPTED == (await it.report()).outcome
        report = await it.report()
        assert ("jarvis", "Paris.") == (report.trigger, report.answered)

    tell(sound, story)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (quota_spent(3), "CloudBusy"),
        (silence(), "CloudUnreachable"),
        (Reply((End.RESET,)), "CloudUnreachable"),
    ],
)
def test_a_cloud_that_fails_is_explained_aloud(
    sound: SoundServer, reply: Reply, problem: str
) -> None:
    """Over quota, silent or gone: a person hears why, from a voice on the device."""

    async def story(it: House, gemini: GeminiServer) -> None:
        gemini.will_answer(reply)
        gemini.will_speak(quota_spent(3))
        with sound.recording() as recorded:
            await it.say(QUESTION)
            report = await it.report()
        assert Outcome.ANSWERED == report.outcome
        assert problem in report.problems[0]
        assert report.answered
        assert report.voice.startswith("espeak-ng/")
        assert np.abs(np.frombuffer(bytes(recorded), dtype="<i2")).max() > 2000

    tell(sound, story)


def test_an_answer_cut_in_the_middle_keeps_its_whole_sentences(sound: SoundServer) -> None:
    """What came whole is spoken, and then that the connection was lost."""

    async def story(it: House, gemini: GeminiServer) -> None:
        cut = answer_json(heard="q", say="Paris is big. And it lies on")
        gemini.will_answer(text_answer(cut[:-2], finish="").after(1, End.RESET))
        gemini.will_speak(sound_answer(tone(600)), sound_answer(tone(900)))
        with sound.recording() as recorded:
            await it.say(QUESTION)
            report = await it.report()
        assert "Paris is big. Sorry, I lost the connection." == report.answered
        assert [600, 900] == tones_heard(recorded)

    tell(sound, story)
