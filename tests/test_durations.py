"""Numbers and lengths of time in words."""

from __future__ import annotations

import pytest

from sena_pi.durations import number_words, parse_duration_s, parse_number


@pytest.mark.parametrize("number", range(1, 100))
def test_every_number_is_read_as_it_is_spoken(number: int):
    """In words, with and without a hyphen, and in digits."""
    words = number_words(number)
    assert number == parse_number(words.replace("-", " "))
    assert number == parse_number(str(number))


@pytest.mark.parametrize("unit", [("second", 1), ("minute", 60), ("hour", 3600)])
@pytest.mark.parametrize("number", range(1, 61))
def test_one_to_sixty_of_each_unit(number: int, unit: tuple[str, int]):
    """Singular and plural, words and digits."""
    name, seconds = unit
    expected = number * seconds
    assert expected == parse_duration_s(f"{number_words(number)} {name}s")
    assert expected == parse_duration_s(f"{number} {name}")


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("a minute", 60),
        ("an hour", 3600),
        ("half an hour", 1800),
        ("half a minute", 30),
        ("an hour and a half", 5400),
        ("one minute and a half", 90),
        ("two and a half hours", 9000),
        ("one hour and twenty minutes", 4800),
        ("1 hour 20 minutes", 4800),
        ("two minutes and thirty seconds", 150),
        ("an hour and ten minutes and five seconds", 4205),
        ("a hundred and twenty seconds", 120),
        ("one hundred twenty minutes", 7200),
    ],
)
def test_lengths_as_people_say_them(words: str, seconds: int):
    """Halves, hundreds and sums."""
    assert seconds == parse_duration_s(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "ten",
        "minutes",
        "zero minutes",
        "0 minutes",
        "ten minutes ago",
        "about ten minutes",
        "ten minutes and",
        "ten minutes two hours",
        "five minutes five minutes",
        "ten five minutes",
        "twenty ten minutes",
        "minus five minutes",
        "9999 hours",
        "half a second",
        "a few minutes",
    ],
)
def test_what_is_not_a_length_is_none(words: str):
    """No guess: something else, something missing, something too much."""
    assert parse_duration_s(words) is None


@pytest.mark.parametrize(
    "words", ["", "ten five", "twenty ten", "0x10", "\u0663", "1000", "one hundred ten twenty"]
)
def test_what_is_not_a_number_is_none(words: str):
    """Digits of other scripts, too many of them, and words that do not add up."""
    assert parse_number(words) is None
