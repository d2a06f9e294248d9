"""What others do, written as a competent person would write it.

Each holds its bound on disk; only the prototype has none, as it had none.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sena_pi.cache.tables import row_not_found, tables_of
from sena_pi.errors import EngineUnavailable

BLOCK_BYTES = 4096
INSTALL = "install the benchmark's libraries: pip install 'sena-pi[bench]'"


class DiskCache:
    """diskcache as it comes, with the bound and the policy set; values below 32 KiB in its DB."""

    def __init__(self, folder: Path, budget_bytes: int, *, policy: str, name: str) -> None:
        try:
            import diskcache  # type: ignore[import-untyped]
        except ImportError as error:
            raise EngineUnavailable(f"diskcache is missing; {INSTALL}") from error
        self.name = name
        self._cache = diskcache.Cache(str(folder), size_limit=budget_bytes, eviction_policy=policy)

    def get(self, key: bytes) -> bytes | None:
        """As `Design.get`; under LRU each hit is a write transaction."""
        value: bytes | None = self._cache.get(key)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """As `Design.put`; at most ten entries are culled at a time."""
        self._cache.set(key, value)

    def put_many(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        """All in one transaction."""
        with self._cache.transact():
            for key, value in items:
                self._cache.set(key, value)

    def after_turn(self) -> None:
        """Nothing was put off."""

    def close(self) -> None:
        """As `Design.close`."""
        self._cache.close()


class SqliteUtils:
    """A table by sqlite-utils with its defaults: journal DELETE, synchronous FULL.

    The oldest entries go when the pages in use are more than the bound. Deleted pages are used
    again, so the file stays within it too.
    """

    name = "sqlite-utils"

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        self._missing = row_not_found()
        self._database = tables_of(folder / "cache.db")
        self._table: Any = self._database.table("cache")
        self._most_pages = budget_bytes // self._pragma("page_size")

    def get(self, key: bytes) -> bytes | None:
        """As `Design.get`."""
        try:
            value: bytes = self._table.get(key)["value"]
        except self._missing:
            return None
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """As `Design.put`: an upsert, then the oldest go until it fits."""
        self._table.upsert(self._row(key, value), pk="key")
        while self._pragma("page_count") - self._pragma("freelist_count") > self._most_pages:
            oldest = next(self._table.rows_where(order_by="rowid", select="key", limit=1))
            self._table.delete(oldest["key"])

    def put_many(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        """All by one call; the bound is not looked at."""
        self._table.upsert_all((self._row(key, value) for key, value in items), pk="key")

    def after_turn(self) -> None:
        """Nothing was put off."""

    def close(self) -> None:
        """As `Design.close`."""
        self._database.close()

    @staticmethod
    def _row(key: bytes, value: bytes) -> dict[str, Any]:
        return {"key": key, "value": value, "created": time.time()}

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])


class FilePerEntry:
    """One file an entry in one folder, no index, no fsync; the oldest written go first."""

    name = "file per entry"

    def __init__(self, folder: Path, budget_bytes: int) -> None:
        self._folder = folder
        self._budget_bytes = budget_bytes
        found = sorted(
            (stat.st_mtime_ns, file.name, stat.st_size)
            for file in os.scandir(folder)
            if file.is_file() and (stat := file.stat())
        )
        self._on_disk = {name: self._blocks(size) for _, name, size in found}
        self._used = sum(self._on_disk.values())

    def get(self, key: bytes) -> bytes | None:
        """As `Design.get`."""
        try:
            return (self._folder / key.hex()).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: bytes, value: bytes) -> None:
        """As `Design.put`."""
        name = key.hex()
        (self._folder / name).write_bytes(value)
        self._used += self._blocks(len(value)) - self._on_disk.pop(name, 0)
        self._on_disk[name] = self._blocks(len(value))
        while self._used > self._budget_bytes:
            oldest = next(iter(self._on_disk))
            (self._folder / oldest).unlink(missing_ok=True)
            self._used -= self._on_disk.pop(oldest)

    def after_turn(self) -> None:
        """Nothing was put off."""

    def close(self) -> None:
        """Nothing is held open."""

    @staticmethod
    def _blocks(size: int) -> int:
        """Bytes a file of this size takes."""
        return -(-size // BLOCK_BYTES) * BLOCK_BYTES


class JsonIndex:
    """The desktop prototype, from its description.

    Keys are SHA-256. Texts lie in a JSON index that is written anew at every set, audio in files
    beside it that the index names. Nothing is ever evicted. What is no longer than a text (1 KiB)
    is taken for a text; as payloads are no UTF-8 it stands there in base64, a third longer.
    """

    name = "prototype (JSON)"
    longest_text_bytes = 1024

    def __init__(self, folder: Path, budget_bytes: int) -> None:  # noqa: ARG002 - it has no bound
        self._index = folder / "cache_index.json"
        self._audio = folder / "audio"
        self._audio.mkdir(exist_ok=True)
        self._entries: dict[str, dict[str, Any]] = {}
        if self._index.exists():
            self._entries = json.loads(self._index.read_text())

    def get(self, key: bytes) -> bytes | None:
        """As `Design.get`; the index is in memory, audio is read from its file."""
        entry = self._entries.get(hashlib.sha256(key).hexdigest())
        if entry is None:
            return None
        if "text" in entry:
            return base64.b64decode(entry["text"])
        audio: str = entry["audio"]
        return (self._audio / audio).read_bytes()

    def put(self, key: bytes, value: bytes) -> None:
        """As `Design.put`, but for a bound."""
        self._set(key, value)
        self._save()

    def put_many(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        """The index is written once."""
        for key, value in items:
            self._set(key, value)
        self._save()

    def after_turn(self) -> None:
        """Nothing was put off."""

    def close(self) -> None:
        """Nothing is held open."""

    def _set(self, key: bytes, value: bytes) -> None:
        name = hashlib.sha256(key).hexdigest()
        entry: dict[str, Any] = {"created": time.time(), "ttl": 3600, "size": len(value)}
        if len(value) <= self.longest_text_bytes:
            entry["text"] = base64.b64encode(value).decode()
        else:
            entry["audio"] = f"{name}.wav"
            (self._audio / entry["audio"]).write_bytes(value)
        self._entries[name] = entry

    def _save(self) -> None:
        with self._index.open("w") as file:
            json.dump(self._entries, file, indent=2)
