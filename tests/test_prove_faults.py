"""The proof of faults can fail: what takes nothing away, skips or breaks all shows nothing."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.fault_table import Edit, Handling
from tests.prove.faults import Outcomes, shown

HANDLED = "def handled():\n    return True\n"
TESTS = textwrap.dedent("""
    import pytest
    from part import handled

    @pytest.mark.parametrize("case", ["one", "other one"])
    def test_handled(case):
        assert handled() or case == "one"

    def test_that_skips():
        pytest.skip("not here")
""")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "tests").mkdir(parents=True)
    (tree / "part.py").write_text(HANDLED)
    (tree / "tests/test_part.py").write_text(TESTS)
    return tree


@pytest.mark.parametrize(
    ("new", "test", "verdict", "words"),
    [
        ("False", "test_handled", "shown", "2 passed with, 1 failed without, 1 other cases"),
        ("1 == 1", "test_handled", "not shown", "passes without the handling"),
        ("False", "test_that_skips", "not shown", "is skipped here with the handling"),
        ("(", "test_handled", "not shown", "could not be run without the handling"),
    ],
)
def test_only_a_test_that_fails_without_its_handling_shows_it(
    tree: Path, new: str, test: str, verdict: str, words: str
) -> None:
    """And what was taken away is put back."""
    handling = Handling(
        "part:handled", (f"tests/test_part.py::{test}",), (Edit("part.py", "True", new),)
    )
    found, said = shown(handling, tree)
    assert verdict == found, said
    assert words in said
    assert HANDLED == (tree / "part.py").read_text()


def test_the_cases_of_a_test_are_its_own() -> None:
    """Not those of another whose name begins alike."""
    found = Outcomes(passed=["t.py::test_a", "t.py::test_a_b"], failed=["t.py::test_a[x]"])
    assert (1, 1, 0) == found.of("t.py::test_a")
    assert (1, 0, 0) == found.of("t.py::test_a_b")
