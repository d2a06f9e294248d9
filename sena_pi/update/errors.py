"""Why there is no update.

SenaError
 +-- UpdateRefused    the bundle must not be installed here; nothing was changed
 +-- UpdateFailed     it could not be installed; what ran before runs on
"""

from __future__ import annotations

from sena_pi.errors import SenaError


class UpdateRefused(SenaError):
    """The bundle must not be installed here: not ours, damaged, old, or for another machine."""


class UpdateFailed(SenaError):
    """The bundle is good and could not be installed: no room, a failing card, a failed trial."""
