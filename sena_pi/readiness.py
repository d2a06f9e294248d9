"""After a start: what an answer needs and is not there, shown by the light and said aloud."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from sena_pi.announce import TakesTurns, announce
from sena_pi.clips import Clip
from sena_pi.needs import NEEDS, Need
from sena_pi.reasons import Reason
from sena_pi.replace import replace_file
from sena_pi.stages import Speaker

_LATE: Final = frozenset({Need.CLOCK, Need.NETWORK})
_SAID: Final = {
    Need.MICROPHONE: Reason.NO_MICROPHONE,
    Need.KEY: Reason.NO_KEY,
    Need.CLOCK: Reason.CLOCK,
    Need.NETWORK: Reason.OFFLINE,
}
"""Without a speaker nothing can be said: then only the light tells."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_MOST_BYTES: Final = 4096

_log = logging.getLogger(__name__)


class CountingLight(Protocol):
    """A light that can tell what is missing, such as `Light`."""

    def missing(self, number: int) -> None:
        """So many flashes, again and again, while nothing else is shown; 0: nothing is missing."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When it is looked, in seconds after the start.

    Attributes:
        parts_s: devices have been opened by then, where they are.
        network_s: a wireless network has been joined by then, and the clock been set.
        every_s: it is looked again.
        shown_s: from then on the light shows the lasting states only, and is dark when idle.
    """

    parts_s: float = 20.0
    network_s: float = 75.0
    every_s: float = 2.0
    shown_s: float = 300.0


class Told:
    """What was said already: once a boot, and of the key once until there has been one.

    Args:
        path: of the file that remembers it; written at most a few times a boot.
        boot_id: names this run of the kernel.
    """

    def __init__(self, path: Path, boot_id: Path = _BOOT_ID) -> None:
        self._path = path
        self._boot = boot_id.read_text().strip() if boot_id.exists() else ""
        found = self._read()
        same = found.get("boot") == self._boot
        said = found.get("said")
        known = {what for what in NEEDS if isinstance(said, list) and what in said}
        self._said = known if same else known & {Need.KEY}

    def __contains__(self, what: Need) -> bool:
        return what in self._said

    def add(self, what: Need) -> None:
        """It was said. Blocks for a small file; one that can't be written is said again."""
        self._said.add(what)
        self._keep()

    def there(self, what: Need) -> None:
        """It is there; blocks if that is news about the key."""
        if what is Need.KEY and what in self._said:
            self._said.remove(what)
            self._keep()

    def _keep(self) -> None:
        data = {"version": 1, "boot": self._boot, "said": sorted(self._said)}
        try:
            replace_file(self._path, json.dumps(data).encode(), mode=0o600)
        except OSError as error:
            _log.warning("%s can't be written: %s", self._path, error.strerror or error)

    def _read(self) -> dict[str, Any]:
        try:
            with self._path.open("rb") as file:
                found = json.loads(file.read(_MOST_BYTES))
            return found if isinstance(found, dict) else {}
        except (OSError, ValueError, RecursionError):
            return {}


class Readiness:
    """Looks, shows and says; `run` is a task of the brain that ends by itself.

    Args:
        look: what is missing now; reads some small files.
        light: shows the first of it.
        clip: the words for a reason.
        speaker: says them.
        assistant: is not interrupted.
        told: what was said before.
        pace: when.
    """

    def __init__(
        self,
        look: Callable[[], Collection[Need]],
        light: CountingLight,
        clip: Callable[[Reason], Clip],
        speaker: Speaker,
        assistant: TakesTurns,
        told: Told,
        pace: Pace | None = None,
    ) -> None:
        self._look = look
        self._light = light
        self._clip = clip
        self._speaker = speaker
        self._assistant = assistant
        self._told = told
        self._pace = pace or Pace()
        self._logged: set[Need] = set()

    async def run(self) -> None:
        """Until nothing has been missing for the whole time, or that time is over."""
        pace, began_s = self._pace, time.monotonic()
        await asyncio.sleep(pace.parts_s)
        while (after_s := time.monotonic() - began_s) < pace.shown_s:
            absent = self._absent(late=after_s >= pace.network_s)
            self._light.missing(NEEDS.index(absent[0]) + 1 if absent else 0)
            for what in absent:
                await self._tell(what)
            await asyncio.sleep(pace.every_s)
        self._light.missing(0)

    def _absent(self, *, late: bool) -> list[Need]:
        found = set(self._look())
        for what in set(NEEDS) - found:
            self._told.there(what)
        if Need.NETWORK in found:
            found.discard(Need.CLOCK)  # the network brings the time
        if not late:
            found -= _LATE
        return [what for what in NEEDS if what in found]

    async def _tell(self, what: Need) -> None:
        if what not in self._logged:
            self._logged.add(what)
            _log.warning("missing: %s", what)
        reason = _SAID.get(what)
        if reason is None or what in self._told:
            return
        if await announce(self._clip(reason), self._speaker, self._assistant):
            self._told.add(what)
