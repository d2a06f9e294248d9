"""Which chime ends a turn."""

from __future__ import annotations

import pytest

from sena_pi.app import chime_after
from sena_pi.chimes import Chime
from sena_pi.report import FOLLOW_UP, Outcome, TurnReport


@pytest.mark.parametrize(
    ("report", "chime"),
    [
        (TurnReport("1", "press", Outcome.ANSWERED, answered="Paris."), None),
        (TurnReport("1", "press", Outcome.ANSWERED, told=("offline",)), None),
        (TurnReport("1", "press", Outcome.ANSWERED, heard="stop"), Chime.DONE),
        (TurnReport("1", "jarvis", Outcome.NOTHING_HEARD), Chime.DONE),
        (TurnReport("1", FOLLOW_UP, Outcome.NOTHING_HEARD), None),
        (TurnReport("1", "press", Outcome.INTERRUPTED), None),
        (TurnReport("1", "press", Outcome.FAILED), Chime.ERROR),
    ],
)
def test_a_turn_does_not_end_in_doubt(report: TurnReport, chime: Chime | None) -> None:
    """A turn that was silent, or failed, is told from one that is still going on."""
    assert chime is chime_after(report)
