"""The results as one HTML file that needs nothing else: tables, and plots inside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from sena_pi.bench.conversation.notes import notes
from sena_pi.bench.conversation.plots import plots
from sena_pi.bench.conversation.report import (
    CLOUD_HEAD,
    RATIO_HEAD,
    SOURCE_HEAD,
    STAGE_HEAD,
    WAIT_HEAD,
    Report,
    cloud_rows,
    ratio_rows,
    source_rows,
    stage_rows,
    summary,
    wait_rows,
)

_STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: .2em .7em; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; }
"""


def page(report: Report) -> str:
    """The report as HTML.

    Raises:
        EngineUnavailable: matplotlib is not installed.
    """
    found = report.findings
    parts = [
        "<h1>A conversation of ten turns</h1>",
        _paragraph(f"{report.machine.about}."),
        _paragraph(f"Cloud: {report.cloud}."),
        _table(*summary(report.results, found)),
        _table(RATIO_HEAD, ratio_rows(found)),
        _table(CLOUD_HEAD, cloud_rows(found)),
        "<h2>What follows</h2>",
        _list(report.advice),
        "<h2>To read this</h2>",
        _list(notes(found)),
        "<h2>What the first audio waits for, one after the other, in mean seconds</h2>",
        _table(WAIT_HEAD, wait_rows(found)),
        "<h2>First audio, by who answered, in seconds</h2>",
        _table(SOURCE_HEAD, source_rows(found)),
        *plots(report.results, found.ways),
    ]
    for way, figures in found.ways.items():
        parts += [f"<h2>{escape(way)}, in seconds</h2>", _table(STAGE_HEAD, stage_rows(figures))]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>sena: a conversation</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_row("th", head), *(_row("td", row) for row in rows)]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _row(kind: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells) + "</tr>"
