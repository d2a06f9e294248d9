"""Volume and mute, as they outlive a restart and a power cut."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sena_pi.gain import LOUDEST
from sena_pi.replace import replace_file

FILE_NAME: Final = "controls.json"
_MOST_BYTES: Final = 4096

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a person has set. Never set means this.

    Attributes:
        volume: 0 to 100.
        muted: the microphone is closed.
    """

    volume: int = LOUDEST
    muted: bool = False


class KeptStore:
    """One small JSON file, replaced whole. Blocking."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Kept:
        """What was set. One that can't be read means muted: it may have said so."""
        try:
            with self.path.open("rb") as file:
                return _kept(json.loads(file.read(_MOST_BYTES)))
        except FileNotFoundError:
            return Kept()
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            _log.error(
                "%s can't be read (%s); the microphone stays closed, fix: sena unmute",
                self.path,
                type(error).__name__,
            )
            return Kept(muted=True)

    def save(self, kept: Kept) -> None:
        """Keep it; returns when it is on the card.

        Raises:
            OSError: the card refused; what was kept before still is.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.path, json.dumps({"version": 1, **asdict(kept)}).encode())


def _kept(data: dict[str, Any]) -> Kept:
    kept = Kept(data["volume"], data["muted"])
    if type(kept.volume) is not int or type(kept.muted) is not bool:
        raise TypeError("not what was saved")
    if not 0 <= kept.volume <= LOUDEST:
        raise ValueError(kept.volume)
    return kept
