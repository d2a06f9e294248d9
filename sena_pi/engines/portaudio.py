"""Sound devices through PortAudio (PyAudio).

What this relies on, measured with PyAudio 0.2.14 on PortAudio 19.6: a blocking `read` on a
stalled device never returns, and closing the stream from another thread can crash; the counts
of readable and writable frames stay at zero on a stalled device and don't block, but for one
case: when the sound server is killed they may never return. So this runs in a process that can
be killed. The list of devices is as old as the `PyAudio` object.
"""

from __future__ import annotations

import contextlib
import os
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyaudio

from sena_pi.audio import FRAME_SAMPLES, MICROPHONE_FORMAT, SAMPLE_BYTES, AudioFormat
from sena_pi.resampling import Resampler
from sena_pi.sound import LONGEST_QUEUE_S, DeviceLost, SoundDevice
from sena_pi.sound_cards import usb_identities
from sena_pi.sound_choice import Direction, choose

_PREFERRED_PLAYBACK_HZ = 48_000
_PERIOD_S = 0.02
_CARD_NUMBER = re.compile(r"\s*\(hw:(\d+)(?:,\d+)*\)$")


def stable_name(portaudio_name: str) -> str:
    """A device's name without the card number, which changes from boot to boot."""
    return _CARD_NUMBER.sub("", portaudio_name)


def card_number(portaudio_name: str) -> int | None:
    """The number of the card that a name ends with; None for a device that is no card."""
    found = _CARD_NUMBER.search(portaudio_name)
    return int(found[1]) if found else None


class PortAudio:
    """The machine's sound devices; a `SoundSystem`."""

    def __init__(self) -> None:
        # The constructor prints twenty lines of ALSA and JACK complaints that mean nothing.
        with _stderr_silenced():
            self._pyaudio: Any = pyaudio.PyAudio()
        self._cards = _cards()
        self._usb = usb_identities()

    def devices(self) -> list[SoundDevice]:
        """Every device, as `SoundSystem.devices`."""
        found = [self._device(info) for info in self._infos()]
        return sorted(found, key=lambda device: device.name != "default")

    def open_capture(self, device: str) -> PortAudioCapture:
        """Open a microphone, as `SoundSystem.open_capture`."""
        return PortAudioCapture(self._pyaudio, self._find(device, "input"))

    def open_playback(self, device: str) -> PortAudioPlayback:
        """Open a speaker, as `SoundSystem.open_playback`."""
        return PortAudioPlayback(self._pyaudio, self._find(device, "output"))

    def stale(self) -> bool:
        """Sound cards came or went, as `SoundSystem.stale`."""
        return _cards() != self._cards

    def close(self) -> None:
        """Forget the devices, as `SoundSystem.close`."""
        self._pyaudio.terminate()

    def _infos(self) -> Iterator[dict[str, Any]]:
        for index in range(self._pyaudio.get_device_count()):
            yield self._pyaudio.get_device_info_by_index(index)

    def _find(self, wanted: str, direction: Direction) -> dict[str, Any]:
        try:
            if not wanted:
                default = getattr(self._pyaudio, f"get_default_{direction}_device_info")
                info: dict[str, Any] = default()
                return info
        except OSError:
            raise DeviceLost(f"there is no default {direction} device") from None
        infos: dict[SoundDevice, dict[str, Any]] = {}
        for found in self._infos():
            infos.setdefault(self._device(found), found)
        return infos[choose(list(infos), wanted, direction)]

    def _device(self, info: dict[str, Any]) -> SoundDevice:
        number = card_number(info["name"])
        return SoundDevice(
            name=stable_name(info["name"]),
            inputs=int(info["maxInputChannels"]),
            outputs=int(info["maxOutputChannels"]),
            usb=self._usb.get(number) if number is not None else None,
        )


class PortAudioCapture:
    """A microphone; a `CaptureStream`."""

    def __init__(self, system: pyaudio.PyAudio, info: dict[str, Any]) -> None:
        self.device = stable_name(info["name"])
        native = _native_format(system, info, "input", MICROPHONE_FORMAT.rate_hz)
        self._converter = None if native == MICROPHONE_FORMAT else _MicrophoneConverter(native)
        with _device_errors(self.device), _stderr_silenced():
            self._stream = system.open(
                rate=native.rate_hz,
                channels=native.channels,
                format=pyaudio.paInt16,
                input=True,
                input_device_index=int(info["index"]),
                frames_per_buffer=FRAME_SAMPLES * native.rate_hz // MICROPHONE_FORMAT.rate_hz,
            )

    def available(self) -> int:
        """Samples that can be read now, as `CaptureStream.available`."""
        with _device_errors(self.device):
            ready: int = self._stream.get_read_available()
            if self._converter is None:
                return ready
            if ready > 0:
                self._converter.feed(self._stream.read(ready, exception_on_overflow=False))
            return self._converter.samples

    def read(self, samples: int) -> bytes:
        """Read samples that are available, as `CaptureStream.read`."""
        if self._converter is not None:
            return self._converter.take(samples)
        with _device_errors(self.device):
            # An overflow shows in the count of frames against the clock; as an exception it
            # would close the stream.
            pcm: bytes = self._stream.read(samples, exception_on_overflow=False)
            return pcm

    def close(self) -> None:
        """Give the device back, as `CaptureStream.close`."""
        _close(self._stream)


class PortAudioPlayback:
    """A speaker; a `PlaybackStream`."""

    def __init__(self, system: pyaudio.PyAudio, info: dict[str, Any]) -> None:
        self.device = stable_name(info["name"])
        native = _native_format(system, info, "output", _PREFERRED_PLAYBACK_HZ)
        self.rate_hz = native.rate_hz
        self._channels = native.channels
        self._longest_queue = int(LONGEST_QUEUE_S * self.rate_hz)
        with _device_errors(self.device), _stderr_silenced():
            self._stream = system.open(
                rate=native.rate_hz,
                channels=native.channels,
                format=pyaudio.paInt16,
                output=True,
                output_device_index=int(info["index"]),
                frames_per_buffer=int(_PERIOD_S * self.rate_hz),
            )
            self._capacity: int = self._stream.get_write_available()
            self._stream.stop_stream()

    def queued(self) -> int:
        """Samples written and not yet played, as `PlaybackStream.queued`."""
        with _device_errors(self.device):
            if self._stream.is_stopped():
                return 0
            return max(0, self._capacity - int(self._stream.get_write_available()))

    def writable(self) -> int:
        """Samples that can be written now, as `PlaybackStream.writable`."""
        with _device_errors(self.device):
            free = int(self._stream.get_write_available())
        self._capacity = max(self._capacity, free)
        return min(free, max(0, self._longest_queue - (self._capacity - free)))

    def write(self, pcm: bytes) -> None:
        """Hand over samples, as `PlaybackStream.write`."""
        samples = len(pcm) // SAMPLE_BYTES
        with _device_errors(self.device):
            self._stream.write(_spread(pcm, self._channels), samples)

    def start(self) -> None:
        """Begin to play, as `PlaybackStream.start`."""
        with _device_errors(self.device):
            if self._stream.is_stopped():
                self._stream.start_stream()

    def stop(self) -> None:
        """Silence now, as `PlaybackStream.stop`."""
        with _device_errors(self.device):
            if not self._stream.is_stopped():
                self._stream.stop_stream()

    def close(self) -> None:
        """Give the device back, as `PlaybackStream.close`."""
        _close(self._stream)


class _MicrophoneConverter:
    """Brings a microphone that has no 16 kHz mono to it: its first channel, resampled."""

    def __init__(self, native: AudioFormat) -> None:
        self._resampler = Resampler(native, MICROPHONE_FORMAT.rate_hz)
        self._pcm = bytearray()

    @property
    def samples(self) -> int:
        """16 kHz samples ready to be taken."""
        return len(self._pcm) // SAMPLE_BYTES

    def feed(self, pcm: bytes) -> None:
        """Take interleaved samples in the device's own format."""
        self._pcm += self._resampler.convert(pcm)

    def take(self, samples: int) -> bytes:
        """Samples that are ready."""
        size = samples * SAMPLE_BYTES
        taken = bytes(self._pcm[:size])
        del self._pcm[:size]
        return taken


def _native_format(
    system: pyaudio.PyAudio, info: dict[str, Any], direction: str, wanted_hz: int
) -> AudioFormat:
    """The format to open a device with: as wanted, or the nearest thing that it has."""
    own_hz = int(info["defaultSampleRate"])
    most_channels = int(info[f"max{direction.capitalize()}Channels"])
    for rate_hz in (wanted_hz, own_hz):
        for channels in (1, min(2, most_channels)):
            if _supports(system, info, direction, AudioFormat(rate_hz, channels)):
                return AudioFormat(rate_hz, channels)
    return AudioFormat(own_hz)


def _supports(
    system: pyaudio.PyAudio, info: dict[str, Any], direction: str, audio_format: AudioFormat
) -> bool:
    device = {
        f"{direction}_device": int(info["index"]),
        f"{direction}_channels": audio_format.channels,
        f"{direction}_format": pyaudio.paInt16,
    }
    try:
        with _stderr_silenced():
            return bool(system.is_format_supported(audio_format.rate_hz, **device))
    except ValueError:
        return False


def _spread(mono: bytes, channels: int) -> bytes:
    """The same samples on each channel."""
    if channels == 1:
        return mono
    interleaved = array("h", bytes(len(mono) * channels))
    samples = array("h", mono)
    for channel in range(channels):
        interleaved[channel::channels] = samples
    return interleaved.tobytes()


def _cards() -> str:
    try:
        return Path("/proc/asound/cards").read_text()
    except OSError:
        return ""


def _close(stream: pyaudio.Stream) -> None:
    with contextlib.suppress(OSError):
        stream.close()


@contextlib.contextmanager
def _device_errors(device: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        # PyAudio raises ValueError for a rate or channel count that the device refuses.
        raise DeviceLost(f"sound device {device!r}: {error}") from error


@contextlib.contextmanager
def _stderr_silenced() -> Iterator[None]:
    saved = os.dup(2)
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    os.close(devnull)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
