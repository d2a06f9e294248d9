"""How long a person is kept waiting: every bound of a turn, in one place."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Bounds of a turn, in seconds; all but `gap_s` and `grace_s` count from the endpoint.

    They lie outside the cloud's own: Gemini refuses a deadline under ten seconds in a request.

    Attributes:
        filler_s: no sentence of the answer has come: a short filler is heard. None is where this
            is not before `reason_s`.
        reason_s: nothing of the answer can be heard: a reason is. A little less than the 3 s
            after which people take silence for a fault, so that the reason has begun by then.
        grace_s: so much later is a reason heard when a filler was, and words have come that only
            need to be spoken.
        answer_s: an answer whose first sentence comes later is given up; one that comes before
            is spoken, even after a reason.
        gap_s: longest silence of the cloud inside an answer.
        turn_s: the turn ends, as soon as nothing of it is being heard.
    """

    filler_s: float = 1.5
    reason_s: float = 2.8
    grace_s: float = 1.0
    answer_s: float = 8.0
    gap_s: float = 4.0
    turn_s: float = 30.0

    def scaled(self, factor: float) -> Deadlines:
        """All of them, so many times as long."""
        return Deadlines(*(factor * getattr(self, field.name) for field in fields(self)))
