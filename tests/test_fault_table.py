"""The table of faults is true: every fault is in it, every test is there, every removal fits."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.fault_table import FAULTS, Handling

REPOSITORY = Path(__file__).resolve().parents[1]
HANDLINGS = [
    pytest.param(handling, id=f"{name}-{number}")
    for name, fault in FAULTS.items()
    for number, handling in enumerate(fault.handlings, 1)
]


def test_all_thirty_faults_have_a_handling_and_a_test() -> None:
    """None is forgotten, and none is only described."""
    assert [f"F{number}" for number in range(1, 31)] == list(FAULTS)
    for fault in FAULTS.values():
        assert fault.happens
        assert fault.expected
        assert fault.handlings
        assert all(handling.tests and handling.removal for handling in fault.handlings)


@pytest.mark.parametrize("handling", HANDLINGS)
def test_every_named_test_exists(handling: Handling) -> None:
    """By file and name; a parameter must at least be written somewhere."""
    for test in handling.tests:
        path, _, name = test.partition("::")
        name, _, parameter = name.rstrip("]").partition("[")
        tree = ast.parse((REPOSITORY / path).read_text())
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        assert name in [node.name for node in tree.body if isinstance(node, kinds)]
        if parameter:
            texts = (REPOSITORY / path).read_text() + (REPOSITORY / "tests/faults.py").read_text()
            assert f'"{parameter}"' in texts


@pytest.mark.parametrize("handling", HANDLINGS)
def test_every_removal_fits_once_and_leaves_a_program(handling: Handling) -> None:
    """It takes away the handling and nothing else: a program that does not run proves nothing."""
    for edit in handling.removal:
        source = (REPOSITORY / edit.file).read_text()
        assert 1 == source.count(edit.old), edit.old
        assert edit.new not in (edit.old, None)
        compile(source.replace(edit.old, edit.new), edit.file, "exec")


@pytest.mark.parametrize("handling", HANDLINGS)
def test_the_place_of_a_handling_is_where_its_removal_is(handling: Handling) -> None:
    """Module and function, or class, that are there."""
    module, _, name = handling.where.partition(":")
    path = REPOSITORY / f"{module.replace('.', '/')}.py"
    assert path in [REPOSITORY / edit.file for edit in handling.removal]
    nodes: list[ast.stmt] = ast.parse(path.read_text()).body
    for part in name.split("."):
        named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        found = [node for node in nodes if isinstance(node, named) and node.name == part]
        assert found, f"{handling.where}: there is no {part}"
        nodes = found[0].body
