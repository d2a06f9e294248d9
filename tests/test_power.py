"""What the firmware tells of its power is said once a day, and no more."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from sena_pi.power import TELL_EVERY_S, PowerWatch, throttled

UNDERVOLTAGE = 0x1_0001
HAD_UNDERVOLTAGE = 0x1_0000
THROTTLED = 0x4_0004


class Board:
    """A firmware, and a clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.watch = PowerWatch(monotonic=lambda: self.now_s)

    def tells(self, bits: int, after_s: float = 60.0) -> None:
        self.now_s += after_s
        self.watch.look(bits)


@pytest.fixture
def board(caplog: pytest.LogCaptureFixture) -> Board:
    caplog.set_level(logging.INFO)
    return Board()


def test_what_the_firmware_tells_is_in_the_journal(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    """In words, with what to do about it."""
    board.tells(0)
    assert [] == caplog.messages
    board.tells(UNDERVOLTAGE)
    assert 1 == len(caplog.messages)
    assert "undervoltage now" in caplog.messages[0]
    assert "power supply" in caplog.messages[0]


def test_undervoltage_is_told_once_a_day(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    """However often it comes and goes; the next day it is told again, if it is still so."""
    for _ in range(10):
        board.tells(UNDERVOLTAGE)
        board.tells(HAD_UNDERVOLTAGE)
    assert 1 == len(caplog.messages)
    board.tells(HAD_UNDERVOLTAGE, after_s=TELL_EVERY_S)
    assert 2 == len(caplog.messages)


def test_another_kind_is_told_at_once(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    """A board that is throttled too is worse off."""
    board.tells(UNDERVOLTAGE)
    board.tells(UNDERVOLTAGE | THROTTLED)
    assert 2 == len(caplog.messages)
    assert "undervoltage" not in caplog.messages[1]


@pytest.mark.parametrize(
    ("text", "bits"), [("50005\n", 0x5_0005), ("0\n", 0), ("0x50000", 0x5_0000), ("none", None)]
)
def test_the_firmware_tells_in_hexadecimal(tmp_path: Path, text: str, bits: int | None) -> None:
    """A file of its driver."""
    file = tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert bits == throttled(tmp_path)


def test_another_computer_is_not_watched(tmp_path: Path) -> None:
    """No firmware tells anything: the task ends, and nothing is looked at again."""

    async def main() -> None:
        async with asyncio.timeout(10):
            await PowerWatch(lambda: throttled(tmp_path)).run()

    asyncio.run(main())
