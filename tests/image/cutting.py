"""Cuts made one after the other: on which card, with which machine, and when a new card begins."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tests.image import cuts
from tests.image.appliance import CANARY
from tests.image.bench import Bench
from tests.image.card import FAT, flattened, occurrences
from tests.image.checks import Seen
from tests.image.qemu import VIRT, Guest
from tests.image.serial import FAILURES


class Cutting:
    """Cuts one after the other on one card, which is changed for each cut of a first boot.

    Args:
        bench: where.
        private: the key of updates.
        longest_s: of each kind, the latest moment.
        say: told of each cut.
    """

    def __init__(
        self,
        bench: Bench,
        private: Path,
        longest_s: Mapping[str, float],
        say: Callable[[str], None],
    ) -> None:
        self._bench = bench
        self._private = private
        self._longest_s = longest_s
        self._place = bench.work / "cuts.json"
        self.done = cuts.read(self._place)
        self._card: Path | None = None
        self._say = say
        self._it: AbstractContextManager[Guest] | None = None
        self._guest: Guest | None = None

    def go_on(self, wanted: Sequence[str], each: int, until: float) -> None:
        """Cut until there are as many of each kind, or the time is over."""
        try:
            for number, kind in cuts.kinds(wanted, each, self.done):
                if time.monotonic() > until:
                    break
                self._cut(cuts.Cut(kind, number))
        finally:
            self._retire()

    def _cut(self, cut: cuts.Cut) -> None:
        chance = random.Random(f"cut {cut.number}")
        longest_s = self._longest_s[cut.kind]
        try:
            if cut.kind == "first":
                self._retire()
                self._card = self._bench.fresh_layer("cuts")
                cuts.during_the_first_boot(self._boot(cut.number), cut, chance, longest_s)
            else:
                guest = self._guest or self._ready(cut.number)
                during = {"turns": cuts.during_turns, "update": cuts.during_an_update}[cut.kind]
                during(guest, cut, chance, longest_s)
            self._off()
            guest = self._boot(cut.number + 1)
            cuts.comes_back(guest, cut, Seen(self._bench.base.path.stat().st_size))
        except FAILURES as error:
            cut.problems.append(f"{type(error).__name__}: {error}")
        if cut.problems:
            # What comes next begins with a new card.
            self._off()
            if self._card is not None:
                self._card.replace(self._bench.work / f"problem-{cut.number}.qcow2")
            self._card = None
        self.done.append(cut)
        cuts.write(self._place, self.done)
        ended = f"ready again in {cut.ready_s} s" if not cut.problems else f"FAIL {cut.problems}"
        self._say(f"  {cut.number:3d} {cut.kind}: after {cut.after_s:.1f} s; {cut.said}; {ended}")

    def _ready(self, number: int) -> Guest:
        if self._card is None:
            self._card = self._bench.fresh_layer("cuts")
        guest = self._boot(number)
        guest.begin()
        guest.ready_s()
        return guest

    def _boot(self, number: int) -> Guest:
        assert self._card is not None
        versions = [f"0.2.{it}" for it in range(number, number + 3)]
        self._bench.extras([self._bench.bundle(self._private, it) for it in versions])
        self._it = self._bench.booting(VIRT, self._card, f"cut-{number}")
        self._guest = self._it.__enter__()
        return self._guest

    def _off(self) -> None:
        if self._it is not None:
            self._it.__exit__(None, None, None)
        self._it = self._guest = None

    def _retire(self) -> None:
        """Take the card out and look for the key on its FAT partition."""
        self._off()
        if self._card is None or not self.done or self.done[-1].problems:
            return
        part = self._bench.base.partitions[FAT]
        fat = flattened(self._card, self._bench.work / "fat.img", part.start + part.size)
        if occurrences(fat, CANARY.encode(), part.start):
            self.done[-1].problems.append("the key is still on the FAT partition")
            cuts.write(self._place, self.done)
        fat.unlink()
