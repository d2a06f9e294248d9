"""Chimes: short, soft, always the same; in the worker's memory; never in anybody's way."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

from sena_pi import chimes, wire
from sena_pi.audio import Frame
from sena_pi.chimes import Chime
from sena_pi.engines.silero import SileroVoiceActivityDetector
from sena_pi.own_voice import OwnVoice
from sena_pi.simulated.echo import RoomEcho
from sena_pi.stages import Detection
from tests.echo_room import SPEAKER_HZ, EchoRoom, at_peak
from tests.speech import frames_of, quiet, say
from tests.test_mouth import RATE_HZ, TONE, Bench

WAKE = chimes.samples(Chime.WAKE, SPEAKER_HZ)


@pytest.mark.parametrize("chime", Chime)
@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_a_chime_is_short_and_soft_and_begins_and_ends_in_silence(
    chime: Chime, rate_hz: int
) -> None:
    """60 to 160 ms, 18 dB below full scale, and no click at either end."""
    samples = array("h", chimes.samples(chime, rate_hz))
    assert 0.06 <= len(samples) / rate_hz <= 0.16
    assert round(len(samples) / rate_hz, 3) == round(chimes.length_s(chime), 3)
    assert abs(max(map(abs, samples)) / 32767 - chimes.PEAK) < 0.002
    assert max(map(abs, (*samples[:4], *samples[-4:]))) < 150


def test_chimes_differ() -> None:
    """By ear too: by pitch or by length."""
    assert len(Chime) == len({chimes.samples(chime, 16_000) for chime in Chime})


@pytest.mark.parametrize("chime", Chime)
@pytest.mark.parametrize("gain", [1.0, 0.3, 0.1])
def test_a_chime_is_not_taken_for_speech(chime: Chime, gain: float) -> None:
    """As loud in the microphone as it left the speaker, or softer, wherever in a frame it falls."""
    echo = gain * np.frombuffer(chimes.samples(chime, 16_000), np.int16)
    for start in range(8000, 8512, 128):
        silero = SileroVoiceActivityDetector()
        heard = np.frombuffer(quiet(1.0), np.int16).astype(float)
        heard[start : start + len(echo)] += echo
        frames = frames_of(heard.astype(np.int16).tobytes())
        assert max(map(silero.probability, frames)) < 0.5


def test_a_chime_is_played_whole_and_told_to_nobody() -> None:
    """It is no turn's sound: nothing is reported."""
    bench = Bench()
    bench.mouth.chime(WAKE)
    bench.run(0.5)
    assert WAKE.strip(b"\x00") in bench.speaker.played
    assert [] == bench.sent
    assert not bench.mouth.busy


def test_no_chime_is_heard_over_an_answer() -> None:
    """It is dropped, not kept for later."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.feed("1", TONE)
    bench.mouth.chime(WAKE)
    bench.mouth.end("1")
    bench.run(0.5)
    assert TONE.strip(b"\x00") == bench.heard()


def test_an_answer_waits_for_the_rest_of_a_chime_and_counts_only_itself() -> None:
    """Both are heard whole; only the answer's samples are told."""
    bench = Bench()
    bench.mouth.chime(WAKE)
    bench.run(0.05)
    bench.mouth.begin("1")
    bench.mouth.feed("1", TONE)
    bench.mouth.end("1")
    bench.run(0.6)
    assert bench.heard() == (WAKE.lstrip(b"\x00") + TONE).strip(b"\x00")
    last = bench.reports(wire.PLAYED)[-1]
    assert (True, len(TONE) // 2) == (last["done"], last["samples"])


def test_a_flush_ends_a_chime_too() -> None:
    """Silence is silence."""
    bench = Bench()
    bench.mouth.chime(WAKE)
    bench.run(0.03)
    bench.mouth.flush()
    bench.run(0.3)
    assert len(bench.speaker.played) < 0.08 * 2 * RATE_HZ
    assert not bench.mouth.busy


class WakesOnce:
    """A detector that wakes on one frame."""

    engine = "scripted"
    words = ("sena",)

    def __init__(self, at_sample: int) -> None:
        self._at_sample = at_sample

    def process(self, frame: Frame) -> Detection | None:
        if frame.start_sample == self._at_sample:
            return Detection("sena", self.engine, frame.end_sample)
        return None

    def close(self) -> None: ...


def listened(chime: bytes) -> tuple[bytes, int, str]:
    """What leaves the worker after a wake word, and where speech was found to begin and why end."""
    room = EchoRoom(WakesOnce(30 * 512), RoomEcho(-6, 0.06), OwnVoice(), chime=chime)
    room.run(1.0)
    assert 1 == len(room.events(wire.DETECTION))
    room.ear.listen("1", "detection")
    room.person(at_peak(say("what time is it", "slt"), 8_000))
    room.run(4.0)
    audio = b"".join(event.payload or b"" for event in room.events(wire.AUDIO_CHUNK))
    (started,) = room.events(wire.VOICE_STARTED)
    (endpoint,) = room.events(wire.ENDPOINT)
    return audio, started.data["sample"], endpoint.data["reason"]


def test_the_wake_chime_neither_cuts_nor_delays_a_question_that_follows_at_once() -> None:
    """With it and without: as much leaves the worker, and speech begins at the same place."""
    without, start, reason = listened(b"")
    with_chime, start_with, reason_with = listened(WAKE)
    assert (len(without), start, reason) == (len(with_chime), start_with, reason_with)
    assert without != with_chime


def test_the_wake_chime_alone_is_no_question() -> None:
    """A wake word, the chime, and nobody speaks."""
    room = EchoRoom(WakesOnce(30 * 512), RoomEcho(0, 0.06), OwnVoice(), chime=WAKE)
    room.run(1.0)
    room.ear.listen("1", "detection")
    room.run(5.0)
    assert ["no-speech"] == [event.data["reason"] for event in room.events(wire.ENDPOINT)]
