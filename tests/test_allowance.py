"""The daily caps: what is counted, when a new day begins, and what outlives a restart."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from sena_pi.allowance import REQUESTS_SPENT, Allowance, Kind
from sena_pi.errors import AllowanceSpent

HOME = timezone(timedelta(hours=2))
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


class Clocks:
    """A wall clock that can be set wrong, and a monotonic one that can't."""

    def __init__(self, wall: str) -> None:
        self.set(wall)
        self.monotonic_s = 1000.0

    def set(self, wall: str) -> None:
        self.wall = datetime.fromisoformat(wall).replace(tzinfo=HOME)

    def pass_by(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic_s += seconds


Open = Callable[..., Allowance]


@pytest.fixture
def clocks() -> Clocks:
    return Clocks("2026-11-23 12:00")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sena" / "allowance.json"


@pytest.fixture
def opened(clocks: Clocks, file: Path) -> Open:
    """Opens an allowance of 3 questions and 10 seconds."""

    def opened(requests: int = 3, speech_s: float = 10) -> Allowance:
        return Allowance(
            file,
            requests_per_day=requests,
            speech_seconds_per_day=speech_s,
            now=lambda: clocks.wall,
            monotonic=lambda: clocks.monotonic_s,
        )

    return opened


def spend(allowance: Allowance) -> int:
    """How many questions may be asked."""
    for asked in range(100):
        try:
            allowance.take_request()
        except AllowanceSpent:
            return asked
    raise AssertionError("there is no cap")


def test_questions_are_capped(opened: Open) -> None:
    """The cap is the number that may be asked; the error is what the person is told."""
    allowance = opened(requests=3)
    assert not allowance.spent(Kind.REQUESTS)
    assert 3 == spend(allowance)
    assert allowance.spent(Kind.REQUESTS)
    with pytest.raises(AllowanceSpent) as error:
        allowance.take_request()
    assert REQUESTS_SPENT == str(error.value)
    assert (
        "I've reached today's limit for cloud questions. It resets at midnight." == REQUESTS_SPENT
    )


def test_a_cap_of_zero_sends_nothing(opened: Open) -> None:
    """0 switches the cloud off, it does not switch the cap off."""
    allowance = opened(requests=0, speech_s=0)
    assert 0 == spend(allowance)
    assert allowance.spent(Kind.SPEECH)
    assert 0 == allowance.speech_left_s


def test_speech_is_capped_apart_from_questions(opened: Open) -> None:
    """Seconds spoken are counted until none are left; going over leaves none, not less."""
    allowance = opened(speech_s=10)
    allowance.add_speech(4.25)
    assert 5.75 == allowance.speech_left_s
    assert not allowance.spent(Kind.SPEECH)
    allowance.add_speech(20)
    assert 0 == allowance.speech_left_s
    assert allowance.spent(Kind.SPEECH)
    assert not allowance.spent(Kind.REQUESTS)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_speech_is_never_given_back(opened: Open, seconds: float) -> None:
    """A length that is none is a mistake of the caller, and counts nothing."""
    allowance = opened(speech_s=10)
    with pytest.raises(ValueError, match="not a length of time"):
        allowance.add_speech(seconds)
    assert 10 == allowance.speech_left_s


# --- days -------------------------------------------------------------------------------------


def test_a_new_day_begins_at_local_midnight(opened: Open, clocks: Clocks) -> None:
    """Not at UTC's midnight, and not 24 hours after the first question."""
    clocks.set("2026-11-23 23:59:59")
    allowance = opened()
    assert 3 == spend(allowance)
    assert 0 == spend(allowance)
    clocks.pass_by(1)
    assert 3 == spend(allowance)
    clocks.set("2026-11-24 02:00:00")  # midnight in UTC
    assert 0 == spend(allowance)


def test_a_clock_set_back_grants_nothing(opened: Open, clocks: Clocks) -> None:
    """The day before is not a new day, nor is the same day when it comes again."""
    allowance = opened()
    assert 3 == spend(allowance)
    clocks.set("2026-11-22 12:00")
    assert 0 == spend(allowance)
    clocks.set("2026-11-23 12:00")
    assert 0 == spend(allowance)


def test_a_clock_that_leapt_ahead_does_not_lock_for_years(opened: Open, clocks: Clocks) -> None:
    """Back from a wrong future, a whole day of running starts the count anew."""
    allowance = opened()
    clocks.set("2031-01-01 00:00")
    assert 3 == spend(allowance)
    clocks.set("2026-11-23 12:00")
    clocks.pass_by(DAY_S - 1)
    assert 0 == spend(allowance)
    clocks.pass_by(1)
    assert 3 == spend(allowance)
    clocks.set("2026-11-25 00:00")
    assert 3 == spend(allowance)


def test_the_wait_after_a_leap_goes_on_after_a_restart(opened: Open, clocks: Clocks) -> None:
    """A machine that is switched off each night gets through that day too."""
    clocks.set("2031-01-01 00:00")
    first = opened()
    assert 3 == spend(first)
    first.save()
    clocks.set("2026-11-23 08:00")
    clocks.pass_by(13 * HOUR_S)
    first.close()
    second = opened()
    clocks.pass_by(11 * HOUR_S - 1)
    assert 0 == spend(second)
    clocks.pass_by(1)
    assert 3 == spend(second)


def test_an_untrusted_clock_counts_into_the_day_that_is_on(opened: Open, clocks: Clocks) -> None:
    """Before the time is known (1970), neither the stored count nor the new one is dropped."""
    first = opened()
    first.take_request()
    first.close()
    clocks.set("1970-01-01 00:01")
    second = opened()
    second.take_request()
    clocks.set("2026-11-23 13:00")
    assert 1 == spend(second)


def test_what_is_counted_before_the_time_is_known_counts_today(
    opened: Open, clocks: Clocks
) -> None:
    """Setting the clock is not a new day for what was asked a minute earlier."""
    clocks.set("1970-01-01 00:01")
    allowance = opened()
    assert 3 == spend(allowance)
    clocks.set("2026-11-23 13:00")
    assert 0 == spend(allowance)
    clocks.set("2026-11-24 00:00")
    assert 3 == spend(allowance)


def test_a_machine_that_never_knows_the_time_counts_by_its_running(
    opened: Open, clocks: Clocks
) -> None:
    """Without any trusted clock a day is 24 hours of running."""
    clocks.set("1970-01-01 00:01")
    allowance = opened()
    assert 3 == spend(allowance)
    clocks.pass_by(DAY_S - 1)
    assert 0 == spend(allowance)
    clocks.pass_by(1)
    assert 3 == spend(allowance)


# --- the file ---------------------------------------------------------------------------------


def test_counts_outlive_a_restart(opened: Open) -> None:
    """What was counted before is counted still; a new day after the restart is a new one."""
    first = opened()
    first.take_request()
    first.add_speech(2.5)
    first.close()
    second = opened()
    assert 7.5 == second.speech_left_s
    assert 2 == spend(second)


def test_a_day_that_came_while_off_is_new(opened: Open, clocks: Clocks) -> None:
    """Yesterday's file grants today's allowance."""
    first = opened()
    spend(first)
    first.close()
    clocks.set("2026-11-24 07:00")
    assert 3 == spend(opened())


def test_counting_does_not_touch_the_disk(opened: Open, file: Path) -> None:
    """Only `save` and `close` write: flash wears out, and a turn must not wait for it."""
    allowance = opened(requests=50)
    for _ in range(50):
        allowance.take_request()
        allowance.add_speech(0.1)
    assert not file.exists()
    allowance.save()
    assert 50 == json.loads(file.read_bytes())["requests"]


def test_nothing_new_is_not_written_again(opened: Open, file: Path) -> None:
    """An idle assistant writes nothing: neither when it was never asked nor between questions."""
    allowance = opened()
    allowance.save()
    allowance.close()
    assert not file.exists()
    allowance.take_request()
    allowance.save()
    written = file.stat().st_ino
    allowance.save()
    assert written == file.stat().st_ino
    allowance.take_request()
    allowance.save()
    assert 2 == json.loads(file.read_bytes())["requests"]
    assert [file] == list(file.parent.iterdir())


def test_the_task_saves_what_was_counted(opened: Open, file: Path) -> None:
    """`run` writes without being asked, until it is cancelled."""

    async def story() -> None:
        allowance = opened()
        allowance.take_request()
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            saving = tasks.create_task(allowance.run(every_s=0.001))
            while not await asyncio.to_thread(file.exists):
                pass
            saving.cancel()

    asyncio.run(story())
    assert 1 == json.loads(file.read_bytes())["requests"]


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\x00" * 100,
        b"{",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"day": "2026-11-23", "requests": -5, "speech_s": 0, "age_s": 0}',
        b'{"day": "2026-11-23", "requests": true, "speech_s": 0, "age_s": 0}',
        b'{"day": "2026-11-23", "requests": "1", "speech_s": 0, "age_s": 0}',
        b'{"day": "2026-11-23", "requests": 1, "speech_s": NaN, "age_s": 0}',
        b'{"day": "2026-11-23", "requests": Infinity, "speech_s": 0, "age_s": 0}',
        b'{"day": "tomorrow", "requests": 1, "speech_s": 0, "age_s": 0}',
        b'{"day": 5, "requests": 1, "speech_s": 0, "age_s": 0}',
    ],
    ids=lambda data: data[:60].decode(errors="replace"),
)
def test_a_damaged_file_starts_from_zero_and_says_so_once(
    opened: Open, file: Path, caplog: pytest.LogCaptureFixture, damaged: bytes
) -> None:
    """Whatever stands in the file, counting starts, and the journal tells of it in one line."""
    file.parent.mkdir()
    file.write_bytes(damaged)
    allowance = opened()
    assert 3 == spend(allowance)
    allowance.close()
    assert [
        (
            "sena_pi.allowance",
            logging.WARNING,
            f"today's cloud use starts from zero: {file}: it is damaged",
        )
    ] == caplog.record_tuples
    assert 0 == spend(opened())


def test_an_unreadable_file_starts_from_zero_and_says_so(
    opened: Open, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that can't be read stops nobody from asking."""
    file.mkdir(parents=True)
    assert 3 == spend(opened())
    assert [f"today's cloud use starts from zero: {file}: Is a directory"] == caplog.messages


def test_a_disk_that_refuses_is_told_once_and_tried_again(
    opened: Open, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Counting goes on in memory, one line tells of it, and all is saved when the disk is back."""
    allowance = opened()
    file.parent.write_text("in the way of the folder")
    allowance.take_request()
    allowance.save()
    allowance.take_request()
    allowance.save()
    assert [f"cloud use is counted in memory only: {file}: File exists"] == caplog.messages
    file.parent.unlink()
    allowance.save()
    assert 2 == json.loads(file.read_bytes())["requests"]
