"""What the tests of the benchmark share."""

from __future__ import annotations

from pathlib import Path

from sena_pi.bench.cache.traces import Entry


def on_disk_bytes(folder: Path) -> int:
    """What the files of a folder take on the disk."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


def entries(count: int, size: int) -> list[Entry]:
    """Different entries of one size."""
    return [Entry.named(f"entry {number}", size) for number in range(count)]


class Memory:
    """A design that keeps all, in memory alone."""

    name = "memory"

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self._values[key] = value

    def after_turn(self) -> None:
        """Nothing was put off."""

    def close(self) -> None:
        """Nothing is held open."""
