"""What is asked of the body through the control socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sena_pi.errors import SenaError
from sena_pi.gain import LOUDEST


class BadRequest(SenaError):
    """A request that can't be meant so."""


def volume_of(arguments: Mapping[str, Any]) -> int | None:
    """The volume to be set; None: it is only asked for.

    Raises:
        BadRequest: not a volume.
    """
    percent = arguments.get("percent")
    if percent is not None and (type(percent) is not int or not 0 <= percent <= LOUDEST):
        raise BadRequest(f"a volume is a whole number from 0 to {LOUDEST}")
    return percent
