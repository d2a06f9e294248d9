"""What must be known to read the tables: what times count from, what limits, what guesses cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sena_pi.bench.conversation.advice import Findings
from sena_pi.bench.conversation.figures import Figures
from sena_pi.bench.conversation.results import LOCAL, SEQUENTIAL

STAGE_NAMES: Final = {
    "endpoint": "endpoint",
    "transcript": "hearing",
    "lookup": "look-up",
    "first_text": "first words",
    "first_sentence": "sentence",
    "first_sound": "voice",
    "first_audio": "speaker",
}
"""What a stage is called by what is waited for until it is reached."""
_AFTER: Final = (
    'after "speech": from the true end of speech, whatever the endpointer thought; nobody can '
    "argue with that sum",
    'after "due": from the endpoint, or from the question as text where that came later; nothing '
    "may be spoken before both are there",
)
_NEGATIVE: Final = (
    "below nought: before the endpoint, as an answer is begun in the pause (guess) and kept or "
    "thrown away at the endpoint"
)
_OWN_ENDPOINT: Final = (
    f"{SEQUENTIAL}: the same endpointer, but nobody tells it that a phrase is whole; so each way "
    'has its own endpoint, and only times from "speech" hold all of one against all of another; '
    "its hearing is the whole answer, which it waits for"
)
_EARS: Final = (
    f"{LOCAL}: by ears that take no time (a transcriber's comes on top) and are told the question, "
    "even in a pause inside it; what is cut off by that is counted"
)


def notes(found: Findings) -> list[str]:
    """All that must be known, a line each."""
    ways = found.ways
    lines = [*_AFTER]
    if any(spread.min < 0 for of in ways.values() for spread in of.from_endpoint.values()):
        lines.append(_NEGATIVE)
    if SEQUENTIAL in ways and len(ways) > 1:
        lines.append(_OWN_ENDPOINT)
    if LOCAL in ways:
        lines.append(_EARS)
    for of in ways.values():
        lines += [*_limit(of), *_cost(of)]
    return lines


def _limit(of: Figures) -> Iterator[str]:
    """What the first audio waits for most."""
    if not of.waits:
        return
    together_s = sum(of.waits.values()) / 1000
    longest = sorted(of.waits.items(), key=lambda wait: -wait[1])[:2]
    most, next_most = (f"{STAGE_NAMES[stage]} ({ms / 1000:.2f} s)" for stage, ms in longest)
    yield f"{of.way}: what limits most of {together_s:.2f} s is {most}, then {next_most}"


def _cost(of: Figures) -> Iterator[str]:
    """What it costs to begin answers in pauses."""
    if of.guesses:
        share = "" if not of.questions else f" of {of.questions}"
        yield (
            f"{of.way}: {of.guesses} answers were begun in pauses, {of.guesses / of.asked:.1f} a "
            f"question; {of.wasted}{share} requests were for such as were not kept, which is "
            f"{of.wasted / of.asked:.2f} more a question (and what was begun of their sound, which "
            'is counted under "for speech")'
        )
