"""What came of each question, in each way."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sena_pi.bench.conversation.loopback import Counts
from sena_pi.report import Outcome, TurnReport

SEQUENTIAL: Final = "one by one"
COLD: Final = "cold"
WARM: Final = "warm"
LOCAL: Final = "warm, heard here"
WAYS: Final = (SEQUENTIAL, COLD, WARM, LOCAL)
STAGES: Final = ("endpoint", "transcript", "first_text", "first_audio", "end")


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
    problems: tuple[str, ...] = ()
    said: int = 1

    @classmethod
    def of(
        cls,
        way: str,
        round_: int,
        question: str,
        report: TurnReport | None,
        counts: Counts | None,
        *,
        said: int = 1,
    ) -> Asked:
        """What a turn's report says; without one the wake word was not heard."""
        questions = counts.questions if counts else None
        speech = counts.speech if counts else None
        if report is None:
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
            problems=report.problems,
            said=said,
        )

    def after(self, stage: str, moment: str | None = None) -> float | None:
        """When a stage was reached, in ms after another one or after the true end of speech."""
        at = self.ms.get(stage)
        since = 0.0 if moment is None else self.ms.get(moment)
        return None if at is None or since is None else at - since


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

    def as_dicts(self) -> list[dict[str, Any]]:
        """Each question, as plain values."""
        return [asdict(one) for one in self.asked]
