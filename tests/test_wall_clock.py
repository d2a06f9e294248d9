"""The wall clock is read where the time of day is meant, and nowhere else.

A board without a battery starts in the past, and its clock jumps when the network comes: a duration
or a deadline by it would end at once, or never.
"""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "sena_pi"

READS = {
    ("time", "time"), ("time", "time_ns"), ("time", "localtime"), ("time", "gmtime"),
    ("time", "CLOCK_REALTIME"), ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"),
    ("date", "today"),
}  # fmt: skip

MEANT = {
    "allowance.py": "a day begins at midnight",
    "cache/clock.py": "answers age",
    "cache/responses.py": "answers age",
    "cache_prose.py": "today's figures",
    "clock.py": "what time is it",
    "doctor/machine.py": "shows the time",
}


def readers() -> set[str]:
    """The modules that read the wall clock, or hand its reading on."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            attribute = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if attribute and (node.value.id, node.attr) in READS:
                found.add(str(path.relative_to(PACKAGE)))
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                found.add(str(path.relative_to(PACKAGE)))
    return {name for name in found if not name.startswith("bench/")}


def test_no_duration_is_measured_by_the_wall_clock() -> None:
    """Whoever is not named here counts by a clock that never jumps."""
    assert set(MEANT) == readers()
