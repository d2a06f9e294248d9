"""What came of each question, in each way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from sena_pi.bench.conversation.loopback import Counts
from sena_pi.report import Outcome, TurnReport

SEQUENTIAL: Final = "one by one"
COLD: Final = "cold"
WARM: Final = "warm"
LOCAL: Final = "warm, heard here"
WAYS: Final = (SEQUENTIAL, COLD, WARM, LOCAL)
ENDPOINT: Final = "endpoint"
TRANSCRIPT: Final = "transcript"
SOUND: Final = "first_sound"
AUDIO: Final = "first_audio"
STAGES: Final = (
    "guess",
    ENDPOINT,
    TRANSCRIPT,
    "lookup",
    "first_text",
    "first_sentence",
    SOUND,
    AUDIO,
    "end",
)
"""As in `sena_pi.report.Timeline`. An answer is begun in a pause, so those of its making may come
before the endpoint; the first audio never does."""
WAITED_FOR: Final = STAGES[STAGES.index(ENDPOINT) : STAGES.index(AUDIO) + 1]
"""What the first audio may wait for, in this order."""
DUE: Final = "due"
"""The later of transcript and endpoint: nothing may be spoken before the endpoint, and nothing can
be answered before the question is known."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question in one way.

    Attributes:
        way: of `WAYS`.
        round: 1 for the first time that the conversation was held.
        question: as it was spoken.
        answered: it was answered to its end.
        source: "cloud", "cache" or "rule"; "" when nothing answered.
        tier: where a cached answer was.
        voice: who spoke.
        told: what was spoken beside the answer.
        ms: moments after the true end of speech; see `sena_pi.report.Timeline`.
        questions: requests for an answer; None where nobody counts.
        speech: requests for sound; None where nobody counts.
        guesses: answers that were begun before the endpoint.
        wasted: of `questions`, those for answers that were not kept.
        problems: what went wrong.
        said: how often it was spoken until the wake word was heard.
    """

    way: str
    round: int
    question: str
    answered: bool = False
    source: str = ""
    tier: str = ""
    voice: str = ""
    told: tuple[str, ...] = ()
    ms: dict[str, float] = field(default_factory=dict)
    questions: int | None = None
    speech: int | None = None
    guesses: int = 0
    wasted: int = 0
    problems: tuple[str, ...] = ()
    said: int = 1

    @classmethod
    def of(
        cls,
        way: str,
        round_: int,
        question: str,
        reports: Sequence[TurnReport],
        counts: Counts | None,
        *,
        said: int = 1,
    ) -> Asked:
        """What the reports of its turns say; without one the wake word was not heard.

        Where a question woke it twice, the last turn is the one that was not interrupted; what
        the others cost counts as well.
        """
        questions = counts.questions if counts else None
        speech = counts.speech if counts else None
        if not reports:
            missed = ("the wake word was not heard",)
            return cls(
                way,
                round_,
                question,
                questions=questions,
                speech=speech,
                problems=missed,
                said=said,
            )
        report = reports[-1]
        return cls(
            way,
            round_,
            question,
            answered=report.outcome is Outcome.ANSWERED and "first_audio" in report.ms,
            source=report.source or "",
            tier=report.tier,
            voice=report.voice,
            told=report.told,
            ms=report.ms,
            questions=questions,
            speech=speech,
            guesses=sum(one.guesses for one in reports),
            wasted=sum(one.wasted_requests for one in reports),
            problems=report.problems,
            said=said,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Asked:
        """Of `dataclasses.asdict`, come through JSON."""
        return cls(**{**data, "told": tuple(data["told"]), "problems": tuple(data["problems"])})

    @property
    def cut(self) -> bool:
        """The endpoint came before the true end of speech: not all of it was heard."""
        return self.ms.get(ENDPOINT, 0.0) < 0

    def after(self, stage: str, moment: str | None = None) -> float | None:
        """When a stage was reached, in ms after another one or after the true end of speech.

        Negative: before it.
        """
        at = self.ms.get(stage)
        since = 0.0 if moment is None else self._at(moment)
        return None if at is None or since is None else at - since

    def _at(self, moment: str) -> float | None:
        if moment != DUE:
            return self.ms.get(moment)
        if ENDPOINT not in self.ms or TRANSCRIPT not in self.ms:
            return None
        return max(self.ms[ENDPOINT], self.ms[TRANSCRIPT])

    def waits(self) -> dict[str, float]:
        """How long the first audio waited for each stage, in ms, one after the other.

        A stage counts for as much as it came after all the stages before it, so that together
        they are the time from the true end of speech to the first audio. Empty without one.
        """
        found: dict[str, float] = {}
        reached = 0.0
        for stage in WAITED_FOR if AUDIO in self.ms else ():
            at = max(reached, self.ms.get(stage, 0.0))
            found[stage] = at - reached
            reached = at
        return found


@dataclass(frozen=True, slots=True)
class CacheTally:
    """What the cache did in one pass over the questions.

    Attributes:
        hits: answers that were found.
        misses: answers that were looked for and not found.
        bypasses: answers that were not looked for or not kept, by reason.
        speech_hits: sentences that were found.
        speech_misses: sentences that were looked for and not found.
        saved_ms: by its own count.
    """

    hits: int = 0
    misses: int = 0
    bypasses: dict[str, int] = field(default_factory=dict)
    speech_hits: int = 0
    speech_misses: int = 0
    saved_ms: float = 0.0

    @classmethod
    def of(cls, stats: dict[str, Any]) -> CacheTally:
        """Of `ResponseCache.stats`, counted in all."""
        total = stats["total"]
        return cls(
            hits=sum(total["hits"].values()),
            misses=total["misses"],
            bypasses=dict(total["bypasses"]),
            speech_hits=sum(total["speech_hits"].values()),
            speech_misses=total["speech_misses"],
            saved_ms=total["saved_ms"],
        )

    def _combined(self, other: CacheTally, sign: int) -> CacheTally:
        reasons = {**self.bypasses, **other.bypasses}
        return CacheTally(
            self.hits + sign * other.hits,
            self.misses + sign * other.misses,
            {
                reason: count
                for reason in reasons
                if (count := self.bypasses.get(reason, 0) + sign * other.bypasses.get(reason, 0))
            },
            self.speech_hits + sign * other.speech_hits,
            self.speech_misses + sign * other.speech_misses,
            self.saved_ms + sign * other.saved_ms,
        )

    def __add__(self, other: CacheTally) -> CacheTally:
        return self._combined(other, 1)

    def __sub__(self, other: CacheTally) -> CacheTally:
        return self._combined(other, -1)


@dataclass(slots=True)
class Results:
    """All that was measured.

    Attributes:
        asked: each question in each way, in the order they were asked.
        tallies: what the cache did, by way.
    """

    asked: list[Asked] = field(default_factory=list)
    tallies: dict[str, CacheTally] = field(default_factory=dict)

    def ways(self) -> list[str]:
        """The ways that were asked, in their order."""
        there = {one.way for one in self.asked}
        return [way for way in WAYS if way in there]

    def of(self, way: str) -> list[Asked]:
        """What was asked in one way."""
        return [one for one in self.asked if one.way == way]

    def tally(self, way: str, tally: CacheTally) -> None:
        """Add what the cache did."""
        self.tallies[way] = self.tallies.get(way, CacheTally()) + tally

    def add(self, later: Results) -> None:
        """Add what was measured later; its rounds are counted on from the last one here."""
        rounds = max((one.round for one in self.asked), default=0)
        self.asked += [replace(one, round=one.round + rounds) for one in later.asked]
        for way, tally in later.tallies.items():
            self.tally(way, tally)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, of which `from_dict` makes the same again."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Results:
        """Of `as_dict`, come through JSON."""
        return cls(
            [Asked.from_dict(one) for one in data["asked"]],
            {way: CacheTally(**tally) for way, tally in data["tallies"].items()},
        )
