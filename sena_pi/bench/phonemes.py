"""Proof that speakable text can't kill the phonemiser: `python -m sena_pi.bench.phonemes`.

Hostile texts go through `speakable` and then through Piper's real phonemiser, in a process of
its own: a crash costs that process and is counted. With `--raw` they go in as they are, which
shows that the texts do kill: without that, "no crashes" would say nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from sena_pi.engines.piper import Phonemiser
from sena_pi.speakable import speakable

LONGEST_S = 10.0
"""A text that takes longer counts as a hang."""
_BATCH = 2_000

VOICES = (
    *("en-us",) * 8,
    *("en-gb", "de", "fr-fr", "es", "it", "nl", "pl", "pt-br", "ru", "uk", "tr", "sv", "cs"),
    *("ar", "fa", "he", "hi", "ta", "ko", "ja", "cmn", "vi", "el", "fi", "hu", "ka", "sw"),
)
_UNITS = (
    *("s'", "'s", "i.e.", "e.g.", "x's", "n't", "'", "\u2019", "s\u2019", "-s'", "ed", "ing"),
    *("ness", "able", "a", "A", "1", "1,", "1.", ".", "-", "\u2014", "/", "@", "#", "&", "%", "="),
    *(
        "[[",
        "]]",
        "[[h@l'oU]]",
        "<",
        ">",
        "<speak>",
        "</speak>",
        "<!--",
        "&amp;",
        "\\",
        "\x01",
        "\x1b",
    ),
    *(
        "\u0301",
        "\u200d",
        "\u200c",
        "\u202e",
        "\ufeff",
        "\u0327",
        "e\u0301",
        "\U0001f600",
        "\ufe0f",
    ),
    *("\u4e2d", "\u304b", "\uac00", "\u1100", "\u0e01\u0e35", "\u0915\u094d", "\u0628", "\u05d0"),
    *(
        "\u00bd",
        "\u00b2",
        "\ufdfa",
        "\u2121",
        "*",
        "_",
        "`",
        "~",
        "|",
        "(",
        ")",
        "{",
        "}",
        "$",
        "^",
    ),
)
_ORDINARY = (
    "The capital of France is Paris, and it has about 2.1 million people.",
    "It's 4:40 p.m. on Dr. Smith's watch; that costs $29.95, doesn't it?",
    "F\u00fcnf gro\u00dfe K\u00e4se kosten z. B. 3,50 \u20ac.",
    "\uc548\ub155\ud558\uc138\uc694! \uc624\ub298\uc740 21\u00b0C\uc785\ub2c8\ub2e4.",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?",
    "\u0645\u0631\u062d\u0628\u0627\u060c \u0643\u064a\u0641 \u062d\u0627\u0644\u0643\u061f",
)


def hostile_texts(seed: int) -> Iterator[tuple[str, str]]:
    """Endless (espeak-ng voice, text), the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 - for repeatable tests, not for secrets
    kinds: tuple[Callable[[random.Random], str], ...] = (
        _repeated,
        _repeated,
        _mixed,
        _spoilt,
        _anything,
    )
    while True:
        yield rng.choice(VOICES), rng.choice(kinds)(rng)


def _fragment(rng: random.Random) -> str:
    if rng.random() < 0.7:
        return rng.choice(_UNITS)
    return "".join(rng.choices("abcsti'.-0 ", k=rng.randint(1, 4)))


def _repeated(rng: random.Random) -> str:
    """What kills: a short piece over and over, without a space."""
    unit = "".join(_fragment(rng) for _ in range(rng.randint(1, 2)))
    return unit * rng.choice((3, 20, 75, 150, 400))


def _mixed(rng: random.Random) -> str:
    return "".join(_fragment(rng) * rng.choice((1, 1, 2, 9)) for _ in range(rng.randint(1, 80)))


def _spoilt(rng: random.Random) -> str:
    """An ordinary sentence with something in it."""
    text = rng.choice(_ORDINARY) * rng.choice((1, 1, 5))
    for _ in range(rng.randint(1, 6)):
        place = rng.randint(0, len(text))
        text = text[:place] + _fragment(rng) * rng.choice((1, 3, 90)) + text[place:]
    return text


def _anything(rng: random.Random) -> str:
    """Any characters: all of Unicode, unassigned and surrogates too."""
    top = rng.choice((0x80, 0x800, 0x3000, 0x10000, 0x110000))
    return "".join(chr(rng.randrange(top)) for _ in range(rng.randint(1, 200)))


@dataclass
class Report:
    """What came of a run.

    Attributes:
        inputs: texts tried.
        crashes: texts that killed the phonemiser's process, with their voice.
        hangs: texts that took longer than `LONGEST_S`, with their voice.
        seconds: how long it all took.
    """

    inputs: int = 0
    crashes: list[tuple[str, str]] = field(default_factory=list)
    hangs: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0


def run(inputs: int, seed: int, *, raw: bool = False, most_crashes: int = 20) -> Report:
    """Try so many hostile texts; stops early after `most_crashes`. Blocks."""
    texts: Iterable[tuple[str, str]] = itertools.islice(hostile_texts(seed), inputs)
    if not raw:
        texts = ((voice, speakable(text)) for voice, text in texts)
    return run_texts(texts, most_crashes)


def run_texts(texts: Iterable[tuple[str, str]], most_crashes: int = 20) -> Report:
    """Phonemise each (espeak-ng voice, text) as it is; stops early after `most_crashes`."""
    report = Report()
    started = time.monotonic()
    texts = iter(texts)
    while batch := list(itertools.islice(texts, _BATCH)):
        while batch and len(report.crashes) + len(report.hangs) < most_crashes:
            survived, hung = _phonemise(batch)
            report.inputs += survived
            if survived < len(batch):
                report.inputs += 1
                (report.hangs if hung else report.crashes).append(batch[survived])
            batch = batch[survived + 1 :]
        if batch:
            break
    report.seconds = time.monotonic() - started
    return report


def _phonemise(batch: list[tuple[str, str]]) -> tuple[int, bool]:
    """How many of the batch a new process survives, and whether the next one hung it."""
    argv = [sys.executable, "-m", "sena_pi.bench.phonemes", "--child"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None  # noqa: S101 - opened as pipes
        assert child.stdout is not None  # noqa: S101
        # The child reads all of it before it answers.
        child.stdin.write(json.dumps(batch).encode())
        child.stdin.close()
        done = 0
        hung = False
        while not hung:
            hung = not select.select([child.stdout], [], [], LONGEST_S)[0]
            answered = b"" if hung else os.read(child.stdout.fileno(), 65_536)
            if not answered:
                break
            done += len(answered)
        child.kill()
    return done, hung


def _child() -> None:
    """Phonemise the batch on standard input; one byte on standard output for each survived."""
    batch: list[tuple[str, str]] = json.load(sys.stdin)
    phonemiser = Phonemiser()
    for voice, text in batch:
        # Refused, not killed: NUL, a lone surrogate, or a voice that this build lacks.
        with contextlib.suppress(ValueError, RuntimeError):
            phonemiser.count(text, voice)
        os.write(1, b".")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m sena_pi.bench.phonemes", description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--raw", action="store_true", help="without `speakable`: must crash")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        _child()
        return 0
    report = run(chosen.inputs, chosen.seed, raw=chosen.raw)
    for kind, found in (("crash", report.crashes), ("hang", report.hangs)):
        for voice, text in found:
            sys.stdout.write(f"{kind}: {voice} {text[:200]!a} ({len(text)} characters)\n")
    sys.stdout.write(
        f"inputs={report.inputs} crashes={len(report.crashes)} hangs={len(report.hangs)}"
        f" seconds={report.seconds:.1f} seed={chosen.seed} raw={chosen.raw}\n"
    )
    return 0 if not report.crashes and not report.hangs else 1


if __name__ == "__main__":
    sys.exit(main())
