"""What follows from the figures: rules, each of which says why and what to do, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sena_pi.bench.conversation.figures import Figures, figures, ratios
from sena_pi.bench.conversation.results import (
    AUDIO,
    COLD,
    ENDPOINT,
    LOCAL,
    SEQUENTIAL,
    SOUND,
    TRANSCRIPT,
    WAITED_FOR,
    WARM,
    Results,
)

TARGET_MEAN_S: Final = 2.0
TARGET_HIT_RATE: Final = 0.4
TARGET_RATIO: Final = 0.35
TARGET_HIT_MS: Final = 50.0
MOST_FILLERS: Final = 0.1
MOST_CUT: Final = 0.02
MOST_WASTED: Final = 0.5
"""Requests, a question."""
LONG_WAIT_MS: Final = 200.0
"""After the endpoint, for one thing."""
AT_ONCE_MS: Final = 100.0
"""What is heard so soon after the endpoint waited for nothing else."""
NONE: Final = "nothing: every figure is within its target"


@dataclass(frozen=True, slots=True)
class Findings:
    """What the rules look at.

    Attributes:
        ways: the figures of each way that was measured.
        ratios: of each way but the prototype's, by what they are of.
        adaptive: the endpointer waits as long as what was said needs, not always `silence_s`.
        load: processes that wanted to run, on average, while it was measured.
        cpus: processors of the machine.
    """

    ways: dict[str, Figures]
    ratios: dict[str, dict[str, float]]
    adaptive: bool
    load: float
    cpus: int

    @classmethod
    def of(cls, results: Results, *, adaptive: bool, load: float, cpus: int) -> Findings:
        """Of what was measured."""
        ways = {way: figures(results, way) for way in results.ways()}
        others = [way for way in ways if way != SEQUENTIAL]
        found = {way: ratios(results, way) for way in others}
        return cls(ways, found, adaptive, load, cpus)


Rule = Callable[[Findings], Iterator[str]]


def busy(found: Findings) -> Iterator[str]:
    """The machine did something else meanwhile."""
    if found.load > found.cpus:
        yield (
            f"the machine was busy (load {found.load:.1f} on {found.cpus} processors): "
            "measure again when it is quiet"
        )


def unanswered(found: Findings) -> Iterator[str]:
    """Questions without an answer."""
    for way, of in found.ways.items():
        if missing := of.asked - of.answered:
            yield f"{way}: {missing} of {of.asked} questions were not answered; see their problems"


def cut_off(found: Findings) -> Iterator[str]:
    """Questions that were not heard to their end."""
    what = "`adaptive = false` and a long `silence_s`" if found.adaptive else "a longer `silence_s`"
    for way, of in found.ways.items():
        if of.cut > MOST_CUT * of.asked:
            yield (
                f"{way}: {of.cut} of {of.asked} questions were cut off before their end: {what} "
                "under [listening] cuts fewer"
            )


def silence(found: Findings) -> Iterator[str]:
    """Most of what a person feels is a silence that is always the same, and nothing else is late.

    An answer that was begun in the pause and comes after the endpoint comes no sooner for a
    sooner endpoint.
    """
    of = found.ways.get(LOCAL) or found.ways.get(WARM) or found.ways.get(COLD)
    if found.adaptive or of is None or AUDIO not in of.from_endpoint:
        return
    at_once = of.from_endpoint[AUDIO].median <= AT_ONCE_MS or not of.guesses
    waited_ms, felt_ms = of.waits[ENDPOINT], sum(of.waits.values())
    if at_once and waited_ms > felt_ms / 2:
        yield (
            f"{of.way}: {waited_ms / 1000:.2f} of {felt_ms / 1000:.2f} s are silence before the "
            "endpoint: a shorter `silence_s` or `adaptive = true` under [listening] is felt at once"
        )


def slow(found: Findings) -> Iterator[str]:
    """The mean response misses the prototype's target."""
    of = found.ways.get(COLD)
    if of is None or AUDIO not in of.from_endpoint:
        return
    mean_s = of.from_endpoint[AUDIO].mean / 1000
    if mean_s >= TARGET_MEAN_S:
        yield f"{COLD}: the mean response is {mean_s:.2f} s; the target is {TARGET_MEAN_S:g} s"


def not_enough_faster(found: Findings) -> Iterator[str]:
    """Misses against the prototype's way."""
    ratio = found.ratios.get(COLD, {}).get("median of misses from endpoint")
    if ratio is not None and ratio > TARGET_RATIO:
        yield (
            f"{COLD}: the median first audio of a miss is {ratio:.2f} of the prototype's; the "
            f"target is {TARGET_RATIO:g}"
        )


def words(found: Findings) -> Iterator[str]:
    """After the endpoint, the cloud's words are waited for long."""
    of = found.ways.get(COLD)
    if of is None or not of.waits:
        return
    cloud = WAITED_FOR[WAITED_FOR.index(TRANSCRIPT) : WAITED_FOR.index(SOUND)]
    waited_ms = sum(of.waits[stage] for stage in cloud)
    if waited_ms > LONG_WAIT_MS:
        yield (
            f"{COLD}: {waited_ms / 1000:.2f} s after the endpoint are waited for the cloud's first "
            "words: a faster `model` under [cloud] is felt"
        )


def hearing(found: Findings) -> Iterator[str]:
    """On a hit, nearly all of the wait is the cloud's hearing.

    An adaptive endpointer waits for the words, so that hearing delays it as well.
    """
    of = found.ways.get(WARM)
    if of is None or LOCAL in found.ways or of.hits_from_due is None:
        return
    heard, audio = of.from_speech.get(TRANSCRIPT), of.from_speech[AUDIO]
    if heard is None or heard.median <= audio.median / 2:
        return
    if found.adaptive:
        waited = of.from_endpoint[TRANSCRIPT].median > -LONG_WAIT_MS
    else:
        waited = of.waits[TRANSCRIPT] > LONG_WAIT_MS
    if waited:
        yield (
            f"{WARM}: of {audio.median / 1000:.2f} s from the end of speech, "
            f"{heard.median / 1000:.2f} s pass until the cloud has heard the question: a "
            "transcriber on this machine would save most of them"
        )


def speech(found: Findings) -> Iterator[str]:
    """After the endpoint and the words, the voice is waited for long."""
    of = found.ways.get(COLD)
    if of is not None and of.waits.get(SOUND, 0.0) > LONG_WAIT_MS:
        yield (
            f"{COLD}: {of.waits[SOUND] / 1000:.2f} s after endpoint and words are waited for the "
            "voice to begin: a voice on this machine (`sena voice install`) begins sooner"
        )


def hits(found: Findings) -> Iterator[str]:
    """Too little is answered from the cache."""
    of = found.ways.get(WARM)
    if of is None or of.hit_rate is None or of.hit_rate >= TARGET_HIT_RATE:
        return
    reasons = of.tally.bypasses if of.tally else {}
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    yield (
        f"{WARM}: {of.cached} of {of.asked} questions were answered from the cache, and "
        f"{of.ruled} by rules; the target is {TARGET_HIT_RATE:.0%}"
        + (f" (not kept or not looked for: {why})" if why else "")
    )


def slow_hits(found: Findings) -> Iterator[str]:
    """What is in the cache takes long to be heard."""
    for way in (WARM, LOCAL):
        of = found.ways.get(way)
        if of is None or of.hits_from_due is None:
            continue
        if of.hits_from_due.p95 > TARGET_HIT_MS:
            yield (
                f"{way}: from when a cached answer is due to its sound pass "
                f"{of.hits_from_due.p95:.0f} ms (p95); the target is {TARGET_HIT_MS:.0f} ms: "
                "is the card slow, or the machine busy?"
            )


def wasted(found: Findings) -> Iterator[str]:
    """Too much is asked for answers that nobody hears."""
    for way, of in found.ways.items():
        if of.wasted > MOST_WASTED * of.asked:
            yield (
                f"{way}: {of.wasted} requests in {of.asked} questions were for answers that were "
                "not kept: fewer `guesses` under [limits] cost less, and are slower"
            )


def fillers(found: Findings) -> Iterator[str]:
    """Something else had to be said too often, and the answer waits for its end."""
    for way, of in found.ways.items():
        told = max(of.fillers, of.reasons)
        if of.asked and told > MOST_FILLERS * of.asked:
            yield (
                f"{way}: a filler was heard in {of.fillers} and a reason in {of.reasons} of "
                f"{of.asked} turns; an answer that comes meanwhile waits for its end"
            )


RULES: Final[tuple[Rule, ...]] = (
    busy,
    unanswered,
    cut_off,
    slow,
    not_enough_faster,
    silence,
    words,
    speech,
    hearing,
    hits,
    slow_hits,
    wasted,
    fillers,
)


def advice(found: Findings) -> list[str]:
    """All that follows, most important first; one line that says so when nothing does."""
    return [line for rule in RULES for line in rule(found)] or [NONE]
