"""Why there is no answer, or none yet: what a person is told instead of nothing."""

from __future__ import annotations

from enum import StrEnum

from sena_pi.errors import (
    AllowanceSpent,
    CaptivePortal,
    ClockWrong,
    CloudBusy,
    CloudDeclined,
    CloudKeyRefused,
    CloudResting,
    CloudSilent,
    CloudUnreachable,
    LightOut,
    SenaError,
)


class Reason(StrEnum):
    """A reason; its words stand in `sena_pi/languages`."""

    OFFLINE = "offline"
    SLOW = "slow"
    """The cloud has not answered yet; it is still waited for."""
    SILENT = "silent"
    """The cloud has not answered, and is not waited for any more."""
    QUOTA = "quota"
    KEY = "key"
    CLOCK = "clock"
    PORTAL = "portal"
    ALLOWANCE = "allowance"
    """The day's own cap on questions."""
    DECLINED = "declined"
    CUT = "cut"
    """After the last whole sentence of an answer that broke off."""
    TOO_LONG = "too-long"
    """The turn's time is over."""
    DEAF = "deaf"
    """Not of a turn: a microphone that worked delivers nothing any more."""
    LIGHT = "light"
    """The light is broken, so nothing that is said is sent away."""
    CARD = "card"
    """Not of a turn: the file on the boot partition was not taken over."""
    NO_MICROPHONE = "no-microphone"
    """Not of a turn: there was none at the start."""
    NO_KEY = "no-key"
    """Not of a turn: nobody has set one."""
    TROUBLE = "trouble"
    """Anything else."""


def reason_for(error: SenaError) -> Reason:
    """Why there is no answer, after this error."""
    match error:
        case CloudResting():
            return reason_for(error.reason)
        case CloudSilent():
            return Reason.SILENT
        case CloudUnreachable():
            return Reason.OFFLINE
        case CloudBusy():
            return Reason.QUOTA
        case CloudKeyRefused():
            return Reason.KEY
        case ClockWrong():
            return Reason.CLOCK
        case CaptivePortal():
            return Reason.PORTAL
        case LightOut():
            return Reason.LIGHT
        case AllowanceSpent():
            return Reason.ALLOWANCE
        case CloudDeclined():
            return Reason.DECLINED
        case _:
            return Reason.TROUBLE
