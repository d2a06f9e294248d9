"""The manual page tells every command and every option, and is well formed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sena_pi.arguments import parser
from tests.manual import commands

PAGE = Path(__file__).resolve().parents[1] / "docs" / "sena.1"
STALE = "run scripts/manual"


def plain() -> str:
    """Without the escapes."""
    return PAGE.read_text().replace(r"\-", "-").replace(r"\(dq", '"')


@pytest.mark.parametrize("path", [" ".join(path) for path, _, _ in commands(parser())])
def test_every_command_has_its_section(path: str) -> None:
    """As it is typed."""
    assert re.search(rf'^\.SS "sena {re.escape(path)}\b', plain(), re.MULTILINE), STALE


def test_every_option_is_explained_below_its_command() -> None:
    """And none that is not there any more."""
    sections = re.split(r'^\.S[SH] "?', plain(), flags=re.MULTILINE)
    for path, command, _ in commands(parser()):
        head = f"sena {' '.join(path)}"
        (section,) = [it for it in sections if re.match(rf"{head}[ \"]", it)]
        told = {
            option
            for line in re.findall(r"^\.B (-.*)$", section, re.MULTILINE)
            for option in line.split(", ")
        }
        wanted = {option for it in command._actions for option in it.option_strings}
        assert wanted - {"-h", "--help"} == told, f"{path}: {STALE}"


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man")
def test_man_shows_it_without_a_complaint() -> None:
    """Every line of it."""
    run = subprocess.run(
        ["man", "--warnings=all", "-l", str(PAGE)],
        env={"LC_ALL": "C.UTF-8", "MANWIDTH": "80", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "" == run.stderr
    assert "sena doctor" in run.stdout
