"""The whole command with small figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sena_pi.bench.cache.book import Book, Cell
from sena_pi.bench.cache.child import count_calls, run_child
from sena_pi.bench.cache.drive import Tally
from sena_pi.bench.cache.lookups import percentiles
from sena_pi.bench.cache.options import PARTS, Options
from sena_pi.bench.cache.plot import draw
from sena_pi.bench.cache.report import table
from sena_pi.bench.cache.run import run
from sena_pi.bench.cache.traces import Household
from sena_pi.errors import ConfigError, WorkerError
from tests.bench_cache.designs_under_test import Memory

RIVALS = ("diskcache-lru", "file-per-entry")


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    folder = tmp_path_factory.mktemp("bench")
    return Options(
        designs=RIVALS,
        seeds=(1, 2),
        days=0.02,
        out=folder / "out",
        table_sizes=(100,),
        entry_bytes=500,
        gets=120,
        requests=300,
        objects=40,
        open_entries=100,
        openings=1,
        refresh_budgets=(3,),
        refresh_days=2,
        refresh_turns=10,
        card=folder,
        scratch=folder,
    )


@pytest.fixture(scope="module")
def report(options: Options) -> dict[str, Any]:
    """The JSON of one run of all parts."""
    assert 0 == run(options)
    (path,) = options.out.glob("*.json")
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def of_part(report: dict[str, Any], part: str) -> list[dict[str, Any]]:
    return [result for result in report["results"] if result["part"] == part]


def test_the_report_says_what_was_run_where(report: dict[str, Any]) -> None:
    """Date, machine, load, versions, options."""
    assert {"made", "machine", "versions", "options", "how", "results"} == set(report)
    assert {"system", "machine", "model", "cpus", "load"} == set(report["machine"])
    assert {"python", "sqlite", "diskcache", "sqlite-utils"} <= set(report["versions"])
    assert list(RIVALS) == report["options"]["designs"]
    assert set(PARTS) == {result["part"] for result in report["results"]}


def test_bytes_are_more_than_the_payload(report: dict[str, Any]) -> None:
    """Each seed and design: all that was put reached the device, with hits and syncs counted."""
    results = of_part(report, "bytes")
    assert [(1, RIVALS[0]), (1, RIVALS[1]), (2, RIVALS[0]), (2, RIVALS[1])] == [
        (result["seed"], result["design"]) for result in results
    ]
    for result in results:
        assert 40 == result["turns"]
        assert result["put_bytes_a_day"] == pytest.approx(result["floor_bytes_a_day"])
        assert 0 < result["floor_twice_bytes_a_day"] < result["floor_bytes_a_day"]
        assert 1 < result["times_floor"] < 1000
        assert result["bytes_a_day"] == pytest.approx(result["written_bytes"] / 0.02)
        assert 0.2 < result["turn_hit_rate"] <= result["text_hit_rate"] < 0.9
        assert 0.2 < result["sentence_hit_rate"] < 0.9
        assert 10_000 == result["hits"]
        assert {"counting", "flushes", "syncs", "took_s", "load"} <= set(result)


def test_what_hits_write_is_seen(report: dict[str, Any]) -> None:
    """A design that notes each use in its database writes; one that only reads files does not."""
    by_hits = {
        result["design"]: result["hits_written_bytes"] for result in of_part(report, "bytes")
    }
    assert 100_000 < by_hits["diskcache-lru"]
    assert 0 == by_hits["file-per-entry"]


def test_look_ups_are_set_against_sqlite3(report: dict[str, Any]) -> None:
    """The yardsticks are in the same run; a dict is the fastest of all."""
    results = {result["design"]: result for result in of_part(report, "lookups")}
    assert {*RIVALS, "sqlite3", "dict", "sena-by-question"} == set(results)
    assert 1 == results["sqlite3"]["times_sqlite3"]
    for result in results.values():
        assert 0 < result["p50_us"] <= result["p95_us"] <= result["p99_us"]
        assert 0 < result["first"]["p50_us"]
        assert results["dict"]["p50_us"] <= result["p50_us"]


def test_hit_ratios_stand_beside_an_exact_lru(report: dict[str, Any]) -> None:
    """Four traces at three bounds."""
    for result in of_part(report, "eviction"):
        assert {"zipf", "scan", "drift", "loop"} == set(result["traces"])
        for bounds in result["traces"].values():
            assert [0.05, 0.1, 0.2] == [bound["share"] for bound in bounds]
            assert all(0 <= bound["hit_ratio"] <= 1 for bound in bounds)
        assert all(bound["lru"] > 0 for bound in result["traces"]["zipf"])


def test_openings_are_timed(report: dict[str, Any]) -> None:
    """Libraries, opening and the first get apart."""
    for result in of_part(report, "open"):
        assert {"libraries_ms", "open_ms", "first_get_ms", "cold", "openings"} <= set(result)
        assert 0 < result["open_ms"]


def test_the_table_and_the_plot_show_each_design(
    options: Options, report: dict[str, Any], tmp_path: Path
) -> None:
    """One table a part, one plot."""
    assert report["results"]
    book = Book.open(replace(options, resume=True))
    shown = table(book)
    titles = ("Bytes:", "Look-ups", "Hit ratios", "Opening", "Refreshing")
    assert [] == [title for title in titles if title not in shown]
    assert 4 <= shown.count("diskcache-lru")
    draw(book, tmp_path / "plot.svg")
    assert "<svg" in (tmp_path / "plot.svg").read_text()
    assert b"\x89PNG" == next(options.out.glob("*.png")).read_bytes()[:4]


def test_what_is_in_the_report_is_not_run_again(options: Options, report: dict[str, Any]) -> None:
    """Resumed with one more seed: only that seed's results come after those that were there."""
    more = replace(options, seeds=(1, 2, 3), parts=("bytes",), resume=True)
    assert 0 == run(more)
    (path,) = options.out.glob("*.json")
    resumed = json.loads(path.read_text())["results"]
    assert report["results"] == resumed[: len(report["results"])]
    assert [3, 3] == [result["seed"] for result in resumed[len(report["results"]) :]]


def test_other_options_begin_a_new_report(options: Options, report: dict[str, Any]) -> None:
    """Results of other figures never mix."""
    assert report["results"]
    other = Book.open(replace(options, days=0.5, resume=True))
    assert Cell("bytes", RIVALS[0], 1, 9216) not in other
    same = Book.open(replace(options, resume=True))
    assert Cell("bytes", RIVALS[0], 1, 9216) in same


def test_wrong_names_are_told_before_anything_runs(options: Options, tmp_path: Path) -> None:
    """No report is begun."""
    for wrong in ({"designs": ("abacus",)}, {"parts": ("speed",)}, {"seeds": ()}):
        with pytest.raises(ConfigError):
            run(replace(options, out=tmp_path / "out", **wrong))  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_wrong_payload_is_no_hit() -> None:
    """A design that mixes up its entries ends the measurement."""

    class Muddled(Memory):
        def get(self, key: bytes) -> bytes | None:
            return (super().get(key) or b"")[::-1] or None

    design, tally = Muddled(), Tally()
    turn = Household(1, whole=True).answer(0)
    tally.turn(design, turn)
    with pytest.raises(ValueError, match="wrong payload"):
        tally.turn(design, turn)


def test_a_turn_is_a_hit_when_all_of_it_is_there() -> None:
    """One sentence that is missing makes it a miss; put in its place, the next turn hits."""
    design, tally = Memory(), Tally()
    turn = Household(1, shared_sentences=0).answer(0)
    for entry in turn[:-1]:
        design.put(entry.key, entry.payload())
    tally.turn(design, turn)
    assert (1, 0) == (tally.turns, tally.turn_hits)
    assert (1, 1) == (tally.texts, tally.text_hits)
    assert (len(turn) - 1, len(turn) - 2) == (tally.sentences, tally.sentence_hits)
    assert turn[-1].size == tally.put_bytes
    tally.turn(design, turn)
    assert (2, 1) == (tally.turns, tally.turn_hits)


def test_sync_calls_are_counted_once_each() -> None:
    """A call that another thread interrupted is on two lines of the log."""
    log = """
10 fsync(3)                          = 0
10 fdatasync(3 <unfinished ...>
11 fsync(4)                          = 0
10 <... fdatasync resumed>)          = 0
10 +++ exited with 0 +++
"""
    assert 3 == count_calls(log)


def test_a_measuring_process_that_fails_says_why() -> None:
    """Its last line is the message."""
    with pytest.raises(WorkerError, match="JSONDecodeError"):
        run_child("sena_pi.bench.cache.drive", "no task")


def test_percentiles_are_of_the_sorted_times() -> None:
    """In microseconds."""
    assert {"p50_us": 51.0, "p95_us": 96.0, "p99_us": 100.0} == percentiles(
        [1000 * number for number in range(100, 0, -1)]
    )
