"""The cache as a whole: classes of answers, the clock, counting, forgetting."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sena_pi.cache.card import CardSettings
from sena_pi.cache.entries import StoredAnswer, StoredSpeech, unpacked
from sena_pi.cache.keys import AnswerKey, SpeechKey, context_digest
from sena_pi.cache.policy import Bypass
from sena_pi.cache.responses import CacheSettings, ResponseCache
from sena_pi.cache.store import StoreSettings
from sena_pi.stages import Cacheability, Exchange

NOON = 1_790_000_000.0
HOUR_S = 3600.0
YEAR_S = 365 * 24 * HOUR_S
QUESTION = AnswerKey("what is the capital of france", "en", "gemini/x", 1)
PARIS = StoredAnswer(
    "What is the capital of France?",
    "Paris.",
    "en",
    Cacheability.EVERGREEN,
    "gemini/x",
    cost_ms=1800.0,
    kept_at=NOON,
)
NEWS = replace(PARIS, question="How far is Voyager?", keep=Cacheability.HOURS)
SENTENCE = SpeechKey("Paris.", "en", "gemini/Kore")
SPEECH = StoredSpeech("Paris.", "en", "gemini/Kore", b"OggS sound", NOON)
SETTINGS = CacheSettings(StoreSettings(CardSettings(4 << 20, segment_bytes=64 << 10)))


class Clock:
    """A wall clock that a test sets, and seconds that only go on."""

    def __init__(self) -> None:
        self.wall: float | None = NOON
        self.seconds = 0.0

    def now(self) -> float | None:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Iterator[ResponseCache]:
    cache = opened(tmp_path, clock)
    yield cache
    assert [] == cache.check()
    cache.close()


def opened(folder: Path, clock: Clock, settings: CacheSettings = SETTINGS) -> ResponseCache:
    return ResponseCache(folder / "cache", settings, now=clock.now, monotonic=clock.monotonic)


def test_an_answer_and_its_speech_are_found_again(cache: ResponseCache) -> None:
    """Each under its own key, and the same as they were."""
    assert cache.put(QUESTION, PARIS) is None
    assert cache.put(SENTENCE, SPEECH) is None
    assert PARIS == cache.get(QUESTION)
    assert SPEECH == cache.get(SENTENCE)


@pytest.mark.parametrize(
    "other",
    [
        replace(QUESTION, question="what is the capital of spain"),
        replace(QUESTION, language="fr"),
        replace(QUESTION, model="gemini/y"),
        replace(QUESTION, prompt=2),
        replace(QUESTION, context=context_digest([])),
    ],
)
def test_whatever_an_answer_depends_on_tells_it_from_others(
    cache: ResponseCache, other: AnswerKey
) -> None:
    """Question, language, model, prompt and conversation."""
    cache.put(QUESTION, PARIS)
    assert cache.get(other) is None


def test_a_region_makes_no_other_answer(cache: ResponseCache) -> None:
    """British English is answered as American English is."""
    cache.put(QUESTION, PARIS)
    assert PARIS == cache.get(replace(QUESTION, language="en-GB"))


def test_every_conversation_has_a_context_of_its_own() -> None:
    """Who asked what, what was answered, and in which order."""
    one, two = Exchange("who is he", "Mozart."), Exchange("who is he", "Bach.")
    conversations: list[list[Exchange]] = [[], [one], [two], [one, two], [two, one]]
    assert len(conversations) == len({context_digest(each) for each in conversations})


def test_what_holds_for_hours_is_served_for_its_time_and_no_longer(
    cache: ResponseCache, clock: Clock
) -> None:
    """An hour by default; what never changes has no end."""
    aging = replace(QUESTION, question="how far is voyager")
    cache.put(aging, NEWS)
    cache.put(QUESTION, PARIS)
    clock.wall = NOON + HOUR_S - 1
    assert NEWS == cache.get(aging)
    clock.wall = NOON + HOUR_S
    assert cache.get(aging) is None
    clock.wall = NOON + 20 * YEAR_S
    assert PARIS == cache.get(QUESTION)


def test_until_the_clock_is_set_only_what_never_changes_is_served(
    cache: ResponseCache, clock: Clock
) -> None:
    """And nothing expires: it is served again when the time is known."""
    aging = replace(QUESTION, question="how far is voyager")
    cache.put(aging, NEWS)
    cache.put(QUESTION, PARIS)
    clock.wall = None
    assert (None, PARIS) == (cache.get(aging), cache.get(QUESTION))
    assert Bypass.CLOCK is cache.put(aging, NEWS)
    clock.wall = NOON + 60
    assert NEWS == cache.get(aging)


@pytest.mark.parametrize("jump_s", [50 * YEAR_S, -50 * YEAR_S])
def test_a_clock_that_jumps_and_comes_back_has_deleted_nothing(
    cache: ResponseCache, clock: Clock, jump_s: float
) -> None:
    """Half a century either way."""
    aging = replace(QUESTION, question="how far is voyager")
    cache.put(aging, NEWS)
    clock.wall = NOON + jump_s
    assert cache.get(aging) is None
    cache.maintain()
    clock.wall = NOON + 60
    assert NEWS == cache.get(aging)


def test_what_must_never_be_kept_is_refused(cache: ResponseCache) -> None:
    """Whoever calls."""
    assert Bypass.NEVER is cache.put(QUESTION, replace(PARIS, keep=Cacheability.NEVER))
    assert cache.get(QUESTION) is None


def test_an_entry_too_long_for_the_card_is_refused(cache: ResponseCache) -> None:
    """It would push too much else out."""
    assert Bypass.TOO_LONG is cache.put(SENTENCE, replace(SPEECH, sound=bytes(64 << 10)))


def test_the_newest_answer_counts(cache: ResponseCache) -> None:
    """Before and after it is written."""
    cache.put(QUESTION, PARIS)
    newer = replace(PARIS, text="Paris, still.")
    cache.put(QUESTION, newer)
    assert newer == cache.get(QUESTION)


def test_old_answers_are_deleted_where_that_is_wanted(tmp_path: Path, clock: Clock) -> None:
    """Also those that never change, with the next day."""
    cache = opened(tmp_path, clock, replace(SETTINGS, longest_s=2 * 24 * HOUR_S))
    cache.put(QUESTION, PARIS)
    cache.maintain()
    clock.wall = NOON + 3 * 24 * HOUR_S
    assert cache.get(QUESTION) is None
    assert cache.maintain() is not None
    assert [] == list(cache.entries())
    cache.close()


def test_hits_misses_and_bypasses_are_counted_and_outlive_a_restart(
    tmp_path: Path, clock: Clock
) -> None:
    """By tier and reason; written along with entries."""
    cache = opened(tmp_path, clock)
    cache.get(QUESTION)
    cache.put(QUESTION, PARIS)
    cache.get(QUESTION)
    cache.bypassed(Bypass.WORDS)
    cache.saved(1500.0)
    cache.close()
    cache = opened(tmp_path, clock)
    cache.get(QUESTION)
    stats = cache.stats()
    assert {"memory": 1, "card": 1} == stats["total"]["hits"]
    assert (1, 2, 0.6667) == tuple(stats["total"][x] for x in ("misses", "answered", "hit_rate"))
    assert {"words": 1} == stats["total"]["bypasses"]
    assert 1500.0 == stats["total"]["saved_ms"]
    assert stats["total"]["written_bytes"] > 0 < stats["total"]["syncs"]
    assert stats["card_bytes"] <= stats["budget_bytes"]
    cache.close()


def test_counting_writes_nothing(cache: ResponseCache) -> None:
    """A thousand hits, and not a byte more on the card."""
    cache.put(QUESTION, PARIS)
    cache._store.flush()
    before = cache.stats()["total"]["written_bytes"]
    for _ in range(1000):
        cache.get(QUESTION)
        cache.turn_ended()
        cache.maintain()
    assert before == cache.stats()["total"]["written_bytes"]


def test_a_new_day_begins_its_own_tally(cache: ResponseCache, clock: Clock) -> None:
    """And gives the old one away, once."""
    cache.put(QUESTION, PARIS)
    cache.get(QUESTION)
    assert cache.maintain() is None
    clock.wall = NOON + 24 * HOUR_S
    over = cache.maintain()
    assert over is not None
    assert 1 == over.answered
    assert cache.maintain() is None
    assert (0, 1) == (cache.stats()["today"]["answered"], cache.stats()["total"]["answered"])


def test_without_a_clock_a_day_is_a_day_of_running(cache: ResponseCache, clock: Clock) -> None:
    """So the day's budget of writing comes back."""
    clock.wall = None
    assert cache.maintain() is None
    clock.seconds = 24 * HOUR_S
    assert cache.maintain() is not None


def test_a_question_is_forgotten_however_it_is_written(cache: ResponseCache) -> None:
    """With its speech, in every conversation; what others share with it comes anew."""
    cache.put(QUESTION, PARIS)
    cache.put(replace(QUESTION, context="c"), PARIS)
    cache.put(SENTENCE, SPEECH)
    other = replace(QUESTION, question="what is the capital of spain")
    cache.put(other, replace(PARIS, question="what is the capital of Spain", text="Madrid."))
    assert 2 == cache.forget("WHAT'S the capital of France")
    assert (None, None) == (cache.get(QUESTION), cache.get(SENTENCE))
    assert cache.get(other) is not None
    assert 0 == cache.forget("what is the capital of france")


def test_one_answer_is_forgotten_by_its_key(cache: ResponseCache) -> None:
    """And only that one."""
    cache.put(QUESTION, PARIS)
    cache.put(replace(QUESTION, context="c"), PARIS)
    assert cache.forget_key(QUESTION)
    assert not cache.forget_key(QUESTION)
    assert PARIS == cache.get(replace(QUESTION, context="c"))


def test_what_has_expired_can_be_cleared_alone(cache: ResponseCache, clock: Clock) -> None:
    """The rest stays."""
    cache.put(QUESTION, PARIS)
    cache.put(replace(QUESTION, question="how far is voyager"), NEWS)
    clock.wall = NOON + 2 * HOUR_S
    assert 1 == cache.clear(expired=True)
    assert ["kept"] == [one.state for one in cache.entries()]
    assert 1 == cache.clear()
    assert [] == list(cache.entries())


def test_a_list_tells_what_is_where(cache: ResponseCache) -> None:
    """Entry, tier, size and state."""
    cache.put(QUESTION, PARIS)
    cache._store.flush()
    cache.put(SENTENCE, SPEECH)
    assert {(PARIS, "card", "kept"), (SPEECH, "memory", "kept")} == {
        (one.entry, one.tier, one.state) for one in cache.entries()
    }


def test_looking_through_the_list_is_no_use(cache: ResponseCache) -> None:
    """It counts as nothing."""
    cache.put(QUESTION, PARIS)
    list(cache.entries())
    assert {} == cache.stats()["total"]["hits"]


@pytest.mark.parametrize(
    "payload",
    [b"", b"a", b"a{}\nx", b"a[]\nx", b"x{}\n", b'a{"question":1}\n', b"s{}\n", b"a\xff\n"],
)
def test_what_is_no_entry_is_told_to_be_none(payload: bytes) -> None:
    """Whatever lies on the card."""
    with pytest.raises(ValueError, match=r"."):
        unpacked(payload)


def test_no_word_of_a_question_is_in_the_journal(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Also when the card can't be used."""
    caplog.set_level(logging.DEBUG)
    (tmp_path / "cache").write_text("in the way")
    cache = opened(tmp_path, clock)
    cache.put(QUESTION, PARIS)
    assert PARIS == cache.get(QUESTION)
    cache.close()
    assert 1 == len(caplog.records)
    assert "France" not in caplog.text
