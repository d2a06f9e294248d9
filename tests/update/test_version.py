"""Versions have one order and one spelling."""

from __future__ import annotations

import pytest

from sena_pi.update.version import Version


def test_numbers_are_compared_as_numbers() -> None:
    """1.10.0 is newer than 1.9.9."""
    texts = ["1.10.0", "0.9.0", "1.9.9", "1.9.10", "10.0.0"]
    ordered = sorted(Version.parse(text) for text in texts)
    assert ["0.9.0", "1.9.9", "1.9.10", "1.10.0", "10.0.0"] == [str(it) for it in ordered]


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "1.2.3.4", "1.2.3rc1", "01.2.3", "1.2.3\n", " 1.2.3", "1.2.-3", "../1.2.3",
     "1.2.٣", "1.2.9999999"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    """Nothing that could be another spelling, or another folder."""
    with pytest.raises(ValueError, match="is no version"):
        Version.parse(text)
    assert Version.parse_or_none(text) is None
