"""Recordings of real people, kept beside the project; tests skip where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "recordings"


def recording(name: str) -> Path:
    """The path of a recording ("porcupine/porcupine.wav"); skips the test where it is absent."""
    path = RECORDINGS / name
    if not path.is_file():
        pytest.skip(f"recording {name} is not on this machine")
    return path
