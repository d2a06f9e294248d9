"""Microphones as PortAudio gives them: that lose sound, and that know no 16 kHz."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sena_pi.audio import FRAME_SAMPLES, MICROPHONE_FORMAT
from sena_pi.sound import DeviceLost

pyaudio = pytest.importorskip("pyaudio")

from sena_pi.engines.portaudio import PortAudioCapture  # noqa: E402 - may be missing

OVERFLOWED = -9981
TONE_HZ = 440


class Stream:
    """A PyAudio stream of a microphone in which a tone is heard."""

    def __init__(self, rate_hz: int, channels: int, *, overflows: bool) -> None:
        self.closed = False
        self._rate_hz = rate_hz
        self._channels = channels
        self._overflows = overflows
        self._position = 0

    def get_read_available(self) -> int:
        return self._rate_hz // 10

    def read(self, samples: int, exception_on_overflow: bool = True) -> bytes:  # noqa: FBT001, FBT002
        if self._overflows and exception_on_overflow:
            # PyAudio closes nothing, but what was lost is lost, and so is what it would give.
            raise OSError(OVERFLOWED, "Input overflowed")
        times = (self._position + np.arange(samples)) / self._rate_hz
        self._position += samples
        tone = (8000 * np.sin(2 * np.pi * TONE_HZ * times)).astype("<i2")
        return np.repeat(tone, self._channels).tobytes()

    def close(self) -> None:
        self.closed = True


class System:
    """A PyAudio whose one microphone can do what it is said to."""

    def __init__(
        self, rates_hz: tuple[int, ...], channels: int, *, overflows: bool = False
    ) -> None:
        self.info: dict[str, Any] = {
            "index": 0,
            "name": "USB Audio (hw:1,0)",
            "defaultSampleRate": float(rates_hz[0]),
            "maxInputChannels": channels,
            "maxOutputChannels": 0,
        }
        self._rates_hz = rates_hz
        self._overflows = overflows

    def is_format_supported(self, rate_hz: float, **device: int) -> bool:
        if rate_hz not in self._rates_hz or device["input_channels"] != self._channels:
            raise ValueError("Invalid sample rate", -9997)
        return True

    def open(self, *, rate: int, channels: int, **_more: object) -> Stream:
        if rate not in self._rates_hz or channels != self._channels:
            raise OSError(-9997, "Invalid sample rate")
        return Stream(rate, channels, overflows=self._overflows)

    @property
    def _channels(self) -> int:
        channels: int = self.info["maxInputChannels"]
        return channels


def opened(system: System) -> PortAudioCapture:
    return PortAudioCapture(system, system.info)  # type: ignore[arg-type]


def frames(capture: PortAudioCapture, number: int) -> bytes:
    pcm = b""
    for _ in range(number):
        for _ in range(10):
            if capture.available() >= FRAME_SAMPLES:
                break
        pcm += capture.read(FRAME_SAMPLES)
    return pcm


def pitch_hz(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * MICROPHONE_FORMAT.rate_hz / len(samples)


@pytest.mark.parametrize("rates_hz", [(16_000,), (48_000,)])
def test_lost_sound_closes_no_microphone(rates_hz: tuple[int, ...]) -> None:
    """What could not be taken in time is gone; what comes next is heard."""
    capture = opened(System(rates_hz, channels=1, overflows=True))
    assert 20 * FRAME_SAMPLES * 2 == len(frames(capture, 20))


@pytest.mark.parametrize("rate_hz", [48_000, 44_100, 32_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_microphone_without_16_khz_is_resampled(rate_hz: int, channels: int) -> None:
    """A tone keeps its pitch, whatever the microphone's own rate and channels."""
    pcm = frames(opened(System((rate_hz,), channels)), 31)
    assert TONE_HZ == pytest.approx(pitch_hz(pcm), abs=3)


def test_a_microphone_that_can_do_nothing_is_lost() -> None:
    """As every device that can't be opened: it is looked for again."""
    system = System((192_000,), channels=1)
    system.info["defaultSampleRate"] = 8_000.0
    with pytest.raises(DeviceLost, match="Invalid sample rate"):
        opened(system)
