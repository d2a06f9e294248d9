"""Whether a person is listened to after an answer, without a wake word, and for how long.

Not after a goodbye, a stop or a failure, nor after what our own code says to the time or a timer:
people say nothing to those, and a television does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sena_pi.answer import Answer
from sena_pi.report import FOLLOW_UP, Outcome, Source, TurnReport
from sena_pi.settings import Settings
from sena_pi.turn import Trigger

_QUESTION_MARKS: Final = ("?", "？", "؟")  # noqa: RUF001 - Chinese and Arabic ones


@dataclass(frozen=True, slots=True)
class FollowUpSettings:
    """How long, and how often.

    Attributes:
        question_s: the first word is waited for so long after an answer that asks something.
        statement_s: likewise after one that does not.
        echo_s: so long after the last sample the room, and a sound server, may still sound of it.
        longest_chain: so many in a row; then only the wake word or the button.
        most_in_vain: so many in a row that held no words, likewise.
    """

    question_s: float = 4.0
    statement_s: float = 2.0
    echo_s: float = 0.3
    longest_chain: int = 10
    most_in_vain: int = 2


def follow_ups(settings: Settings) -> FollowUps | None:
    """As the settings say; None where they are switched off."""
    chosen = settings.conversation
    if not chosen.follow_up:
        return None
    return FollowUps(FollowUpSettings(chosen.follow_up_question_s, chosen.follow_up_s))


class FollowUps:
    """Follows the turns of one conversation; `after` is told of each."""

    def __init__(self, settings: FollowUpSettings | None = None) -> None:
        self.settings = settings or FollowUpSettings()
        self._chain = 0
        self._in_vain = 0

    def after(self, report: TurnReport, answer: Answer) -> Trigger | None:
        """What starts the next turn; None: a person must."""
        self._count(report)
        settings = self.settings
        if self._chain >= settings.longest_chain or self._in_vain >= settings.most_in_vain:
            return None
        whole = report.outcome is Outcome.ANSWERED and answer.complete and bool(report.answered)
        if not whole or answer.ends_conversation:
            return None
        asks = answer.header.expects_reply or report.answered.endswith(_QUESTION_MARKS)
        if report.source is Source.RULE and not asks:
            return None
        seconds = settings.question_s if asks else settings.statement_s
        return Trigger(by=FOLLOW_UP, since="now", no_speech_s=seconds)

    def _count(self, report: TurnReport) -> None:
        if report.trigger != FOLLOW_UP:
            self._chain = self._in_vain = 0
            return
        self._chain += 1
        self._in_vain = 0 if report.heard else self._in_vain + 1
