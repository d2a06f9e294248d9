"""First sound: from the true end of speech to the answer's first sample, with pauses inside.

The whole appliance on simulated sound, against the loopback cloud with the profile "current". It
is asked by the wake word and a question, without follow-ups or commands of its own ears:

- "miss": the held-back utterances of `tests.endpointing_corpus` in a quiet room, each to an
  appliance that has never heard it: the cloud hears and answers.
- "hit": the questions of `tests.known_questions`, half of them in noise, to an appliance that has
  answered them before (`tests.known_answers` fills its cache: the same for all), with a
  transcriber on this machine that knows the words said up to a pause and takes 100 ms.

By the adaptive rule of endpointing, and by 0.7 s of silence. Everything is counted: what was cut
off is a row's "cut", and its times are left out.

`scripts/prove first_sound [--together N] [--minutes M] [--folder F] [--only miss]`: all of it takes
about half an hour with two appliances at once. A run stops after `--minutes` (9) and prints what
there is; the next one with the same folder goes on where it stopped. Each run prints the machine's
load: turns are measured in real time, and a busy machine is late.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import math
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from sena_pi.bench.conversation.loopback import KEY, Counts, Loopback
from sena_pi.bench.conversation.profiles import PROFILES
from sena_pi.bench.conversation.script import CONVERSATION, Turn
from sena_pi.bench.conversation.ways import Home, Way, ours
from sena_pi.deadlines import Deadlines
from sena_pi.errors import WorkerError
from sena_pi.keys import KeyStore
from sena_pi.report import TurnReport
from sena_pi.settings import Settings, validated, values
from sena_pi.simulated.sound import end_of_speech, load_recording
from tests.endpointing_corpus import LEAD_S, VOICES_A_SENTENCE, in_noise, utterances
from tests.known_answers import quick_cloud, remember
from tests.known_questions import KNOWN_BEFORE, Spoken, known, spoken_questions
from tests.knows_the_words import KnowsTheWords, words
from tests.prove.figures import machine
from tests.speech import RATE_HZ, quiet, say

WAKE_WORD: Final = "hey jarvis"
OPENED_AGAIN: Final = 3
"""How often an appliance is opened anew whose audio worker was lost, as on a machine with no time
for it; the utterance is asked again, and the loss is printed."""
DEATHS: Final = "lost"
BREATH_S: Final = 0.4
"""From the wake word to the question."""
MOST_TIMES: Final = 4
"""How often the wake word is said until somebody wakes."""
SPEECH_LENGTH: Final = 0.1
"""Of an answer's sound, to save time; when it begins stays the same."""
FIXED_S: Final = 0.7
NOISE_AFTER_S: Final = 2.0
"""Noise goes on for longer than any silence is waited for."""
FILLED: Final = "filled"
"""Folder with the cache that hits are found in."""
STAGES: Final = (
    "guess", "endpoint", "transcript", "first_text", "first_sentence", "first_sound", "first_audio",
)  # fmt: skip

Rule = Literal["adaptive", "fixed 0.7 s"]
Pass = Literal["miss", "hit"]


@dataclass(frozen=True, slots=True)
class Part:
    """What one appliance is asked: a voice of each sentence, so that no question comes twice."""

    rule: Rule
    voice: int
    run: Pass

    @property
    def home(self) -> str:
        """Name of the folder with what it remembers."""
        return f"{self.rule.split()[0]}-{self.voice}-{self.run}"

    @property
    def file(self) -> str:
        """Name of the file with what came of it."""
        return f"{self.home}.jsonl"

    def questions(self) -> Iterator[tuple[int, Spoken]]:
        """What it is asked, numbered."""
        spoken = spoken_questions()
        if self.run == "miss":
            spoken = [Spoken(said, "clean", None) for said in utterances("held back")]
        for number, one in enumerate(spoken):
            if number % VOICES_A_SENTENCE == self.voice:
                yield number, one


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one utterance.

    Attributes:
        number: of the utterance.
        kind: of the utterance.
        heard: there was a turn.
        source: of the answer; empty without one.
        ms: moments after the true end of speech, as in `TurnReport`.
        guesses: answers that were begun before the endpoint.
        wasted: requests of the cloud for those that were not kept.
        problems: what went wrong.
        snr_db: how far the speech was above noise, None in a quiet room.
        requests: for an answer that reached the cloud.
    """

    number: int
    kind: str
    heard: bool
    source: str = ""
    ms: dict[str, float] = field(default_factory=dict)
    guesses: int = 0
    wasted: int = 0
    problems: Sequence[str] = ()
    snr_db: float | None = None
    requests: int = 0

    @property
    def cut(self) -> bool:
        """The endpoint came before the true end."""
        return self.ms.get("endpoint", 0.0) < 0


def answer_to(question: str, which: str) -> Turn:
    """The cloud's answer: one of the benchmark's, its first word changed.

    So none is like another, and its sound is not remembered either.
    """
    spoken = [turn.words for turn in CONVERSATION if turn.intent is None]
    number = sum(map(ord, which))
    first, rest = spoken[number % len(spoken)].split(" ", 1)
    marked = first + "".join(filter(str.isalnum, which))
    return Turn(question, f"{marked} {rest}", llm_s=1.0, tts_s=1.0, alone=True)


def recorded(spoken: Spoken, path: Path) -> int:
    """Write the question behind the wake word; the true end of speech in samples.

    Noise begins behind the wake word: how that is heard in noise is another proof's matter.
    """
    before = say(WAKE_WORD) + quiet(BREATH_S - LEAD_S)
    noise_after_s = 0.1 if spoken.snr_db is None else NOISE_AFTER_S
    sound, end = in_noise(spoken.said, spoken.noise, spoken.snr_db, noise_after_s)
    path.write_bytes(wav_bytes(before + sound, MICROPHONE_FORMAT))
    return len(before) // 2 + end


class Asking:
    """Asks an appliance; one utterance after the other."""

    def __init__(self, way: Way, cloud: Loopback, ears: KnowsTheWords, folder: Path) -> None:
        self._way = way
        self._cloud = cloud
        self._ears = ears
        self._wav = folder / "said.wav"

    async def ask(self, number: int, spoken: Spoken) -> Asked:
        """Say it until somebody wakes."""
        said = spoken.said

        def heard(text: str) -> None:
            self._cloud.turn = answer_to(text, str(number))

        heard(words(said.text))
        self._ears.tell = heard
        self._cloud.counts = Counts()
        self._ears.utterance = said
        true_end = recorded(spoken, self._wav)
        found_end = end_of_speech(load_recording(self._wav))
        reports: list[TurnReport] = []
        for _ in range(MOST_TIMES):
            async for episode in self._way.session.speak(
                self._way.audio, self._way.assistant, [self._wav]
            ):
                reports.extend(episode.reports)
            if reports:
                break
        if self._way.cache is not None:
            await self._way.cache.settled()
        if not reports:
            return Asked(
                number, said.kind, heard=False, problems=["nobody woke"], snr_db=spoken.snr_db
            )
        # The session has the end from the recording's level; here it is known.
        report = reports[-1].shifted(1000 * (found_end - true_end) / RATE_HZ)
        return Asked(
            number,
            said.kind,
            "endpoint" in report.ms,
            report.source or "",
            report.ms,
            report.guesses,
            report.wasted_requests,
            report.problems,
            spoken.snr_db,
            self._cloud.counts.questions,
        )


async def ask_part(part: Part, folder: Path, until_s: float) -> None:
    """Ask what was not asked before, and keep what comes of it, until it is time."""
    out = folder / part.file
    done = {one.number for one in kept(out)}
    todo = [(number, spoken) for number, spoken in part.questions() if number not in done]
    if not todo or time.time() >= until_s:
        return
    home_folder = folder / part.home
    if part.run == "hit" and not home_folder.exists():
        shutil.copytree(folder / FILLED, home_folder)
    home_folder.mkdir(exist_ok=True)
    cloud = Loopback(PROFILES["current"], CONVERSATION[0], speech_length=SPEECH_LENGTH)
    ears = KnowsTheWords()
    async with cloud.serving():
        home = _home(part.rule, cloud, home_folder)
        async with ours(home, ears if part.run == "hit" else None) as way:
            asking = Asking(way, cloud, ears, home_folder)
            for number, spoken in todo:
                if time.time() >= until_s:
                    return
                asked = await asking.ask(number, spoken)
                with out.open("a") as file:
                    file.write(json.dumps(asdict(asked)) + "\n")


def _home(rule: Rule, cloud: Loopback, folder: Path) -> Home:
    plain: dict[str, dict[str, Any]] = values(Settings())
    plain["listening"] |= {"adaptive": rule == "adaptive", "silence_s": FIXED_S}
    plain["cache"] |= {"enabled": True}
    plain["voice"] |= {"folder": str(folder / "no-voices")}
    plain["cloud"] |= {"enabled": True, "base_url": cloud.url, "local_commands": "off"}
    plain["conversation"] |= {"follow_up": False}
    # Where there is no light, a chime tells that the question is over, and holds up the answer.
    plain["sounds"] |= {"chimes": False}
    plain["limits"] |= {"requests_per_day": 100_000, "speech_seconds_per_day": 86_400}
    keys = KeyStore(folder / "keys", environ={"GEMINI_API_KEY": KEY})
    return Home(validated(plain), keys, folder, Deadlines())


async def fill(folder: Path) -> None:
    """The cache that hits are found in, unless it is there already."""
    if (folder / FILLED).exists():
        return
    filling = folder / "filling"
    shutil.rmtree(filling, ignore_errors=True)
    filling.mkdir()
    cloud = quick_cloud(SPEECH_LENGTH)
    async with cloud.serving():
        turns = [answer_to(text, f"K {number}") for number, text in enumerate(known())]
        await remember(_home("adaptive", cloud, filling), cloud, turns)
    filling.rename(folder / FILLED)


def kept(path: Path) -> list[Asked]:
    """What was written of a part."""
    if not path.is_file():
        return []
    return [Asked(**json.loads(line)) for line in path.read_text().splitlines()]


def run_part(part: Part, folder: Path, until_s: float) -> None:
    """One appliance, in a process of its own."""
    logging.disable(logging.CRITICAL)
    for _ in range(OPENED_AGAIN + 1):
        try:
            asyncio.run(ask_part(part, folder, until_s))
            break
        except* WorkerError as deaths:
            with (folder / DEATHS).open("a") as file:
                file.write(f"{part.rule}, {part.run}: {deaths.exceptions[0]}\n")


def _line(name: str, asked: Sequence[Asked]) -> str:
    whole = [one for one in asked if one.heard and not one.cut]
    cut = sum(one.cut for one in asked)
    count = len(asked)
    return (
        f"{name:24} {count:4} {count - cut - len(whole):6} {cut:4} {100 * cut / count:5.1f} %"
        + "".join(_spread(whole, moment) for moment in ("guess", "endpoint", "first_audio"))
        + f"{sum(one.wasted for one in asked) / count:8.2f}"
        + f"{sum(one.requests for one in asked) / count:8.2f}"
    )


def _spread(asked: Sequence[Asked], moment: str) -> str:
    """Median and 95th percentile, and how many had such a moment."""
    seconds = [one.ms[moment] / 1000 for one in asked if moment in one.ms]
    if not seconds:
        return f"{'-':>20}"
    median_s, p95_s = (_part(seconds, part) for part in (0.5, 0.95))
    return f"{median_s:7.2f}{p95_s:7.2f} ({len(seconds):3})"


def _rows(rule: Rule, run: Pass, asked: Sequence[Asked]) -> dict[str, list[Asked]]:
    """What is told of a pass: of all, and of some."""
    rows = {f"{rule}, {run}": list(asked)}
    if run == "hit":
        rows["  begins unknown"] = [one for one in asked if one.kind != KNOWN_BEFORE]
        rows[f"  {KNOWN_BEFORE}"] = [one for one in asked if one.kind == KNOWN_BEFORE]
        for snr_db in (None, 20, 10, 5):
            name = "  quiet" if snr_db is None else f"  noise {snr_db} dB"
            rows[name] = [one for one in asked if one.snr_db == snr_db]
        for source, name in (("cache", "from the cache"), ("cloud", "from the cloud")):
            rows[f"  {name}"] = [one for one in asked if one.source == source]
    return rows


def _stages(asked: Sequence[Asked]) -> str:
    """Medians of all stages."""
    whole = [one for one in asked if one.heard and not one.cut]
    medians = [
        f"{stage} {_part([one.ms[stage] / 1000 for one in whole if stage in one.ms], 0.5):.2f}"
        for stage in STAGES
        if any(stage in one.ms for one in whole)
    ]
    return f"  medians: {', '.join(medians)}"


def _part(values: Sequence[float], part: float) -> float:
    """The value that this part of them is not above."""
    return sorted(values)[math.ceil(part * len(values)) - 1]


def report(folder: Path) -> str:
    """All that was measured, as a table."""
    lines = [
        "seconds after the true end of speech: median, 95th percentile, (how many)",
        "                            n unheard      cut              guess           endpoint"
        "        first sound  wasted  reached",
    ]
    for run in get_args(Pass):
        for rule in get_args(Rule):
            parts = [Part(rule, voice, run) for voice in range(VOICES_A_SENTENCE)]
            asked = [one for part in parts for one in kept(folder / part.file)]
            lines += [_line(name, some) for name, some in _rows(rule, run, asked).items() if some]
            if asked:
                lines.append(_stages(asked))
            problems = [problem for one in asked for problem in one.problems]
            lines += [f"  problem: {p} ({problems.count(p)})" for p in dict.fromkeys(problems)]
    lost = folder / DEATHS
    if lost.is_file():
        lines += [f"audio workers lost: {len(lost.read_text().splitlines())}"]
    return "\n".join(lines)


def main() -> int:
    """Ask for a while, and print what there is."""
    parser = argparse.ArgumentParser(prog="scripts/prove first_sound")
    parser.add_argument("--together", type=int, default=2, help="appliances at once (2)")
    parser.add_argument("--minutes", type=float, default=9.0, help="stop after so many (9)")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "sena-first-sound",
        help="where results are kept (%(default)s)",
    )
    parser.add_argument("--again", action="store_true", help="forget what was measured before")
    parser.add_argument("--only", choices=get_args(Pass), help="one of the two")
    options = parser.parse_args()
    if options.again:
        shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(mode=0o700, exist_ok=True)
    print(machine(), flush=True)
    until_s = time.time() + 60 * options.minutes
    runs = [options.only] if options.only else get_args(Pass)
    if "hit" in runs:
        asyncio.run(fill(options.folder))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.together, spawn) as pool:
        jobs = [
            pool.submit(run_part, Part(rule, voice, run), options.folder, until_s)
            for run in runs
            for voice in range(VOICES_A_SENTENCE)
            for rule in get_args(Rule)
        ]
        for job in jobs:
            job.result()
    print(report(options.folder))
    print(machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())
