"""Endpointing: utterances cut off and delay of the endpoint, by rule and circumstance.

The utterances of `tests.endpointing_corpus`, whose true end is known, in quiet and in noise, and
the recordings of people. `scripts/prove endpointing` takes the held-back half, `--development` the
one that the rule was tuned on; `--full` prints each kind of utterance too. About two minutes; no
waiting: the endpointer counts samples.

"Cut" are endpoints before the true end; delays are of the others, from the true end, "never" those
that did not come within `TAIL_S`. "Resumed" are pauses that were told and were no end, for each
utterance: what was begun in them is wasted. "Words known" is the adaptive rule told, `WORDS_S`
after each pause, whether the sentence is complete: what a transcriber that is never wrong would
gain. It is told nothing of digits, since nobody knows how many there will be.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from sena_pi.audio import FRAME_S, Frame
from sena_pi.endpointer import (
    Endpoint,
    Endpointer,
    EndpointerSettings,
    EndpointReason,
    Paused,
)
from sena_pi.engines.silero import SileroVoiceActivityDetector
from tests.endpointing_corpus import LEAD_S, NOISES, Half, Said, in_noise, utterances
from tests.prove.figures import machine
from tests.recordings import RECORDINGS
from tests.speech import RATE_HZ, frames_of, pcm_of, quiet

TAIL_S: Final = 3.0
WORDS_S: Final = 0.15
RULES: Final = {
    "fixed 0.7 s": EndpointerSettings(adaptive=False, silence_s=0.7),
    "fixed 0.5 s": EndpointerSettings(adaptive=False, silence_s=0.5),
    "adaptive": EndpointerSettings(adaptive=True),
    "words known": EndpointerSettings(adaptive=True),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What one rule made of one utterance in one circumstance.

    Attributes:
        kind: of utterance.
        noise: the circumstance.
        cut: the endpoint came before the true end, or nobody was heard.
        delay_s: from the true end to the endpoint; infinite when it never came.
        pauses: how many were told.
    """

    kind: str
    noise: str
    cut: bool
    delay_s: float
    pauses: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All rules on one sound: rule -> result, and processor time by part."""

    results: dict[str, Result]
    frames: int
    detector_s: float
    rule_s: dict[str, float]


def follow(
    frames: Sequence[Frame],
    probabilities: Sequence[float],
    settings: EndpointerSettings,
    words_of: int | None = None,
) -> tuple[Endpoint | None, int]:
    """The endpoint, None if none came, and how many pauses were told.

    Args:
        frames: the sound.
        probabilities: of speech in each frame.
        settings: of the rule.
        words_of: the true end of speech, for somebody who knows the words; None: nobody does.
    """
    endpointer = Endpointer(settings, 0)
    pauses = 0
    last: Paused | None = None
    for frame, probability in zip(frames, probabilities, strict=True):
        known = last is not None and frame.start_sample - last.end_sample >= WORDS_S * RATE_HZ
        if words_of is not None and last is not None and known:
            complete = last.end_sample >= words_of
            endpointer.hint(last.end_sample, complete=complete)
        match endpointer.feed(frame, probability):
            case Paused() as last:
                pauses += 1
            case Endpoint() as endpoint:
                return endpoint, pauses
    return None, pauses


def measure(kind: str, noise: str, pcm: bytes, true_end: int) -> Measured:
    """All rules on one sound."""
    detector = SileroVoiceActivityDetector()
    frames = list(frames_of(pcm))
    start_s = time.process_time()
    probabilities = [detector.probability(frame) for frame in frames]
    detector_s = time.process_time() - start_s
    results, rule_s = {}, {}
    for rule, settings in RULES.items():
        words_of = true_end if rule == "words known" and kind != "digits" else None
        start_s = time.process_time()
        endpoint, pauses = follow(frames, probabilities, settings, words_of)
        rule_s[rule] = time.process_time() - start_s
        delay_s = math.inf if endpoint is None else (endpoint.end_sample - true_end) / RATE_HZ
        unheard = endpoint is not None and endpoint.reason is EndpointReason.NO_SPEECH
        results[rule] = Result(kind, noise, unheard or delay_s < 0, delay_s, pauses)
    return Measured(results, len(frames), detector_s, rule_s)


def measure_said(said: Said) -> list[Measured]:
    """All rules on an utterance, in all circumstances."""
    return [
        measure(said.kind, _name(noise, snr_db), *in_noise(said, noise, snr_db, TAIL_S))
        for noise, snr_db in NOISES
    ]


def people() -> list[Measured]:
    """The recordings of people; where their speech ends is told by its level."""
    measured = []
    for path in sorted(RECORDINGS.rglob("*.wav")):
        if path.name in {"silence.wav", "cobra_sample.wav", "porcupine.wav"}:
            continue  # nobody speaks, or several sentences
        pcm = pcm_of(path)
        sound = quiet(LEAD_S) + pcm + quiet(TAIL_S)
        end = round(LEAD_S * RATE_HZ) + level_end(pcm)
        measured.append(measure("people", "people", sound, end))
    return measured


def level_end(pcm: bytes) -> int:
    """Just after the last 10 ms that are three times as loud as the quiet ones."""
    size = RATE_HZ // 100
    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    blocks = samples[: samples.size // size * size].reshape(-1, size)
    levels = np.sqrt(np.mean(blocks**2, axis=1))
    floor = max(3 * np.quantile(levels, 0.05), 0.03 * levels.max())
    return int(np.flatnonzero(levels > floor)[-1] + 1) * size


def _name(noise: str, snr_db: float | None) -> str:
    return noise if snr_db is None else f"{noise} {snr_db:g} dB"


def _line(rule: str, name: str, results: Sequence[Result]) -> str:
    delays_s = sorted(result.delay_s for result in results if not result.cut)
    cut = sum(result.cut for result in results)
    never = sum(math.isinf(delay_s) for delay_s in delays_s)
    wasted = sum(result.pauses - (not result.cut) for result in results if result.pauses)
    figures = " " * 18
    if delays_s:
        median_s, p95_s = (delays_s[math.ceil(part * len(delays_s)) - 1] for part in (0.5, 0.95))
        figures = _seconds(median_s) + _seconds(p95_s)
    return (
        f"{rule:12} {name:14} {len(results):4} {100 * cut / len(results):6.1f} %"
        f"{figures}{never:7}{wasted / len(results):10.2f}"
    )


def _seconds(value: float) -> str:
    return "    never" if math.isinf(value) else f"{value:7.2f} s"


def _print(measured: Sequence[Measured], *, full: bool) -> None:
    print("rule         circumstance      n      cut   median      p95  never  resumed")
    names = list(dict.fromkeys(m.results["adaptive"].noise for m in measured))
    for rule in RULES:
        results = [m.results[rule] for m in measured]
        for name in names:
            print(_line(rule, name, [r for r in results if r.noise == name]))
        if len(names) > 1:
            print(_line(rule, "all", results))
        for name in names if full else ():
            there = [r for r in results if r.noise == name]
            for kind in dict.fromkeys(r.kind for r in there):
                of_kind = [r for r in there if r.kind == kind]
                print(f"{_line(rule, name, of_kind)}  {kind}")


def _cost(measured: Sequence[Measured]) -> str:
    frames = sum(m.frames for m in measured)
    rules = ", ".join(
        f"{rule} {1e6 * sum(m.rule_s[rule] for m in measured) / frames:.0f}" for rule in RULES
    )
    detector_us = 1e6 * sum(m.detector_s for m in measured) / frames
    return (
        f"processor time for each frame of {FRAME_S * 1000:g} ms, in microseconds:"
        f" detector {detector_us:.0f}, {rules}"
    )


def _flat(nested: Iterable[list[Measured]]) -> list[Measured]:
    return [measured for several in nested for measured in several]


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="scripts/prove endpointing")
    parser.add_argument("--development", action="store_true")
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    half: Half = "development" if options.development else "held back"
    said = utterances(half)
    inside = sum(bool(one.pauses_s) for one in said)
    print(f"{half}: {len(said)} utterances, {inside} with pauses inside; {machine()}")
    with ProcessPoolExecutor(os.cpu_count() or 1, multiprocessing.get_context("spawn")) as pool:
        measured = _flat(pool.map(measure_said, said, chunksize=4))
    _print(measured, full=options.full)
    real = people()
    if real:
        _print(real, full=False)
    print(_cost(measured))
    print(machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())
