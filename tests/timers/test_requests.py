"""Sentences about timers and alarms: what they ask for, or that they are not clear."""

from __future__ import annotations

import pytest

from sena_pi.clock_times import ClockTime
from sena_pi.durations import number_words
from sena_pi.timers.requests import (
    Ask,
    Cancel,
    Kind,
    Request,
    SetAlarm,
    SetTimer,
    Unclear,
    Which,
    Why,
    parse,
    recognised,
)

TIMER, ALARM = Kind.TIMER, Kind.ALARM


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("set a timer for five minutes", SetTimer(300)),
        ("Set a pasta timer for 10 minutes.", SetTimer(600, "pasta")),
        ("set a timer for ten minutes for the pasta", SetTimer(600, "pasta")),
        ("set a timer for the pasta for ten minutes", SetTimer(600, "pasta")),
        ("set a timer for 10 minutes called green tea", SetTimer(600, "green tea")),
        ("ten minute pasta timer", SetTimer(600, "pasta")),
        ("timer for ten minutes", SetTimer(600)),
        ("pizza timer, twelve minutes", SetTimer(720, "pizza")),
        ("Hey Jarvis, could you please set a 90-second timer?", SetTimer(90)),
        ("set another timer for an hour and a half", SetTimer(5400)),
        ("set a timer for 1.5 hours", SetTimer(5400)),
        ("start a timer, 5 min.", SetTimer(300)),
        ("set a 20min timer", SetTimer(1200)),
        ("set a half hour timer", SetTimer(1800)),
        ("set a timer for three quarters of an hour", SetTimer(2700)),
        ("set a timer for two hours thirty minutes", SetTimer(9000)),
        ("wake me up in twenty minutes", SetTimer(1200)),
        ("set an alarm in ten minutes", SetTimer(600)),
        ("wake me at seven", SetAlarm(ClockTime(7, 0), to_wake=True)),
        ("Wake me up at 6:45 a.m.", SetAlarm(ClockTime(6, 45, "am"), to_wake=True)),
        ("set an alarm for 6:30 tomorrow", SetAlarm(ClockTime(6, 30, day="tomorrow"))),
        ("Set an alarm for 7 o'clock.", SetAlarm(ClockTime(7, 0))),
        ("set an alarm for seven called school", SetAlarm(ClockTime(7, 0), "school")),
        ("set a seven thirty am alarm", SetAlarm(ClockTime(7, 30, "am"))),
        ("set the alarm for half past six in the morning", SetAlarm(ClockTime(6, 30, "am"))),
        ("set a timer for 7 p.m.", SetAlarm(ClockTime(7, 0, "pm"))),
        ("set an alarm for 10 to 7", SetAlarm(ClockTime(6, 50))),
        ("how long is left", Ask(Which())),
        ("how much time is left on the pasta timer?", Ask(Which(TIMER, "pasta"))),
        ("what timers do I have", Ask(Which(TIMER))),
        ("When is my alarm?", Ask(Which(ALARM))),
        ("cancel the timer", Cancel(Which(TIMER))),
        ("cancel the pasta timer", Cancel(Which(TIMER, "pasta"))),
        ("cancel the timer called green tea", Cancel(Which(TIMER, "green tea"))),
        ("cancel my ten minute timer", Cancel(Which(TIMER, duration_s=600))),
        ("delete the 7 o'clock alarm", Cancel(Which(ALARM, time=ClockTime(7, 0)))),
        ("cancel all timers", Cancel(Which(TIMER, every=True))),
        ("cancel all my timers and alarms", Cancel(Which(None, every=True))),
        ("turn the alarm off", Cancel(Which(ALARM))),
        ("stop", Cancel(Which())),
    ],
)
def test_what_is_asked_for(text: str, expected: Request):
    """Written and spoken forms, with a name, without, and in any order people use."""
    assert expected == parse(text)


@pytest.mark.parametrize("minutes", range(1, 100))
def test_every_length_is_understood_in_each_place(minutes: int):
    """In words and digits, before and behind "timer", with a name and without."""
    unit = "minute" if minutes == 1 else "minutes"
    for number in (number_words(minutes), str(minutes)):
        assert SetTimer(60 * minutes) == parse(f"set a timer for {number} {unit}")
        assert SetTimer(60 * minutes) == parse(f"set a {number}-minute timer")
        assert SetTimer(60 * minutes, "egg") == parse(f"set an egg timer for {number} {unit}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("set a timer", Why.NO_LENGTH),
        ("set a timer for ten", Why.NO_LENGTH),
        ("set a timer for the eggs", Why.NO_LENGTH),
        ("set a timer for ten minutes ago", Why.NO_LENGTH),
        ("set a timer for five and ten minutes", Why.NO_LENGTH),
        ("set two timers for five minutes and ten minutes", Why.NO_LENGTH),
        ("set a timer for 1.25 hours", Why.NO_LENGTH),
        ("set a timer for minus five minutes", Why.NO_LENGTH),
        ("set a timer for ten minutes and", Why.NO_LENGTH),
        ("set a timer for about ten minutes", Why.NO_LENGTH),
        ("set a timer for not ten minutes", Why.NO_LENGTH),
        ("set a timer for a hundred years", Why.NO_LENGTH),
        ("set an alarm", Why.NO_TIME),
        ("wake me up", Why.NO_TIME),
        ("wake me at 25", Why.NO_TIME),
        ("set alarms for six and seven", Why.NO_TIME),
        ("wake me every day at seven", Why.REPEATING),
        ("set an alarm for weekdays at seven", Why.REPEATING),
        ("set an alarm for seven on mondays", Why.REPEATING),
        ("remind me in ten minutes to call mum", Why.REMINDER),
        ("add five minutes to the timer", Why.CHANGING),
        ("pause the timer", Why.CHANGING),
        ("don't set a timer for ten minutes", Why.NOT_UNDERSTOOD),
        ("cancel everything", Why.NOT_UNDERSTOOD),
        ("stop the car", Why.NOT_UNDERSTOOD),
        ("", Why.NOT_UNDERSTOOD),
    ],
)
def test_what_is_not_clear_is_never_guessed(text: str, why: Why):
    """Half a request, two at once, or what can't be done: each is asked back in its own way."""
    assert Unclear(why) == parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "what is a timer",
        "stop",
        "turn it off",
        "tell me about the alarm industry",
        "how long is the nile",
        "what is left of rome",
        "set a timer for ten",
        "who invented the alarm clock",
        "set a time for the meeting",
        "wake me when september ends",
    ],
)
def test_other_questions_are_not_taken_for_requests(text: str):
    """Where the sentence may be about anything, only sure ones count."""
    assert recognised(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "how long is left",
        "how many minutes are left on the egg timer",
        "when will my alarm ring",
        "what alarms are set",
        "is there a timer running",
        "cancel all timers",
        "wake me at noon",
    ],
)
def test_sure_requests_are_recognised(text: str):
    """Typed, without anybody having said what they are about."""
    assert recognised(text) is not None


def test_a_wake_word_in_front_is_overlooked():
    """As configured, in any spelling."""
    assert SetTimer(60) == parse("Okay Nabu, set a timer for a minute", ["okay_nabu"])


def test_a_long_speech_is_no_request():
    """However often it names a length: it is given up before it is searched."""
    assert Unclear(Why.NOT_UNDERSTOOD) == parse("set a timer for " + "one hour " * 1000)
