"""The wish for a factory reset: a file that the assistant leaves, and that is found at a start.

The assistant may write its own state and nothing else, so it can't reset the device. It leaves the
wish there and ends; what starts it again carries the wish out first.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sena_pi.replace import replace_file

FILE_NAME: Final = "factory-reset"

_log = logging.getLogger(__name__)


def ask(state: Path) -> None:
    """Leave the wish; it is on the disk when this returns.

    Raises:
        OSError: it is not left.
    """
    replace_file(state / FILE_NAME, b"", mode=0o600)


def is_asked(state: Path) -> bool:
    """Somebody wants it, or one has begun and was interrupted. A link does not count as a wish."""
    path = state / FILE_NAME
    return path.is_file() and not path.is_symlink()


def end_for_reset(state: Path, end: Callable[[], None] | None = None) -> None:
    """Leave the wish and end this process in order; where it can't be left, go on."""
    try:
        ask(state)
    except OSError as error:
        _log.error("the device is not reset: %s", error.strerror or error)
        return
    _log.warning("a factory reset was asked for: it is carried out before the next start")
    (end or _terminate)()


def _terminate() -> None:
    signal.raise_signal(signal.SIGTERM)
