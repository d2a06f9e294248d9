"""Versions of releases: three numbers, so that there is one order and one spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

_SHAPE: Final = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version such as 1.10.2, which is newer than 1.9.3."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a version.

        Raises:
            ValueError: these are not three numbers with dots between them.
        """
        match = _SHAPE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text[:40]!r} is no version such as 1.2.3")
        return cls(int(match[1]), int(match[2]), int(match[3]))

    @classmethod
    def parse_or_none(cls, text: str) -> Self | None:
        """Read a version; None: it is none."""
        try:
            return cls.parse(text)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
