"""The file of timers and alarms. It is written only when one is set, cancelled or over."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sena_pi.replace import replace_file, sync_folder
from sena_pi.timers.entries import Entry

FILE_NAME: Final = "timers.json"
_MOST_BYTES: Final = 1 << 20
_VERSION: Final = 1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file holds.

    Attributes:
        entries: those that are to ring.
        missed: those that were over while nobody could be told, until somebody was.
    """

    entries: tuple[Entry, ...] = ()
    missed: tuple[Entry, ...] = ()


class TimerStore:
    """One JSON file, replaced whole. Blocking; callers take turns.

    Attributes:
        writes: how often the card was written to since the start.
    """

    def __init__(self, path: Path | None) -> None:
        """`path` is the file; None keeps nothing."""
        self.writes = 0
        self._path = path
        self._lock = threading.Lock()

    def load(self) -> Kept:
        """What is kept; nothing where there is no file. A damaged one is put aside, and told."""
        if self._path is None:
            return Kept()
        try:
            with self._path.open("rb") as file:
                data = json.loads(file.read(_MOST_BYTES))
            return Kept(_entries(data, "entries"), _entries(data, "missed"))
        except FileNotFoundError:
            return Kept()
        except OSError as error:
            _log.error("timers: %s can't be read: %s", self._path, error.strerror)
            return Kept()
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            # Its text may hold a name that a person gave.
            _log.error(
                "timers: %s can't be read (%s); they are lost", self._path, type(error).__name__
            )
            self._put_aside(self._path)
            return Kept()

    def save(self, kept: Kept) -> None:
        """Replace the file; returns when it is on the card.

        Raises:
            OSError: the card refused; the old file is as it was.
        """
        if self._path is None:
            return
        data = {
            "version": _VERSION,
            "entries": [entry.as_dict() for entry in kept.entries],
            "missed": [entry.as_dict() for entry in kept.missed],
        }
        with self._lock:
            self.writes += 1
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Names are nobody else's business.
            replace_file(self._path, json.dumps(data).encode(), mode=0o600)

    def _put_aside(self, path: Path) -> None:
        try:
            path.replace(path.with_suffix(".damaged"))
            sync_folder(path.parent)
        except OSError:
            pass  # The next save replaces it.


def _entries(data: dict[str, Any], key: str) -> tuple[Entry, ...]:
    entries: Sequence[dict[str, Any]] = data[key]
    return tuple(Entry.from_dict(entry) for entry in entries)
