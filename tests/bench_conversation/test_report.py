"""What is told of a run, to people and to programs."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from sena_pi.bench.conversation.notes import notes
from sena_pi.bench.conversation.page import page
from sena_pi.bench.conversation.report import Machine, Report, columns, machine
from sena_pi.bench.conversation.results import COLD, SEQUENTIAL, WARM, CacheTally, Results
from tests.bench_conversation.made import asked

REPORT = Report(
    Results(
        [
            asked(SEQUENTIAL, 4000),
            asked(COLD, 1000, question="Is 1 < 2?"),
            asked(COLD, 1000, ms={"transcript": 650.0}, questions=3, guesses=4, wasted=2),
            asked(WARM, 500, source="cache", speech=0),
        ],
        {COLD: CacheTally(misses=2), WARM: CacheTally(hits=1)},
    ),
    cloud="a <quick> one",
    how={"adaptive": True},
    machine=Machine("a board", 4, (0.75, 0.5, 1.25)),
)


def test_the_text_tells_the_machine_its_load_and_every_way() -> None:
    """With grades, hit rate, what was saved, ratios and requests, a line for each way."""
    lines = REPORT.text().splitlines()
    assert "a board, 4 processors, load 0.5 to 1.2" == lines[0]
    assert "first audio  endpoint      1  0.500  0.500   0.500  0.500  0.500  0.500" in lines
    split = [line.split() for line in lines]
    assert ["first", "audio", "endpoint", "2", *6 * ["1.000"]] in split
    assert ["warm", "A+", "A", "100%", "0", "3.50"] in split
    assert ["cold", "A", "A", "0%", "0", "3.00"] in split
    assert ["warm", "hits", "endpoint", "0.125", "0.125"] in split
    assert ["cold", "misses", "speech", "0.362", "0.362"] in split
    assert ["cold", "4", "2", "2", "4", "0", "0", "0", "0"] in split
    assert ["warm", "cache", "endpoint", "1", *6 * ["0.500"]] in split
    assert ["cold", "cloud", "due", "1", *6 * ["1.000"]] in split
    assert ["transcript", "endpoint", "1", *6 * ["-0.050"]] in split
    assert ["warm", "0.700", *5 * ["0.000"], "0.500", "1.200"] in split
    assert "What follows:" in lines


def test_it_is_said_what_the_times_count_from_what_limits_and_what_guesses_cost() -> None:
    """Only what is needed to read these figures."""
    said = "\n".join(notes(REPORT.findings))
    assert 'after "due"' in said
    assert "below nought: before the endpoint" in said
    assert "cold: what limits most of 1.70 s is speaker (1.00 s), then endpoint (0.70 s)" in said
    assert (
        "cold: 4 answers were begun in pauses, 2.0 a question; 2 of 4 requests were for such as "
        "were not kept, which is 1.00 more a question (and what was begun of their sound"
    ) in said
    assert "warm: 0 answers" not in said
    alone = Report(Results([asked(WARM, 1)]), "none", REPORT.how, REPORT.machine)
    few = "\n".join(notes(alone.findings))
    assert "below nought" not in few
    assert SEQUENTIAL not in few
    assert REPORT.as_dict()["notes"] == said.splitlines()


def test_the_json_holds_everything_by_name() -> None:
    """Figures by way, and each question as it went."""
    data = json.loads(json.dumps(REPORT.as_dict()))
    assert {
        "format", "made", "machine", "cloud", "how", "ways", "notes", "recommendations", "asked",
    } == set(data)  # fmt: skip
    assert [SEQUENTIAL, COLD, WARM] == list(data["ways"])
    warm = data["ways"][WARM]
    assert (1.0, "A+", 3.5) == (warm["hit_rate"], warm["grade"], warm["saved_s"])
    assert 0.125 == warm["ratios"]["median from endpoint"]
    assert {"count", "min", "mean", "median", "p95", "p99", "max"} == set(
        warm["from_endpoint"]["first_audio"]
    )
    assert data["ways"][SEQUENTIAL]["hit_rate"] is None
    cold = data["ways"][COLD]
    assert (4, 2) == (cold["guesses"], cold["wasted"])
    assert 1000 == cold["waits"]["first_audio"]
    assert 4 == len(data["asked"])
    assert {"first_audio": 1200.0, "endpoint": 700.0} == data["asked"][-1]["ms"]


def test_the_page_needs_nothing_else_and_quotes_what_is_not_its_own() -> None:
    """Four plots inside it, no link to follow, the same text for the same results."""
    pytest.importorskip("matplotlib")
    html = page(REPORT)
    assert 4 == html.count("<svg ") == html.count("</svg>")
    assert "a &lt;quick&gt; one" in html
    assert html.count("<table>") == 5 + 3
    assert "what limits most" in html
    for outside in ("src=", "<script", "@import", "<link"):
        assert outside not in html
    assert html == page(REPORT)
    start = html.index("<svg ")
    svg = ET.fromstring(html[start : html.index("</svg>") + len("</svg>")])  # noqa: S314
    assert svg.tag.endswith("svg")


def test_a_run_without_an_answer_is_told_as_well() -> None:
    """There are no figures then, and no plot fails."""
    pytest.importorskip("matplotlib")
    empty = Report(Results([asked(COLD, 1, answered=False)]), "none", REPORT.how, REPORT.machine)
    assert "1 of 1 questions were not answered" in empty.text()
    assert "<svg" in page(empty)


def test_columns_are_aligned() -> None:
    """Words to the left, figures to the right."""
    assert "way   x\na    10\nbcd   1" == columns(("way", "x"), [["a", "10"], ["bcd", "1"]])


def test_this_machine_has_a_name() -> None:
    """And processors; the highest load counts."""
    here = machine([1.0, 99.0, 2.0])
    assert here.model
    assert here.cpus >= 1
    assert 99.0 == here.load
