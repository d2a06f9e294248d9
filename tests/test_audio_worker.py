"""The audio worker as a process: on simulated sound, and on a real sound server that fails."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sena_pi.audio import FRAME_BYTES, MICROPHONE_FORMAT, AudioChunk, AudioFormat, wav_bytes
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.errors import WorkerError
from sena_pi.stages import WakeEvent
from tests.listening import Notes
from tests.recordings import recording
from tests.soundserver import SoundServer, sound_server
from tests.speech import say

BOUND_S = 30.0
"""No figure, only an end: recovery is measured by `scripts/prove recovery`."""

TONE = AudioChunk(AudioFormat(24_000), b"\x00\x20\x00\xe0" * 12_000)


class Room:
    """An audio worker and all that it told."""

    def __init__(self, settings: dict[str, Any], **listeners: Callable[..., None]) -> None:
        self.woken: asyncio.Queue[WakeEvent] = asyncio.Queue()
        self.hearing: list[bool] = []
        self.spoken: list[dict[str, Any]] = []
        self.ready: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self.notes = Notes(self._news.set)
        self.audio = Audio(
            settings,
            AudioListeners(
                detection=self.woken.put_nowait,
                hearing=lambda on: self._tell(self.hearing, on),
                ready=lambda data: self._tell(self.ready, data),
                spoken=lambda data: self._tell(self.spoken, data),
                **listeners,
            ),
        )

    def _tell(self, log: list[Any], news: object) -> None:
        log.append(news)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND_S):
            while not condition():
                await self._news.wait()
                self._news.clear()

    async def wake(self) -> WakeEvent:
        async with asyncio.timeout(BOUND_S):
            return await self.woken.get()


@contextlib.asynccontextmanager
async def room(settings: dict[str, Any], **listeners: Callable[..., None]) -> AsyncIterator[Room]:
    """A room whose worker hears; more listeners by their name in `AudioListeners`."""
    it = Room(settings, **listeners)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(it.audio.run())
        try:
            await it.until(lambda: it.hearing == [True])
            yield it
        finally:
            running.cancel()


def simulated(tmp_path: Path, **more: object) -> dict[str, Any]:
    """Settings of a worker without sound cards, in a hurry."""
    return {"simulate": {"hurry": True, "record_to": str(tmp_path / "out.wav")}, **more}


def spoken_file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "question.wav"
    path.write_bytes(wav_bytes(say(text, "slt"), MICROPHONE_FORMAT))
    return str(path)


def test_a_question_comes_out_from_the_wake_word_on(tmp_path: Path) -> None:
    """The worker wakes, and sends what followed the wake word until the silence after it."""

    async def story() -> None:
        async with room(simulated(tmp_path)) as here:
            await here.audio.simulate(spoken_file(tmp_path, "jarvis, what time is it"))
            wake = await here.wake()
            heard = await here.audio.hear("1", "detection")
            assert "jarvis" == wake.word
            assert "silence" == heard.reason
            assert heard.utterance is not None
            assert 0.9 < heard.utterance.seconds < 2.5
            true_end = here.spoken[0]["speech_end_sample"]
            assert abs(heard.speech_end_sample - true_end) < 0.15 * MICROPHONE_FORMAT.rate_hz

    asyncio.run(story())


def test_a_complete_phrase_is_not_waited_for(tmp_path: Path) -> None:
    """The brain that knows the words of a pause ends the listening in it, before 1.3 s of it."""

    async def story() -> None:
        settings = {"simulate": {"record_to": str(tmp_path / "out.wav")}}
        async with room(settings) as here:
            await here.audio.simulate(spoken_file(tmp_path, "jarvis, what time is it"))
            await here.wake()
            hearing = asyncio.ensure_future(here.audio.hear("1", "detection", here.notes))
            await here.until(lambda: bool(here.notes.pauses))
            here.audio.phrase(here.notes.pauses[-1], complete=True)
            heard = await hearing
            assert "silence" == heard.reason
            assert heard.endpoint_ns - heard.speech_end_ns < 1.2e9

    asyncio.run(story())


def test_no_audio_is_sent_while_nobody_listens(tmp_path: Path) -> None:
    """Between two turns not one sample reaches the brain."""

    async def story() -> None:
        async with room(simulated(tmp_path)) as here:
            path = spoken_file(tmp_path, "jarvis, what time is it")
            await here.audio.simulate(path)
            await here.wake()
            await here.audio.hear("1", "detection", here.notes)
            whole = len(here.notes.pieces)
            await here.audio.simulate(path)
            await here.wake()
            await here.until(lambda: here.spoken[-1]["done"])
            assert whole == len(here.notes.pieces)

    asyncio.run(story())


def test_listening_that_is_given_up_stops(tmp_path: Path) -> None:
    """A cancelled turn gets no more audio; the next one gets its own."""

    async def story() -> None:
        async with room(simulated(tmp_path)) as here:
            given_up = asyncio.ensure_future(here.audio.hear("1", "press"))
            await here.until(lambda: bool(here.hearing))
            given_up.cancel()
            await asyncio.gather(given_up, return_exceptions=True)
            heard = await here.audio.hear("2", "press")
            assert ("no-speech", None) == (heard.reason, heard.utterance)

    asyncio.run(story())


def test_what_is_played_is_recorded_whole(tmp_path: Path) -> None:
    """24 kHz sound comes out of a 48 kHz speaker at its length, and drain waits for its end."""

    async def story() -> None:
        async with room(simulated(tmp_path)) as here:
            here.audio.speaker.begin()
            await here.audio.speaker.play(TONE)
            await here.audio.speaker.drain()
            assert abs(here.audio.speaker.played_s - TONE.seconds) < 0.01

    asyncio.run(story())
    with wave.open(str(tmp_path / "out.wav")) as out:
        assert 0.95 < out.getnframes() / out.getframerate() < 1.2


def test_in_a_hurry_nobody_is_taken_for_what_is_played(tmp_path: Path) -> None:
    """Sound that takes no time has no echo: who says the word right after an answer with it wakes.

    Half a second of it, which is as far ahead of the microphone as sound may be.
    """
    word = say("jarvis", "rms")
    path = tmp_path / "jarvis.wav"
    path.write_bytes(wav_bytes(word + bytes(9000), MICROPHONE_FORMAT))
    begun = next(at for at, (value,) in enumerate(struct.iter_unpack("<h", word)) if value > 500)

    async def story() -> None:
        async with room(simulated(tmp_path)) as here:
            here.audio.speaker.begin()
            await here.audio.speaker.play(AudioChunk(MICROPHONE_FORMAT, word[2 * begun :][:15_000]))
            await here.audio.speaker.drain()
            await here.audio.simulate(str(path))
            wake = await here.wake()
            assert "jarvis" == wake.word

    asyncio.run(story())


def test_a_real_voice_is_heard_at_the_right_second(tmp_path: Path) -> None:
    """Porcupine, in the worker, hears a real person where the recording has the word."""

    async def story() -> None:
        settings = simulated(tmp_path, wake={"engine": "porcupine", "words": ["porcupine"]})
        async with room(settings) as here:
            before = here.audio.health.heartbeat["frames"]
            await here.audio.simulate(str(recording("porcupine/porcupine.wav")))
            await here.wake()
            heard = await here.audio.hear("1", "detection")
            start = heard.speech_end_sample / MICROPHONE_FORMAT.rate_hz
            assert 2.8 < start - before * FRAME_BYTES / 32_000 < 3.6

    asyncio.run(story())


def test_a_bad_key_is_told_and_the_ear_still_opens(tmp_path: Path) -> None:
    """A refused AccessKey is a state of a worker that listens with another engine."""

    async def story() -> dict[str, Any]:
        async with room(simulated(tmp_path, access_key="no such key")) as here:
            return here.ready[0]

    ready = asyncio.run(story())
    assert ready["wake_engine"] in {"porcupine 1.9", "microwakeword"}
    assert "no such key" not in str(ready)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """A sound server that this process, and so its workers, use."""
    with sound_server(tmp_path) as it:
        for name, value in it.environment.items():
            monkeypatch.setenv(name, value)
        yield it


def question(tmp_path: Path) -> Path:
    return Path(spoken_file(tmp_path, "jarvis, what time is it"))


@pytest.mark.sound
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_dies_or_hangs_while_listening_is_replaced(
    server: SoundServer, tmp_path: Path, end: signal.Signals
) -> None:
    """The turn is told, the brain goes on, and the next wake word is heard."""

    async def story() -> None:
        async with room({}) as here:
            pid = here.audio.supervisor.pid
            assert pid is not None
            listening = asyncio.ensure_future(here.audio.hear("1", "press", here.notes))
            await here.until(lambda: bool(here.notes.pieces))
            os.kill(pid, end)
            with pytest.raises(WorkerError):
                await listening
            await here.until(lambda: here.hearing[-2:] == [False, True])
            await asyncio.to_thread(server.say, question(tmp_path))
            assert "jarvis" == (await here.wake()).word
            assert 1 == here.audio.supervisor.replacements

    asyncio.run(story())


@pytest.mark.sound
def test_a_lost_sound_server_is_waited_for(server: SoundServer, tmp_path: Path) -> None:
    """While it is gone the worker says so; when it is back the next wake word is heard."""

    async def story() -> None:
        async with room({}) as here:
            server.kill()
            await here.until(lambda: here.hearing[-1] is False)
            server.start()
            await here.until(lambda: here.hearing[-1] is True)
            await asyncio.to_thread(server.say, question(tmp_path))
            assert "jarvis" == (await here.wake()).word

    asyncio.run(story())


@pytest.mark.sound
def test_a_flush_silences_a_real_stream(server: SoundServer) -> None:
    """After a flush the speaker's monitor hears only silence."""

    async def story() -> None:
        async with room({}) as here:
            with server.recording() as heard:
                playing = asyncio.ensure_future(play_long(here))
                async with asyncio.timeout(BOUND_S):
                    while here.audio.speaker.played_s < 0.3:
                        await asyncio.wait({playing}, timeout=0.02)
                await here.audio.speaker.flush()
                await asyncio.gather(playing, return_exceptions=True)
                flushed_at = len(heard)
                async with asyncio.timeout(BOUND_S):
                    while len(heard) < flushed_at + 2 * 48_000:
                        await asyncio.wait({playing, silence()}, timeout=0.02)
                # Half a second after the flush, whatever was on its way has been heard.
                assert not any(heard[flushed_at + 48_000 :])

    async def play_long(here: Room) -> None:
        here.audio.speaker.begin()
        for _ in range(10):
            await here.audio.speaker.play(TONE)

    def silence() -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    asyncio.run(story())
