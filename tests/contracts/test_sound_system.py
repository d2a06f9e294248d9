"""What every sound system keeps: the simulated one, and PortAudio on a real sound server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sena_pi.audio import FRAME_BYTES, FRAME_SAMPLES
from sena_pi.simulated.sound import SimulatedSound
from sena_pi.sound import LONGEST_QUEUE_S, CaptureStream, DeviceLost, PlaybackStream, SoundSystem
from tests.soundserver import sound_server, until


@pytest.fixture(params=["simulated", pytest.param("portaudio", marks=pytest.mark.sound)])
def system(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SoundSystem]:
    """Each sound system in turn."""
    if request.param == "simulated":
        yield SimulatedSound()
        return
    with sound_server(tmp_path) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        from sena_pi.engines.portaudio import PortAudio

        it = PortAudio()
        yield it
        it.close()


@pytest.fixture
def capture(system: SoundSystem) -> Iterator[CaptureStream]:
    stream = system.open_capture("")
    yield stream
    stream.close()
    stream.close()


@pytest.fixture
def playback(system: SoundSystem) -> Iterator[PlaybackStream]:
    stream = system.open_playback("")
    yield stream
    stream.close()
    stream.close()


def played(condition: Callable[[], bool]) -> None:
    until(condition, 10, "the speaker plays")


def test_devices_can_be_opened_by_the_names_they_are_listed_with(system: SoundSystem) -> None:
    """What `devices` lists, `open_capture` and `open_playback` take."""
    microphone = next(device for device in system.devices() if device.inputs)
    speaker = next(device for device in system.devices() if device.outputs)
    capture, playback = system.open_capture(microphone.name), system.open_playback(speaker.name)
    assert (microphone.name, speaker.name) == (capture.device, playback.device)
    capture.close()
    playback.close()


def test_an_unknown_device_is_lost_and_the_known_are_named(system: SoundSystem) -> None:
    """A wrong name is an error that says which names there are."""
    known = system.devices()[0].name
    with pytest.raises(DeviceLost, match=f"there (is|are): .*{known}"):
        system.open_capture("no such device")
    with pytest.raises(DeviceLost):
        system.open_playback("no such device")


def test_frames_come_at_their_pace(capture: CaptureStream) -> None:
    """Whole frames become available, and are read whole."""
    for _ in range(5):
        until(lambda: capture.available() >= FRAME_SAMPLES, 10, "a frame")
        assert FRAME_BYTES == len(capture.read(FRAME_SAMPLES))


def test_no_more_than_forty_milliseconds_are_taken(playback: PlaybackStream) -> None:
    """A speaker that is fed as long as it takes anything never holds more than 40 ms."""
    playback.start()
    longest = 0
    for _ in range(200):
        if (writable := playback.writable()) > 0:
            playback.write(bytes(2 * writable))
        longest = max(longest, playback.queued())
    assert 0 < longest <= LONGEST_QUEUE_S * playback.rate_hz


def test_what_is_written_is_played_in_time(playback: PlaybackStream) -> None:
    """What is queued runs empty by itself."""
    playback.start()
    playback.write(bytes(2 * playback.writable()))
    played(lambda: playback.queued() == 0)


def test_stop_drops_what_is_queued(playback: PlaybackStream) -> None:
    """After a stop nothing is queued, and the stream can be started again."""
    playback.start()
    playback.write(bytes(2 * playback.writable()))
    playback.stop()
    playback.stop()
    assert 0 == playback.queued()
    playback.start()
    playback.start()
    assert playback.writable() > 0


def test_a_microphone_and_a_speaker_work_at_once(
    capture: CaptureStream, playback: PlaybackStream
) -> None:
    """Each stream in a thread of its own, as the worker has them."""
    heard: list[bytes] = []

    def listen() -> None:
        for _ in range(5):
            until(lambda: capture.available() >= FRAME_SAMPLES, 10, "a frame")
            heard.append(capture.read(FRAME_SAMPLES))

    thread = threading.Thread(target=listen)
    thread.start()
    playback.start()
    for _ in range(5):
        played(lambda: playback.writable() >= 480)
        playback.write(bytes(960))
    thread.join()
    assert 5 == len(heard)
