"""What is told of a run, to people and to programs."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from sena_pi.bench.conversation.page import page
from sena_pi.bench.conversation.report import Machine, Report, columns, machine
from sena_pi.bench.conversation.results import COLD, SEQUENTIAL, WARM, CacheTally, Results
from tests.bench_conversation.made import asked

REPORT = Report(
    Results(
        [
            asked(SEQUENTIAL, 4000),
            asked(COLD, 1000, question="Is 1 < 2?"),
            asked(COLD, 1000),
            asked(WARM, 500, source="cache", speech=0),
        ],
        {COLD: CacheTally(misses=2), WARM: CacheTally(hits=1)},
    ),
    cloud="a <quick> one",
    how={"repeat": 1},
    machine=Machine("a board", 4, 0.5, 1.25),
)


def test_the_text_tells_the_machine_its_load_and_every_way() -> None:
    """With grades, hit rate, what was saved, ratios and requests, a line for each way."""
    lines = REPORT.text().splitlines()
    assert "a board, 4 processors, load 0.5 before and 1.2 after" == lines[0]
    assert "first audio  endpoint      2  1.000  1.000   1.000  1.000  1.000  1.000" in lines
    split = [line.split() for line in lines]
    assert ["warm", "A+", "A", "100%", "0", "3.50", "0.12", "0.12", "-", "-", "0.12"] in split
    assert ["cold", "A", "A", "0%", "0", "3.00", "0.25", "0.25", "0.25", "0.25", "-"] in split
    assert ["warm", "1", "0", "0", "0", "0"] in split
    assert ["warm", "cache", "endpoint", "1", *6 * ["0.500"]] in split
    assert "What follows:" in lines


def test_the_json_holds_everything_by_name() -> None:
    """Figures by way, and each question as it went."""
    data = json.loads(json.dumps(REPORT.as_dict()))
    assert {
        "format", "made", "machine", "cloud", "how", "ways", "recommendations", "asked",
    } == set(data)  # fmt: skip
    assert [SEQUENTIAL, COLD, WARM] == list(data["ways"])
    warm = data["ways"][WARM]
    assert (1.0, "A+", 3.5) == (warm["hit_rate"], warm["grade"], warm["saved_s"])
    assert 0.125 == warm["ratios"]["median from endpoint"]
    assert {"count", "min", "mean", "median", "p95", "p99", "max"} == set(
        warm["from_endpoint"]["first_audio"]
    )
    assert data["ways"][SEQUENTIAL]["hit_rate"] is None
    assert 4 == len(data["asked"])
    assert {"first_audio": 1200.0, "endpoint": 700.0} == data["asked"][-1]["ms"]


def test_the_page_needs_nothing_else_and_quotes_what_is_not_its_own() -> None:
    """Three plots inside it, no link to follow, the same text for the same results."""
    pytest.importorskip("matplotlib")
    html = page(REPORT)
    assert 3 == html.count("<svg ") == html.count("</svg>")
    assert "a &lt;quick&gt; one" in html
    for outside in ("src=", "<script", "@import", "<link"):
        assert outside not in html
    assert html == page(REPORT)
    start = html.index("<svg ")
    svg = ET.fromstring(html[start : html.index("</svg>") + len("</svg>")])  # noqa: S314
    assert svg.tag.endswith("svg")


def test_a_run_without_an_answer_is_told_as_well() -> None:
    """There are no figures then, and no plot fails."""
    pytest.importorskip("matplotlib")
    empty = Report(Results([asked(COLD, 1, answered=False)]), "none", {}, REPORT.machine)
    assert "1 of 1 questions were not answered" in empty.text()
    assert "<svg" in page(empty)


def test_columns_are_aligned() -> None:
    """Words to the left, figures to the right."""
    assert "way   x\na    10\nbcd   1" == columns(("way", "x"), [["a", "10"], ["bcd", "1"]])


def test_this_machine_has_a_name() -> None:
    """And processors; the higher load counts."""
    here = machine(99.0)
    assert here.model
    assert here.cpus >= 1
    assert 99.0 == here.load
