"""What the guest's programs print, as values: mounts, counters of the disk, sockets, passwords."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SECTOR_BYTES = 512


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of findmnt.

    Attributes:
        target: where it is.
        source: the device, and the folder of it in brackets where it is a bind mount.
        kind: the file system.
        options: such as "ro".
    """

    target: str
    source: str
    kind: str
    options: frozenset[str]

    @property
    def device(self) -> str:
        """Where it comes from, without the folder."""
        return self.source.partition("[")[0]

    @property
    def folder(self) -> str:
        """The folder of the device, "/" where it is all of it."""
        return self.source.partition("[")[2].rstrip("]") or "/"


def mounts_in(text: str) -> dict[str, Mount]:
    """`findmnt --json --list -o TARGET,SOURCE,FSTYPE,OPTIONS`: by target; the last one counts."""
    rows: list[Mapping[str, Any]] = json.loads(text)["filesystems"]
    return {
        row["target"]: Mount(
            row["target"], row["source"] or "", row["fstype"],
            frozenset((row["options"] or "").split(",")),
        )
        for row in rows
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counters:
    """Of a disk or partition since it was switched on.

    Attributes:
        writes: requests that wrote.
        sectors: of 512 bytes that they wrote.
        flushes: requests to flush its memory; only a whole disk counts them.
    """

    writes: int
    sectors: int
    flushes: int = 0

    @property
    def written(self) -> int:
        """In bytes."""
        return self.sectors * SECTOR_BYTES

    def since(self, before: Counters) -> Counters:
        """What was added."""
        return Counters(
            self.writes - before.writes,
            self.sectors - before.sectors,
            self.flushes - before.flushes,
        )


def counters_in(stat: str) -> Counters:
    """A `/sys/class/block/*/stat`: see Documentation/block/stat.rst of Linux."""
    fields = [int(field) for field in stat.split()]
    return Counters(fields[4], fields[6], fields[15] if len(fields) > 15 else 0)


@dataclass(frozen=True, slots=True)
class Socket:
    """Somebody who waits for packets.

    Attributes:
        protocol: "tcp" or "udp".
        address: without the port.
        port: as a text.
        who: the program, as ss has it.
    """

    protocol: str
    address: str
    port: str
    who: str

    @property
    def reachable(self) -> bool:
        """From another machine."""
        bare = self.address.strip("[]").partition("%")[0].removeprefix("::ffff:")
        return not (bare.startswith("127.") or bare == "::1" or self.address.endswith("%lo"))


def sockets_in(text: str) -> list[Socket]:
    """`ss -Hlntup`."""
    found = []
    for line in text.splitlines():
        fields = line.split(None, 6)
        if len(fields) >= 5 and fields[0] in {"tcp", "udp"}:
            address, _, port = fields[4].rpartition(":")
            found.append(Socket(fields[0], address, port, fields[6] if len(fields) > 6 else ""))
    return found


def usable_passwords(shadow: str) -> list[str]:
    """Names of those in /etc/shadow who can log in with a password, or without one."""
    usable = []
    for line in filter(None, shadow.splitlines()):
        name, secret, *_ = [*line.split(":"), ""]
        if not secret.startswith(("!", "*")):
            usable.append(name)
    return usable


def key_values(text: str) -> dict[str, str]:
    """Lines of NAME=VALUE."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def wanting(mounts: Mapping[str, Mount], wanted: Iterable[Mount]) -> list[str]:
    """What is not mounted as wanted, in words; options that are not named are free."""
    problems = []
    for want in wanted:
        got = mounts.get(want.target)
        if got is None:
            problems.append(f"{want.target} is not mounted")
        elif (
            got.kind != want.kind
            or not want.options <= got.options
            or (want.source and (got.device, got.folder) != (want.device, want.folder))
        ):
            problems.append(
                f"{want.target}: {got.source} {got.kind} {','.join(sorted(got.options))}, "
                f"not {want.source} {want.kind} {','.join(sorted(want.options))}"
            )
    return problems
