"""What came of the file on the card: left for whoever shows and says it."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sena_pi.replace import replace_file

FOLDER: Final = Path("/run/sena-first-boot")
"""Where the service that takes the file over leaves its status."""
FILE_NAME: Final = "status.json"
_MOST_BYTES: Final = 64 * 1024

_log = logging.getLogger(__name__)


class Taken(StrEnum):
    """What came of the file."""

    NONE = "none"
    """There is none."""
    NEW = "new"
    """It was taken over now."""
    KNOWN = "known"
    """It was taken over before."""
    BAD = "bad"
    """A person must correct it."""
    FAILED = "failed"
    """It is good, and the device could not take it over whole; the next start tries again."""


@dataclass(frozen=True, slots=True)
class Status:
    """What there is to tell. It holds no key.

    Attributes:
        taken: what came of the file.
        problems: what a person must see to, in lines.
    """

    taken: Taken = Taken.NONE
    problems: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """A person must see to something."""
        return bool(self.problems)


def leave(status: Status, folder: Path = FOLDER) -> None:
    """Leave it for `left`, readable by all.

    Raises:
        OSError: it can't be written.
    """
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    replace_file(folder / FILE_NAME, json.dumps({"version": 1, **asdict(status)}).encode())


def left(folder: Path = FOLDER) -> Status:
    """What was left; nothing to tell where nothing was, or it can't be read."""
    try:
        with (folder / FILE_NAME).open("rb") as file:
            return _status(json.loads(file.read(_MOST_BYTES)))
    except FileNotFoundError:
        return Status()
    except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
        _log.warning("the status of the first boot can't be read (%s)", type(error).__name__)
        return Status()


def _status(data: dict[str, Any]) -> Status:
    return Status(
        Taken(data["taken"]),
        tuple(str(problem) for problem in data["problems"]),
    )
