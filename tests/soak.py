"""Many turns through the whole appliance, every seventh or so with a fault, and what is left."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from sena_pi.app import Appliance, Simulation, running
from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from sena_pi.deadlines import Deadlines
from sena_pi.errors import WorkerError
from sena_pi.keys import KeyStore
from sena_pi.phases import Phase
from sena_pi.report import TurnReport
from sena_pi.settings import validated
from tests.gemini_replies import (
    End,
    Reply,
    answer_json,
    error_reply,
    silence,
    sound_answer,
    text_answer,
)
from tests.gemini_server import GeminiServer
from tests.house import Light, tone
from tests.speech import say

BOUND_S = 60.0
SCALE = 0.2
FOLLOW_UP_S = 1.0
"""Nobody speaks on; a turn that waits for it is made after each answer all the same."""
_MB = 1 << 20
_CUT = answer_json(heard="q", say="Whole one. And then")[:-2]

KINDS: dict[str, Callable[[int], Reply]] = {
    "new": lambda n: _answer(f"what is the capital of country {n}", f"It is city {n}."),
    "known": lambda _: _answer("what is the capital of france", "Paris."),
    "cut": lambda _: text_answer(_CUT, finish="").after(1, End.RESET),
    "silent": lambda _: silence(),
    "refused": lambda _: error_reply(503, "UNAVAILABLE"),
    "broken": lambda _: text_answer("no json at all"),
    "portal": lambda _: Reply((b"<html>login</html>",), content_type="text/html"),
    "interrupted": lambda _: _answer("what is interrupted", "A long one. " * 20),
    "worker killed": lambda _: _answer("what is the capital of france", "Paris."),
}
ORDER = (
    *("new", "known", "known", "cut", "new", "known", "interrupted", "known", "new", "broken"),
    *("known", "known", "new", "portal", "known", "known", "new", "refused", "known", "known"),
    *("new", "known", "interrupted", "known", "known", "new", "known", "silent", "known", "known"),
)
KILL_EVERY = 50


@dataclass(frozen=True)
class Held:
    """What a process and its children hold at one moment."""

    rss_bytes: int
    pss_bytes: int
    counts: dict[str, int]


@dataclass(frozen=True)
class Growth:
    """What was held more at the end than after the warm-up.

    Attributes:
        rss_mb: memory of the brain.
        pss_mb: memory of all processes, shared pages shared out.
        left: descriptors, threads, children, sockets, temporary files: only those that changed.
    """

    rss_mb: float
    pss_mb: float
    left: dict[str, int]


@dataclass
class Soaked:
    """What came of it."""

    turns: int
    warm_up: int
    kinds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    held: list[Held] = field(default_factory=list)

    @property
    def growth(self) -> Growth:
        first, last = self.held[0], self.held[-1]
        left = {
            name: last.counts[name] - first.counts[name]
            for name in first.counts
            if last.counts[name] != first.counts[name]
        }
        return Growth(
            (last.rss_bytes - first.rss_bytes) / _MB,
            (last.pss_bytes - first.pss_bytes) / _MB,
            left,
        )


class Soak:
    """The appliance, its cloud, and somebody who asks without end."""

    def __init__(self, folder: Path, appliance: Appliance, gemini: GeminiServer) -> None:
        self.appliance = appliance
        self.light = Light()
        self.reports: asyncio.Queue[TurnReport] = asyncio.Queue()
        self.gemini = gemini
        self.question = folder / "question.wav"
        self.question.write_bytes(wav_bytes(say("what is this", "slt"), MICROPHONE_FORMAT))

    async def ask(self, kind: str, number: int) -> TurnReport:
        """One turn, to its end."""
        self.gemini.will_answer(KINDS[kind](number))
        if kind == "interrupted":  # the question that interrupts is answered
            self.gemini.will_answer(KINDS["new"](number))
        audio, assistant = self.appliance.audio, self.appliance.assistant
        if kind == "worker killed":
            await self._kill_worker()
        async with asyncio.timeout(BOUND_S):
            await self._until(lambda: audio.health.capturing)
            assistant.press()
            await self._question()
            if kind == "interrupted":
                await self._until(lambda: self._shows(Phase.SPEAKING))
                assistant.press()
                await self.reports.get()
                await self._question()
            report = await self.reports.get()
            await assistant.idle()
        # A reply that a resting cloud was never asked for must not answer the next question.
        self.gemini._replies[False].clear()
        return report

    async def _question(self) -> None:
        """Somebody speaks; a worker that is replaced just then has not heard it."""
        await self._until(lambda: self._shows(Phase.LISTENING))
        with contextlib.suppress(WorkerError):
            await self.appliance.audio.simulate(str(self.question))

    def _shows(self, phase: Phase) -> bool:
        """It does, or the turn is over already."""
        return self.light.shown[-1:] == [phase] or not self.reports.empty()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110 - of any part, none of which has an event for it
            await asyncio.sleep(0.005)

    async def _kill_worker(self) -> None:
        supervisor = self.appliance.audio.supervisor
        replaced, pid = supervisor.replacements, supervisor.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(BOUND_S):
            await self._until(lambda: supervisor.replacements > replaced)


async def soak(
    folder: Path,
    turns: int,
    *,
    warm_up: int,
    first: int = 0,
    told: Callable[[str], object] = lambda _line: None,
) -> Soaked:
    """Make so many turns; folders of the appliance are below `folder`."""
    soaked = Soaked(turns, warm_up)
    async with _soaking(folder) as it:
        for number in range(first + 1, first + turns + 1):
            kind = "worker killed" if number % KILL_EVERY == 0 else ORDER[number % len(ORDER)]
            report = await it.ask(kind, number)
            soaked.kinds[kind] += 1
            soaked.outcomes[f"{report.outcome} by {report.source or 'a reason'}"] += 1
            if number - first == warm_up:
                soaked.held.append(await _settled(it, folder))
            if (number - first) % 250 == 0:
                now = held(folder)
                told(f"turn {number}: RSS {now.rss_bytes / _MB:.1f} MB, {now.counts}")
        soaked.held.append(await _settled(it, folder))
    return soaked


@contextlib.asynccontextmanager
async def _soaking(folder: Path) -> AsyncIterator[Soak]:
    for name in ("state", "cache", "run"):
        os.environ[f"{name.upper()}_DIRECTORY".replace("RUN_", "RUNTIME_")] = str(folder / name)
    box: list[Soak] = []
    async with GeminiServer(speak=lambda _: sound_answer(tone(600, 0.1))) as gemini:
        settings = validated(
            {
                "cloud": {"base_url": gemini.url},
                "limits": {"requests_per_day": 100_000, "speech_seconds_per_day": 86_400},
                "cache": {"size_mb": 8},
                "conversation": {"follow_up_s": FOLLOW_UP_S, "follow_up_question_s": FOLLOW_UP_S},
                "listening": {"adaptive": False, "silence_s": 0.3},
            }
        )
        keys = KeyStore(folder / "keys", environ={"GEMINI_API_KEY": gemini.key})
        light = Light()
        async with running(
            settings,
            keys,
            light,
            simulation=Simulation(hurry=True),
            deadlines=Deadlines().scaled(SCALE),
            on_report=lambda report: box[0].reports.put_nowait(report),
        ) as appliance:
            it = Soak(folder, appliance, gemini)
            it.light = light
            box.append(it)
            async with asyncio.timeout(BOUND_S):
                await appliance.listening.wait()
                await appliance.assistant.idle()
            yield it


async def _settled(it: Soak, folder: Path) -> Held:
    """What is held once connections of failed requests are closed, and garbage is gone."""
    it.light.shown.clear()
    it.gemini.requests.clear()
    await asyncio.sleep(1.0)
    gc.collect()
    return held(folder)


def held(folder: Path) -> Held:
    """What this process and its children hold now."""
    descriptors = [_link(path) for path in Path("/proc/self/fd").iterdir()]
    children = [
        child
        for task in Path("/proc/self/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    pss_bytes = sum(_kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in ["self", *children])
    counts = {
        "descriptors": len([it for it in descriptors if not it.startswith("socket:")]),
        "sockets": len([it for it in descriptors if it.startswith("socket:")]),
        "threads": threading.active_count(),
        "children": len(children),
        "temporary files": sum(
            path.is_file() and _is_temporary(path.relative_to(folder)) for path in folder.rglob("*")
        ),
    }
    return Held(_kilobytes("/proc/self/status", "VmRSS:"), pss_bytes, counts)


def _is_temporary(path: Path) -> bool:
    """Not of the cache, which is bounded; of the state, whose files come with time, unfinished."""
    kept = path.parts[0] == "state" and not path.name.startswith(".")
    return path.parts[0] != "cache" and not kept


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _kilobytes(path: str, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(path).read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) << 10
    return 0


def _answer(heard: str, said: str) -> Reply:
    whole = answer_json(heard=heard, say=said, cacheability="evergreen", stands_alone=True)
    return text_answer(whole[:20], whole[20:])
