"""Processes that write a cache and are killed, again and again, and what they leave."""

from __future__ import annotations

import os
import random
import select
import signal
from pathlib import Path

from tests.cache.cuts import NOTHING, Promise, Verdict, killed_in, look
from tests.cache.writer import Writer

LONGEST_S = 0.12
VERSIONS_A_LIFE = 100_000


def kill_writers(place: Path, lives: int, chance: random.Random, *, first: int = 0) -> Verdict:
    """Let writers use the same cache one after another, and kill each at any moment."""
    verdict = Verdict()
    folder = place / "cache"
    for life in range(first, first + lives):
        marks = place / "marks"
        marks.unlink(missing_ok=True)
        _killed(folder, marks, chance.randrange(1 << 30), life, chance.uniform(0, LONGEST_S))
        lines = marks.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        said = Promise.read(whole[-1]) if whole else NOTHING
        look(folder, said, killed_in(said), verdict, f"life {life}")
    return verdict


def _killed(folder: Path, marks: Path, seed: int, life: int, longest_s: float) -> None:
    """One writer's life: it is killed so long after it has told of its first step."""
    reads, tells = os.pipe()
    writer = os.fork()
    if writer == 0:
        _write_for_ever(folder, marks, tells, seed, life)
    try:
        os.close(tells)
        assert os.read(reads, 1), "the writer did not start"
        # Readable when it ends by itself, which it never should.
        assert not select.select([reads], [], [], longest_s)[0], "the writer came to an end"
    finally:
        os.close(reads)
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)


def _write_for_ever(folder: Path, marks: Path, tells: int, seed: int, life: int) -> None:
    try:
        descriptor = os.open(marks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        first_version = 1 + (life + 1) * VERSIONS_A_LIFE
        writer = Writer(folder, descriptor, seed, first_version=first_version)
        os.write(tells, b"1")
        writer.run(0)
    finally:
        os._exit(1)
