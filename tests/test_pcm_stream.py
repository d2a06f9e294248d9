"""Sound in pieces, raw or WAV, cut anywhere."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sena_pi.audio import AudioFormat, wav_bytes
from sena_pi.errors import SynthesisFailed
from sena_pi.pcm_stream import PcmStream

L16 = "audio/L16;codec=pcm;rate=24000"
PCM = bytes(range(1, 255)) * 8
FORMAT = AudioFormat(24_000)


def play(pieces: list[bytes], mime_type: str = L16) -> tuple[set[AudioFormat], bytes]:
    """The formats and the samples of what was given for these pieces."""
    stream = PcmStream(longest_s=60)
    chunks = [chunk for piece in pieces if (chunk := stream.feed(piece, mime_type)) is not None]
    assert all(len(chunk.pcm) % chunk.format.frame_bytes == 0 for chunk in chunks)
    assert stream.seconds == pytest.approx(sum(chunk.seconds for chunk in chunks))
    return {chunk.format for chunk in chunks}, b"".join(chunk.pcm for chunk in chunks)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted(place % (len(data) + 1) for place in places)
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


def wav(size: int, pcm: bytes = PCM, *, before: bytes = b"", bits: int = 16, tag: int = 1) -> bytes:
    """A WAV file whose header claims this size."""
    form = struct.pack("<HHIIHH", tag, 1, 22_050, 44_100, 2, bits)
    chunks = before + b"fmt " + struct.pack("<I", len(form)) + form
    return b"RIFF\xff\xff\xff\xffWAVE" + chunks + b"data" + struct.pack("<I", size) + pcm


places = st.lists(st.integers(0, 4096), max_size=12)


@settings(deadline=None)
@given(places)
def test_raw_sound_is_the_same_however_it_is_cut(places: list[int]):
    """No sample is torn or lost, wherever the pieces end."""
    assert ({FORMAT}, PCM) == play(cut(PCM, places))


@settings(deadline=None)
@given(places, st.sampled_from([len(PCM), 0, 0xFFFFFFFF, 10_000_000]))
def test_a_wav_file_is_the_same_however_it_is_cut(places: list[int], size: int):
    """Header and samples may be cut anywhere, and the size may be unknown to its writer."""
    assert ({AudioFormat(22_050)}, PCM) == play(cut(wav(size), places))


@pytest.mark.parametrize(
    ("mime_type", "expected"),
    [
        ("audio/L16;codec=pcm;rate=24000", FORMAT),
        ("audio/l16; rate=16000; channels=1", AudioFormat(16_000)),
        ('audio/pcm;rate="48000";channels=2', AudioFormat(48_000, 2)),
        ("audio/L16", FORMAT),
    ],
)
def test_the_mime_type_says_the_rate_of_raw_sound(mime_type: str, expected: AudioFormat):
    """Its rate is believed; without one it is the voices' own."""
    assert ({expected}, PCM) == play([PCM], mime_type)


def test_the_header_of_a_wav_file_counts_whatever_the_mime_type_says():
    """Bytes are stronger than labels."""
    assert ({AudioFormat(22_050)}, PCM) == play([wav(0)], L16)
    assert ({FORMAT}, PCM) == play([wav_bytes(PCM, FORMAT)], "audio/wav")


def test_what_else_a_wav_file_holds_is_not_played():
    """Chunks before the samples are skipped, and chunks after them left."""
    note = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    assert play([wav(len(PCM), PCM + note, before=note)])[1] == PCM


def test_pieces_with_a_header_each_are_one_sound():
    """Some writers repeat the header; it is not played."""
    assert ({AudioFormat(22_050)}, PCM + PCM) == play([wav(0), wav(0)], "audio/wav")


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (PCM, "audio/mpeg"),
        (PCM, "text/plain"),
        (PCM, ""),
        (PCM, "audio/wav"),
        (PCM, "audio/L16;rate=400000"),
        (PCM, "audio/L16;rate=24000;channels=6"),
        (wav(0, bits=8), "audio/wav"),
        (wav(0, tag=3), "audio/wav"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0" + PCM, "audio/wav"),
        (b"RIFF\0\0\0\0WAVE" + b"junk\4\0\0\0junk" * 1000, "audio/wav"),
    ],
)
def test_what_is_no_16_bit_sound_is_refused(data: bytes, mime_type: str):
    """It is an error and never noise in the speaker."""
    with pytest.raises(SynthesisFailed):
        play([data], mime_type)


def test_an_endless_sentence_is_given_up():
    """A voice that does not stop is stopped."""
    stream = PcmStream(longest_s=1)
    stream.feed(bytes(48_000), L16)
    with pytest.raises(SynthesisFailed, match="1 s"):
        stream.feed(bytes(2), L16)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=64)), st.text(), st.booleans())
def test_no_bytes_raise_anything_else(pieces: list[bytes], mime_type: str, as_wav: bool):  # noqa: FBT001 - drawn
    """Whatever comes, it is sound or a `SynthesisFailed`."""
    stream = PcmStream(longest_s=60)
    head = [b"RIFF\0\0\0\0WAVE"] if as_wav else []
    try:
        for piece in head + pieces:
            stream.feed(piece, mime_type if len(mime_type) % 2 else L16)
    except SynthesisFailed:
        pass
