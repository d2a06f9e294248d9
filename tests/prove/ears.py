"""The local ears: phrases accepted, and other speech accepted falsely, by voice and recording.

Every sentence of `tests.ears_corpus` by every voice, and the recordings of people.
`scripts/prove ears [VOICE ...]`; a voice is "slt" (flite) or "espeak-ng:en-us". About two minutes a
voice and core. `--missed` lists what was not accepted, `--noise DB` adds white noise so far below
the speech, `--gain DB` makes all of it louder or fainter.

"phrases" and "others" were there when the rule of agreement was found, "new" ones were not.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from sena_pi.engines.sphinx import Hearing, SphinxEars
from sena_pi.phrases import jsgf_grammar, understand
from tests.ears_corpus import (
    NEW_OTHERS,
    NEW_PHRASES,
    OTHERS,
    PHRASES,
    TIMER_OTHERS,
    TIMER_PHRASES,
)
from tests.prove.figures import machine, reported
from tests.recordings import RECORDINGS
from tests.speech import RATE_HZ, pcm_of, quiet, say

VOICES = ("slt", "rms", "awb", "kal16", "espeak-ng:en-us")
"""flite's voices at 16 kHz, and espeak-ng, which this model does not understand."""
CORPUS = {
    "phrases": PHRASES,
    "new phrases": NEW_PHRASES,
    "others": OTHERS,
    "new others": NEW_OTHERS,
    "timer phrases": TIMER_PHRASES,
    "timer others": TIMER_OTHERS,
}
_IN_GRAMMAR = ("phrases", "new phrases", "timer phrases")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How a voice reaches the microphone.

    Attributes:
        noise_db: level of white noise below the speech's mean square; None: a quiet room.
        gain_db: level of all of it.
    """

    noise_db: float | None = None
    gain_db: float = 0.0

    def heard(self, speech: bytes) -> bytes:
        """The speech as the microphone gives it, with a silence before and after."""
        samples = np.frombuffer(quiet(0.3) + speech + quiet(0.8), dtype="<i2").astype(float)
        if self.noise_db is not None:
            level = np.sqrt(np.mean(np.frombuffer(speech, dtype="<i2").astype(float) ** 2))
            noise = np.random.default_rng(7).normal(0, level, samples.size)
            samples += noise * 10 ** (-self.noise_db / 20)
        samples *= 10 ** (self.gain_db / 20)
        return bytes(samples.clip(-32768, 32767).astype("<i2").tobytes())


@dataclass(slots=True)
class Figures:
    """What came of some sentences.

    Attributes:
        said: sentences, by kind.
        accepted: of them those that were accepted, with the right meaning where they have one.
        misheard: phrases that were accepted with another meaning.
        missed: phrases that were not accepted.
        false: other speech that was accepted.
        audio_s: length of the sound.
        cpu_s: processor time taken.
    """

    said: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    misheard: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    audio_s: float = 0.0
    cpu_s: float = 0.0


def hear(ears: SphinxEars, pcm: bytes) -> Hearing:
    """An utterance as the worker hands it on."""
    ears.begin()
    for start in range(0, len(pcm), 3200):
        ears.feed(pcm[start : start + 3200])
    return ears.finish()


def sentences_of(voice: str, circumstances: Circumstances) -> Iterator[tuple[str, str, bytes]]:
    """Kind, text and sound of every sentence, in an order that mixes the kinds."""
    engine, _, name = voice.rpartition(":")
    sentences = [(kind, text) for kind, texts in CORPUS.items() for text in texts]
    random.Random(11).shuffle(sentences)
    for kind, text in sentences:
        yield kind, text, circumstances.heard(say(text, name, engine or "flite"))


def recordings() -> Iterator[tuple[str, str, bytes]]:
    """The recordings of people, all of them outside the grammar."""
    for path in sorted(RECORDINGS.glob("*/*.wav")):
        yield "recordings", path.name, pcm_of(path)


def measure(voice: str, circumstances: Circumstances) -> Figures:
    """All sentences by one voice, or all recordings."""
    ears = SphinxEars(jsgf_grammar())
    sounds = recordings() if voice == "people" else sentences_of(voice, circumstances)
    figures = Figures()
    for kind, text, pcm in sounds:
        began_s = time.process_time()
        hearing = hear(ears, pcm)
        figures.cpu_s += time.process_time() - began_s
        figures.audio_s += len(pcm) / 2 / RATE_HZ
        _count(figures, kind, text, hearing)
    return figures


def _count(figures: Figures, kind: str, text: str, hearing: Hearing) -> None:
    figures.said[kind] += 1
    story = f"{text!r}: {hearing.phrase!r}, freely {hearing.free!r}, {hearing.agreement.score:.2f}"
    if kind not in _IN_GRAMMAR:
        if hearing.text:
            figures.accepted[kind] += 1
            figures.false.append(story)
    elif not hearing.text:
        figures.missed.append(story)
    elif understand(hearing.text) == understand(text):
        figures.accepted[kind] += 1
    else:
        figures.misheard.append(story)


def _print(voice: str, figures: Figures, *, missed: bool) -> None:
    counts = ", ".join(
        f"{kind} {figures.accepted[kind]}/{said}" for kind, said in sorted(figures.said.items())
    )
    speed = figures.cpu_s / figures.audio_s if figures.audio_s else 0.0
    accepted = {f"{kind}, accepted": figures.accepted[kind] for kind in sorted(figures.said)}
    reported(voice, {
        **dict(sorted(figures.said.items())),
        **accepted,
        "misheard": len(figures.misheard),
        "falsely accepted": len(figures.false),
    })  # fmt: skip
    print(f"{voice:16} {counts}, misheard {len(figures.misheard)}; {speed:.2f} of real time")
    stories = {"false": figures.false, "misheard": figures.misheard}
    if missed:
        stories["missed"] = figures.missed
    for what, told in stories.items():
        for story in told:
            print(f"    {what} {story}")


def main() -> int:
    """Print the figures; exit status 1 when other speech was accepted."""
    parser = argparse.ArgumentParser(prog="scripts/prove ears")
    parser.add_argument("voices", nargs="*", default=VOICES)
    parser.add_argument("--missed", action="store_true")
    parser.add_argument("--noise", type=float, metavar="DB")
    parser.add_argument("--gain", type=float, default=0.0, metavar="DB")
    options = parser.parse_args()
    circumstances = Circumstances(options.noise, options.gain)
    print(machine())
    false = 0
    names = [*options.voices, "people"]
    with ProcessPoolExecutor(
        min(len(names), os.cpu_count() or 1), multiprocessing.get_context("spawn")
    ) as pool:
        for name, figures in zip(
            names, pool.map(measure, names, [circumstances] * len(names)), strict=True
        ):
            _print(name, figures, missed=options.missed)
            false += len(figures.false)
    print(f"falsely accepted: {false}")
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
