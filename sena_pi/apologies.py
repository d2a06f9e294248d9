"""What the assistant says when it can't answer: always a reason, never a shrug."""

from __future__ import annotations

from sena_pi.errors import (
    AllowanceSpent,
    CloudBusy,
    CloudKeyRefused,
    CloudUnreachable,
    SenaError,
)

CUT = "Sorry, I lost the connection."
"""After the last whole sentence of an answer that was cut."""

NO_ANSWER = "Sorry, something went wrong. Please ask me again."


def apology(error: SenaError) -> str:
    """One spoken sentence for why there is no answer."""
    match error:
        case CloudUnreachable():
            return "I can't reach the internet right now."
        case CloudBusy():
            return "The cloud is too busy to answer right now. Please try again later."
        case CloudKeyRefused():
            return "My Gemini key was refused. Please set a new one."
        case AllowanceSpent():
            return str(error)
        case _:
            return NO_ANSWER
