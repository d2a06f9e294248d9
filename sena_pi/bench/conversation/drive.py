"""Asks the questions, in each way and as often as wanted, and keeps what came of them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sena_pi.bench.conversation.heard_here import Prompter
from sena_pi.bench.conversation.loopback import KEY, Counts, Loopback
from sena_pi.bench.conversation.profiles import Profile
from sena_pi.bench.conversation.questions import recordings
from sena_pi.bench.conversation.results import (
    COLD,
    LOCAL,
    SEQUENTIAL,
    WARM,
    Asked,
    CacheTally,
    Results,
)
from sena_pi.bench.conversation.script import Turn
from sena_pi.bench.conversation.ways import Home, Way, one_by_one, ours
from sena_pi.deadlines import Deadlines
from sena_pi.keys import KeyStore
from sena_pi.report import TurnReport
from sena_pi.settings import Settings, validated, values

WAKE_WORD = "hey jarvis"
"""What every board wakes to, unless it was set to wake to something else."""
MOST_TIMES = 4
"""How often a question is spoken until somebody wakes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured.

    Attributes:
        turns: what is asked, in this order.
        profile: the loopback's pace; None: the real cloud.
        repeat: how often, in each way.
        settings: the appliance's; for the loopback the cloud in them is replaced.
        keys: where the real cloud's key is.
        questions: folder of recordings.
        speech_length: of the loopback's sound, as a share of what speaking would take.
        fillers: whether the appliance says something while nothing comes.
        local_voice: whether a voice on this machine may speak.
        warm: the same questions again, with what was remembered.
        heard_here: the last way too, with a transcriber on this machine.
    """

    turns: Sequence[Turn]
    profile: Profile | None
    repeat: int
    settings: Settings
    keys: KeyStore
    questions: Path
    speech_length: float = 1.0
    fillers: bool = True
    local_voice: bool = False
    warm: bool = True
    heard_here: bool = False

    @property
    def cloud(self) -> str:
        """Which cloud, and how fast it is; one line for people."""
        return (
            "the real one" if self.profile is None else f"{self.profile.name}: {self.profile.about}"
        )

    def as_dict(self) -> dict[str, object]:
        """What was asked for, as plain values."""
        return {
            "profile": self.profile.name if self.profile else None,
            "repeat": self.repeat,
            "turns": len(self.turns),
            "speech_length": self.speech_length,
            "fillers": self.fillers,
            "local_voice": self.local_voice,
            "warm": self.warm,
            "heard_here": self.heard_here,
            "adaptive": self.settings.listening.adaptive,
            "silence_s": self.settings.listening.silence_s,
            "guesses": self.settings.limits.guesses,
        }


async def hold(plan: Plan, asked: Callable[[Asked], None]) -> Results:
    """Hold the conversation in each way, `repeat` times; the ways take turns.

    Args:
        plan: what is to be measured.
        asked: told of each question when it was answered.

    Raises:
        ConfigError: there is no key.
        EngineUnavailable: the questions can't be spoken.
        SenaError: the sound broke down.
    """
    wake_word = next(iter(plan.settings.wake.words), WAKE_WORD)
    wavs = recordings([turn.question for turn in plan.turns], wake_word, plan.questions)
    results = Results()
    with tempfile.TemporaryDirectory(prefix="sena-bench-") as folder:
        async with _cloud(plan) as cloud:
            for number in range(1, plan.repeat + 1):
                home = home_of(plan, cloud, Path(folder) / str(number))
                asking = _Asking(plan.turns, wavs, cloud, number, results, asked)
                async with one_by_one(home) as way:
                    await asking.ask(way, SEQUENTIAL)
                async with ours(home) as way:
                    await asking.ask(way, COLD)
                    if plan.warm:
                        await asking.ask(way, WARM)
                if plan.heard_here:
                    async with ours(home, asking.ears) as way:
                        await asking.ask(way, LOCAL)
    return results


@dataclass(frozen=True, slots=True)
class _Asking:
    """One round."""

    turns: Sequence[Turn]
    wavs: Sequence[Path]
    cloud: Loopback | None
    round: int
    results: Results
    asked: Callable[[Asked], None]
    ears: Prompter = field(default_factory=Prompter)

    async def ask(self, way: Way, name: str) -> None:
        """All questions, in one way."""
        before = await _tally(way)
        for turn, wav in zip(self.turns, self.wavs, strict=True):
            one = await self._ask(way, name, turn, wav)
            self.results.asked.append(one)
            self.asked(one)
        if way.cache is not None:
            await way.cache.settled()
            self.results.tally(name, await _tally(way) - before)

    async def _ask(self, way: Way, name: str, turn: Turn, wav: Path) -> Asked:
        counts = None
        self.ears.said = turn.heard
        if self.cloud is not None:
            self.cloud.turn, self.cloud.plain = turn, name == SEQUENTIAL
            counts = self.cloud.counts = Counts()
        said = 0
        reports: list[TurnReport] = []
        while not reports and said < MOST_TIMES:  # as a person says it again
            said += 1
            async for episode in way.session.speak(way.audio, way.assistant, [wav]):
                reports.extend(episode.reports)
        return Asked.of(name, self.round, turn.question, reports, counts, said=said)


async def _tally(way: Way) -> CacheTally:
    if way.cache is None:
        return CacheTally()
    return CacheTally.of(await way.cache.ask(lambda cache: cache.stats()))


@asynccontextmanager
async def _cloud(plan: Plan) -> AsyncIterator[Loopback | None]:
    if plan.profile is None:
        yield None
        return
    loopback = Loopback(plan.profile, plan.turns[0], speech_length=plan.speech_length)
    async with loopback.serving():
        yield loopback


def home_of(plan: Plan, cloud: Loopback | None, folder: Path) -> Home:
    """What an assistant is opened with, so that the script is all that it hears and answers."""
    plain: dict[str, dict[str, Any]] = values(plan.settings)
    plain["cache"] |= {"enabled": True}
    # What the script says is a miss must be one for the cloud.
    plain["cloud"] |= {"local_commands": "off"}
    # Nobody says anything more after an answer; waiting for it would only take long.
    plain["conversation"] |= {"follow_up": False}
    if not plan.local_voice:
        plain["voice"] |= {"folder": str(folder / "no-voices")}
    keys = plan.keys
    if cloud is not None:
        plain["cloud"] |= {"enabled": True, "base_url": cloud.url}
        # It costs nothing, and must not end in the middle.
        plain["limits"] |= {"requests_per_day": 100_000, "speech_seconds_per_day": 86_400}
        keys = KeyStore(folder / "keys", environ={"GEMINI_API_KEY": KEY})
    deadlines = Deadlines()
    if not plan.fillers:
        deadlines = Deadlines(filler_s=deadlines.answer_s, reason_s=deadlines.answer_s)
    return Home(validated(plain), keys, folder, deadlines)
