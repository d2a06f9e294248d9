"""Conversation: the benchmark's ten questions, round after round, against the gates of speed.

`sena bench conversation` measures; here rounds are kept, merged and judged. Each round holds the
conversation one by one and cold, against the loopback cloud; with `--warm` and `--heard-here` also
from the cache. No voice of this machine and no fillers: what is judged is the cloud's answer.

`scripts/prove conversation [--rounds N] [--minutes M] [--profile NAME] [--warm] [--heard-here]
[--folder F] [--again]`: a round takes two to four minutes, and is kept when it is whole. A call
begins no round that might not end in its minutes (9); the next call with the same folder goes on.
Each prints the report of all rounds, and the gates; the exit code is 0 when all are kept. Fifteen
rounds hold 105 questions that must be asked of the cloud.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sena_pi.bench.conversation.advice import TARGET_HIT_MS, TARGET_RATIO, Findings
from sena_pi.bench.conversation.drive import Plan, hold
from sena_pi.bench.conversation.profiles import PROFILES
from sena_pi.bench.conversation.report import Report, load, machine
from sena_pi.bench.conversation.results import COLD, LOCAL, WARM, Results
from sena_pi.bench.conversation.run import tell
from sena_pi.bench.conversation.script import CONVERSATION
from sena_pi.errors import WorkerError
from sena_pi.keys import KeyStore
from sena_pi.places import cache_folder
from sena_pi.replace import replace_file
from sena_pi.settings import Settings

MOST_P95_RATIO: Final = 0.5
MOST_HEARD_HERE_RATIO: Final = 0.1
FEWEST_MISSES: Final = 100
SPEECH_LENGTH: Final = 0.1
"""Of an answer's sound, to save time; when it comes stays the same."""
MOST_LOST: Final = 3
"""Rounds that may be given up in one call."""
SPARE: Final = 1.3
"""A round may take so many times as long as the longest before it."""


@dataclass(frozen=True, slots=True)
class Round:
    """One conversation in each way.

    Attributes:
        code: the revision that was measured.
        took_s: how long it took.
        loads: of the machine, before and after.
        how: what was asked for, as `Plan.as_dict`.
        cloud: which cloud.
        results: what was measured.
    """

    code: str
    took_s: float
    loads: tuple[float, float]
    how: dict[str, Any]
    cloud: str
    results: Results


@dataclass(frozen=True, slots=True)
class Gate:
    """A promise.

    Attributes:
        promise: what is promised.
        measured: what was measured, None when nothing was.
        most: what it may be at most.
        unit: of both.
        enough: it was measured often enough to be judged.
    """

    promise: str
    measured: float | None
    most: float
    unit: str
    enough: bool = True

    @property
    def kept(self) -> bool:
        """It was measured, often enough, and holds."""
        return self.measured is not None and self.enough and self.measured <= self.most

    def __str__(self) -> str:
        if self.measured is None:
            return f"not measured  {self.promise}: at most {self.most:g}{self.unit}"
        told = "kept" if self.kept else "NOT KEPT" if self.measured > self.most else "too few yet"
        bound = f"at most {self.most:g}{self.unit}"
        return f"{told:12}  {self.promise}: {self.measured:.3g}{self.unit} ({bound})"


def gates(found: Findings) -> list[Gate]:
    """The promises of speed, and what became of them."""
    return [*_misses(found), *_hits(found)]


def _misses(found: Findings) -> Iterator[Gate]:
    ratio = found.ratios.get(COLD, {})
    of = found.ways.get(COLD)
    misses = of.misses_from_endpoint if of else None
    count = misses.count if misses else 0
    enough = count >= FEWEST_MISSES
    for part, most in (("median", TARGET_RATIO), ("p95", MOST_P95_RATIO)):
        promise = f"{count} misses (at least {FEWEST_MISSES}), endpoint to first audio, {part}"
        yield Gate(promise, ratio.get(f"{part} of misses from endpoint"), most, "x", enough)


def _hits(found: Findings) -> Iterator[Gate]:
    for way in [way for way in (WARM, LOCAL) if way in found.ways] or [WARM]:
        of = found.ways.get(way)
        hits = of.hits_from_due if of else None
        promise = f"{way}: {hits.count if hits else 0} hits, due to first audio, p95"
        yield Gate(promise, hits.p95 if hits else None, TARGET_HIT_MS, " ms")
    here = found.ratios.get(LOCAL, {}).get("median of hits from speech")
    promise = f"{LOCAL}: hits, true end of speech to first audio, median"
    yield Gate(promise, here, MOST_HEARD_HERE_RATIO, "x")


def kept(folder: Path) -> list[Round]:
    """The rounds that were measured, in their order."""
    found = []
    for path in sorted(folder.glob("round-*.json")):
        data = json.loads(path.read_text())
        results = Results.from_dict(data["results"])
        found.append(Round(**{**data, "loads": tuple(data["loads"]), "results": results}))
    return found


def keep(folder: Path, one: Round) -> None:
    """Add a round, whole or not at all."""
    number = len(list(folder.glob("round-*.json"))) + 1
    replace_file(folder / f"round-{number:03}.json", json.dumps(asdict(one)).encode())


def lost(folder: Path) -> list[str]:
    """Why rounds were given up in the middle."""
    path = folder / "lost"
    return path.read_text().splitlines() if path.is_file() else []


def merged(rounds: list[Round]) -> Report:
    """One report of all of them."""
    results = Results()
    for one in rounds:
        results.add(one.results)
    loads = [load for one in rounds for load in one.loads]
    return Report(results, rounds[0].cloud, rounds[0].how, machine(loads))


def told(rounds: list[Round], given_up: list[str]) -> str:
    """The report, the rounds' circumstances, and the gates."""
    report = merged(rounds)
    lines = [report.text(), ""]
    lines += [
        f"round {number}: {one.took_s:.0f} s, load {one.loads[0]:.1f} to {one.loads[1]:.1f}, "
        f"code {one.code}"
        for number, one in enumerate(rounds, 1)
    ]
    lines += [f"a round was given up: {why}" for why in given_up]
    return "\n".join([*lines, "", *map(str, gates(report.findings))])


async def measure(plan: Plan) -> Round:
    """One round, now."""
    before, began_s = load(), time.monotonic()
    results = await hold(plan, tell)
    took_s = time.monotonic() - began_s
    return Round(revision(), took_s, (before, load()), plan.as_dict(), plan.cloud, results)


def revision() -> str:
    """Of the code; changes that were not committed are told."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    ran = subprocess.run(
        [git, "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout.strip() or "unknown"


def another_fits(rounds: list[Round], left_s: float) -> bool:
    """A round will have ended by then; the first one is tried."""
    return left_s > SPARE * max((one.took_s for one in rounds), default=0.0)


def hold_rounds(one_round: Callable[[], Round], count: int, folder: Path, until_s: float) -> None:
    """Measure until there are so many rounds, or until it is time.

    A round is given up whose audio worker is lost, as on a machine with no time for it.
    """
    rounds, tries = kept(folder), MOST_LOST
    while len(rounds) < count and another_fits(rounds, until_s - time.monotonic()) and tries:
        try:
            one = one_round()
        except* WorkerError as deaths:
            tries -= 1
            with (folder / "lost").open("a") as file:
                file.write(f"{deaths.exceptions[0]}\n")
        else:
            keep(folder, one)
            rounds.append(one)


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        turns=CONVERSATION,
        profile=PROFILES[options.profile],
        repeat=1,
        settings=Settings(),
        keys=KeyStore.from_environment(),
        questions=cache_folder().with_name("sena-bench"),
        speech_length=SPEECH_LENGTH,
        fillers=False,
        warm=options.warm,
        heard_here=options.heard_here,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/prove conversation")
    add = parser.add_argument
    add("--rounds", type=int, default=15, help="have so many (%(default)s)")
    add("--minutes", type=float, default=9.0, help="of this call (%(default)g)")
    add("--profile", choices=sorted(PROFILES), default="prototype", help="of the loopback cloud")
    add("--warm", action="store_true", help="also ask again, from the cache")
    add("--heard-here", action="store_true", help="also with a transcriber on this machine")
    add("--folder", type=Path, default=cache_folder().with_name("sena-prove-conversation"))
    add("--again", action="store_true", help="forget what was measured before")
    return parser.parse_args()


def main() -> int:
    """Hold rounds for a while, and print what there is."""
    logging.disable(logging.CRITICAL)
    options = _options()
    plan = _plan(options)
    # Rounds that were held in other ways are not merged: not the same was asked for.
    ways = ["warm"] * plan.warm + ["heard-here"] * plan.heard_here
    folder: Path = options.folder / "-".join([options.profile, *ways])
    if options.again:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    until_s = time.monotonic() + 60 * options.minutes
    hold_rounds(lambda: asyncio.run(measure(plan)), options.rounds, folder, until_s)
    rounds = kept(folder)
    if not rounds:
        sys.stderr.write("\n".join(["no round was held to its end", *lost(folder)]) + "\n")
        return 1
    print(told(rounds, lost(folder)))
    return 0 if all(gate.kept for gate in gates(merged(rounds).findings)) else 1


if __name__ == "__main__":
    sys.exit(main())
