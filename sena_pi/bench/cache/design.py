"""The seam: what a cache must do to be measured."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable

KEY_BYTES = 16


class Design(Protocol):
    """A cache design under test, opened in a folder with a bound in bytes.

    Attributes:
        name: as it stands in tables.
    """

    name: str

    def get(self, key: bytes) -> bytes | None:
        """The value last put under this key of `KEY_BYTES`, None when it is not kept."""

    def put(self, key: bytes, value: bytes) -> None:
        """Keep the value; others may go to stay within the bound."""

    def after_turn(self) -> None:
        """A turn has ended: the moment for work that was put off."""

    def close(self) -> None:
        """Release everything; what was put can be read after opening again."""


@runtime_checkable
class BulkLoading(Protocol):
    """A design with a quicker way to be filled; used where filling is not what is measured."""

    def put_many(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Put each (key, value)."""


class DesignFactory(Protocol):
    """Opens a design; raises EngineUnavailable when its library is not installed."""

    def __call__(self, folder: Path, budget_bytes: int) -> Design:
        """Open the design in an existing folder, holding at most `budget_bytes` on disk."""


def fill(design: Design, items: Iterable[tuple[bytes, bytes]]) -> None:
    """Put every (key, value), the quick way where there is one."""
    if isinstance(design, BulkLoading):
        design.put_many(items)
        return
    for key, value in items:
        design.put(key, value)
        design.after_turn()
