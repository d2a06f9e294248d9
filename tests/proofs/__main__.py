"""`scripts/prove --record NAME ...`, `--record-text NAME FILE ...` and `--table`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.proofs import recording
from tests.proofs.kept import REPOSITORY, add
from tests.proofs.table import PAGE, page

RESULTS = (0, 1)
"""Exit statuses of a proof that was made. Others are of wrong arguments, or of one broken off."""


def main(argv: Sequence[str]) -> int:
    """Do it, and make the page anew; the exit status is the proof's, as without a record."""
    what, *rest = argv
    status = 0
    match what:
        case "--record":
            options = recording_options(rest)
            part = recording.run(options.name, options.arguments)
            status = part.status
            if status not in RESULTS:
                sys.exit(f"nothing is kept: {options.name} was not made (status {status})")
            add(options.name, part, anew=options.anew)
        case "--record-text":
            options = text_options(rest)
            part = recording.taken_in(
                options.file.read_text(encoding="utf-8"),
                arguments=options.arguments,
                begun=options.begun,
                commit=options.commit,
                status=options.status,
                took_s=options.seconds,
                figures=options.row,
            )
            add(options.name, part, anew=options.anew)
        case "--table":
            pass
        case _:
            sys.exit(f"there is no {what}; there are --record, --record-text and --table")
    PAGE.write_text(page(), encoding="utf-8")
    return status


def recording_options(argv: Sequence[str]) -> argparse.Namespace:
    """Of `--record`: all behind the name is the proof's."""
    parser = _parser("--record")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="given to the proof")
    return parser.parse_args(argv)


def text_options(argv: Sequence[str]) -> argparse.Namespace:
    """Of `--record-text`, for what ran where nothing was recorded."""
    parser = _parser("--record-text")
    parser.add_argument("file", type=Path, help="what it printed")
    parser.add_argument("--commit", required=True, help="of the tree that ran")
    parser.add_argument("--begun", required=True, type=_moment, help="UTC, 2026-11-23T20:15")
    parser.add_argument("--status", required=True, type=int, help="its exit status")
    parser.add_argument("--seconds", type=float, help="how long it took")
    parser.add_argument("--arguments", default="", help="given to the proof, in one word")
    text = "JSON, as the proof would have reported it; may be repeated"
    parser.add_argument("--row", action="append", default=[], type=json.loads, help=text)
    return parser.parse_args(argv)


def _parser(what: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"scripts/prove {what}")
    parser.add_argument("--anew", action="store_true", help="forget the proof's earlier parts")
    parser.add_argument("name", type=_proof, help="of the proof")
    return parser


def _proof(name: str) -> str:
    if not (REPOSITORY / "tests/prove" / f"{name}.py").exists():
        raise argparse.ArgumentTypeError(f"there is no proof {name}")
    return name


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
