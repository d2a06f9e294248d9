"""What the cache says of itself to those who look after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sena_pi.cache import administration
from sena_pi.cache.administration import REQUESTS, WRITES, Asked, CacheProblem
from sena_pi.cache.policy import Bypass
from sena_pi.cache.responses import CacheSettings, ResponseCache
from sena_pi.stages import Cacheability, Exchange
from tests.cache.kept import NOON, SOUND, VOICE, WAKE_WORDS, keep
from tests.cache.known import small_store

SETTINGS = CacheSettings(small_store())
FRANCE = "What is the capital of France?"
TALL = "How tall is it?"
EIFFEL = Exchange("what is the eiffel tower", "A tower in Paris.")
HOUR_S = 3600.0


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ResponseCache]:
    cache = ResponseCache(tmp_path / "cache", SETTINGS, now=lambda: NOON)
    yield cache
    assert [] == cache.check()
    cache.close()


def answer(
    cache: ResponseCache, request: str, *, now: float | None = NOON, **arguments: object
) -> dict[str, Any]:
    """An answer, as it comes out of JSON."""
    asked = Asked(cache, arguments, now, WAKE_WORDS)
    found: dict[str, Any] = json.loads(json.dumps(administration.answer(request, asked)))
    return found


def texts(found: dict[str, Any]) -> list[str]:
    return [entry["text"] for entry in found["entries"]]


# --- stats and list ---------------------------------------------------------------------------


def test_stats_tell_what_was_counted_today_and_in_all(cache: ResponseCache) -> None:
    """Every figure the cache keeps, the rates included."""
    key = keep(cache, FRANCE, "Paris.")
    cache.get(key)
    cache.get(replace(key, question="another"))
    cache.get(replace(key, question="a third"))
    cache.bypassed(Bypass.WORDS)
    cache.saved(1500.0)
    found = answer(cache, "stats")
    for span in ("today", "total"):
        counted = found[span]
        assert ({"memory": 1}, 2, 0.3333) == (
            counted["hits"],
            counted["misses"],
            counted["hit_rate"],
        )
        assert ({"words": 1}, 1500.0) == (counted["bypasses"], counted["saved_ms"])
        assert {"written_bytes", "syncs", "evicted", "damaged"} <= counted.keys()
    assert (2, SETTINGS.store.card.budget_bytes) == (found["entries"], found["budget_bytes"])
    assert found["trouble"] is None


def test_the_card_s_reserve_is_told_before_anything_is_on_it(cache: ResponseCache) -> None:
    """The files have their size from the first moment."""
    found = answer(cache, "stats")
    assert (0, 0) == (found["card_entries"], found["card_payload_bytes"])
    assert found["budget_bytes"] // 2 < found["card_bytes"] <= found["budget_bytes"]


def test_a_list_begins_with_the_newest(cache: ResponseCache) -> None:
    """By the time they were kept; those of unknown age come last, and nothing counts as asked."""
    keep(cache, "Who was Bach?", "A composer.", kept_at=NOON - 60, speech=False)
    keep(cache, "Who was Ada?", "A programmer.", kept_at=None, speech=False)
    keep(cache, FRANCE, "Paris.", kept_at=NOON - 10)
    found = answer(cache, "list")
    assert [FRANCE, "Paris.", "Who was Bach?", "Who was Ada?"] == texts(found)
    assert [10.0, 10.0, 60.0, None] == [entry["age_s"] for entry in found["entries"]]
    assert 4 == found["count"]
    first, second = found["entries"][:2]
    assert {
        "kind": "answer",
        "text": FRANCE,
        "language": "en",
        "age_s": 10.0,
        "tier": "memory",
        "state": "kept",
    } == {name: value for name, value in first.items() if name != "size_bytes"}
    assert first["size_bytes"] > len("Paris.")
    assert ("speech", True) == (second["kind"], second["size_bytes"] > len(SOUND))
    assert {} == cache.stats()["today"]["hits"]


@pytest.mark.parametrize(("kind", "expected"), [("answers", FRANCE), ("speech", "Paris.")])
def test_a_list_may_be_of_one_kind(cache: ResponseCache, kind: str, expected: str) -> None:
    """Answers, or speech."""
    keep(cache, FRANCE, "Paris.")
    assert [expected] == texts(answer(cache, "list", kind=kind))


def test_a_list_is_bounded_and_says_how_many_there_are(
    cache: ResponseCache,
) -> None:
    """The newest are listed, all are counted."""
    for number in range(5):
        keep(cache, f"Who was king {number}?", f"He was {number}.", kept_at=NOON + number)
    asked = Asked(cache, {"kind": "answers"}, NOON + 9, most_listed=2)
    found = administration.answer("list", asked)
    assert ["Who was king 4?", "Who was king 3?"] == texts(found)
    assert 5 == found["count"]


@pytest.mark.parametrize(
    ("kept_at", "now"), [(NOON, None), (None, NOON), (NOON + 3 * HOUR_S, NOON)]
)
def test_an_age_is_told_only_where_the_clock_can_tell_it(
    cache: ResponseCache, kept_at: float | None, now: float | None
) -> None:
    """Not while the clock is not set, not when it was not, not of what comes from the future."""
    keep(cache, FRANCE, "Paris.", kept_at=kept_at)
    assert {None} == {entry["age_s"] for entry in answer(cache, "list", now=now)["entries"]}
    (shown,) = answer(cache, "show", now=now, text=FRANCE)["answers"]
    assert [None, None] == [shown["age_s"], shown["sentences"][0]["age_s"]]


def test_what_has_expired_is_listed_as_such(tmp_path: Path) -> None:
    """And so is what is held back until the clock is set."""
    times: list[float | None] = [NOON]
    cache = ResponseCache(tmp_path / "cache", SETTINGS, now=lambda: times[-1])
    keep(cache, "Who won?", "Roma.", keep=Cacheability.HOURS, speech=False)
    states = []
    for now in (NOON, NOON + 2 * HOUR_S, None):
        times.append(now)
        states += [entry["state"] for entry in answer(cache, "list", now=now)["entries"]]
    assert ["kept", "expired", "clock not set"] == states
    cache.close()


# --- show and forget --------------------------------------------------------------------------


def test_show_tells_all_of_every_answer_to_a_question(cache: ResponseCache) -> None:
    """Each conversation's answer, each sentence with its voice; nothing of other questions."""
    keep(cache, "How tall is it?", "It has 330 metres.", "It sways.", after=EIFFEL)
    keep(cache, "how tall is it", "Two metres.", after=Exchange("who is he", "A man."))
    keep(cache, FRANCE, "Paris.")
    found = answer(cache, "show", text="How tall is it")
    assert "How tall is it" == found["question"]
    tower, man = found["answers"]
    assert ("How tall is it?", "It has 330 metres.\nIt sways.") == (
        tower["question"],
        tower["text"],
    )
    assert ("evergreen", False, "gemini/x", 1800.0) == (
        tower["keep"],
        tower["alone"],
        tower["model"],
        tower["cost_ms"],
    )
    assert [("It has 330 metres.", VOICE), ("It sways.", VOICE)] == [
        (one["sentence"], one["voice"]) for one in tower["sentences"]
    ]
    assert ["Two metres."] == [one["sentence"] for one in man["sentences"]]
    for part in (tower, *tower["sentences"]):
        assert {"language", "age_s", "size_bytes", "tier", "state"} <= part.keys()


@pytest.mark.parametrize(
    "words",
    [
        "what's the capital of france",
        "Hey Sena, what is the capital of France?",
        "What is the capital of France, please?",
    ],
)
def test_a_question_is_found_in_any_words_that_share_its_answer(
    cache: ResponseCache, words: str
) -> None:
    """As in a turn; also when it was kept with the wake word before it."""
    keep(cache, "Hey Sena, what is the capital of France?", "Paris.")
    assert 1 == len(answer(cache, "show", text=words)["answers"])
    assert {"forgotten": 1} == answer(cache, "forget", text=words)
    assert {"count": 0, "entries": []} == answer(cache, "list")


def test_forgetting_takes_all_answers_to_a_question_and_nothing_else(cache: ResponseCache) -> None:
    """Both conversations' answers go with their speech; the other question stays, with its own."""
    keep(cache, "How tall is it?", "330 metres.", after=EIFFEL)
    keep(cache, "hey sena how tall is it", "Two metres.", after=Exchange("who is he", "A man."))
    keep(cache, FRANCE, "Paris.")
    assert {"forgotten": 2} == answer(cache, "forget", text=TALL)
    assert [FRANCE, "Paris."] == texts(answer(cache, "list"))


@pytest.mark.parametrize("words", ["What is the capital of Spain?", "sena", "?", "\ud800"])
def test_what_is_not_kept_is_neither_shown_nor_forgotten(cache: ResponseCache, words: str) -> None:
    """Another question, no question, or what no text is."""
    keep(cache, FRANCE, "Paris.")
    assert [] == answer(cache, "show", text=words)["answers"]
    assert {"forgotten": 0} == answer(cache, "forget", text=words)
    assert 2 == answer(cache, "list")["count"]


# --- clear and verify -------------------------------------------------------------------------


def test_clearing_takes_everything_or_what_has_expired(tmp_path: Path) -> None:
    """The number that went is told."""
    times = [NOON]
    cache = ResponseCache(tmp_path / "cache", SETTINGS, now=lambda: times[-1])
    keep(cache, "Who won?", "Roma.", keep=Cacheability.HOURS, speech=False)
    keep(cache, FRANCE, "Paris.")
    times.append(NOON + 2 * HOUR_S)
    assert {"forgotten": 1} == answer(cache, "clear", expired=True)
    assert [FRANCE, "Paris."] == texts(answer(cache, "list"))
    assert {"forgotten": 2} == answer(cache, "clear")
    assert 0 == answer(cache, "list")["count"]
    cache.close()


def test_verify_says_that_all_is_well(cache: ResponseCache) -> None:
    """With how many entries were read."""
    keep(cache, FRANCE, "Paris.")
    assert {"ok": True, "problems": [], "entries": 2} == answer(cache, "verify")


def test_verify_names_what_is_damaged_and_none_of_its_words(tmp_path: Path) -> None:
    """One flipped byte in the log is found."""
    folder = tmp_path / "cache"
    cache = ResponseCache(folder, SETTINGS)
    keep(cache, FRANCE, "It is Paris.")
    cache.close()
    log = folder / "responses.log"
    data = log.read_bytes()
    log.write_bytes(data.replace(b"It is Paris.", b"It is Parix.", 1))
    cache = ResponseCache(folder, SETTINGS, writable=False)
    found = answer(cache, "verify")
    cache.close()
    assert not found["ok"]
    (problem,) = found["problems"]
    assert "damaged" in problem
    assert "Pari" not in problem


# --- what can't be done -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_name", "arguments"),
    [
        ("show", {}),
        ("show", {"text": 7}),
        ("forget", {"text": "  "}),
        ("list", {"kind": "everything"}),
        ("list", {"kind": ["answers"]}),
        ("clear", {"expired": "yes"}),
    ],
)
def test_arguments_of_anybody_are_looked_at(
    cache: ResponseCache, request_name: str, arguments: dict[str, object]
) -> None:
    """A wrong one is a sentence, and nothing is deleted."""
    keep(cache, FRANCE, "Paris.")
    with pytest.raises(CacheProblem):
        answer(cache, request_name, **arguments)
    assert 2 == answer(cache, "list")["count"]


def test_every_request_but_two_can_be_answered_from_a_cache_that_is_only_read(
    tmp_path: Path,
) -> None:
    """And the two say that the card refuses."""
    cache = ResponseCache(tmp_path / "cache", SETTINGS)
    keep(cache, FRANCE, "Paris.")
    cache.close()
    before = (tmp_path / "cache/responses.log").read_bytes()
    for request in REQUESTS:
        reader = ResponseCache(tmp_path / "cache", SETTINGS, writable=False)
        if request in WRITES:
            with pytest.raises(CacheProblem, match="the card refuses"):
                answer(reader, request, text=FRANCE)
        else:
            assert answer(reader, request, text=FRANCE)
        reader.close()
    assert before == (tmp_path / "cache/responses.log").read_bytes()
