"""What follows from the figures: rules, each of which says why and what to do, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sena_pi.bench.conversation.figures import AUDIO, ENDPOINT, Figures, figures, ratios
from sena_pi.bench.conversation.results import COLD, LOCAL, SEQUENTIAL, WARM, Results

TARGET_MEAN_S: Final = 2.0
TARGET_HIT_RATE: Final = 0.4
TARGET_RATIO: Final = 0.35
TARGET_HIT_MS: Final = 50.0
MOST_FILLERS: Final = 0.1
LONG_WORDS_MS: Final = 500.0
LONG_SPEECH_MS: Final = 400.0
NONE: Final = "nothing: every figure is within its target"


@dataclass(frozen=True, slots=True)
class Findings:
    """What the rules look at.

    Attributes:
        ways: the figures of each way that was measured.
        ratios: of each way but the prototype's, by what they are of.
        load: processes that wanted to run, on average, while it was measured.
        cpus: processors of the machine.
    """

    ways: dict[str, Figures]
    ratios: dict[str, dict[str, float]]
    load: float
    cpus: int

    @classmethod
    def of(cls, results: Results, *, load: float, cpus: int) -> Findings:
        """Of what was measured."""
        ways = {way: figures(results, way) for way in results.ways()}
        others = [way for way in ways if way != SEQUENTIAL]
        return cls(ways, {way: ratios(results, way) for way in others}, load, cpus)


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


def silence(found: Findings) -> Iterator[str]:
    """Most of what a person feels is the wait for the end of speech."""
    of = found.ways.get(LOCAL) or found.ways.get(WARM) or found.ways.get(COLD)
    if of is None or AUDIO not in of.from_speech or ENDPOINT not in of.from_speech:
        return
    waited, felt = of.from_speech[ENDPOINT].median, of.from_speech[AUDIO].median
    if waited > felt / 2:
        yield (
            f"{of.way}: {waited / 1000:.2f} of {felt / 1000:.2f} s are silence before the "
            "endpoint: a shorter `silence_s` under [listening] is felt at once"
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
    ratio = found.ratios.get(COLD, {}).get("median of misses")
    if ratio is not None and ratio > TARGET_RATIO:
        yield (
            f"{COLD}: the median first audio of a miss is {ratio:.2f} of the prototype's; the "
            f"target is {TARGET_RATIO:g}"
        )


def words(found: Findings) -> Iterator[str]:
    """The model takes long from the transcript to the first words that can be spoken."""
    of = found.ways.get(COLD)
    if of is None:
        return
    both = of.from_endpoint
    if "first_text" in both and "transcript" in both:
        took_ms = both["first_text"].median - both["transcript"].median
        if took_ms > LONG_WORDS_MS:
            yield (
                f"{COLD}: from the question as text to the first words pass {took_ms / 1000:.2f} s:"
                " a faster `model` under [cloud], or a shorter first sentence"
            )


def hearing(found: Findings) -> Iterator[str]:
    """On a hit, nearly all of the wait is the cloud's hearing."""
    of = found.ways.get(WARM)
    if of is None or LOCAL in found.ways or of.from_transcript is None:
        return
    heard, audio = of.from_endpoint.get("transcript"), of.from_endpoint.get(AUDIO)
    if heard and audio and heard.median > audio.median / 2:
        yield (
            f"{WARM}: {heard.median / 1000:.2f} of {audio.median / 1000:.2f} s are the cloud's "
            "hearing: a transcriber on this machine would save them"
        )


def speech(found: Findings) -> Iterator[str]:
    """The voice takes long to begin."""
    of = found.ways.get(COLD)
    if of is None:
        return
    both = of.from_endpoint
    if AUDIO in both and "first_text" in both:
        took_ms = both[AUDIO].median - both["first_text"].median
        if took_ms > LONG_SPEECH_MS:
            yield (
                f"{COLD}: the voice takes {took_ms / 1000:.2f} s to begin: a voice on this "
                "machine (`sena voice install`) begins sooner"
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
        if of is None or of.from_transcript is None:
            continue
        if of.from_transcript.p95 > TARGET_HIT_MS:
            yield (
                f"{way}: from the question as text to the sound of a cached answer pass "
                f"{of.from_transcript.p95:.0f} ms (p95); the target is {TARGET_HIT_MS:.0f} ms: "
                "is the card slow, or the machine busy?"
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
    slow,
    not_enough_faster,
    silence,
    words,
    speech,
    hearing,
    hits,
    slow_hits,
    fillers,
)


def advice(found: Findings) -> list[str]:
    """All that follows, most important first; one line that says so when nothing does."""
    return [line for rule in RULES for line in rule(found)] or [NONE]
