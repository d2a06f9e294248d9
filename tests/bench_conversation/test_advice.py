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


def found(*one: Asked, load: float = 0.5, tallies: dict[str, CacheTally] | None = None) -> Findings:
    return Findings.of(Results(list(one), tallies or {}), load=load, cpus=2)


GOOD = found(
    asked(SEQUENTIAL, 4000),
    asked(COLD, 1300, ms={"transcript": 1500.0, "first_text": 1800.0}),
    asked(WARM, 840, source="cache", ms={"transcript": 1520.0}),
    asked(LOCAL, 710, source="cache", ms={"transcript": 1400.0}),
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
    "silence": (
        found(asked(WARM, 699)),
        found(asked(WARM, 701)),
        "0.70 of 1.40 s are silence",
    ),
    "words": (
        found(asked(COLD, 1, ms={"transcript": 800.0, "first_text": 1301.0})),
        found(asked(COLD, 1, ms={"transcript": 800.0, "first_text": 1300.0})),
        "first words pass 0.50 s",
    ),
    "speech": (
        found(asked(COLD, 901, ms={"first_text": 1200.0})),
        found(asked(COLD, 900, ms={"first_text": 1200.0})),
        "the voice takes 0.40 s to begin",
    ),
    "hearing": (
        found(asked(WARM, 1000, source="cache", ms={"transcript": 1210.0})),
        found(asked(WARM, 1000, source="cache", ms={"transcript": 1200.0})),
        "0.51 of 1.00 s are the cloud's hearing",
    ),
    "hits": (
        found(asked(WARM, 1), tallies={WARM: CacheTally(bypasses={"words": 4, "never": 1})}),
        found(asked(WARM, 1, source="cache"), tallies={WARM: CacheTally(hits=1)}),
        "0 of 1 questions were answered from the cache, and 0 by rules; the target is 40% "
        "(not kept or not looked for: 1 never, 4 words)",
    ),
    "slow_hits": (
        found(asked(LOCAL, 100, source="cache", ms={"transcript": 749.0})),
        found(asked(LOCAL, 100, source="cache", ms={"transcript": 750.0})),
        "pass 51 ms (p95)",
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
    late = asked(WARM, 1000, source="cache", ms={"transcript": 1690.0})
    assert not any("transcriber" in line for line in advice(found(late, asked(LOCAL, 1))))
