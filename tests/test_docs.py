"""The README and the program tell the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sena_pi.arguments import parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def subcommands() -> list[str]:
    """Every command, with its actions where it has some."""
    found = []
    for name, command in parser()._subparsers._group_actions[0].choices.items():  # type: ignore[union-attr]
        actions = command._subparsers
        if actions is None:
            found.append(name)
        else:
            found += [f"{name} {action}" for action in actions._group_actions[0].choices]
    return found


@pytest.mark.parametrize("command", subcommands())
def test_every_command_is_in_the_readme(command: str) -> None:
    """Who reads the README knows what can be asked of `sena`."""
    name, _, action = command.partition(" ")
    rows = [
        line for line in README.splitlines() if line.startswith("|") and f"`sena {name}" in line
    ]
    assert any(action in row for row in rows)


def test_the_two_commands_come_first() -> None:
    """What it is, a picture of the parts, and the two commands: in the first screen or two."""
    head = README[:3500]
    assert head.index("Hey Sena") < head.index("audio worker") < head.index("./scripts/demo")
    assert "./scripts/test" in head


@pytest.mark.parametrize("path", sorted(ROOT.glob("scripts/*")), ids=lambda path: path.name)
def test_scripts_can_be_run(path: Path) -> None:
    """Every script is executable and says what it is for."""
    assert path.stat().st_mode & 0o111
    assert path.read_text().splitlines()[1].startswith("# ")


def test_the_locks_name_no_place() -> None:
    """No address and no path of a machine is in a lock file; every package has a hash."""
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text()
        assert not re.search(r"://|^--|/(home|root|tmp)/", text, re.MULTILINE), lock.name
        packages = re.findall(r"^[a-z0-9][\w.-]*==", text, re.MULTILINE)
        hashed = re.findall(r"^[a-z0-9][\w.-]*==[^\n]*\\\n +--hash=sha256:", text, re.MULTILINE)
        assert len(packages) == len(hashed) > 0, lock.name
        assert "enum34" not in text
