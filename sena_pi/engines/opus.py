"""Speech as Ogg/Opus: small enough to keep. The only module that imports soundfile.

Around libsndfile (1.2.2 in soundfile's wheel), because of what it does by itself:

* soundfile reads and writes `BytesIO` through callbacks, which are executable memory made at
  run time: the service's sandbox (`MemoryDenyWriteExecute=`) forbids it. A memory file
  (`memfd_create`) has a descriptor and needs none.
* It passes over a damaged Ogg page without a word. So every page is checked here first (order,
  CRC, end): sound comes as it was kept, or not at all.
* Read as 16-bit integers, a sample decoded louder than full scale wraps round: a loud click.
  So sound is read as floating point and clipped here.
* soundfile seeks after every read, and a seek inside the last packet gives wrong samples.
  So the last read takes the packets before it too.
* It pads the tags by half a kilobyte: a fifth of a short sentence. They are cut off.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.errors import EngineUnavailable
from sena_pi.resampling import Resampler

if TYPE_CHECKING:
    from types import ModuleType

RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
"""The rates Opus knows."""

BITRATE_BPS = 24_000
"""A quarter smaller than 32,000 for at most 0.6 dB of spectral distance in 6, on two voices."""

READ_S = 0.12
"""Length of a decoded chunk: the longest Opus packet, and six of ours."""

_LOWEST_BPS, _BPS_SPAN = 6_000, 250_000
_COMPRESSION = 1 - (BITRATE_BPS - _LOWEST_BPS) / _BPS_SPAN
"""libsndfile's "compression level" of Opus is the bitrate: 0 is 256 kb/s, 1 is 6 kb/s."""

_PAGE_HEADER = struct.Struct("<4sBBqIIIB")
_CRC_AT = 22
_FIRST, _LAST = 2, 4
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _Page(NamedTuple):
    """A page of an Ogg stream (RFC 3533), found intact."""

    flags: int
    granule: int
    serial: int
    number: int
    body: bytes
    raw: bytes


def encode(pcm: bytes, audio_format: AudioFormat) -> bytes:
    """Mono speech as an Ogg/Opus file of about 3 kB a second.

    Blocks for a fortieth of the sound's length on a desktop core (a Pi 4 is reckoned at a
    fifth); other threads run meanwhile. Sound that stops in the middle of a vowel loses
    loudness in its last 5 ms: Opus shortens the last packet, and so changes its mode there.

    Args:
        pcm: 16-bit samples; a torn last one is left out.
        audio_format: mono. A rate Opus does not know is resampled to the next that it does.

    Returns:
        A file that decodes to exactly as many samples as went in (after resampling).

    Raises:
        ValueError: no samples, or more than one channel.
        EngineUnavailable: libsndfile can't be loaded, or can't do Opus.
        OSError: no memory file could be made.
    """
    count = audio_format.samples(pcm)
    if not count or audio_format.channels != 1:
        raise ValueError("only mono sound of at least one sample can be kept as Opus")
    rate_hz = next((rate for rate in RATES_HZ if rate >= audio_format.rate_hz), RATES_HZ[-1])
    resampler = Resampler(audio_format, rate_hz)
    samples = resampler.convert(pcm[: count * audio_format.frame_bytes]) + resampler.rest()

    soundfile = _soundfile()
    with _memory_file() as kept:
        try:
            with soundfile.SoundFile(
                kept.fileno(),
                "w",
                samplerate=rate_hz,
                channels=1,
                format="OGG",
                subtype="OPUS",
                closefd=False,
                compression_level=_COMPRESSION,
            ) as file:
                file.buffer_write(samples, "int16")
        except soundfile.LibsndfileError as error:
            raise EngineUnavailable(
                f"libsndfile can't write Ogg/Opus: {error.error_string}"
            ) from error
        kept.seek(0)
        return _without_padding(kept.read())


def decode(data: bytes) -> Iterator[AudioChunk]:
    """The sound of an Ogg/Opus file, decoded as it is asked for.

    The file is checked before this returns (microseconds); nothing is held open until the first
    chunk is asked for, and closing the generator lets go of it. Asking for a chunk blocks for
    about a millisecond.

    Args:
        data: a whole mono Ogg/Opus file.

    Returns:
        Chunks of 0.12 s, the last of less than 0.24 s, at the rate it was encoded at.

    Raises:
        ValueError: not a mono Ogg/Opus file, cut, or damaged. Raised by the call; while chunks
            are asked for only where the pages are intact and what is in them isn't.
        EngineUnavailable: libsndfile can't be loaded.
        OSError: no memory file could be made.
    """
    pages = _pages(data)
    if not pages[0].body.startswith(b"OpusHead"):
        raise ValueError("an Ogg file, but not Opus")
    return _chunks(data)


def _chunks(data: bytes) -> Iterator[AudioChunk]:
    soundfile = _soundfile()
    import numpy as np

    with _memory_file() as kept:
        kept.write(data)
        kept.seek(0)
        try:
            with soundfile.SoundFile(kept.fileno(), "r", closefd=False) as file:
                if file.channels != 1:
                    raise ValueError(f"Opus of {file.channels} channels; mono is needed")
                audio_format = AudioFormat(file.samplerate)
                step = int(READ_S * file.samplerate)
                left = file.frames
                if left <= 0:
                    raise ValueError("Opus without sound")
                while left > 0:
                    wanted = step if left >= 2 * step else left
                    samples = file.read(wanted, dtype="float32")
                    if len(samples) != wanted:
                        raise ValueError("Opus that ends before its stated length")
                    # Where pages lie about their length it may give memory it never filled.
                    if not np.isfinite(samples).all():
                        raise ValueError("damaged Opus: samples that are no numbers")
                    left -= wanted
                    whole = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2")
                    yield AudioChunk(audio_format, whole.tobytes())
        except soundfile.LibsndfileError as error:
            raise ValueError(f"damaged Opus: {error.error_string}") from error


def _soundfile() -> ModuleType:
    """The library: loaded when first used, for it and numpy cost 0.1 s."""
    try:
        import soundfile  # type: ignore[import-untyped]
    except (ImportError, OSError) as error:
        raise EngineUnavailable(f"soundfile can't be loaded: {error}") from error
    library: ModuleType = soundfile
    return library


def _memory_file() -> BinaryIO:
    return os.fdopen(os.memfd_create("opus"), "w+b")


def _pages(data: bytes) -> list[_Page]:
    """The pages of one whole Ogg stream.

    Raises:
        ValueError: not Ogg, cut, or damaged in any bit.
    """
    pages: list[_Page] = []
    at = 0
    while at < len(data):
        page = _page(data, at)
        at += len(page.raw)
        here = (page.number, page.serial, page.flags & _FIRST, page.flags & _LAST)
        serial = pages[0].serial if pages else page.serial
        first, last = 0 if pages else _FIRST, _LAST if at == len(data) else 0
        if here != (len(pages), serial, first, last):
            raise ValueError("Ogg pages are missing, or not of one stream")
        pages.append(page)
    if not pages:
        raise ValueError("not an Ogg file: it is empty")
    return pages


def _page(data: bytes, at: int) -> _Page:
    body_at = at + _PAGE_HEADER.size
    if len(data) < body_at:
        raise ValueError("not a whole Ogg file")
    magic, version, flags, granule, serial, number, crc, segments = _PAGE_HEADER.unpack_from(
        data, at
    )
    lengths = data[body_at : body_at + segments]
    body_at += segments
    raw = data[at : body_at + sum(lengths)]
    if (magic, version) != (b"OggS", 0):
        raise ValueError("not an Ogg file")
    if _crc(raw) != crc:  # of a page that is cut too
        raise ValueError("an Ogg file that is cut or damaged")
    return _Page(flags, granule, serial, number, data[body_at : at + len(raw)], raw)


def _crc(page: bytes) -> int:
    """Ogg's CRC-32 of a page: zlib's polynomial, bits the other way round, nothing inverted."""
    zeroed = page[:_CRC_AT] + bytes(4) + page[_CRC_AT + 4 :]
    crc = zlib.crc32(zeroed.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(crc.to_bytes(4, "little").translate(_REVERSED), "big")


def _without_padding(data: bytes) -> bytes:
    """The same stream with nothing but the vendor in its tags (RFC 7845, section 5.2)."""
    head, tags, *sound = _pages(data)
    vendor_at = len(b"OpusTags") + 4
    (vendor_bytes,) = struct.unpack_from("<I", tags.body, vendor_at - 4)
    body = tags.body[: vendor_at + vendor_bytes] + bytes(4)  # no comments
    fields = (b"OggS", 0, tags.flags, tags.granule, tags.serial, tags.number, 0, 1)
    page = _PAGE_HEADER.pack(*fields) + bytes([len(body)]) + body
    crc = struct.pack("<I", _crc(page))
    page = page[:_CRC_AT] + crc + page[_CRC_AT + 4 :]
    return b"".join([head.raw, page, *(part.raw for part in sound)])
