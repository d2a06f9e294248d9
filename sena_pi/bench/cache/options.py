"""What to measure, and with what figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PARTS = ("bytes", "lookups", "eviction", "open", "refresh")
CHOOSES = frozenset(
    {
        "designs",
        "seeds",
        "answer_bytes",
        "table_sizes",
        "refresh_budgets",
        "parts",
        "out",
        "card",
        "scratch",
        "resume",
    }
)
"""Options that say which measurements are made and where, not how each is made."""


@dataclass(frozen=True, slots=True)
class Options:
    """One run of the benchmark.

    Attributes:
        designs: names from the registry; none means all.
        seeds: of the turn traces; the first is the seed of every other part.
        days: length of the turn traces, 2,000 turns each.
        answer_bytes: text and speech of one answer; one trace for each of these.
        whole: one entry an answer instead of text and sentences apart.
        shared_sentences: share of sentences spoken after many answers.
        prefilled: fill the cache to its bound with cold entries before counting bytes.
        sync_every: turns between two syncfs. 1: all a turn dirtied reaches the device before the
            next one, as when turns are further apart than the kernel's writeback.
        parts: of `PARTS`.
        out: folder of the report.
        resume: go on with the newest report of the same options in `out`.
        budget_bytes: bound of each cache in the bytes part.
        table_sizes: entries in the tables of the look-up part.
        entry_bytes: size of one entry in the look-up and open parts.
        gets: timed look-ups for each design and table size.
        requests: length of an eviction trace.
        objects: different objects in it (scans add more).
        open_entries: entries in the cache of the open part.
        openings: how often it is opened.
        refresh_budgets: requests a day for aged answers in the refresh part, one result each.
        refresh_days: days of its trace.
        refresh_turns: turns a day in it, habits beside them.
        card: folder for the loop device's sparse file.
        scratch: folder for all of it where there is no loop device.
    """

    designs: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (1,)
    days: float = 1.0
    answer_bytes: tuple[int, ...] = (9216,)
    whole: bool = False
    shared_sentences: float = 0.1
    prefilled: bool = False
    sync_every: int = 1
    parts: tuple[str, ...] = PARTS
    out: Path = Path("bench-cache")
    resume: bool = False
    budget_bytes: int = 32 * 1024 * 1024
    table_sizes: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    entry_bytes: int = 4096
    gets: int = 3_000
    requests: int = 20_000
    objects: int = 2_000
    open_entries: int = 100_000
    openings: int = 3
    refresh_budgets: tuple[int, ...] = (2, 5, 20)
    refresh_days: int = 28
    refresh_turns: int = 100
    card: Path = Path("/dev/shm")  # noqa: S108 - memory, so that no card is worn
    scratch: Path = Path("/var/tmp")  # noqa: S108 - a real file system on every Debian

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(self).items()
        }

    def how(self) -> dict[str, Any]:
        """What shapes each measurement: results of equal `how` may stand in one report."""
        return {name: value for name, value in self.to_json().items() if name not in CHOOSES}
