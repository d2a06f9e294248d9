"""Speech kept as Ogg/Opus: the real codec, whole, damaged, and inside the sandbox."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sena_pi.audio import AudioChunk, AudioFormat, wav_bytes
from sena_pi.engines import opus
from tests.speech import say

SENTENCE = "The kettle boils at a hundred degrees, and a little earlier in the mountains."


def tone(samples: int, rate_hz: int = 24_000, peak: float = 12_000) -> np.ndarray:
    """A buzz with the pitch and the falling overtones of a voice."""
    t = np.arange(samples) / rate_hz
    wave = sum(np.sin(2 * np.pi * 140 * n * t + n) / n for n in range(1, 12))
    return np.clip(wave * peak, -32768, 32767).astype("<i2")


def samples_of(chunks: Iterator[AudioChunk]) -> np.ndarray:
    return np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2")


def there_and_back(pcm: np.ndarray, rate_hz: int) -> np.ndarray:
    return samples_of(opus.decode(opus.encode(pcm.tobytes(), AudioFormat(rate_hz))))


def crc(page: bytes) -> int:
    """Ogg's CRC, bit by bit as RFC 3533 has it."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x104C11DB7 if value & 0x80000000 else 0)
    return value


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def split(data: bytes) -> list[bytes]:
    """The pages of an intact file."""
    pages = []
    while data:
        segments = data[26]
        length = 27 + segments + sum(data[27 : 27 + segments])
        pages.append(data[:length])
        data = data[length:]
    return pages


def sealed(page: bytes) -> bytes:
    """The page with the CRC of what it now holds."""
    zeroed = page[:22] + bytes(4) + page[26:]
    return page[:22] + struct.pack("<I", crc(zeroed)) + page[26:]


@pytest.fixture(scope="module")
def kept() -> bytes:
    """Two seconds, so more than one page of sound."""
    return opus.encode(tone(48_000).tobytes(), AudioFormat(24_000))


@pytest.mark.parametrize("rate_hz", opus.RATES_HZ)
def test_every_length_survives(rate_hz: int) -> None:
    """As many samples come out as went in, around every packet, block and page."""
    packet = rate_hz // 50
    lengths = [1, 2, 119, 312, 313, packet - 1, packet, packet + 1, 6 * packet, 12 * packet - 1]
    lengths += [12 * packet, 12 * packet + 1, rate_hz - 1, rate_hz, rate_hz + 7, 3 * rate_hz + 7]
    assert lengths == [len(there_and_back(tone(n, rate_hz), rate_hz)) for n in lengths]


@pytest.mark.parametrize(
    ("source_hz", "kept_hz"),
    [(11_025, 12_000), (16_000, 16_000), (22_050, 24_000), (44_100, 48_000), (96_000, 48_000)],
)
def test_a_rate_unknown_to_opus_becomes_the_next_it_knows(source_hz: int, kept_hz: int) -> None:
    """The pitch and the length in seconds stay."""
    data = opus.encode(tone(source_hz, source_hz).tobytes(), AudioFormat(source_hz))
    chunks = list(opus.decode(data))
    assert {AudioFormat(kept_hz)} == {chunk.format for chunk in chunks}
    heard = samples_of(iter(chunks))
    assert abs(len(heard) - kept_hz) <= 1
    pitch_hz = 20 + int(np.abs(np.fft.rfft(heard))[20:1000].argmax())
    assert 140 == pytest.approx(pitch_hz, abs=1)


@pytest.mark.parametrize("samples", [24_000, 24_000 + 7, 3 * 24_000 + 7, 2880 * 20 + 1, 33_333])
def test_neither_end_is_cut_nor_late(samples: int) -> None:
    """Sound is as loud in its first and last 20 ms as it was, and at the same place."""
    said = tone(samples).astype(float)
    heard = there_and_back(tone(samples), 24_000).astype(float)
    middle = slice(2_000, -2_000)
    late = max(
        range(-30, 31), key=lambda n: float(np.dot(said[middle], np.roll(heard, -n)[middle]))
    )
    assert abs(late) <= 2
    for end in (slice(0, 480), slice(-480, None)):
        loudness = np.sqrt((heard[end] ** 2).mean() / (said[end] ** 2).mean())
        assert 0.7 < loudness < 1.4


@pytest.mark.parametrize("samples", [1, 2880, 5760, 24_000 + 7, 3 * 24_000 + 7, 2880 * 20 + 1])
def test_chunk_by_chunk_is_the_same_sound(samples: int, tmp_path: Path) -> None:
    """Not one sample differs from the file read at one go, at its end neither."""
    soundfile = pytest.importorskip("soundfile")
    data = opus.encode(tone(samples).tobytes(), AudioFormat(24_000))
    (tmp_path / "sound.opus").write_bytes(data)
    whole, _ = soundfile.read(tmp_path / "sound.opus", dtype="float32")
    chunked = samples_of(opus.decode(data))
    assert 0 == np.abs(np.rint(np.clip(whole, -1, 1) * 32767) - chunked).max()


def test_speech_is_kept_as_it_sounded() -> None:
    """The spectrum of each tenth of a second is near the spoken one; other words are not."""
    rate_hz = 16_000

    def spectrum(pcm: np.ndarray) -> np.ndarray:
        cut = pcm[: len(pcm) // 1600 * 1600].reshape(-1, 1600)
        return np.log(np.abs(np.fft.rfft(cut * np.hanning(1600)))[:, 10:400] + 1_000)

    said = np.frombuffer(say(SENTENCE), "<i2")
    heard = there_and_back(said, rate_hz)
    other = np.frombuffer(say("Nothing of the kind was ever said by anybody in here."), "<i2")
    other = np.resize(other, len(said))
    apart = np.abs(spectrum(said) - spectrum(heard)).mean()
    assert apart < np.abs(spectrum(said) - spectrum(other)).mean() / 3


def test_speech_takes_three_kilobytes_a_second() -> None:
    """At most 3,300 bytes a second at any rate, and no padding in what is short."""
    pcm = say(SENTENCE)
    seconds = AudioFormat(16_000).seconds(pcm)
    assert len(opus.encode(pcm, AudioFormat(16_000))) < 3_300 * seconds
    assert len(opus.encode(bytes(2), AudioFormat(24_000))) < 200


def test_sound_at_full_scale_does_not_wrap_round() -> None:
    """What is decoded louder than a sample can be is clipped: no sample changes its sign."""
    said = tone(48_000, peak=90_000)
    heard = there_and_back(said, 24_000)
    loud = np.abs(heard.astype(int)) > 28_000
    assert loud.sum() > 1_000
    opposite = (np.sign(said.astype(int)) != np.sign(heard.astype(int))) & loud
    assert 0 == (opposite & (np.abs(said.astype(int)) > 28_000)).sum()


def test_chunks_are_small() -> None:
    """0.12 s each, the last with what is left."""
    data = opus.encode(tone(24_000).tobytes(), AudioFormat(24_000))
    assert [2880] * 7 + [24_000 - 7 * 2880] == [chunk.samples for chunk in opus.decode(data)]


def test_the_first_chunk_needs_nothing_of_the_end(kept: bytes) -> None:
    """An end that is wrong inside intact pages shows only when it is reached."""
    *pages, last = split(kept)
    longer = last[:6] + struct.pack("<q", 10 * 48_000) + last[14:]
    chunks = opus.decode(b"".join([*pages, sealed(longer)]))
    first = next(chunks)
    assert 2880 == first.samples
    assert samples_of(opus.decode(kept))[:2880].tobytes() == first.pcm
    with pytest.raises(ValueError, match="ends before its stated length"):
        list(chunks)


def test_a_file_cut_anywhere_is_refused(kept: bytes) -> None:
    """No prefix passes for a whole file, nor a file with something after it."""
    for length in range(len(kept)):
        with pytest.raises(ValueError, match="Ogg"):
            opus.decode(kept[:length])
    with pytest.raises(ValueError, match="Ogg"):
        opus.decode(kept + b"\0")


def test_every_flipped_bit_is_found() -> None:
    """Each bit of a short file, one at a time."""
    data = opus.encode(tone(2_000).tobytes(), AudioFormat(24_000))
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match="Ogg"):
            opus.decode(bytes(flipped))


def test_what_is_not_opus_is_refused(tmp_path: Path) -> None:
    """Nothing, noise, WAV, FLAC and Vorbis: none reaches the decoder."""
    soundfile = pytest.importorskip("soundfile")
    others = [b"", bytes(5_000), random.Random(1).randbytes(5_000)]
    others.append(wav_bytes(tone(5_000).tobytes(), AudioFormat(24_000)))
    for name in ("sound.flac", "sound.ogg"):
        soundfile.write(tmp_path / name, tone(24_000), 24_000)
        others.append((tmp_path / name).read_bytes())
    for other in others:
        with pytest.raises(ValueError, match="Ogg"):
            opus.decode(other)


def test_stereo_is_refused(tmp_path: Path) -> None:
    """Two channels are not played as one at half the speed."""
    soundfile = pytest.importorskip("soundfile")
    both = np.stack([tone(24_000)] * 2, axis=1)
    soundfile.write(tmp_path / "both.ogg", both, 24_000, subtype="OPUS")
    with pytest.raises(ValueError, match="2 channels"):
        next(opus.decode((tmp_path / "both.ogg").read_bytes()))


@pytest.mark.parametrize("end", [312, 311, 0, -1, -(2**63)])
def test_an_end_before_the_start_is_damage(end: int) -> None:
    """A length of nothing, or less, is not taken for silence."""
    head, tags, sound = split(opus.encode(tone(2_000).tobytes(), AudioFormat(24_000)))
    ended = sound[:6] + struct.pack("<q", end) + sound[14:]
    with pytest.raises(ValueError, match="Opus"):
        list(opus.decode(head + tags + sealed(ended)))


def test_a_gain_beyond_all_numbers_is_clipped_or_refused() -> None:
    """The head may ask for 128 dB more: what can't be a sample never becomes one."""
    head, tags, sound = split(opus.encode(tone(2_000).tobytes(), AudioFormat(24_000)))
    loud = head[: 28 + 16] + struct.pack("<h", 32_767) + head[28 + 18 :]
    heard = samples_of(opus.decode(sealed(loud) + tags + sound))
    assert {-32_767, 32_767} >= {int(heard.min()), int(heard.max())}


def test_pages_out_of_place_are_refused(kept: bytes) -> None:
    """Missing, doubled, swapped, of another file, or two files in one."""
    head, tags, *sound = split(kept)
    other = split(opus.encode(tone(48_000, peak=50).tobytes(), AudioFormat(24_000)))
    assert len(sound) >= 2
    for pages in (
        [head, tags],
        [tags, *sound],
        [head, *sound],
        [head, tags, *sound[1:]],
        [head, tags, sound[0], *sound],
        [head, tags, *reversed(sound)],
        [*other[:2], *sound],
        [head, tags, *sound, *other],
    ):
        with pytest.raises(ValueError, match="Ogg"):
            opus.decode(b"".join(pages))


@pytest.mark.parametrize(
    ("pcm", "channels"), [(b"", 1), (b"\0", 1), (bytes(400), 2)], ids=["none", "torn", "stereo"]
)
def test_only_mono_sound_can_be_kept(pcm: bytes, channels: int) -> None:
    """No sample at all, or two channels: the caller is told."""
    with pytest.raises(ValueError, match="mono sound of at least one sample"):
        opus.encode(pcm, AudioFormat(24_000, channels))


def test_a_torn_last_sample_is_left_out() -> None:
    """Half a sample at the end does no harm."""
    torn = tone(5_000).tobytes() + b"\x7f"
    assert 5_000 == len(samples_of(opus.decode(opus.encode(torn, AudioFormat(24_000)))))


def test_what_is_wrong_inside_intact_pages_never_ends_the_process(tmp_path: Path) -> None:
    """Packets, heads and tags of noise under a right CRC: sound or ValueError, and soon.

    In a process of its own, whose end would be seen.
    """
    rng = random.Random(7)
    pages = split(opus.encode(tone(20_000).tobytes(), AudioFormat(24_000)))
    for number in range(400):
        changed = [bytearray(page) for page in pages]
        page = changed[number % len(pages)]
        for _ in range(rng.choice([1, 1, 2, 8, 60])):
            # not the fields by which pages are put in order: those are checked before
            at = rng.choice([*range(6, 14), *range(27 + page[26], len(page))])
            page[at] = rng.randrange(256)
        (tmp_path / f"{number:03}").write_bytes(b"".join(sealed(bytes(page)) for page in changed))
    script = """
        import sys
        from pathlib import Path
        from sena_pi.engines import opus

        refused = 0
        for path in sorted(Path(sys.argv[1]).iterdir()):
            try:
                for chunk in opus.decode(path.read_bytes()):
                    assert chunk.samples
            except ValueError:
                refused += 1
        print(refused)
    """
    ran = run(script, str(tmp_path))
    assert ("", 0) == (ran.stderr, ran.returncode)
    assert 50 < int(ran.stdout) < 400


def test_nothing_stays_open(kept: bytes) -> None:
    """After 200 of each end that work can come to, as many files are open as before."""
    noise = bytearray(kept)
    noise[len(kept) // 2] ^= 1
    pcm = tone(1_000).tobytes()

    def work() -> None:
        opus.encode(pcm, AudioFormat(24_000))
        list(opus.decode(opus.encode(pcm, AudioFormat(22_050))))
        opus.decode(kept)
        left = opus.decode(kept)
        next(left)
        left.close()  # type: ignore[attr-defined]
        dropped = opus.decode(kept)
        next(dropped)
        del dropped
        with pytest.raises(ValueError, match="Ogg"):
            opus.decode(bytes(noise))

    work()
    before = open_files()
    for _ in range(200):
        work()
    assert before == open_files()


def test_threads_do_not_disturb_each_other() -> None:
    """Four at once hear what each would have heard alone."""
    sounds = [tone(12_000 + 500 * n, peak=3_000 + 1_000 * n) for n in range(8)]
    alone = [there_and_back(sound, 24_000).tobytes() for sound in sounds]
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda sound: there_and_back(sound, 24_000).tobytes(), sounds)
        assert alone == list(together)


def test_a_process_that_keeps_nothing_does_not_load_the_codec() -> None:
    """Importing the module loads neither soundfile nor numpy nor soxr."""
    ran = run(
        """
        import sys
        import sena_pi.engines.opus
        print(sorted({"soundfile", "numpy", "soxr"} & set(sys.modules)))
        """
    )
    assert "[]\n" == ran.stdout


def test_it_works_where_no_executable_memory_can_be_made() -> None:
    """Under the service's MemoryDenyWriteExecute, where soundfile on BytesIO does not."""
    ran = run(
        """
        import ctypes, io, sys
        import soundfile
        from sena_pi.audio import AudioFormat
        from sena_pi.engines import opus

        prctl = ctypes.CDLL(None).prctl
        prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
        if prctl(65, 1, 0, 0, 0):  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
            sys.exit(77)
        for arguments in (["w", 24_000, 1, "OPUS", "FILE", "OGG"], ["r"]):
            try:
                soundfile.SoundFile(io.BytesIO(), *arguments)
            except MemoryError:
                print(arguments[0], "refused")
        data = opus.encode(bytes(2 * 22_050), AudioFormat(22_050))
        print(sum(chunk.samples for chunk in opus.decode(data)))
        """
    )
    if ran.returncode == 77:
        pytest.skip("this kernel has no PR_SET_MDWE (Linux 6.3)")
    assert ("w refused\nr refused\n24000\n", "", 0) == (ran.stdout, ran.stderr, ran.returncode)


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
