"""Speech for tests: spoken by flite or espeak-ng, 16 kHz mono s16le, kept in the temp dir."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soxr

from sena_pi.audio import FRAME_BYTES, FRAME_SAMPLES, MICROPHONE_FORMAT, Frame, read_wav

FLITE_VOICES = ("slt", "rms", "awb", "kal16", "kal")
RATE_HZ = MICROPHONE_FORMAT.rate_hz

_CACHE = Path(tempfile.gettempdir()) / f"sena-test-speech-{os.getuid()}"


def say(text: str, voice: str = "slt", engine: str = "flite") -> bytes:
    """`text` spoken: 16 kHz mono s16le. Skips the test where the synthesiser is not installed.

    Args:
        text: what is said.
        voice: of flite: one of `FLITE_VOICES`; of espeak-ng: its `-v` ("en-us", "en-gb+f3").
        engine: "flite" or "espeak-ng".
    """
    program = shutil.which(engine)
    if program is None:
        pytest.skip(f"{engine} is not installed")
    key = hashlib.sha256(f"1\0{engine}\0{voice}\0{text}".encode()).hexdigest()[:32]
    kept = _CACHE / f"{key}.pcm"
    if not kept.is_file():
        _CACHE.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as room:
            wav, pcm = Path(room) / "said.wav", Path(room) / "said.pcm"
            options = {
                "flite": ["-voice", voice, "-t", text, "-o", str(wav)],
                "espeak-ng": ["-v", voice, "-w", str(wav), "--", text],
            }[engine]
            subprocess.run([program, *options], check=True, timeout=30, capture_output=True)
            pcm.write_bytes(pcm_of(wav))
            pcm.replace(kept)  # so that another test run never reads half a file
    return kept.read_bytes()


def pcm_of(wav: Path) -> bytes:
    """The samples of a mono WAV file, resampled to 16 kHz where needed."""
    sound = read_wav(wav.read_bytes())
    assert sound.format.channels == 1
    if sound.format.rate_hz == RATE_HZ:
        return sound.pcm
    samples = np.frombuffer(sound.pcm, dtype="<i2")
    return bytes(soxr.resample(samples, sound.format.rate_hz, RATE_HZ).astype("<i2").tobytes())


def quiet(seconds: float) -> bytes:
    """A quiet room: noise of about 3 units RMS, the same on every call (never digital zeros)."""
    noise = np.random.default_rng(20).normal(0.0, 3.0, round(seconds * RATE_HZ))
    return bytes(noise.round().astype("<i2").tobytes())


def frames_of(pcm: bytes, start_sample: int = 0) -> Iterator[Frame]:
    """The whole frames of `pcm`, as a microphone delivers them; a torn last one is dropped."""
    for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        yield Frame(pcm[at : at + FRAME_BYTES], start_sample + at // FRAME_BYTES * FRAME_SAMPLES)


def speech_bounds(pcm: bytes, threshold: int = 300) -> tuple[int, int]:
    """The first sample louder than `threshold`, and the position just after the last one."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, dtype="<i2").astype(int)) > threshold)
    assert loud.size, "nothing above the threshold"
    return int(loud[0]), int(loud[-1]) + 1
