"""What a card may hold after a power cut, from a record of what a process did to its files.

The card keeps what was synced. Of what was written to a file since its last sync it may keep any
part, in any order, and of each write any of its sectors. What was created, renamed or removed in a
folder since the folder's last sync may or may not have happened.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path, PurePath
from typing import Final

import pytest

SECTOR_BYTES: Final = 512
_SOURCE: Final = Path(__file__).with_name("disk_recorder.c")
_EVENT: Final = struct.Struct("<IiqIIQ")


class Operation(IntEnum):
    """As in disk_recorder.c."""

    OPEN = 1
    CREATE = 2
    CLOSE = 3
    WRITE = 4
    TRUNCATE = 5
    ALLOCATE = 6
    SYNC = 7
    SYNC_FOLDER = 8
    RENAME = 9
    UNLINK = 10
    MARK = 11
    FOLDER = 12


@dataclass(frozen=True, slots=True)
class Event:
    """One thing the process did."""

    operation: Operation
    descriptor: int
    offset: int
    name: str
    data: bytes


def recorded(
    module: str, arguments: Sequence[str], folder: Path, place: Path, **more: str
) -> list[Event]:
    """Run a module on `folder`, which exists, and record what it does to the files in it.

    Its second argument is to be the file of its marks, `place / "trace.marks"`. Skips the test
    where there is no compiler, or nothing was recorded.
    """
    trace = place / "trace"
    subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=preloaded(folder, place, **more),
        check=True,
        timeout=300,
    )
    if not trace.exists():
        pytest.skip("LD_PRELOAD has no effect here")
    return list(_events(trace.read_bytes()))


def preloaded(folder: Path, place: Path, **more: str) -> dict[str, str]:
    """Environment of a process that is recorded. Skips the test where there is no compiler."""
    library = place / "disk_recorder.so"
    compiler = shutil.which("gcc") or pytest.skip("gcc is not on this machine")
    subprocess.run(
        [compiler, "-O1", "-Wall", "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl", "-pthread"],
        check=True,
        timeout=60,
    )
    names = {"DISK_RECORDER_FOLDER": str(folder), "DISK_RECORDER_TRACE": str(place / "trace")}
    return {**os.environ, **names, **more, "LD_PRELOAD": str(library)}


def _events(data: bytes) -> Iterator[Event]:
    at = 0
    while at < len(data):
        operation, descriptor, offset, name_bytes, data_bytes, _ = _EVENT.unpack_from(data, at)
        at += _EVENT.size
        name = data[at : at + name_bytes].decode()
        at += name_bytes
        yield Event(Operation(operation), descriptor, offset, name, data[at : at + data_bytes])
        at += data_bytes


@dataclass(slots=True)
class _File:
    """A file: what is on the card for sure, and what was done since."""

    synced: bytearray = field(default_factory=bytearray)
    since: list[Event] = field(default_factory=list)

    def sync(self) -> None:
        for event in self.since:
            _apply(self.synced, event)
        self.since.clear()


class Disk:
    """A folder on a card that forgets what was not synced.

    Args:
        contents: what is in it, for sure, in the beginning: bytes by name.
        folders: those in it, for sure, in the beginning.
        honest: a sync does what it says.
    """

    def __init__(
        self,
        contents: Mapping[str, bytes] | None = None,
        *,
        folders: Iterable[str] = (),
        honest: bool = True,
    ) -> None:
        self._honest = honest
        self._names = {name: _File(bytearray(data)) for name, data in (contents or {}).items()}
        self._open: dict[int, _File] = {}
        self._synced_names = dict(self._names)
        self._since: list[tuple[Event, _File]] = []
        self._folders = {"", *folders}

    def do(self, event: Event) -> None:
        """The process does this."""
        match event.operation:
            case Operation.OPEN:
                self._open[event.descriptor] = self._names[event.name]
            case Operation.CREATE:
                self._open[event.descriptor] = self._names[event.name] = _File()
                self._since.append((event, self._names[event.name]))
            case Operation.CLOSE:
                self._open.pop(event.descriptor, None)
            case Operation.WRITE | Operation.TRUNCATE | Operation.ALLOCATE:
                self._open[event.descriptor].since.append(event)
            case Operation.SYNC:
                if self._honest:
                    self._open[event.descriptor].sync()
            case Operation.SYNC_FOLDER:
                self._sync_folder(event.name)
            case Operation.FOLDER:
                self._since.append((event, _File()))
            case Operation.RENAME | Operation.UNLINK:
                self._since.append((event, _apply_name(self._names, event)))

    def _sync_folder(self, folder: str) -> None:
        done = [item for item in self._since if _folder_of(item[0]) == folder]
        self._since = [item for item in self._since if _folder_of(item[0]) != folder]
        for event, file in done:
            _happen(self._synced_names, self._folders, event, file)

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """One of the states that the folder may be in now: content by name."""
        names, folders = dict(self._synced_names), set(self._folders)
        luck = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for event, file in self._since:
            if chance.random() < luck:
                _happen(names, folders, event, file)
        return {
            name: _torn(file, chance)
            for name, file in names.items()
            if all(str(folder) in folders for folder in PurePath(name).parents[:-1])
        }


def _folder_of(event: Event) -> str:
    """Of what is created, renamed or removed; "" is the outermost."""
    return event.name.rpartition("/")[0]


def _happen(names: dict[str, _File], folders: set[str], event: Event, file: _File) -> None:
    if event.operation is Operation.FOLDER:
        folders.add(event.name)
    elif event.operation is Operation.CREATE:
        names[event.name] = file
    elif event.name in names:
        _apply_name(names, event)


def _apply_name(names: dict[str, _File], event: Event) -> _File:
    file = names.pop(event.name)
    if event.operation is Operation.RENAME:
        names[event.data.decode()] = file
    return file


def _apply(content: bytearray, event: Event) -> None:
    match event.operation:
        case Operation.WRITE:
            _lengthen(content, event.offset)
            content[event.offset : event.offset + len(event.data)] = event.data
        case Operation.TRUNCATE:
            del content[event.offset :]
            _lengthen(content, event.offset)
        case Operation.ALLOCATE:
            _lengthen(content, event.offset)


def _lengthen(content: bytearray, length: int) -> None:
    content.extend(bytes(max(0, length - len(content))))


def _torn(file: _File, chance: random.Random) -> bytes:
    """What was synced, and some of what was done since."""
    content = bytearray(file.synced)
    since = list(file.since)
    if chance.random() < 0.5:
        chance.shuffle(since)
    luck = chance.choice((0.0, 0.2, 0.5, 0.8, 1.0))
    for event in since:
        if event.operation is not Operation.WRITE:
            if chance.random() < luck:
                _apply(content, event)
        elif chance.random() < 0.5:
            for sector in _sectors(event):
                if chance.random() < luck:
                    _apply(content, sector)
        elif chance.random() < luck:
            _apply(content, event)
    return bytes(content)


def _sectors(event: Event) -> Iterator[Event]:
    at, end = event.offset, event.offset + len(event.data)
    while at < end:
        until = min(end, (at // SECTOR_BYTES + 1) * SECTOR_BYTES)
        piece = event.data[at - event.offset : until - event.offset]
        yield Event(event.operation, event.descriptor, at, "", piece)
        at = until
