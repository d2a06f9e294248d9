"""Endpointing: utterances cut off, delay of the endpoint, and pauses, by rule and circumstance.

The utterances of `tests.endpointing_corpus`, whose true end is known, in quiet and in noise, and
the recordings of people. `scripts/prove endpointing` takes the held-back half, `--development` the
one that the rule was tuned on; `--hard` somebody who has to think at every pause; `--noise NAME`
only one circumstance; `--full` prints each kind of utterance everywhere. About three minutes; no
waiting: the endpointer counts samples.

"Cut" are endpoints before the true end; delays are of the others, from the true end, "never" those
that did not come within `TAIL_S`. "Told" is when the pause was told that was the end, of those that
were not cut, from the true end; in noise it may come before. "Wasted" are requests, for each
utterance, that were begun in pauses which were no end, by the default `Spending`. "Spent" are those
in which all that a turn may spend was wasted: in the pause that was the end no answer was begun.

"Words known" is the adaptive rule told, `WORDS_S` after each pause, whether the words are a whole
phrase: what a transcriber that is never wrong would gain. What is "longer than a phrase" was whole
before; of digits and letters it is told nothing, since nobody knows how many there will be.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from sena_pi.audio import FRAME_S, Frame
from sena_pi.endpointer import (
    Endpoint,
    Endpointer,
    EndpointerSettings,
    EndpointReason,
    Paused,
    Resumed,
)
from sena_pi.engines.silero import SileroVoiceActivityDetector
from sena_pi.guess import Spending
from tests.endpointing_corpus import (
    DICTATED,
    HARD,
    LEAD_S,
    NATURAL,
    NOISES,
    Half,
    Said,
    in_noise,
    utterances,
)
from tests.prove.figures import machine
from tests.recordings import RECORDINGS
from tests.speech import RATE_HZ, frames_of, pcm_of, quiet

TAIL_S: Final = 3.0
WORDS_S: Final = 0.1
LAST_SOUND_S: Final = 0.2
"""Who knows the words knows the last one, though its last sound is lost in noise."""
SPENDING: Final = Spending()
RULES: Final = {
    "fixed 0.7 s": EndpointerSettings(adaptive=False, silence_s=0.7),
    "adaptive": EndpointerSettings(),
    "words known": EndpointerSettings(),
}

WholeAt = Callable[[Paused], bool]
"""Whether the words before a pause are a whole phrase."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one rule made of one utterance in one circumstance.

    Attributes:
        kind: of utterance.
        noise: the circumstance.
        cut: the endpoint came before the true end, or nobody was heard.
        delay_s: from the true end to the endpoint; infinite when it never came.
        told_s: from the true end to the last pause before the endpoint; infinite without one.
        wasted: requests that were begun in pauses which were no end.
    """

    kind: str
    noise: str
    cut: bool
    delay_s: float
    told_s: float
    wasted: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All rules on one sound: rule -> result, and processor time by part."""

    results: dict[str, Result]
    frames: int
    detector_s: float
    rule_s: dict[str, float]


@dataclass(slots=True)
class Followed:
    """What an endpointer told of a sound.

    Attributes:
        endpoint: None if none came.
        pause: the last one that speech did not resume after.
        wasted: requests that were begun in those it did resume after.
    """

    endpoint: Endpoint | None = None
    pause: Paused | None = None
    wasted: int = 0


def follow(
    frames: Sequence[Frame],
    probabilities: Sequence[float],
    settings: EndpointerSettings,
    whole_at: WholeAt | None = None,
) -> Followed:
    """Hear a sound to its endpoint.

    Args:
        frames: the sound.
        probabilities: of speech in each frame.
        settings: of the rule.
        whole_at: knows the words; None: nobody does.
    """
    endpointer = Endpointer(settings, 0)
    it = Followed()
    for frame, probability in zip(frames, probabilities, strict=True):
        pause = it.pause
        known = pause is not None and frame.start_sample - pause.end_sample >= WORDS_S * RATE_HZ
        if whole_at is not None and pause is not None and known:
            endpointer.hint(pause.end_sample, complete=whole_at(pause))
        match endpointer.feed(frame, probability):
            case Paused() as told:
                it.pause = told
            case Resumed() if it.pause is not None:
                it.wasted += it.wasted < SPENDING.requests
                it.pause = None
            case Endpoint() as endpoint:
                it.endpoint = endpoint
                break
    return it


def measure(kind: str, noise: str, pcm: bytes, true_end: int) -> Measured:
    """All rules on one sound."""
    detector = SileroVoiceActivityDetector()
    frames = list(frames_of(pcm))
    start_s = time.process_time()
    probabilities = [detector.probability(frame) for frame in frames]
    detector_s = time.process_time() - start_s
    results, rule_s = {}, {}

    def whole_at(pause: Paused) -> bool:
        all_said = pause.end_sample + LAST_SOUND_S * RATE_HZ > true_end
        return all_said or kind == "longer than a phrase"

    for rule, settings in RULES.items():
        knows = whole_at if rule == "words known" and kind not in DICTATED else None
        start_s = time.process_time()
        it = follow(frames, probabilities, settings, knows)
        rule_s[rule] = time.process_time() - start_s
        delay_s, told_s = (_after_s(event, true_end) for event in (it.endpoint, it.pause))
        unheard = it.endpoint is not None and it.endpoint.reason is EndpointReason.NO_SPEECH
        cut = unheard or delay_s < 0
        results[rule] = Result(kind, noise, cut, delay_s, told_s, it.wasted)
    return Measured(results, len(frames), detector_s, rule_s)


def _after_s(event: Endpoint | Paused | None, true_end: int) -> float:
    return math.inf if event is None else (event.end_sample - true_end) / RATE_HZ


def measure_said(noise: str, snr_db: float | None, said: Said) -> Measured:
    """All rules on an utterance, in one circumstance."""
    name = noise if snr_db is None else f"{noise} {snr_db:g} dB"
    return measure(said.kind, name, *in_noise(said, noise, snr_db, TAIL_S))


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


def _line(rule: str, name: str, results: Sequence[Result]) -> str:
    whole = [result for result in results if not result.cut]
    count = len(results)
    cut, wasted = len(results) - len(whole), sum(result.wasted for result in results)
    never = sum(math.isinf(result.delay_s) for result in whole)
    spent = sum(result.wasted >= SPENDING.requests for result in results)
    return (
        f"{rule:12} {name:20} {count:4} {100 * cut / count:6.1f} %"
        f"{_spread([result.delay_s for result in whole])}{never:7}"
        f"{_spread([result.told_s for result in whole])}"
        f"{wasted / count:8.2f}{100 * spent / count:6.0f} %"
    )


def _spread(values: Sequence[float]) -> str:
    """Median and 95th percentile."""
    if not values:
        return " " * 18
    ordered = sorted(values)
    return "".join(_seconds(ordered[math.ceil(part * len(ordered)) - 1]) for part in (0.5, 0.95))


def _seconds(value: float) -> str:
    return "    never" if math.isinf(value) else f"{value:7.2f} s"


def _print(measured: Sequence[Measured], *, full: bool) -> None:
    print(
        "rule         what                    n      cut   median      p95  never"
        "     told      p95  wasted  spent"
    )
    names = list(dict.fromkeys(m.results["adaptive"].noise for m in measured))
    for rule in RULES:
        results = [m.results[rule] for m in measured]
        for name in names:
            there = [r for r in results if r.noise == name]
            print(_line(rule, name, there))
            kinds = dict.fromkeys(r.kind for r in there) if full or name == "clean" else ()
            for kind in kinds:
                print(_line(rule, f"  {kind[:18]}", [r for r in there if r.kind == kind]))
        if len(names) > 1:
            print(_line(rule, "all", results))
            quieter = [r for r in results if r.noise not in {"babble 10 dB", "babble 5 dB"}]
            print(_line(rule, "all but loud babble", quieter))


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


def _pauses(said: Iterable[Said]) -> str:
    """The pauses inside, as they were drawn."""
    drawn = sorted(pause_s for one in said for pause_s in one.pauses_s)
    common = sum(0.2 <= pause_s <= 0.7 for pause_s in drawn) / len(drawn)
    long = sum(pause_s > 1 for pause_s in drawn) / len(drawn)
    return (
        f"{len(drawn)} pauses, median {drawn[len(drawn) // 2]:.2f} s, "
        f"{100 * common:.0f} % of 0.2 to 0.7 s, {100 * long:.1f} % over 1 s"
    )


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="scripts/prove endpointing")
    parser.add_argument("--development", action="store_true")
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--noise", choices=sorted({noise for noise, _ in NOISES}))
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    half: Half = "development" if options.development else "held back"
    pausing = HARD if options.hard else NATURAL
    measured: list[Measured] = []
    everything: list[Said] = []
    with ProcessPoolExecutor(os.cpu_count() or 1, multiprocessing.get_context("spawn")) as pool:
        for take, (noise, snr_db) in enumerate(NOISES):
            if options.noise in {None, noise}:
                # Other pauses in each circumstance: more of them are judged.
                said = utterances(half, pausing=pausing, take=take)
                everything += said
                measured += pool.map(partial(measure_said, noise, snr_db), said, chunksize=8)
    inside = sum(bool(one.pauses_s) for one in everything)
    print(f"{half}: {len(everything)} utterances, {inside} with pauses inside; {machine()}")
    print(_pauses(everything))
    _print(measured, full=options.full)
    real = people()
    if real:
        _print(real, full=False)
    print(_cost(measured))
    print(machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())
