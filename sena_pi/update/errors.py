"""Why there is no update.

SenaError
 +-- UpdateRefused    the bundle must not be installed here; nothing was changed
 +-- UpdateFailed     it could not be installed; what ran before runs on
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sena_pi.errors import SenaError

_WHY: Final = {
    errno.ENOSPC: "the card is full",
    errno.EDQUOT: "the card is full",
    errno.EROFS: "the card can only be read",
    errno.EACCES: "that needs root: sudo sena update",
    errno.EPERM: "that needs root: sudo sena update",
}


class UpdateRefused(SenaError):
    """The bundle must not be installed here: not ours, damaged, old, or for another machine."""


class UpdateFailed(SenaError):
    """The bundle is good and could not be installed: no room, a failing card, a failed trial."""


@contextmanager
def told_plainly(what: str) -> Iterator[None]:
    """Raise what the disk says as an UpdateFailed for people, with what became of the update."""
    try:
        yield
    except OSError as error:
        why = _WHY.get(error.errno or 0, error.strerror or str(error))
        where = f" ({error.filename})" if error.filename else ""
        raise UpdateFailed(f"the update was {what}: {why}{where}") from error
