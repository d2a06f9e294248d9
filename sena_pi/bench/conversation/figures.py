"""What the times say: spreads, grades, ratios. Pure; times in ms unless said."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sena_pi.bench.conversation.results import (
    AUDIO,
    DUE,
    ENDPOINT,
    SEQUENTIAL,
    STAGES,
    WAITED_FOR,
    Asked,
    CacheTally,
    Results,
)

GRADES: Final = ((1.0, "A+"), (2.0, "A"), (3.0, "B"), (4.0, "C"))
"""The prototype's: a mean response under so many seconds."""
WORST_GRADE: Final = "D"


@dataclass(frozen=True, slots=True)
class Spread:
    """How values lie.

    Attributes:
        count: how many there are.
    """

    count: int
    min: float
    mean: float
    median: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """Of these; None of none."""
        if not values:
            return None
        ordered = sorted(values)
        return cls(
            len(ordered),
            ordered[0],
            statistics.fmean(ordered),
            percentile(ordered, 50),
            percentile(ordered, 95),
            percentile(ordered, 99),
            ordered[-1],
        )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Between the two nearest of the sorted values, as the place lies between them."""
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def grade(mean_s: float) -> str:
    """The prototype's grade for a mean response time."""
    return next((name for bound_s, name in GRADES if mean_s < bound_s), WORST_GRADE)


@dataclass(frozen=True, slots=True)
class Figures:
    """One way in figures.

    Attributes:
        way: its name.
        asked: questions that were asked.
        answered: those that were answered to their end.
        cut: those whose endpoint came before the true end of speech; none of the times below is
            of these.
        said_again: those whose wake word was not heard at first.
        cached: those answered from the cache.
        ruled: those answered by the device's own rules.
        fillers: those in which a filler was heard.
        reasons: those in which a reason for waiting or for no answer was heard.
        questions: requests for an answer, None where nobody counts.
        speech: requests for sound, None where nobody counts.
        guesses: answers that were begun before the endpoint.
        wasted: of the requests for an answer, those whose answer was not kept.
        from_speech: each stage after the true end of speech.
        from_endpoint: each stage after the endpoint; negative: before it.
        waits: how long the first audio waited for each stage on average, one after the other;
            see `Asked.waits`.
        by_source: first audio by who answered ("cloud", "cache", "rule"), after the true end of
            speech ("speech"), after the endpoint, and after the moment when it was due.
        grade: by the mean from the endpoint to the first audio, as the prototype counted.
        felt_grade: by the mean from the true end of speech.
        tally: what the cache did.
        voices: who spoke, and how many answers.
    """

    way: str
    asked: int
    answered: int
    cut: int
    said_again: int
    cached: int
    ruled: int
    fillers: int
    reasons: int
    questions: int | None
    speech: int | None
    guesses: int
    wasted: int
    from_speech: dict[str, Spread]
    from_endpoint: dict[str, Spread]
    waits: dict[str, float]
    by_source: dict[str, dict[str, Spread]]
    grade: str | None
    felt_grade: str | None
    tally: CacheTally | None
    voices: dict[str, int]

    @property
    def hits_from_due(self) -> Spread | None:
        """First audio of cached answers after they were due; None without."""
        return self.by_source.get("cache", {}).get(DUE)

    @property
    def misses_from_endpoint(self) -> Spread | None:
        """First audio of the cloud's answers after the endpoint; None without."""
        return self.by_source.get("cloud", {}).get(ENDPOINT)

    @property
    def hit_rate(self) -> float | None:
        """Share of the questions answered from the cache; None without one."""
        if self.tally is None or not self.asked:
            return None
        return self.cached / self.asked

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "hit_rate": self.hit_rate}


def figures(results: Results, way: str) -> Figures:
    """One way's figures."""
    asked = results.of(way)
    good = [one for one in asked if one.answered and not one.cut]
    from_speech = _spreads(good, None)
    from_endpoint = _spreads([one for one in good if ENDPOINT in one.ms], ENDPOINT)
    voices: dict[str, int] = {}
    for one in good:
        voices[one.voice] = voices.get(one.voice, 0) + 1
    return Figures(
        way=way,
        asked=len(asked),
        answered=sum(one.answered for one in asked),
        cut=sum(one.cut for one in asked),
        said_again=sum(one.said > 1 for one in asked),
        cached=sum(one.source == "cache" for one in good),
        ruled=sum(one.source == "rule" for one in good),
        fillers=sum("filler" in one.told for one in asked),
        reasons=sum(any(name != "filler" for name in one.told) for one in asked),
        questions=_sum([one.questions for one in asked]),
        speech=_sum([one.speech for one in asked]),
        guesses=sum(one.guesses for one in asked),
        wasted=sum(one.wasted for one in asked),
        from_speech=from_speech,
        from_endpoint=from_endpoint,
        waits=_waits(good),
        by_source=_by_source(good),
        grade=_grade(from_endpoint),
        felt_grade=_grade(from_speech),
        tally=results.tallies.get(way),
        voices=voices,
    )


def ratios(results: Results, way: str) -> dict[str, float]:
    """First audio of a way, as a multiple of the prototype's way: medians and 95th percentiles.

    Each over the same questions of the same rounds: all that both answered, and of these the way's
    misses and hits; from the true end of speech ("from speech"), and each from its own endpoint.
    """
    pairs = _pairs(results, way)
    misses = [pair for pair in pairs if pair[0].source == "cloud"]
    hits = [pair for pair in pairs if pair[0].source == "cache"]
    found: dict[str, float] = {}
    for what, some, since in (
        ("from endpoint", pairs, ENDPOINT),
        ("from speech", pairs, None),
        ("of misses from endpoint", misses, ENDPOINT),
        ("of misses from speech", misses, None),
        ("of hits from endpoint", hits, ENDPOINT),
        ("of hits from speech", hits, None),
    ):
        mine = Spread.of(_times([one for one, _ in some], AUDIO, since))
        theirs = Spread.of(_times([other for _, other in some], AUDIO, since))
        if mine is not None and theirs is not None:
            found[f"median {what}"] = mine.median / theirs.median
            found[f"p95 {what}"] = mine.p95 / theirs.p95
    return found


def saved_s(results: Results, way: str) -> float | None:
    """Seconds of waiting that a way saves a question, against the prototype's; None: no pairs.

    Each question of each round against the same one, from the true end of speech.
    """
    times = [(other.after(AUDIO), one.after(AUDIO)) for one, other in _pairs(results, way)]
    saved = [theirs - mine for theirs, mine in times if theirs is not None and mine is not None]
    return statistics.fmean(saved) / 1000 if saved else None


def _pairs(results: Results, way: str) -> list[tuple[Asked, Asked]]:
    """What a way heard to its end and answered, with the prototype's answer to the same."""
    theirs = {
        (one.round, one.question): one
        for one in results.of(SEQUENTIAL)
        if one.answered and not one.cut
    }
    return [
        (one, theirs[one.round, one.question])
        for one in results.of(way)
        if one.answered and not one.cut and (one.round, one.question) in theirs
    ]


def _waits(asked: Sequence[Asked]) -> dict[str, float]:
    each = [waits for one in asked if (waits := one.waits())]
    if not each:
        return {}
    return {stage: statistics.fmean(waits[stage] for waits in each) for stage in WAITED_FOR}


def _by_source(asked: Sequence[Asked]) -> dict[str, dict[str, Spread]]:
    found: dict[str, dict[str, Spread]] = {}
    for source in dict.fromkeys(one.source for one in asked):
        some = [one for one in asked if one.source == source]
        for name, since in (("speech", None), (ENDPOINT, ENDPOINT), (DUE, DUE)):
            if (spread := Spread.of(_times(some, AUDIO, since))) is not None:
                found.setdefault(source, {})[name] = spread
    return found


def _spreads(asked: Sequence[Asked], since: str | None) -> dict[str, Spread]:
    spreads = {stage: Spread.of(_times(asked, stage, since)) for stage in STAGES if stage != since}
    return {stage: spread for stage, spread in spreads.items() if spread is not None}


def _times(asked: Sequence[Asked], stage: str, since: str | None) -> list[float]:
    times = [one.after(stage, since) for one in asked]
    return [time for time in times if time is not None]


def _sum(counts: Sequence[int | None]) -> int | None:
    return None if not counts or None in counts else sum(filter(None, counts))


def _grade(spreads: dict[str, Spread]) -> str | None:
    return grade(spreads[AUDIO].mean / 1000) if AUDIO in spreads else None
