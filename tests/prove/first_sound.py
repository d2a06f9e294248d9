"""First sound: from the true end of speech to the answer's first sample, with pauses inside.

The whole appliance on simulated sound, against the loopback cloud with the profile "current". The
wake word, and then the held-back utterances of `tests.endpointing_corpus` at their own pace, in a
quiet room: first to an empty cache, where the cloud hears and answers ("miss"); then again, with
what was remembered and a transcriber on this machine that knows the words said up to a pause and
takes `TRANSCRIBER_S` to tell ("hit": those that the cache answers; "own rule": those that our own
code does). By the adaptive rule of endpointing, and by 0.7 s of silence. Everything is counted:
what was cut off is a row's "cut", and its times are left out.

`scripts/prove first_sound [--together N] [--minutes M] [--folder F]`: all of it takes about twenty
minutes with two appliances at once. A run stops after `--minutes` (9) and prints what there is; the
next one with the same folder goes on where it stopped. Each run prints the machine's load: turns
are measured in real time, and a busy machine is late.
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
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from sena_pi.audio import MICROPHONE_FORMAT, Utterance, wav_bytes
from sena_pi.bench.conversation.loopback import KEY, Loopback
from sena_pi.bench.conversation.profiles import PROFILES
from sena_pi.bench.conversation.script import CONVERSATION, Turn
from sena_pi.bench.conversation.ways import Home, Way, ours
from sena_pi.deadlines import Deadlines
from sena_pi.errors import WorkerError
from sena_pi.keys import KeyStore
from sena_pi.report import TurnReport
from sena_pi.settings import Settings, validated, values
from sena_pi.simulated.sound import end_of_speech, load_recording
from sena_pi.stages import Transcript
from tests.endpointing_corpus import VOICES_A_SENTENCE, Said, utterances
from tests.endpointing_sentences import PAUSE
from tests.prove.figures import machine
from tests.speech import RATE_HZ, quiet, say, speech_bounds

TRANSCRIBER_S: Final = 0.1
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
END: Final = "There is a little more."
"""Of every answer."""
FIXED_S: Final = 0.7

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
        """Name of the folder with what is remembered from one pass to the next."""
        return f"{self.rule.split()[0]}-{self.voice}"

    @property
    def file(self) -> str:
        """Name of the file with what came of it."""
        return f"{self.home}-{self.run}.jsonl"


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
    """

    number: int
    kind: str
    heard: bool
    source: str = ""
    ms: dict[str, float] = field(default_factory=dict)
    guesses: int = 0
    wasted: int = 0
    problems: Sequence[str] = ()

    @property
    def cut(self) -> bool:
        """The endpoint came before the true end."""
        return self.ms.get("endpoint", 0.0) < 0


class KnowsTheWords:
    """A `Transcriber` that is told the utterance, and tells as much of it as was said by then.

    Attributes:
        utterance: what is being said.
    """

    def __init__(self) -> None:
        self.utterance: Said | None = None

    async def transcribe(self, utterance: Utterance) -> Transcript:
        """After `TRANSCRIBER_S`, as `Transcriber.transcribe`."""
        await asyncio.sleep(TRANSCRIBER_S)
        assert self.utterance is not None
        begin, _ = speech_bounds(utterance.pcm)
        said = utterance.speech_end_sample - begin
        ends = self.utterance.ends
        part = min(range(len(ends)), key=lambda at: abs(ends[at] - said))
        return Transcript(words(PAUSE.join(self.utterance.text.split(PAUSE)[: part + 1])))


def words(text: str) -> str:
    """What was said, without the pauses."""
    return " ".join(text.replace(PAUSE, " ").split())


def answer_to(said: Said, number: int) -> Turn:
    """The cloud's answer: none like another, so that its sound is not remembered either.

    It begins with as many words as what is spoken first of the benchmark's conversation has.
    """
    answer = f"This is answer {number} to a question that somebody asked. {END}"
    return Turn(words(said.text), answer, llm_s=1.0, tts_s=1.0, alone=True)


def recorded(said: Said, path: Path) -> int:
    """Write the utterance behind the wake word; the true end of speech in samples."""
    before = say(WAKE_WORD) + quiet(BREATH_S) + said.pcm
    path.write_bytes(wav_bytes(before + quiet(0.1), MICROPHONE_FORMAT))
    return len(before) // 2


class Asking:
    """Asks an appliance; one utterance after the other."""

    def __init__(self, way: Way, cloud: Loopback, ears: KnowsTheWords, folder: Path) -> None:
        self._way = way
        self._cloud = cloud
        self._ears = ears
        self._wav = folder / "said.wav"

    async def ask(self, number: int, said: Said) -> Asked:
        """Say it until somebody wakes."""
        self._cloud.turn = answer_to(said, number)
        self._ears.utterance = said
        true_end = recorded(said, self._wav)
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
            return Asked(number, said.kind, heard=False, problems=["nobody woke"])
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
        )


async def ask_part(part: Part, folder: Path, until_s: float) -> None:
    """Ask what was not asked before, and keep what comes of it, until it is time."""
    out = folder / part.file
    done = {one.number for one in kept(out)}
    todo = [
        (number, said)
        for number, said in enumerate(utterances("held back"))
        if number % VOICES_A_SENTENCE == part.voice and number not in done
    ]
    if not todo or time.time() >= until_s:
        return
    home_folder = folder / part.home
    home_folder.mkdir(exist_ok=True)
    cloud = Loopback(PROFILES["current"], CONVERSATION[0], speech_length=SPEECH_LENGTH)
    ears = KnowsTheWords()
    async with cloud.serving():
        home = _home(part, cloud, home_folder)
        async with ours(home, ears if part.run == "hit" else None) as way:
            asking = Asking(way, cloud, ears, home_folder)
            for number, said in todo:
                if time.time() >= until_s:
                    return
                asked = await asking.ask(number, said)
                with out.open("a") as file:
                    file.write(json.dumps(asdict(asked)) + "\n")


def _home(part: Part, cloud: Loopback, folder: Path) -> Home:
    plain: dict[str, dict[str, Any]] = values(Settings())
    plain["listening"] |= {"adaptive": part.rule == "adaptive", "silence_s": FIXED_S}
    plain["cache"] |= {"enabled": True}
    plain["voice"] |= {"folder": str(folder / "no-voices")}
    plain["cloud"] |= {"enabled": True, "base_url": cloud.url}
    plain["limits"] |= {"requests_per_day": 100_000, "speech_seconds_per_day": 86_400}
    keys = KeyStore(folder / "keys", environ={"GEMINI_API_KEY": KEY})
    return Home(validated(plain), keys, folder, Deadlines())


def kept(path: Path) -> list[Asked]:
    """What was written of a part."""
    if not path.is_file():
        return []
    return [Asked(**json.loads(line)) for line in path.read_text().splitlines()]


def run_voice(rule: Rule, voice: int, folder: Path, until_s: float) -> None:
    """Both passes of one appliance, in a process of its own."""
    logging.disable(logging.CRITICAL)
    for run in ("miss", "hit"):
        for _ in range(OPENED_AGAIN + 1):
            try:
                asyncio.run(ask_part(Part(rule, voice, run), folder, until_s))
                break
            except* WorkerError as deaths:
                with (folder / DEATHS).open("a") as file:
                    file.write(f"{rule}, {run}: {deaths.exceptions[0]}\n")


def _line(name: str, asked: Sequence[Asked]) -> str:
    whole = [one for one in asked if one.heard and not one.cut]
    cut = sum(one.cut for one in asked)
    count = len(asked)
    return (
        f"{name:24} {count:4} {count - cut - len(whole):6} {cut:4} {100 * cut / count:5.1f} %"
        + "".join(_spread(whole, moment) for moment in ("guess", "endpoint", "first_audio"))
        + f"{sum(one.wasted for one in asked) / count:8.2f}"
    )


def _spread(asked: Sequence[Asked], moment: str) -> str:
    """Median and 95th percentile, and how many had such a moment."""
    found = sorted(one.ms[moment] / 1000 for one in asked if moment in one.ms)
    if not found:
        return f"{'-':>21}"
    median_s, p95_s = (found[math.ceil(part * len(found)) - 1] for part in (0.5, 0.95))
    return f"{median_s:7.2f}{p95_s:7.2f} ({len(found):3})"


def report(folder: Path) -> str:
    """All that was measured, as a table."""
    lines = [
        "seconds after the true end of speech: median, 95th percentile, (how many)",
        "                            n unheard      cut              guess           endpoint"
        "        first sound  wasted",
    ]
    for rule in ("adaptive", "fixed 0.7 s"):
        by_run: dict[str, list[Asked]] = {
            run: [one for voice in (0, 1) for one in kept(folder / Part(rule, voice, run).file)]
            for run in ("miss", "hit")
        }
        rows = {f"{rule}, miss": by_run["miss"], f"{rule}, words known": by_run["hit"]}
        for source, name in (("cache", "hit"), ("rule", "own rule"), ("cloud", "not found")):
            rows[f"  {name}"] = [one for one in by_run["hit"] if one.source == source]
        lines += [_line(name, asked) for name, asked in rows.items() if asked]
        problems = [p for asked in by_run.values() for one in asked for p in one.problems]
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
    options = parser.parse_args()
    if options.again:
        shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(mode=0o700, exist_ok=True)
    print(machine(), flush=True)
    until_s = time.time() + 60 * options.minutes
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.together, spawn) as pool:
        jobs = [
            pool.submit(run_voice, rule, voice, options.folder, until_s)
            for voice in range(VOICES_A_SENTENCE)
            for rule in ("adaptive", "fixed 0.7 s")
        ]
        for job in jobs:
            job.result()
    print(report(options.folder))
    print(machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())
