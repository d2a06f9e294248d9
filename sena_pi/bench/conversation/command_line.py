"""The benchmark's arguments."""

from __future__ import annotations

import argparse
from pathlib import Path

from sena_pi.bench.conversation.profiles import PROFILES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    add = parser.add_argument
    add("--repeat", type=_count, default=1, metavar="N", help="conversations in each way (1)")
    add(
        "--profile",
        choices=sorted(PROFILES),
        default="prototype",
        help="how fast the loopback cloud is (%(default)s)",
    )
    add("--real", action="store_true", help="ask the real cloud with the real key; it costs money")
    add(
        "--heard-here",
        action="store_true",
        help="one more way: the cache, with a transcriber on this machine that takes no time",
    )
    add("--no-warm", action="store_true", help="ask nothing a second time: only misses count")
    add("--no-fillers", action="store_true", help="say nothing while an answer is waited for")
    add("--local-voice", action="store_true", help="let a voice on this machine speak, too")
    add("--turns", type=_count, default=0, metavar="N", help="only the first N questions")
    add(
        "--speech-length",
        type=_share,
        default=1.0,
        metavar="SHARE",
        help="of the loopback's sound, to save time; when it comes stays the same (1)",
    )
    add("--questions", type=Path, metavar="FOLDER", help="where spoken questions are kept")
    add("--json", type=Path, metavar="FILE", help="write everything there")
    add("--html", type=Path, metavar="FILE", help="write a report with plots there")
    add("--config", type=Path, metavar="FILE", help="settings instead of /etc/sena/sena.toml")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number from 1 up is needed")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError("a number above 0 and up to 1 is needed")
    return share
