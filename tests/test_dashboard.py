"""The README's `journalctl` commands find what they are said to find, in a real journal."""

from __future__ import annotations

import logging
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sena_pi.cache.stats import Stats
from sena_pi.cache.told import day_event, day_line, stats_event, stats_line
from sena_pi.journal import JournalHandler
from sena_pi.report import Outcome, Source, TurnReport
from sena_pi.told import turn_event
from tests.journal import Journal, journal

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## The journal is the dashboard\n")[1].split("\n## ")[0]
COMMANDS = re.findall(r"^    \$ (journalctl .*)$", SECTION, re.MULTILINE)
TURN = TurnReport(
    turn="7",
    trigger="jarvis",
    outcome=Outcome.ANSWERED,
    source=Source.CACHE,
    tier="card",
    ms={"endpoint": 432.0, "first_audio": 436.5},
)
FAILED = TurnReport(turn="8", trigger="follow-up", outcome=Outcome.FAILED, problems=["by a test"])


def counters() -> dict[str, object]:
    counted = Stats()
    counted.add_by("hits", "card")
    counted.add("misses")
    counted.add("written_bytes", 8192)
    return {
        "today": counted.today.as_dict(),
        "total": counted.total.as_dict(),
        "entries": 2,
        "card_bytes": 8192,
        "budget_bytes": 1 << 20,
        "trouble": None,
    }


@pytest.fixture(scope="module")
def told() -> Iterator[Journal]:
    """A journal that was told of turns, of the cache, and of something that went wrong."""
    with journal() as it:
        handler = JournalHandler(it.socket)
        log = logging.Logger("sena_pi.test")  # noqa: LOG001 - it must not outlive the test
        log.addHandler(handler)
        for report in (TURN, FAILED):
            log.info("%s", report.journal_line(), extra=turn_event(report))
        stats = counters()
        log.info("%s", stats_line(stats), extra=stats_event(stats))
        today = Stats().today.as_dict()
        log.info("%s", day_line(today), extra=day_event(today))
        log.warning("a worker was replaced")
        it.entries("PRIORITY=4")
        yield it
        handler.close()


def printed(command: str, told: Journal) -> str:
    """Of a command as it stands in the README; here no unit but an identifier says who wrote."""
    assert "-u sena " in command
    here = command.replace("-u sena ", "-t sena ")
    real = here.replace("journalctl", f"journalctl -q --namespace={told.namespace}", 1)
    run = subprocess.run(
        ["sh", "-c", real], capture_output=True, text=True, check=True, timeout=30
    )  # fmt: skip
    assert "" == run.stderr
    return run.stdout


FOUND = (
    ("turn 8, by follow-up, failed", "a worker was replaced"),
    ('"436.5"', "turn 8"),
    ('"SENA_BYTES_WRITTEN":"8192"', "SENA_TURN_ID"),
    ("a worker was replaced", "turn 7"),
    ("1 jarvis", "a worker was replaced"),
)
"""For each command what it prints, and what it does not."""


def test_there_are_as_many_as_are_asked() -> None:
    """None is left out below."""
    assert len(FOUND) == len(COMMANDS)


@pytest.mark.parametrize("number", range(len(FOUND)))
def test_a_command_of_the_readme_finds_it(told: Journal, number: int) -> None:
    """And nothing else that was told."""
    found, not_found = FOUND[number]
    output = printed(COMMANDS[number], told)
    assert found in output
    assert not_found not in output


def test_fields_that_the_readme_names_are_told(told: Journal) -> None:
    """By names, and of SENA_EVENT by values."""
    entries = told.entries()
    assert set() == set(re.findall(r"\bSENA_[A-Z_]+", SECTION)) - {
        name for entry in entries for name in entry
    }
    assert set(re.findall(r"\bSENA_EVENT=(\w+)", SECTION)) <= {
        entry.get("SENA_EVENT") for entry in entries
    }
