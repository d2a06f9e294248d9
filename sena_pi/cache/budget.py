"""How the bytes that a cache may take on the card are shared out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sena_pi.cache.index import BYTES_PER_ENTRY, EMPTY_BYTES
from sena_pi.cache.log import SEGMENT_BYTES

_INDEX_SHARE: Final = 24
_LEAST_INDEX_BYTES: Final = 96 << 10
_INDEX_FILES: Final = 3
"""The index, its journal while it is written, and a broken one that was set aside."""
_LEAST_SEGMENTS: Final = 3
_BLOCK_BYTES: Final = 4096
_SMALLEST_SEGMENT_BYTES: Final = 64 << 10
_SEGMENTS_WANTED: Final = 48
_INDEX_EVERY_SEGMENTS: Final = 4


@dataclass(frozen=True, slots=True)
class CardSettings:
    """How the card is used.

    Attributes:
        budget_bytes: bound of everything in the folder, index and reserve included.
        carry_share: at most so much of each segment is filled with what is carried over.
        index_every_bytes: the index is written after so much of the log.
        segment_bytes: length of a segment.
    """

    budget_bytes: int = 64 << 20
    carry_share: float = 0.75
    index_every_bytes: int = 4 << 20
    segment_bytes: int = SEGMENT_BYTES

    @classmethod
    def of(cls, budget_bytes: int) -> CardSettings:
        """Settings for a budget: segments that fill it, some dozens of them."""
        usable = budget_bytes - cls(budget_bytes, segment_bytes=_BLOCK_BYTES).index_bytes
        longest = min(SEGMENT_BYTES, usable // _SEGMENTS_WANTED)
        count = max(_LEAST_SEGMENTS, usable // max(_SMALLEST_SEGMENT_BYTES, longest))
        if usable // count > SEGMENT_BYTES:
            count += 1
        segment_bytes = usable // count // _BLOCK_BYTES * _BLOCK_BYTES
        return cls(
            budget_bytes,
            index_every_bytes=_INDEX_EVERY_SEGMENTS * segment_bytes,
            segment_bytes=segment_bytes,
        )

    def __post_init__(self) -> None:
        if self.segments < _LEAST_SEGMENTS:
            needed = _LEAST_SEGMENTS * self.segment_bytes + self.index_bytes
            raise ValueError(f"a cache of {self.budget_bytes} bytes is too small: {needed} needed")

    @property
    def index_bytes(self) -> int:
        """What is left to the index's files."""
        return max(self.budget_bytes // _INDEX_SHARE, _LEAST_INDEX_BYTES)

    @property
    def longest_index_bytes(self) -> int:
        """Bound of each of them; what a journal has beside its pages fits into the rest."""
        return self.index_bytes // _INDEX_FILES * 63 // 64

    @property
    def segments(self) -> int:
        """Segments in the log."""
        return (self.budget_bytes - self.index_bytes) // self.segment_bytes

    @property
    def most_entries(self) -> int:
        """More entries than the index has room for are not kept."""
        return (self.longest_index_bytes - EMPTY_BYTES) // BYTES_PER_ENTRY

    @property
    def longest_payload(self) -> int:
        """A longer one would take too much of a segment."""
        return self.segment_bytes // 2
