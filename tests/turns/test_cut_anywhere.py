"""A network that dies in the middle of an answer, after any number of bytes."""

from __future__ import annotations

import pytest

from sena_pi.reasons import Reason
from tests.faults import Brain, Fault, Place, answering
from tests.gemini_replies import End, Reply, answer_json, text_answer
from tests.turns.test_faults import tell

WHOLE = ["Whole one.", "Two is whole, too."]
TEXT = answer_json(heard="q", say=" ".join(WHOLE))
BODY = b"".join(
    step
    for step in text_answer(TEXT[:60], TEXT[60:-12], TEXT[-12:]).steps
    if isinstance(step, bytes)
)
REASONS = frozenset({Reason.CUT, Reason.OFFLINE})
SAID = ["", WHOLE[0], " ".join(WHOLE)]


@pytest.mark.parametrize("how", [End.RESET, End.CLOSE])
@pytest.mark.parametrize("after", range(0, len(BODY), 41))
def test_only_whole_sentences_are_spoken_and_then_the_reason(after: int, how: End) -> None:
    """No half sentence, no silence, and no answer that is taken for whole."""
    fault = Fault(answering(Reply((BODY[:after], how))), REASONS)

    async def story(it: Brain, place: Place) -> None:
        report = await it.ask()
        assert report.answered in SAID
        assert report.told[-1] in REASONS
        assert (Reason.CUT == report.told[-1]) == bool(report.answered)

    tell(fault, story)


def test_the_cuts_meet_every_kind_of_place() -> None:
    """Before the words, between them, and behind the last of them."""
    places = [BODY.count(b"Whole one", 0, after) for after in range(0, len(BODY), 41)]
    assert {0, 1} == set(places)
