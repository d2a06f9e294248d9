"""How much a thread makes the card write."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_THREAD_IO: Final = Path("/proc/thread-self/io")
_WRITTEN: Final = re.compile(rb"^write_bytes: (\d+)$", re.MULTILINE)


class Wear:
    """Counts what was written to the card.

    Attributes:
        written_bytes: bytes, in whole pages where the kernel tells.
        syncs: how often the card was waited for.
    """

    def __init__(self) -> None:
        self.written_bytes = 0
        self.syncs = 0

    @contextlib.contextmanager
    def counted(self, own_bytes: int = 0, *, syncs: int = 0) -> Iterator[None]:
        """Count what this thread writes meanwhile: what the kernel says, or else `own_bytes`."""
        before = _written_by_thread()
        try:
            yield
        finally:
            self.written_bytes += max(own_bytes, _written_by_thread() - before)
            self.syncs += syncs


def _written_by_thread() -> int:
    """Bytes of pages this thread has made dirty; 0 where that can't be known."""
    try:
        found = _WRITTEN.search(_THREAD_IO.read_bytes())
    except OSError:
        return 0
    return int(found[1]) if found else 0
