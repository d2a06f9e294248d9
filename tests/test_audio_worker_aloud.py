"""The audio worker as a process, in a simulated room where its microphone hears its speaker."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sena_pi import chimes
from sena_pi.audio import MICROPHONE_FORMAT, AudioChunk, wav_bytes
from sena_pi.chimes import Chime
from sena_pi.settings import Settings, values
from sena_pi.wake import WakeSettings, stop_detector
from tests.echo_room import SPEAKER_HZ, at_peak
from tests.recordings import recording
from tests.speech import say
from tests.test_audio_worker import BOUND_S, Room, room

ANSWER = AudioChunk(
    MICROPHONE_FORMAT,
    at_peak(say("Well, you could say jarvis, and then it goes on.", "rms"), 16_000),
)


def aloud(tmp_path: Path, **more: object) -> dict[str, Any]:
    """Settings of a worker that hears itself."""
    echo = {"record_to": str(tmp_path / "out.wav"), "echo_db": -12.0, "echo_delay_s": 0.1}
    return {"simulate": echo, **more}


async def played_answer(here: Room) -> None:
    here.audio.speaker.begin()
    await here.audio.speaker.play(ANSWER)
    await here.audio.speaker.drain()


async def seen(condition: Callable[[], bool]) -> None:
    """Look until it holds."""
    never = asyncio.Event()
    async with asyncio.timeout(BOUND_S):
        while not condition():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(never.wait(), 0.02)


async def own_words(here: Room) -> int:
    """As the next heartbeats tell."""
    await seen(lambda: here.audio.health.heartbeat["own_words"] > 0)
    return int(here.audio.health.heartbeat["own_words"])


def test_an_answer_that_holds_the_wake_word_does_not_wake_the_worker(tmp_path: Path) -> None:
    """It is heard, and known."""

    async def story() -> None:
        async with room(aloud(tmp_path)) as here:
            await played_answer(here)
            assert 1 == await own_words(here)
            assert here.woken.empty()

    asyncio.run(story())


def test_switched_off_the_worker_wakes_itself(tmp_path: Path) -> None:
    """The control, and the setting."""

    async def story() -> str:
        async with room(aloud(tmp_path, wake={"ignore_own_voice": False})) as here:
            await played_answer(here)
            return (await here.wake()).word

    assert "jarvis" == asyncio.run(story())


def played(path: Path) -> bytes:
    with wave.open(str(path)) as out:
        return bytes(out.readframes(out.getnframes()))


def test_a_chime_is_played_when_asked_for(tmp_path: Path) -> None:
    """Its samples and nothing else; one that is not in the settings is silence."""

    async def story() -> None:
        async with room(aloud(tmp_path, chimes=["done"])) as here:
            await here.audio.speaker.ready.wait()
            here.audio.chime(Chime.ERROR)
            here.audio.chime(Chime.DONE)
            await seen((tmp_path / "out.wav").exists)

    asyncio.run(story())
    assert chimes.samples(Chime.DONE, SPEAKER_HZ).strip(b"\0") == played(
        tmp_path / "out.wav"
    ).strip(b"\0")


def test_a_wake_word_is_answered_by_its_chime_at_once(tmp_path: Path) -> None:
    """Before the brain has said anything."""
    question = tmp_path / "question.wav"
    question.write_bytes(wav_bytes(say("jarvis", "slt"), MICROPHONE_FORMAT))

    async def story() -> None:
        async with room(aloud(tmp_path, chimes=["wake"])) as here:
            await here.audio.simulate(str(question))
            await here.wake()

    asyncio.run(story())
    wake = chimes.samples(Chime.WAKE, SPEAKER_HZ).strip(b"\0")
    heard = played(tmp_path / "out.wav").strip(b"\0")
    assert heard
    assert wake.startswith(heard)


@pytest.mark.parametrize("suffix", [".json", ".tflite", ".ppn"])
def test_a_stop_model_that_is_not_there_is_told_and_missed_by_nobody(
    tmp_path: Path, suffix: str
) -> None:
    """Wake words, and all else, are heard without it."""
    choice = stop_detector(WakeSettings(stop_model=str(tmp_path / f"stop{suffix}")), None, None)
    assert choice.detector is None
    assert choice.reasons[0].startswith("no stop word: ")


def test_a_stop_model_is_listened_for_and_nothing_else() -> None:
    """A microWakeWord model of a person's own: here the library's, under another path."""
    import pymicro_wakeword

    models = Path(pymicro_wakeword.__file__).parent / "models"
    choice = stop_detector(WakeSettings(stop_model=str(models / "alexa.json")), None, None)
    assert choice.detector is not None
    assert ("alexa",) == choice.detector.words
    choice.detector.close()


def test_a_stop_word_of_a_person_reaches_the_brain(tmp_path: Path) -> None:
    """While an answer is spoken, and a real person says it; the wake word is another."""
    import pymicro_wakeword

    models = Path(pymicro_wakeword.__file__).parent / "models"
    said = tmp_path / "said.wav"
    said.write_bytes(recording("microwakeword/alexa_1.wav").read_bytes())

    async def story() -> str:
        wake = {"words": ["jarvis"], "stop_model": str(models / "alexa.json")}
        stopped: asyncio.Queue[str] = asyncio.Queue()
        settings = aloud(tmp_path, wake=wake)
        settings["simulate"]["echo_db"] = -30.0
        async with room(settings, stop_word=lambda event: stopped.put_nowait(event.word)) as here:
            here.audio.speaker.begin()
            playing = asyncio.ensure_future(here.audio.speaker.play(ANSWER))
            await here.audio.simulate(str(said))
            async with asyncio.timeout(BOUND_S):
                word = await stopped.get()
            await playing
            assert here.woken.empty()
            return word

    assert "alexa" == asyncio.run(story())


def test_the_settings_of_a_file_are_those_of_the_worker() -> None:
    """What the file's `[wake]` holds is understood by the worker."""
    wake = WakeSettings.from_dict(values(Settings())["wake"])
    assert ("", True) == (wake.stop_model, wake.ignore_own_voice)
    assert list(Chime) == list(Settings().sounds.which)
