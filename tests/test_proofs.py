"""Results of proofs are kept whole, and the page of measurements is made of what is kept."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.proofs.__main__ import main, recording_options, text_options
from tests.proofs.kept import FOLDER, HEAD_LINES, TAIL_LINES, Part, add, load, names
from tests.proofs.recording import run, taken_in
from tests.proofs.table import PAGE, claim, combined, page
from tests.prove.figures import REPORT_TO, Row, measured, reported

PART = Part(
    arguments="--turns 5",
    begun="2026-11-23T20:15Z",
    commit="0123456789",
    machine="x86_64, 2 cores, Python 3.11.7",
    load_before=0.1,
    load_after=0.4,
    took_s=12.5,
    status=0,
    figures=[{"what": "turns", "n": 5, "max, MB": 1.5}],
    lines=["turns 5", "left: nothing"],
)
PROOF = """
import sys
from tests.prove.figures import reported
print("hello", *sys.argv[1:])
reported("turns", {"n": 3, "max, MB": 1.234567})
sys.exit("NOT KEPT")
"""
PLACES_THAT_ARE_ANYWHERE = {
    "bin",
    "dev",
    "etc",
    "lib",
    "nowhere",
    "proc",
    "run",
    "sys",
    "usr",
    "var",
}


def recorded() -> list[Path]:
    return [*sorted(FOLDER.glob("*.json")), PAGE]


def test_the_page_is_that_of_the_records() -> None:
    """Nobody writes in it by hand, and no record is left out."""
    assert page() == PAGE.read_text(encoding="utf-8"), "run scripts/prove --table"


def test_the_page_has_every_record() -> None:
    """By the name of a proof that is there."""
    assert names()
    for name in names():
        assert claim(name), name
        assert f"\n## {name}\n" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.name)
def test_a_record_names_no_place_and_is_small(path: Path) -> None:
    """Of the machine that it was made on it tells processor, cores and Python."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"(?<![\w.>)<])/(\w+)/", text)
    assert set() == set(found) - PLACES_THAT_ARE_ANYWHERE
    assert "://" not in text.replace("http://127.0.0.1", "")
    assert len(text) < (128 << 10 if path == PAGE else 24 << 10)


def test_what_a_proof_prints_and_reports_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """While it is seen as always; a promise that is not kept is told by the exit status."""
    part = run("soak", ["--name", "a b"], command=[sys.executable, "-c", PROOF])
    assert "--name 'a b'" == part.arguments
    assert ["hello --name a b", "NOT KEPT"] == part.lines
    assert [{"what": "turns", "n": 3, "max, MB": 1.23}] == part.figures
    assert 1 == part.status
    assert "hello --name a b\nNOT KEPT\n" == capsys.readouterr().out
    assert "Python" in part.machine
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", part.begun)


def test_folders_of_the_machine_are_not_kept() -> None:
    """Of the tree, of a person and of what is temporary."""
    places = [str(FOLDER), str(Path.home() / "mine"), tempfile.gettempdir() + "/one/two"]
    part = run("soak", places, command=[sys.executable, "-c", "import sys; print(*sys.argv[1:])"])
    assert ["(a file) (a file) (a file)"] == part.lines


def test_what_was_printed_elsewhere_can_be_taken_in() -> None:
    """The machine and its load stand in what a proof prints."""
    machine = "x86_64, 4 cores, Python 3.13.5, load"
    text = f"{machine} 0.3\nall good\n5 s; {machine} 1.0\n"
    begun = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
    part = taken_in(text, arguments="", begun=begun, commit="0123456789", status=0)
    assert "x86_64, 4 cores, Python 3.13.5" == part.machine
    assert (0.3, 1.0) == (part.load_before, part.load_after)
    assert "2026-11-23T20:15Z" == part.begun
    with pytest.raises(ValueError, match="no line tells the machine"):
        taken_in("good", arguments="", begun=begun, commit="", status=0)


def test_a_part_takes_the_place_of_the_same_part(tmp_path: Path) -> None:
    """One with other arguments stands beside it; `anew` begins a new record."""
    other = replace(PART, arguments="--turns 5 --from 5")
    again = replace(PART, status=1)
    for part in (PART, other, again):
        add("soak", part, tmp_path)
    assert ["soak"] == names(tmp_path)
    assert [other, again] == load("soak", tmp_path)
    add("soak", PART, tmp_path, anew=True)
    assert [PART] == load("soak", tmp_path)


def test_of_long_prints_begin_and_end_are_kept(tmp_path: Path) -> None:
    """What stands between is progress; how much it was is said."""
    add("soak", replace(PART, lines=[str(n) for n in range(1000)]), tmp_path)
    (part,) = load("soak", tmp_path)
    assert HEAD_LINES + 1 + TAIL_LINES == len(part.lines)
    assert ("0", "999") == (part.lines[0], part.lines[-1])
    assert "... (900 lines) ..." in part.lines


def test_over_parts_counts_are_added_and_measurements_spread() -> None:
    """A count is whole; the median of two parts is not their sum."""
    rows: list[Row] = [
        {"what": "a", "n": 3, "max": 1.5},
        {"what": "b", "n": 1},
        {"what": "a", "n": 4, "max": 0.5},
    ]
    assert [{"what": "a", "n": 7, "max": "0.5 to 1.5"}, {"what": "b", "n": 1}] == combined(rows)
    assert {"n": 3, "median, ms": 2.0, "max, ms": 7.0} == measured([2, 7, 1], "ms")


def test_the_page_tells_what_was_not_kept(tmp_path: Path) -> None:
    """In its first table, for the proof as a whole."""
    add("soak", PART, tmp_path)
    assert "| 1 | ended well |" in page(tmp_path)
    add("soak", replace(PART, arguments="--from 5", status=1), tmp_path)
    text = page(tmp_path)
    assert "| 2 | NOT KEPT |" in text
    assert "| turns | 10 | 1.5 |" in text


def test_a_proof_has_its_own_options() -> None:
    """All behind its name is given to it."""
    options = recording_options(["--anew", "soak", "--turns", "5", "--anew"])
    assert (True, "soak", ["--turns", "5", "--anew"]) == (
        options.anew, options.name, options.arguments,
    )  # fmt: skip


def test_rows_can_be_given_with_a_text() -> None:
    """Those of a proof that was made where nothing took them."""
    row = '{"what": "turns", "n": 5}'
    options = text_options(
        ["soak", "a.txt", "--commit=0", "--begun=2026-11-23T20:15", "--status=0", "--row", row]
    )
    assert [{"what": "turns", "n": 5}] == options.row
    assert datetime(2026, 11, 23, 20, 15, tzinfo=UTC) == options.begun


def test_a_proof_that_was_not_made_leaves_no_record() -> None:
    """Wrong arguments are no result."""
    before = {path: path.read_bytes() for path in recorded()}
    with pytest.raises(SystemExit, match=r"nothing is kept: soak was not made \(status 2\)"):
        main(["--record", "soak", "--no-such-option"])
    assert before == {path: path.read_bytes() for path in recorded()}


def test_nothing_is_reported_where_nobody_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof that is simply run leaves no file."""
    place = tmp_path / "figures"
    monkeypatch.delenv(REPORT_TO, raising=False)
    reported("turns", {"n": 1})
    assert not place.exists()
    monkeypatch.setenv(REPORT_TO, str(place))
    reported("turns", {"n": 1})
    assert '{"what": "turns", "n": 1}\n' == place.read_text()
