"""From sound to sound in real time: virtual microphone, real parts, virtual speaker.

PulseAudio plays a wake word and a question into the microphone. PyAudio, Porcupine, the endpointer
and the real google-genai client (against a loopback server with Gemini's wire format) do the rest,
and what the speaker plays is recorded and recognised. Only Google and the hardware are not real.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from sena_pi.deadlines import Deadlines
from sena_pi.phases import Phase
from sena_pi.report import Outcome, Source
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
from tests.house import QUESTION, House, house, tone, tones_heard
from tests.soundserver import SoundServer, sound_server

pytestmark = pytest.mark.sound

SOONER = Deadlines(answer_s=4.0)
"""A cloud that is silent is given up after half of the usual time; it is no figure here."""


@pytest.fixture
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """A sound server that the appliance's workers use."""
    with sound_server(tmp_path) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
        monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path / "cache"))
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
        yield server


def tell(sound: SoundServer, story: Callable[[House, GeminiServer], object]) -> None:
    """Run a story in a house."""

    async def main() -> None:
        async with GeminiServer() as gemini, house(sound, gemini, deadlines=SOONER) as it:
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
        asked = next(request.sound for request in gemini.requests if request.method == "POST")
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
        (silence(), "CloudSilent"),
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
        assert report.told
        assert report.voice.startswith("espeak-ng/")
        assert np.abs(np.frombuffer(bytes(recorded), dtype="<i2")).max() > 2000

    tell(sound, story)


def test_an_answer_cut_in_the_middle_keeps_its_whole_sentences(sound: SoundServer) -> None:
    """What came whole is spoken, and then that the connection was lost."""

    async def story(it: House, gemini: GeminiServer) -> None:
        cut = answer_json(heard="q", say="Paris is big. And it lies on")
        gemini.will_answer(text_answer(cut[:-2], finish="").after(1, End.RESET))
        gemini.will_speak(sound_answer(tone(600)))
        with sound.recording() as recorded:
            await it.say(QUESTION)
            report = await it.report()
        assert ("Paris is big.", ("cut",)) == (report.answered, report.told)
        assert [600] == tones_heard(recorded)[:1]

    tell(sound, story)
