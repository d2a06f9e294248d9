"""Values of sound. All samples are signed 16-bit little-endian, mono unless said."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field

SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Rate and channels of 16-bit PCM.

    Attributes:
        rate_hz: sample frames a second.
        channels: interleaved channels.
    """

    rate_hz: int
    channels: int = 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample frame (one sample of each channel)."""
        return SAMPLE_BYTES * self.channels

    def samples(self, pcm: bytes) -> int:
        """Sample frames in `pcm`; a torn last one is not counted."""
        return len(pcm) // self.frame_bytes

    def seconds(self, pcm: bytes) -> float:
        """Length of `pcm` in seconds."""
        return self.samples(pcm) / self.rate_hz


MICROPHONE_FORMAT = AudioFormat(rate_hz=16_000)
FRAME_SAMPLES = 512
FRAME_BYTES = FRAME_SAMPLES * SAMPLE_BYTES
FRAME_S = FRAME_SAMPLES / MICROPHONE_FORMAT.rate_hz


@dataclass(frozen=True, slots=True)
class Frame:
    """512 samples (32 ms) of 16 kHz mono from the microphone.

    Attributes:
        pcm: exactly `FRAME_BYTES` bytes.
        start_sample: position of the first sample since the stream was opened.
    """

    pcm: bytes = field(repr=False)
    start_sample: int

    @property
    def end_sample(self) -> int:
        """Position just after the last sample."""
        return self.start_sample + FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of sound to be played."""

    format: AudioFormat
    pcm: bytes = field(repr=False)

    @property
    def samples(self) -> int:
        """Sample frames in this chunk."""
        return self.format.samples(self.pcm)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.format.seconds(self.pcm)

    def pieces(self, longest_s: float) -> Iterator[AudioChunk]:
        """The same sound in chunks of at most `longest_s`."""
        step = max(1, int(longest_s * self.format.rate_hz)) * self.format.frame_bytes
        for start in range(0, len(self.pcm), step):
            yield AudioChunk(self.format, self.pcm[start : start + step])


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a person said, from the wake word or press to the endpoint.

    Attributes:
        pcm: 16 kHz mono samples.
        speech_end_sample: where speech ended, counted from the start of `pcm`.
    """

    pcm: bytes = field(repr=False)
    speech_end_sample: int

    @property
    def seconds(self) -> float:
        """Length in seconds, the silence before the endpoint included."""
        return MICROPHONE_FORMAT.seconds(self.pcm)

    def wav(self) -> bytes:
        """The same sound as a WAV file."""
        return wav_bytes(self.pcm, MICROPHONE_FORMAT)


def wav_bytes(pcm: bytes, audio_format: AudioFormat) -> bytes:
    """A RIFF/WAV file with these samples."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(audio_format.channels)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(audio_format.rate_hz)
        file.writeframes(pcm)
    return out.getvalue()


def read_wav(data: bytes) -> AudioChunk:
    """The samples of a 16-bit PCM WAV file.

    Raises:
        ValueError: not a WAV file, or not 16-bit PCM; the message says which.
    """
    try:
        with wave.open(io.BytesIO(data), "rb") as file:
            if file.getsampwidth() != SAMPLE_BYTES:
                raise ValueError(f"{file.getsampwidth() * 8}-bit samples; 16-bit PCM is needed")
            audio_format = AudioFormat(file.getframerate(), file.getnchannels())
            return AudioChunk(audio_format, file.readframes(file.getnframes()))
    except (wave.Error, EOFError) as error:
        raise ValueError(f"not a 16-bit PCM WAV file: {error}") from error
