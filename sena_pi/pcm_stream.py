"""Sound that arrives in pieces, raw or as a WAV file, as chunks of whole samples."""

from __future__ import annotations

import re
import struct
from typing import Final

from sena_pi.audio import SAMPLE_BYTES, AudioChunk, AudioFormat
from sena_pi.errors import SynthesisFailed

_RAW_TYPES: Final = {"audio/l16", "audio/pcm"}
_WAV_TYPES: Final = {"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"}
_RAW_DEFAULT_HZ: Final = 24_000
_RATES_HZ: Final = range(8_000, 48_001)
_CHANNELS: Final = range(1, 3)
_LONGEST_WAV_HEADER: Final = 4096
_UNKNOWN_SIZES: Final = {0, 0xFFFFFFFF}
_PCM_TAG: Final = 1
_EXTENSIBLE_TAG: Final = 0xFFFE
_PARAMETER = re.compile(r";\s*([a-zA-Z]+)\s*=\s*\"?(\d{1,6})\"?\s*")


class PcmStream:
    """Turns pieces of one sentence's sound into chunks; knows raw PCM and RIFF/WAV by sight.

    Pieces may be cut anywhere, in the middle of a sample or of the WAV header. The bytes say
    whether it is a WAV file, whatever the mime type says; for raw PCM the mime type's rate counts.

    Args:
        longest_s: a sentence with more sound than this is a runaway voice.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._format: AudioFormat | None = None
        self._waiting = b""
        self._left: int | None = None
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """Length of the chunks given so far."""
        return self._seconds

    def feed(self, data: bytes, mime_type: str) -> AudioChunk | None:
        """Take the next piece; the whole samples in it, None while there are none.

        Raises:
            SynthesisFailed: it is not 16-bit PCM that can be played, or there is too much of it.
        """
        if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
            # Some writers give each piece a header of its own.
            self._format, self._waiting = None, b""
        self._waiting += data
        if self._format is None:
            self._format = self._recognise(mime_type)
        if self._format is None:
            return None
        whole = len(self._waiting) - len(self._waiting) % self._format.frame_bytes
        pcm, self._waiting = self._waiting[:whole], self._waiting[whole:]
        if self._left is not None:
            pcm = pcm[: self._left]
            self._left -= len(pcm)
        if not pcm:
            return None
        chunk = AudioChunk(self._format, pcm)
        self._seconds += chunk.seconds
        if self._seconds > self._longest_s:
            raise SynthesisFailed(f"more than {self._longest_s:g} s of sound for one sentence")
        return chunk

    def _recognise(self, mime_type: str) -> AudioFormat | None:
        """The format, once it is certain; takes a WAV header out of what waits."""
        kind = mime_type.split(";")[0].strip().lower()
        if kind not in _RAW_TYPES | _WAV_TYPES:
            raise SynthesisFailed(f"the voice sent {kind[:40]!r} instead of PCM sound")
        if len(self._waiting) < 4:
            return None
        if self._waiting.startswith(b"RIFF"):
            return self._wav_header()
        if kind in _WAV_TYPES:
            raise SynthesisFailed("the voice sent a WAV file without a RIFF header")
        parameters = {name.lower(): int(value) for name, value in _PARAMETER.findall(mime_type)}
        return _format(parameters.get("rate", _RAW_DEFAULT_HZ), parameters.get("channels", 1))

    def _wav_header(self) -> AudioFormat | None:
        data, place, audio_format = self._waiting, 12, None
        while place + 8 <= len(data):
            name, size = struct.unpack_from("<4sI", data, place)
            place += 8
            if name == b"data":
                if audio_format is None:
                    raise SynthesisFailed("the voice sent a WAV file without a format")
                # A stream's writer does not know the size and leaves one of these.
                self._left = None if size in _UNKNOWN_SIZES else size
                self._waiting = data[place:]
                return audio_format
            if name == b"fmt " and place + 16 <= len(data):
                audio_format = _wav_format(data[place : place + 16])
            place += size + size % 2
        if len(data) > _LONGEST_WAV_HEADER:
            raise SynthesisFailed("the voice sent a WAV file without samples")
        return None


def _wav_format(data: bytes) -> AudioFormat:
    tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", data)
    if tag not in {_PCM_TAG, _EXTENSIBLE_TAG} or bits != 8 * SAMPLE_BYTES:
        raise SynthesisFailed(f"the voice sent {bits}-bit sound of kind {tag}, not 16-bit PCM")
    return _format(rate_hz, channels)


def _format(rate_hz: int, channels: int) -> AudioFormat:
    if rate_hz not in _RATES_HZ or channels not in _CHANNELS:
        raise SynthesisFailed(f"the voice sent {channels} channels at {rate_hz} Hz")
    return AudioFormat(rate_hz, channels)
