"""`scripts/prove conversation`: rounds that are kept, merged and judged."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from sena_pi.bench.conversation.results import (
    AUDIO,
    COLD,
    LOCAL,
    SEQUENTIAL,
    WARM,
    Asked,
    Results,
)
from sena_pi.errors import WorkerError
from tests.bench_conversation.made import asked
from tests.prove.conversation import (
    MOST_LOST,
    Round,
    another_fits,
    gates,
    hold_rounds,
    keep,
    kept,
    lost,
    merged,
    told,
)


def round_of(*one: Asked, took_s: float = 100.0, load: float = 1.0) -> Round:
    how = {"adaptive": True}
    return Round("abc", took_s, (load, load), how, "a cloud", Results(list(one)))


def questions(way: str, count: int, audio_ms: float, **fields: Any) -> list[Asked]:
    return [asked(way, audio_ms, question=str(number), **fields) for number in range(count)]


def judged(*rounds: Round) -> dict[str, str]:
    """The first words of each gate's line, by what is promised."""
    return {gate.promise: str(gate).split("  ")[0] for gate in gates(merged([*rounds]).findings)}


MISSES = "100 misses (at least 100), endpoint to first audio, "


def test_rounds_that_were_kept_are_one_report(tmp_path: Path) -> None:
    """The same that they were; counted on, and with the load of each."""
    first = round_of(asked(SEQUENTIAL, 4000), asked(COLD, 1000), load=2.5)
    second = round_of(asked(COLD, 1000), load=0.5)
    for one in (first, second):
        keep(tmp_path, one)
    assert [first, second] == kept(tmp_path)
    report = merged(kept(tmp_path))
    assert [1, 1, 2] == [one.round for one in report.results.asked]
    assert 2 == report.findings.ways[COLD].asked
    assert 2.5 == report.machine.load
    text = told(kept(tmp_path), ["no time"])
    assert "round 2: 100 s, load 0.5 to 0.5, code abc" in text
    assert "a round was given up: no time" in text


def test_a_hundred_misses_are_enough_and_a_round_more_or_less_decides() -> None:
    """The median at most 0.35 times, the 95th percentile at most half as long as one by one."""
    half = round_of(*questions(SEQUENTIAL, 50, 4000), *questions(COLD, 50, 1400))
    both = judged(half, half)
    assert ["kept", "kept"] == [both[MISSES + part].strip() for part in ("median", "p95")]
    fewer = [gate for gate in gates(merged([half]).findings) if "misses" in gate.promise]
    assert [True, True] == ["too few yet" in str(gate) and not gate.kept for gate in fewer]
    slow = round_of(*questions(SEQUENTIAL, 50, 4000), *questions(COLD, 50, 1404))
    assert "NOT KEPT" == judged(slow, slow)[MISSES + "median"].strip()
    late = [asked(COLD, 2001, question=str(number)) for number in range(6)]
    quick = questions(COLD, 50, 1000)[6:]
    tail = round_of(*questions(SEQUENTIAL, 50, 4000), *late, *quick)
    assert "NOT KEPT" == judged(tail, tail)[MISSES + "p95"].strip()
    assert "kept" == judged(tail, tail)[MISSES + "median"].strip()


@pytest.mark.parametrize(("sound_ms", "expected"), [(50, "kept"), (51, "NOT KEPT")])
def test_hits_count_from_when_they_are_due(sound_ms: float, expected: str) -> None:
    """From the endpoint where the question was known before it."""
    hit = asked(WARM, sound_ms, source="cache", ms={"transcript": 100.0})
    assert expected == judged(round_of(hit))["warm: 1 hits, due to first audio, p95"].strip()


@pytest.mark.parametrize(("endpoint_ms", "expected"), [(420, "kept"), (480, "NOT KEPT")])
def test_what_is_heard_here_counts_from_the_true_end_of_speech(
    endpoint_ms: float, expected: str
) -> None:
    """The wait for the endpoint is a part of it: 0.1 times of 4.7 s."""
    ms = {"endpoint": endpoint_ms, "transcript": 100.0, "first_audio": endpoint_ms + 2}
    hit = asked(LOCAL, 1, source="cache", ms=ms)
    found = judged(round_of(asked(SEQUENTIAL, 4000), hit))
    promise = f"{LOCAL}: hits, true end of speech to first audio, median"
    assert expected == found[promise].strip()


def test_what_was_not_measured_is_not_kept() -> None:
    """And is said to be so."""
    found = gates(merged([round_of(asked(COLD, 1))]).findings)
    assert 4 == len(found)
    assert not any(gate.kept for gate in found)
    assert all(str(gate).startswith("not measured") for gate in found)


def test_a_round_is_begun_when_it_will_have_ended_in_time() -> None:
    """With some time to spare; the first one is tried."""
    quick, slow = (round_of(took_s=took_s) for took_s in (50.0, 100.0))
    assert another_fits([], 1.0)
    assert not another_fits([], 0.0)
    assert another_fits([quick, slow], 131.0)
    assert not another_fits([slow, quick], 129.0)


def test_a_call_holds_what_is_missing_and_no_more(tmp_path: Path) -> None:
    """Rounds of earlier calls count."""
    keep(tmp_path, round_of(asked(COLD, 1)))
    hold_rounds(lambda: round_of(asked(COLD, 2)), 3, tmp_path, time.monotonic() + 1000)
    assert [1, 2, 2] == [one.results.asked[0].ms[AUDIO] - 700 for one in kept(tmp_path)]
    hold_rounds(lambda: pytest.fail("enough"), 3, tmp_path, time.monotonic() + 1000)
    hold_rounds(lambda: pytest.fail("no time"), 4, tmp_path, time.monotonic() + 129)


def test_a_round_that_lost_its_sound_is_told_and_held_again(tmp_path: Path) -> None:
    """Not for ever."""
    ends = iter([ExceptionGroup("", [WorkerError("gone")]), None])

    def one_round() -> Round:
        if (end := next(ends)) is not None:
            raise end
        return round_of(asked(COLD, 1))

    hold_rounds(one_round, 1, tmp_path, time.monotonic() + 1000)
    assert (1, ["gone"]) == (len(kept(tmp_path)), lost(tmp_path))

    def never() -> Round:
        raise ExceptionGroup("", [WorkerError("gone again")])

    hold_rounds(never, 2, tmp_path, time.monotonic() + 1000)
    assert (1, MOST_LOST) == (len(kept(tmp_path)), lost(tmp_path).count("gone again"))
