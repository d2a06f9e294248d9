"""Each rule says something where it should, and nothing a little on the other side."""

from __future__ import annotations

import pytest

from sena_pi.bench.conversation.advice import NONE, RULES, Findings, advice
from sena_pi.bench.conversation.results import (
    COLD,
    LOCAL,
    SEQUENTIAL,
    WARM,
    Asked,
    CacheTally,
    Results,
)
from tests.bench_conversation.made import asked


def found(
    *one: Asked,
    adaptive: bool = True,
    load: float = 0.5,
    tallies: dict[str, CacheTally] | None = None,
) -> Findings:
    results = Results(list(one), tallies or {})
    return Findings.of(results, adaptive=adaptive, load=load, cpus=2)


def fixed(*one: Asked) -> Findings:
    """With a silence that is always the same."""
    return found(*one, adaptive=False)


def hit(way: str, audio_ms: float, transcript_ms: float) -> Asked:
    """From the cache; the question was known so long after the true end of speech."""
    return asked(way, audio_ms, source="cache", ms={"transcript": transcript_ms})


GOOD = found(
    asked(SEQUENTIAL, 4000),
    asked(COLD, 350, guesses=1, ms={"first_sentence": 880.0, "first_sound": 1040.0}),
    hit(WARM, 40, 690),
    hit(LOCAL, 2, 100),
    tallies={WARM: CacheTally(hits=1)},
)


def test_nothing_follows_from_figures_that_are_good() -> None:
    """And that is said."""
    assert [NONE] == advice(GOOD)


CASES = {
    "busy": (found(load=2.1), found(load=2.0), "busy (load 2.1 on 2"),
    "unanswered": (
        found(Asked(COLD, 1, "Hello!"), asked(COLD, 1)),
        found(asked(COLD, 1)),
        "cold: 1 of 2 questions were not answered",
    ),
    "slow": (found(asked(COLD, 2000)), found(asked(COLD, 1999)), "mean response is 2.00 s"),
    "not_enough_faster": (
        found(asked(SEQUENTIAL, 1000), asked(COLD, 360)),
        found(asked(SEQUENTIAL, 1000), asked(COLD, 350)),
        "0.36 of the prototype's",
    ),
    "cut_off": (
        found(asked(COLD, 1, ms={"endpoint": -1.0}), *(asked(COLD, 1) for _ in range(48))),
        found(asked(COLD, 1, ms={"endpoint": -1.0}), *(asked(COLD, 1) for _ in range(49))),
        "1 of 49 questions were cut off before their end",
    ),
    "silence": (
        fixed(asked(WARM, 100, guesses=1)),
        fixed(asked(WARM, 101, guesses=1)),
        "0.70 of 0.80 s are silence",
    ),
    "words": (
        found(asked(COLD, 500, ms={"first_text": 750.0, "first_sentence": 901.0})),
        found(asked(COLD, 500, ms={"first_text": 750.0, "first_sentence": 900.0})),
        "0.20 s after the endpoint are waited for the cloud's first words",
    ),
    "speech": (
        found(asked(COLD, 901, ms={"first_sentence": 1200.0, "first_sound": 1401.0})),
        found(asked(COLD, 900, ms={"first_sentence": 1200.0, "first_sound": 1400.0})),
        "0.20 s after endpoint and words are waited for the voice",
    ),
    "hearing": (
        found(hit(WARM, 30, 501)),
        found(hit(WARM, 30, 500)),
        "of 0.73 s from the end of speech, 0.50 s pass until the cloud has heard",
    ),
    "hits": (
        found(asked(WARM, 1), tallies={WARM: CacheTally(bypasses={"words": 4, "never": 1})}),
        found(asked(WARM, 1, source="cache"), tallies={WARM: CacheTally(hits=1)}),
        "0 of 1 questions were answered from the cache, and 0 by rules; the target is 40% "
        "(not kept or not looked for: 1 never, 4 words)",
    ),
    "slow_hits": (
        found(hit(LOCAL, 51, 100)),
        found(hit(LOCAL, 50, 100)),
        "pass 51 ms (p95)",
    ),
    "wasted": (
        found(asked(COLD, 1, wasted=2), *(asked(COLD, 1) for _ in range(2))),
        found(asked(COLD, 1, wasted=2), *(asked(COLD, 1) for _ in range(3))),
        "2 requests in 3 questions were for answers that were not kept",
    ),
    "fillers": (
        found(asked(COLD, 1, told=("filler",)), *(asked(COLD, 1) for _ in range(8))),
        found(asked(COLD, 1, told=("filler",)), *(asked(COLD, 1) for _ in range(9))),
        "a filler was heard in 1 and a reason in 0 of 9 turns",
    ),
}


def test_every_rule_has_a_case() -> None:
    """A rule that is added needs one."""
    assert {rule.__name__ for rule in RULES} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_speaks_on_its_side_of_the_bound_only(name: str) -> None:
    """Once, with the figures it saw; and not where nothing was measured."""
    wrong, right, says = CASES[name]
    rule = next(rule for rule in RULES if rule.__name__ == name)
    (line,) = rule(wrong)
    assert says in line
    assert [] == list(rule(right))
    assert [] == list(rule(found()))


def test_hearing_is_no_advice_where_a_transcriber_was_measured() -> None:
    """It is there already."""
    late = hit(WARM, 1000, 1690)
    assert any("transcriber" in line for line in advice(found(late)))
    assert not any("transcriber" in line for line in advice(found(late, asked(LOCAL, 1))))


def test_hearing_before_an_endpoint_that_does_not_wait_for_words_delays_nothing() -> None:
    """With a fixed silence it does only when it comes later."""
    assert not any("transcriber" in line for line in advice(fixed(hit(WARM, 30, 690))))
    assert not any("transcriber" in line for line in advice(fixed(hit(WARM, 230, 900))))
    assert any("transcriber" in line for line in advice(fixed(hit(WARM, 230, 901))))


def silences(findings: Findings) -> bool:
    return any("a shorter `silence_s`" in line for line in advice(findings))


def test_an_adaptive_endpointer_is_not_told_how_long_to_be_silent() -> None:
    """Its setting has no effect there."""
    assert silences(fixed(asked(WARM, 1)))
    assert not silences(found(asked(WARM, 1)))


def test_a_shorter_silence_is_no_advice_where_something_later_is_waited_for() -> None:
    """An answer that was begun in the pause comes no sooner; one that was not, does."""
    assert not silences(fixed(asked(WARM, 600, guesses=1)))
    assert silences(fixed(asked(WARM, 600)))
    assert not silences(fixed(asked(WARM, 701))), "the silence is not the most of it"
    assert not silences(fixed(asked(WARM, 1), asked(LOCAL, 701))), "what is heard here is sooner"


def test_what_was_hidden_by_the_endpoint_is_no_advice() -> None:
    """A slow cloud whose answer was there at the endpoint."""
    early = {"transcript": 300.0, "first_sentence": 400.0, "first_sound": 690.0}
    assert [NONE] == advice(found(asked(COLD, 1, guesses=1, ms=early)))
