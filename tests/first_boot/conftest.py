"""A card for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.first_boot.taker import Card
from tests.first_boot.taker import card as made


@pytest.fixture
def card(tmp_path: Path) -> Card:
    """Without a file of ours."""
    return made(tmp_path / "card", {})
