"""Whether the way to the internet has changed, as the kernel's routing tables tell it.

A network that comes back is then used at once: what could not be reached before need not rest any
longer. Reading two small files every two seconds costs less than asking the cloud would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

LOOK_EVERY_S: Final = 2.0
_ANYWHERE: Final = "0" * 8
_ANYWHERE_6: Final = ("0" * 32, "00")
_REJECTS: Final = 0x0200
"""RTF_REJECT: a route that leads nowhere, which IPv6 always has."""


def default_routes(root: Path = Path("/")) -> frozenset[str]:
    """The ways out: interface and gateway of each; none without a network.

    Args:
        root: where `proc` is.
    """
    return frozenset([*_ipv4(root / "proc/net/route"), *_ipv6(root / "proc/net/ipv6_route")])


def _ipv4(path: Path) -> Iterator[str]:
    for fields in _fields(path):
        if len(fields) >= 8 and fields[1] == fields[7] == _ANYWHERE:
            yield f"{fields[0]} {fields[2]}"


def _ipv6(path: Path) -> Iterator[str]:
    for fields in _fields(path):
        anywhere = len(fields) >= 10 and (fields[0], fields[1]) == _ANYWHERE_6
        if anywhere and not int(fields[8], 16) & _REJECTS:
            yield f"{fields[9]} {fields[4]}"


def _fields(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    except OSError:
        return []


class NetworkWatch:
    """Tells when there is a way out that was not there before.

    Args:
        changed: told so, on the event loop; returns at once.
        read: the ways out there are; returns at once.
    """

    def __init__(
        self,
        changed: Callable[[], None],
        read: Callable[[], frozenset[str]] = default_routes,
    ) -> None:
        self._changed = changed
        self._read = read
        self._known = read()

    async def run(self) -> None:
        """Look every two seconds until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """See what ways there are now."""
        before, self._known = self._known, self._read()
        if self._known - before:
            self._changed()
