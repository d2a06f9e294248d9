"""Times of day in words, and the moments they mean."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from sena_pi.clock_times import ClockTime, Unsure, existing, moment, parse_clock_time
from sena_pi.durations import number_words

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=BERLIN)


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("minute", range(60))
def test_every_minute_of_the_day_is_read_as_a_transcript_writes_it(hour: int, minute: int):
    """Digits with a leading zero are never ambiguous, nor is any hour after noon."""
    said = parse_clock_time(f"{hour:02} {minute:02}")
    assert said is not None
    assert (hour, minute) == (said.hour, said.minute)
    assert said.on_face is (10 <= hour <= 12)


@pytest.mark.parametrize("hour", range(1, 13))
@pytest.mark.parametrize("minute", [0, 5, 9, 10, 15, 20, 30, 45, 59])
def test_every_hour_is_read_as_it_is_spoken(hour: int, minute: int):
    """Words, with "oh" before a single minute, in both halves of the day."""
    words = number_words(hour)
    if minute:
        words += (" oh " if minute < 10 else " ") + number_words(minute).replace("-", " ")
    assert ClockTime(hour, minute) == parse_clock_time(words)
    assert ClockTime(hour, minute, "am") == parse_clock_time(f"{words} a m")
    assert ClockTime(hour, minute, "pm") == parse_clock_time(f"{words} in the evening")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("half past six", ClockTime(6, 30)),
        ("quarter to one", ClockTime(12, 45)),
        ("a quarter past twelve pm", ClockTime(12, 15, "pm")),
        ("ten to seven", ClockTime(6, 50)),
        ("twenty minutes past seven", ClockTime(7, 20)),
        ("7 oclock", ClockTime(7, 0)),
        ("noon", ClockTime(12, 0, None, on_face=False)),
        ("midnight", ClockTime(0, 0, None, on_face=False)),
        ("nineteen hundred", ClockTime(19, 0, None, on_face=False)),
        ("1930", ClockTime(19, 30, None, on_face=False)),
        ("at seven tomorrow", ClockTime(7, 0, None, day="tomorrow")),
        ("tomorrow morning at 6 30", ClockTime(6, 30, "am", day="tomorrow")),
        ("on friday at 8", ClockTime(8, 0, None, day="friday")),
        ("tonight at eleven", ClockTime(11, 0, "pm", day="today")),
        ("tonight at twelve", ClockTime(12, 0, "am", day="tomorrow")),
        ("midnight tonight", ClockTime(0, 0, None, on_face=False, day="tomorrow")),
    ],
)
def test_times_as_people_say_them(words: str, expected: ClockTime):
    """Quarters, halves, names, and the day beside them."""
    assert expected == parse_clock_time(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "tomorrow",
        "in the morning",
        "twenty five",
        "seven sixty",
        "seven five",
        "7 5",
        "24 00",
        "13 am",
        "19 30 in the morning",
        "seven in the morning in the evening",
        "half to six",
        "ten past thirteen",
        "seven and eight",
        "sevenish",
        "next friday at seven",
        "midnight tomorrow",
        "tomorrow night at one",
        "december first at seven",
    ],
)
def test_what_is_no_single_time_is_none(words: str):
    """Nothing is guessed."""
    assert parse_clock_time(words) is None


@pytest.mark.parametrize(
    ("words", "to_wake", "expected"),
    [
        ("seven", False, "2026-11-23 19:00"),
        ("seven", True, "2026-11-24 07:00"),
        ("two", False, "2026-11-24 02:00"),
        ("four", True, "2026-11-23 16:00"),
        ("16 30", False, "2026-11-23 16:30"),
        ("seven a m", False, "2026-11-24 07:00"),
        ("noon", False, "2026-11-24 12:00"),
        ("midnight tonight", False, "2026-11-24 00:00"),
        ("6 30 tomorrow", False, "2026-11-24 06:30"),
        ("twelve tomorrow", False, "2026-11-24 12:00"),
        ("eight on friday", False, "2026-11-27 08:00"),
        ("monday at four p m", False, "2026-11-23 16:00"),
        ("monday at eight", False, "2026-11-30 08:00"),
        ("tonight at eleven", False, "2026-11-23 23:00"),
        ("tonight at twelve", False, "2026-11-24 00:00"),
    ],
)
def test_the_moment_that_is_meant(words: str, to_wake: bool, expected: str):  # noqa: FBT001
    """On a Monday at three in the afternoon."""
    said = parse_clock_time(words)
    assert said is not None
    at = moment(said, MONDAY, BERLIN, to_wake=to_wake)
    assert isinstance(at, datetime)
    assert expected == f"{at:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("words", "now", "why"),
    [
        ("four tomorrow", MONDAY, Unsure.HALF),
        ("two on friday", MONDAY, Unsure.HALF),
        ("seven a m today", MONDAY, Unsure.OVER),
        ("seven tomorrow", MONDAY.replace(hour=0, minute=30), Unsure.DAY),
    ],
)
def test_what_can_be_read_in_two_ways_is_told(words: str, now: datetime, why: Unsure):
    """A question back is better than a wrong night."""
    said = parse_clock_time(words)
    assert said is not None
    assert why == moment(said, now, BERLIN)


def test_a_day_that_is_an_hour_shorter_keeps_its_times():
    """On the eve of summer time seven in the morning is fifteen hours away, not sixteen."""
    eve = datetime(2026, 3, 28, 15, 0, tzinfo=BERLIN)
    said = parse_clock_time("seven tomorrow")
    assert said is not None
    at = moment(said, eve, BERLIN)
    assert isinstance(at, datetime)
    assert datetime(2026, 3, 29, 5, 0, tzinfo=UTC) == at
    assert 15 == (at.timestamp() - eve.timestamp()) / 3600


def test_a_time_that_clocks_skip_is_an_hour_later():
    """Half past two does not exist that night: half past three does, and is said."""
    eve = datetime(2026, 3, 28, 15, 0, tzinfo=BERLIN)
    said = parse_clock_time("2 30 a m tomorrow")
    assert said is not None
    at = moment(said, eve, BERLIN)
    assert isinstance(at, datetime)
    assert "03:30" == f"{at:%H:%M}"


def test_a_time_that_comes_twice_is_the_next_of_the_two():
    """The first half past two of the night, or the second once the first has passed."""
    night = date(2026, 10, 25)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    before = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    between = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    assert first == existing(night, 2, 30, BERLIN, after=before)
    assert first.replace(hour=1) == existing(night, 2, 30, BERLIN, after=between)
