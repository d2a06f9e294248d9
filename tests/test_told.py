"""What the journal is told of turns and of the cache: prose, fields, and no word of anybody."""

from __future__ import annotations

from typing import Any

import pytest

from sena_pi.cache.stats import Stats
from sena_pi.cache.told import day_event, day_line, stats_event, stats_line
from sena_pi.report import Outcome, Source, TurnReport
from sena_pi.told import turn_event

WORDS = "my secret canary sentence"


def fields(extra: dict[str, Any]) -> dict[str, Any]:
    return dict(extra["sena_fields"])


def turn(**changes: Any) -> TurnReport:
    return TurnReport(
        **{
            "turn": "7",
            "trigger": "jarvis",
            "outcome": Outcome.ANSWERED,
            "heard": WORDS,
            "answered": WORDS,
            "source": Source.CACHE,
            "tier": "card",
            "model": "gemini/x",
            "voice": "piper/y",
            "ms": {"endpoint": 510.0, "first_audio": 640.5, "end": 2000.0},
            **changes,
        }
    )


def test_a_turn_is_its_outcome_and_its_times() -> None:
    """By these names people look for it."""
    assert {
        "SENA_EVENT": "turn",
        "SENA_TURN_ID": "7",
        "SENA_TRIGGER": "jarvis",
        "SENA_OUTCOME": "answered",
        "SENA_SOURCE": "cache",
        "SENA_CACHE": "hit",
        "SENA_CACHE_TIER": "card",
        "SENA_MODEL": "gemini/x",
        "SENA_VOICE": "piper/y",
        "SENA_MS_ENDPOINT": 510.0,
        "SENA_MS_FIRST_AUDIO": 640.5,
        "SENA_MS_END": 2000.0,
    } == fields(turn_event(turn()))


@pytest.mark.parametrize(
    ("source", "cache"), [(Source.CLOUD, "miss"), (Source.RULE, "none"), (None, None)]
)
def test_what_the_cache_did_for_a_turn_is_one_word(
    source: Source | None, cache: str | None
) -> None:
    """So that hits and misses can be counted by journalctl alone."""
    assert cache == fields(turn_event(turn(source=source, tier=""))).get("SENA_CACHE")


def stats() -> dict[str, Any]:
    counted = Stats()
    for tier in ("memory", "memory", "card"):
        counted.add_by("hits", tier)
    counted.add("misses")
    counted.add_by("bypasses", "time-bound")
    counted.add_by("speech_hits", "card")
    counted.add("saved_ms", 2500)
    counted.add("written_bytes", 4096)
    counted.add("syncs", 2)
    return {
        "today": counted.today.as_dict(),
        "total": counted.total.as_dict(),
        "entries": 5,
        "card_bytes": 8192,
        "budget_bytes": 1 << 20,
        "trouble": None,
    }


def test_the_cache_s_counters_are_one_line_of_prose() -> None:
    """For those who read the journal as it is."""
    assert (
        "cache today: 3 of 4 answers found (75 %), 1 not to be cached, 1 of 1 sentences found; "
        "2.5 s saved; 4.0 kB written in 2 syncs; 5 entries kept, 4.0 kB written in all"
    ) == stats_line(stats())
    assert stats_line({**stats(), "trouble": "the card is full"}).endswith(
        "TROUBLE: the card is full"
    )


def test_the_cache_s_counters_are_fields() -> None:
    """One for each count, and one for each tier and reason."""
    found = fields(stats_event(stats()))
    assert {
        "SENA_EVENT": "cache_stats",
        "SENA_HITS": 3,
        "SENA_HITS_MEMORY": 2,
        "SENA_HITS_CARD": 1,
        "SENA_MISSES": 1,
        "SENA_HIT_RATE": 0.75,
        "SENA_BYPASSES_TIME_BOUND": 1,
        "SENA_SPEECH_HITS_CARD": 1,
        "SENA_MS_SAVED": 2500.0,
        "SENA_BYTES_WRITTEN": 4096,
        "SENA_BYTES_WRITTEN_EVER": 4096,
        "SENA_SYNCS": 2,
        "SENA_ENTRIES": 5,
    }.items() <= found.items()
    assert "SENA_TROUBLE" not in found


def test_a_day_that_is_over_is_told_too() -> None:
    """By an event of its own: it would be counted twice."""
    tally = stats()["today"]
    assert "3 of 4 answers" in day_line(tally)
    assert ("cache_day", 3) == tuple(
        fields(day_event(tally))[name] for name in ("SENA_EVENT", "SENA_HITS")
    )
