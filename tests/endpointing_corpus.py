"""Utterances whose true end is known, with pauses inside, in quiet and in noise. All synthetic.

Two halves that share neither a sentence nor a voice: endpointing is tuned on one and judged by the
other. A pause is cut into a sentence that was spoken as a whole (flite tells where its words end),
so that no pause sounds like an end; espeak-ng tells nothing, and speaks the parts apart, each but
the last as one that goes on. What is read with pauses, digits, is spoken word by word.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pytest

from tests.speech import RATE_HZ, quiet, say, speech_bounds

Samples = npt.NDArray[np.float64]
Half = Literal["development", "held back"]

VOICES: Final[dict[Half, tuple[tuple[str, str], ...]]] = {
    "development": (("slt", "flite"), ("kal16", "flite"), ("en-us", "espeak-ng")),
    "held back": (("rms", "flite"), ("awb", "flite"), ("en-gb+f3", "espeak-ng")),
}
VOICES_A_SENTENCE = 2
PAUSES_S: Final = (0.2, 0.9)
"""Pauses are drawn from here, evenly: half are longer than 0.55 s."""
LEAD_S: Final = 0.3
"""Sound before the first word."""

PAUSE = "..."
"""Where a speaker stops and goes on."""

SENTENCES: Final[dict[Half, dict[str, tuple[str, ...]]]] = {
    "development": {
        "no pause": (
            "what time is it",
            "stop",
            "yes",
            "thanks",
            "turn off the kitchen light",
            "what is the weather like tomorrow",
            "set a timer for ten minutes",
            "who wrote the origin of species",
            "how far away is the moon",
            "tell me a joke",
            "add milk and bread to my shopping list",
            "what is seven times eight",
            "play some quiet music",
            "how do you say good morning in french",
            "will it rain this afternoon",
            "turn the volume down",
            "how many people live in norway",
            "wake me up at half past six",
            "what is the difference between a crocodile and an alligator",
            "why is the sky blue",
            "cancel that",
            "good night",
            "remind me to call my sister on sunday",
            "when was the first railway opened",
            "no",
            "explain to me how a refrigerator works and why it gets warm at the back",
        ),
        "inside": (
            "what is the weather like in ... edinburgh on friday",
            "can you tell me ... who painted the night watch",
            "i would like to know ... how old the earth is",
            "remind me to ... take the bread out of the oven",
            "play the second ... symphony by brahms",
            "is it going to be ... colder tomorrow than it was today",
            "how long do i have to ... boil a large potato",
            "turn on the light in ... the living room and the kitchen",
            "what is ... the tallest building in europe",
            "if i leave at nine ... when do i arrive in the city",
            "add butter ... and eggs ... and flour to the list",
            "well ... what should i ... cook for dinner tonight",
        ),
        "last word": (
            "what is the capital of ... peru",
            "play something by ... mozart",
            "who is the president of ... finland",
            "how do you spell ... necessary",
            "turn on the lamp in the ... hallway",
            "what is the opposite of ... generous",
            "please call my ... mother",
        ),
        "digits": (
            "five ... five ... five ... one two",
            "zero ... four ... seven ... nine ... nine ... one",
            "my number is ... three eight ... six one ... two two",
            "eight eight ... four one ... seven",
            "nine ... one ... one",
            "twenty three ... fourteen ... six",
        ),
        "timer": (
            "set a timer for ... ten minutes",
            "set a timer for ... an hour and a half",
            "set an alarm for ... seven thirty",
            "wake me up at ... quarter past five",
            "start a timer of ... twenty ... five minutes",
            "set the volume to ... forty percent",
        ),
    },
    "held back": {
        "no pause": (
            "what day is it today",
            "help",
            "okay",
            "goodbye",
            "turn on the bedroom lamp",
            "is it warm outside right now",
            "set a timer for three quarters of an hour",
            "who discovered penicillin",
            "how deep is the pacific ocean",
            "sing me a song",
            "put coffee and apples on the list please",
            "what is twelve divided by four",
            "skip this song",
            "what does thank you mean in japanese",
            "do i need an umbrella tonight",
            "speak a little louder",
            "how many bones are in the human body",
            "wake me tomorrow at seven",
            "what is the difference between weather and climate",
            "why do cats purr",
            "never mind",
            "good morning",
            "remind me to water the plants on monday",
            "when did the second world war end",
            "pause",
            "describe in a few words how bees make honey and what they need it for",
        ),
        "inside": (
            "how is the traffic on ... the motorway to manchester",
            "do you know ... who invented the telephone",
            "could you explain ... how a battery stores energy",
            "remember to ... lock the door before we leave",
            "read me the first ... chapter of the book",
            "are there any ... good films on television tonight",
            "how much water should i ... drink on a hot day",
            "close the blinds in ... the office and the bedroom",
            "where is ... the nearest pharmacy that is open now",
            "when the timer is done ... turn the radio on again",
            "order pasta ... and tomatoes ... and a bottle of oil",
            "so ... how do i ... remove a coffee stain",
        ),
        "last word": (
            "what is the population of ... brazil",
            "tell me a story about a ... dragon",
            "who won the election in ... canada",
            "what is the plural of ... octopus",
            "turn the heating down in the ... bathroom",
            "how do you pronounce ... worcester",
            "send a message to my ... brother",
        ),
        "digits": (
            "six ... six ... two ... nine four",
            "one ... eight ... zero ... three ... five ... seven",
            "the code is ... four two ... nine nine ... zero six",
            "seven one ... five five ... three",
            "one ... one ... two",
            "thirty one ... twelve ... ninety",
        ),
        "timer": (
            "set a timer for ... fifteen minutes",
            "set a timer for ... two hours and ten minutes",
            "set an alarm for ... six fifteen",
            "call me back in ... half an hour",
            "remind me in ... thirty ... five minutes",
            "set the brightness to ... sixty percent",
        ),
    },
}

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
class Said:
    """An utterance, clean and with nothing around it.

    Attributes:
        text: what was said; `PAUSE` where the speaker stopped.
        kind: where its pauses are, as in `SENTENCES`.
        voice: whose voice.
        pcm: the sound: its first sample is the first sound, its last the end of speech.
        pauses_s: length of each pause inside.
    """

    text: str
    kind: str
    voice: str
    pcm: bytes
    pauses_s: tuple[float, ...] = ()


def utterances(half: Half, every: int = 1) -> list[Said]:
    """Each `every`th utterance of a half, the same at each call; skips without a synthesiser."""
    dice = random.Random(half)
    voices = VOICES[half]
    said = []
    count = 0
    for kind, sentences in SENTENCES[half].items():
        for text in sentences:
            for _ in range(VOICES_A_SENTENCE):
                voice, engine = voices[count % len(voices)]
                count += 1
                pauses_s = tuple(dice.uniform(*PAUSES_S) for _ in range(text.count(PAUSE)))
                if count % every == 0:
                    pcm = _speak(text, voice, engine, pauses_s, apart=kind == "digits")
                    said.append(Said(text, kind, voice, pcm, pauses_s))
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


def _speak(text: str, voice: str, engine: str, pauses_s: Sequence[float], *, apart: bool) -> bytes:
    parts = [part.strip() for part in text.split(PAUSE)]
    if len(parts) == 1:
        sounds = [say(text, voice, engine)]
    elif engine == "flite" and not apart:
        sounds = _cut(parts, voice)
    else:
        goes_on = [f"{part}," for part in parts[:-1]]
        sounds = [say(part, voice, engine) for part in (*goes_on, parts[-1])]
    sounds = [_trimmed(sound) for sound in sounds]
    pauses = [quiet(pause_s) for pause_s in pauses_s]
    return b"".join(piece for pair in zip(sounds, [*pauses, b""], strict=True) for piece in pair)


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
    texts = [s for kinds in SENTENCES.values() for s in kinds["no pause"] if len(s) > 20]
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
