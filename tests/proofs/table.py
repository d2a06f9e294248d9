"""The page of measurements, made of the records."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.proofs.kept import FOLDER, REPOSITORY, Part, load, names
from tests.prove.figures import Row

PAGE = REPOSITORY / "docs/measurements.md"
_HEAD = """\
# Measurements

Made by `scripts/prove --table` from the records in `docs/proofs`; a record is made by
`scripts/prove --record NAME`. Each part of a proof is a call of its own. Counts of the same row are
added over the parts; of other figures the lowest and the highest are told. Behind a commit, "+"
says that the tree held more than was committed. NOT KEPT is a promise of the proof's own; not each
proof makes one, and where the load was high, figures of time say little. All of it ran on the
machine that is named, with the load of a minute before and after; none of it on a Raspberry Pi.
"""


def page(folder: Path = FOLDER) -> str:
    """All of it, as Markdown."""
    recorded = {name: load(name, folder) for name in names(folder)}
    overview = _table(
        ("proof", "what", "last", "parts", "outcome"),
        [
            (f"[{name}](#{name})", claim(name), parts[-1].begun[:10], str(len(parts)),
             "ended well" if not any(part.status for part in parts) else "NOT KEPT")
            for name, parts in recorded.items()
        ],
    )  # fmt: skip
    sections = [_section(name, parts) for name, parts in recorded.items()]
    return "\n".join([_HEAD, *overview, "", *sections])


def claim(name: str) -> str:
    """The first line of a proof's own description."""
    source = (REPOSITORY / "tests/prove" / f"{name}.py").read_text(encoding="utf-8")
    text = ast.get_docstring(ast.parse(source)) or ""
    return text.partition("\n")[0]


def combined(rows: Sequence[Row]) -> list[Row]:
    """One row for each "what": counts added, measurements from the lowest to the highest."""
    sums: dict[str, Row] = {}
    for row in rows:
        known = sums.setdefault(str(row["what"]), {"what": row["what"]})
        for name, value in row.items():
            if isinstance(value, int):
                before = known.get(name, 0)
                known[name] = value + (before if isinstance(before, int) else 0)
            elif isinstance(value, float):
                values = [
                    float(other[name])
                    for other in rows
                    if other["what"] == row["what"] and name in other
                ]
                low, high = min(values), max(values)
                known[name] = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return list(sums.values())


def _section(name: str, parts: Sequence[Part]) -> str:
    lines = [f"## {name}", "", claim(name), ""]
    lines += _table(
        ("part", "begun (UTC)", "commit", "machine", "load", "seconds", "exit status"),
        [
            (f"`{_call(name, part)}`", part.begun, part.commit, part.machine, _load(part),
             "?" if part.took_s is None else f"{part.took_s:.0f}", str(part.status))
            for part in parts
        ],
    )  # fmt: skip
    if rows := combined([row for part in parts for row in part.figures]):
        columns = list(dict.fromkeys(name for row in rows for name in row))
        cells = [tuple(str(row.get(column, "")) for column in columns) for row in rows]
        lines += ["", *_table(("", *columns[1:]), cells)]
    for part in parts:
        lines += ["", f"`{_call(name, part)}`:", "", *_block(part.lines)]
    return "\n".join([*lines, ""])


def _call(name: str, part: Part) -> str:
    return f"scripts/prove {name} {part.arguments}".rstrip()


def _load(part: Part) -> str:
    after = "?" if part.load_after is None else f"{part.load_after:.1f}"
    return f"{part.load_before:.1f}, {after}"


def _block(lines: Sequence[str]) -> Iterator[str]:
    """Indented, so that nothing in it is Markdown."""
    return (f"    {line}".rstrip() for line in lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in lines]
