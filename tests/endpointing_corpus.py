"""Utterances whose true end is known, with pauses inside, in quiet and in noise. All synthetic.

Two halves that share neither a sentence nor a voice: endpointing is tuned on one and judged by the
other. A pause is cut into a sentence that was spoken as a whole (flite tells where its words end),
so that no pause sounds like an end; espeak-ng tells nothing, and speaks the parts apart, each but
the last as one that goes on. What is read with pauses, digits and letters, is spoken word by word.

How long people pause is log-normal. Pauses of 0.2 to 1 s are the common ones, and longer ones are
found only where somebody makes up the sentence while speaking it (Campione and Veronis, "A
large-scale multilingual study of silent pause duration", Speech Prosody 2002: 6000 pauses); a
typical one lasts 0.25 to 0.5 s (Lundholm Fors, "Production and perception of pauses", 2015).
A question to an assistant lies between reading and making up: `NATURAL`. `HARD` is somebody who has
to think at every pause.
"""

from __future__ import annotations

import math
import random
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest

from tests.endpointing_sentences import PAUSE, SENTENCES, Half
from tests.speech import RATE_HZ, quiet, say, speech_bounds

Samples = npt.NDArray[np.float64]

VOICES: Final[dict[Half, tuple[tuple[str, str], ...]]] = {
    "development": (("slt", "flite"), ("kal16", "flite"), ("en-us", "espeak-ng")),
    "held back": (("rms", "flite"), ("awb", "flite"), ("en-gb+f3", "espeak-ng")),
}
VOICES_A_SENTENCE = 2
SHORTEST_PAUSE_S: Final = 0.15
"""A shorter silence is no pause but a consonant."""
DICTATED: Final = frozenset({"digits", "spelled"})
"""Kinds that are spoken word by word."""
LEAD_S: Final = 0.3
"""Sound before the first word."""

NOISES: Final[tuple[tuple[str, float | None], ...]] = (
    ("clean", None),
    ("white", 20),
    ("white", 10),
    ("white", 5),
    ("babble", 20),
    ("babble", 10),
    ("babble", 5),
)
"""Kind of noise, and by how many dB the speech is above it (mean squares; clean: a quiet room)."""


@dataclass(frozen=True, slots=True)
class Pausing:
    """How long somebody pauses: log-normal.

    Attributes:
        median_s: half of the pauses are longer.
        spread: standard deviation of the logarithm.
    """

    median_s: float
    spread: float

    def draw(self, dice: random.Random) -> float:
        """The length of a pause."""
        return max(SHORTEST_PAUSE_S, dice.lognormvariate(math.log(self.median_s), self.spread))


NATURAL: Final = Pausing(median_s=0.42, spread=0.45)
"""Of a hundred pauses 82 last 0.2 to 0.7 s, 13 longer; 3 are longer than 1 s."""
HARD: Final = Pausing(median_s=0.7, spread=0.5)
"""Half are longer than 0.7 s, a quarter longer than 1 s, 6 of a hundred longer than 1.5 s."""


@dataclass(frozen=True, slots=True)
class Said:
    """An utterance, clean and with nothing around it.

    Attributes:
        text: what was said; `PAUSE` where the speaker stopped.
        kind: where its pauses are, as in `SENTENCES`.
        voice: whose voice.
        pcm: the sound: its first sample is the first sound, its last the end of speech.
        ends: position just after each of its parts.
        pauses_s: length of each pause inside.
    """

    text: str
    kind: str
    voice: str
    pcm: bytes
    ends: tuple[int, ...]
    pauses_s: tuple[float, ...] = ()


def utterances(half: Half, every: int = 1, pausing: Pausing = NATURAL, take: int = 0) -> list[Said]:
    """Each `every`th utterance of a half, the same at each call; skips without a synthesiser.

    Args:
        half: which sentences and voices.
        every: 1: all of them.
        pausing: how long the pauses are.
        take: the same words with other pauses.
    """
    return spoken_by(VOICES[half], SENTENCES[half], f"{half} {take}", every, pausing)


def spoken_by(
    voices: Sequence[tuple[str, str]],
    sentences: Mapping[str, Sequence[str]],
    seed: str,
    every: int = 1,
    pausing: Pausing = NATURAL,
) -> list[Said]:
    """Each `every`th of these sentences, by kind, in `VOICES_A_SENTENCE` of these voices in turn.

    The same at each call with the same seed; skips without a synthesiser.
    """
    said = []
    count = 0
    for kind, texts in sentences.items():
        for text in texts:
            for _ in range(VOICES_A_SENTENCE):
                voice, engine = voices[count % len(voices)]
                count += 1
                dice = random.Random(f"{seed} {count}")
                pauses_s = tuple(pausing.draw(dice) for _ in range(text.count(PAUSE)))
                if count % every == 0:
                    parts = _parts(text, voice, engine, apart=kind in DICTATED)
                    pcm, ends = _spoken(parts, pauses_s)
                    said.append(Said(text, kind, voice, pcm, ends, pauses_s))
    return said


def in_noise(said: Said, noise: str, snr_db: float | None, tail_s: float) -> tuple[bytes, int]:
    """An utterance as the microphone hears it, with `LEAD_S` before and `tail_s` after it.

    Returns:
        The sound, and the position of the true end of speech.
    """
    room = quiet(LEAD_S) + said.pcm + quiet(tail_s)
    end = len(quiet(LEAD_S) + said.pcm) // 2
    if snr_db is None:
        return room, end
    speech = _samples(said.pcm)
    active = speech[np.abs(speech) > 0.01 * np.abs(speech).max()]
    level = np.sqrt(np.mean(active**2)) * 10 ** (-snr_db / 20)
    sound = _samples(room)
    added = _white(sound.size) if noise == "white" else _babble(sound.size, len(said.pcm))
    return _pcm(sound + level * added), end


def _parts(text: str, voice: str, engine: str, *, apart: bool) -> list[bytes]:
    parts = [part.strip() for part in text.split(PAUSE)]
    if len(parts) == 1:
        sounds = [say(text, voice, engine)]
    elif engine == "flite" and not apart:
        sounds = _cut(parts, voice)
    else:
        goes_on = [f"{part}," for part in parts[:-1]]
        sounds = [say(part, voice, engine) for part in (*goes_on, parts[-1])]
    return [_trimmed(sound) for sound in sounds]


def _spoken(parts: Sequence[bytes], pauses_s: Sequence[float]) -> tuple[bytes, tuple[int, ...]]:
    """The parts with their pauses, and where each part ends."""
    pcm, ends = b"", []
    for part, pause_s in zip(parts, [*pauses_s, 0.0], strict=True):
        pcm += part
        ends.append(len(pcm) // 2)
        pcm += quiet(pause_s)
    return pcm, tuple(ends)


def _cut(parts: Sequence[str], voice: str) -> list[bytes]:
    """A sentence spoken as a whole, cut after the last word of each part."""
    pcm = say(" ".join(parts), voice)
    ends_s = _phone_ends_s(" ".join(parts), voice)
    cuts = [0]
    for count in range(1, len(parts)):
        phones = len(_phone_ends_s(" ".join(parts[:count]), voice))
        cuts.append(round(ends_s[phones - 1] * RATE_HZ) * 2)
    return [_faded(pcm[start:end]) for start, end in zip(cuts, [*cuts[1:], len(pcm)], strict=True)]


@cache
def _phone_ends_s(text: str, voice: str) -> tuple[float, ...]:
    """When each phone of a text ends, as flite speaks it; silences do not count."""
    program = shutil.which("flite")
    if program is None:
        pytest.skip("flite is not installed")
    told = subprocess.run(
        [program, "-voice", voice, "-psdur", "-t", text, "-o", "none"],
        check=True, timeout=30, capture_output=True, text=True,
    ).stdout  # fmt: skip
    phones = re.findall(r"(\S+):([\d.]+)", told)
    return tuple(float(end_s) for phone, end_s in phones if phone != "pau")


def _faded(pcm: bytes) -> bytes:
    """Without the click of a cut: both edges rise and fall in 4 ms."""
    samples = _samples(pcm)
    ramp = np.linspace(0, 1, RATE_HZ // 250)
    samples[: ramp.size] *= ramp
    samples[-ramp.size :] *= ramp[::-1]
    return _pcm(samples)


def _trimmed(pcm: bytes) -> bytes:
    """From the first to the last sound above 1 % of the peak."""
    peak = int(np.abs(_samples(pcm)).max())
    start, end = speech_bounds(pcm, max(1, peak // 100))
    return pcm[start * 2 : end * 2]


def _white(size: int) -> Samples:
    return np.random.default_rng(7).normal(0, 1, size)


@cache
def _crowd() -> Samples:
    """Eight people who talk at once, without a pause, for 40 s; mean square 1."""
    size = 40 * RATE_HZ
    crowd = np.zeros(size)
    texts = [text for kinds in SENTENCES.values() for text in kinds["no pause"] if len(text) > 20]
    voices = [voice for voices in VOICES.values() for voice in voices] + [("kal", "flite")] * 2
    for place, (voice, engine) in enumerate(voices):
        spoken = [_samples(_trimmed(say(text, voice, engine))) for text in texts[place::3]]
        talk = np.concatenate(spoken)
        talk = np.roll(np.resize(talk, size), place * 7919)
        crowd += talk / np.sqrt(np.mean(talk**2))
    return crowd / np.sqrt(np.mean(crowd**2))


def _babble(size: int, seed: int) -> Samples:
    return np.roll(_crowd(), seed * 31)[:size]


def _samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def _pcm(samples: Samples) -> bytes:
    return bytes(samples.round().clip(-32768, 32767).astype("<i2").tobytes())
