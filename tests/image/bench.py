"""Where cards are tested: a folder with the copy, what is booted from it, and what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.image import releases
from tests.image.appliance import CANARY, SETTINGS, extras
from tests.image.card import FAT, Card, copied, layer
from tests.image.qemu import VIRT, Board, Guest, Start, command_line, switched_on
from tests.prove.figures import machine

KERNEL = "kernel8.img"
INITRD = "initramfs8"
DTB = "bcm2837-rpi-3-b.dtb"


class Bench:
    """Tests of one image. What came of each part is kept, so that the next run goes on.

    Args:
        image: the card image; never changed.
        work: a folder of ours, with room for some cards.

    Attributes:
        base: the copy that all others are made of: as large as a card, with a person's file.
    """

    def __init__(self, image: Path, work: Path) -> None:
        self.work = work
        work.mkdir(parents=True, exist_ok=True)
        self.base = Card(work / "base.img")
        stat = image.stat()
        told = {"image": image.name, "bytes": stat.st_size, "mtime": int(stat.st_mtime)}
        if self._kept().get("image") != told or not self.base.path.exists():
            for old in work.glob("*"):
                old.unlink() if old.is_file() else shutil.rmtree(old)
            self._furnish(image)
            self._write({"image": told, "parts": {}})

    def _furnish(self, image: Path) -> None:
        copied(image, self.base.path)
        settings = self.work / "sena.toml"
        settings.write_text(SETTINGS)
        self.base.put(settings, "sena.toml")
        for name in (KERNEL, INITRD, DTB, "cmdline.txt"):
            self.base.take(name, self.work / name)
        # What is looked for later can be found at all.
        assert self.base.holds(FAT, CANARY.encode()) == 1, "the key is not on the copy's FAT"

    # --- what came of it ----------------------------------------------------------------------

    def _kept(self) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = json.loads((self.work / "state.json").read_text())
        except FileNotFoundError:
            return {}
        return kept

    def _write(self, state: dict[str, Any]) -> None:
        unfinished = self.work / "state.new"
        unfinished.write_text(json.dumps(state, indent=1))
        unfinished.replace(self.work / "state.json")

    def keep(self, part: str, *, holds: bool, figures: object) -> None:
        """Keep what came of a part."""
        state = self._kept()
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        state["parts"][part] = {
            "holds": holds, "figures": figures, "when": when, "machine": machine(),
        }  # fmt: skip
        self._write(state)

    def came_of(self, part: str) -> dict[str, Any] | None:
        """What came of a part; None: it was not run with this image."""
        found: dict[str, Any] | None = self._kept()["parts"].get(part)
        return found

    # --- machines -----------------------------------------------------------------------------

    def card(self, board: Board, *, anew: bool = False) -> Card:
        """The card of a machine; it has been booted before, unless it is anew."""
        card = Card(self.work / f"{board.name}.img")
        if anew or not card.path.exists():
            copied(self.base.path, card.path)
        return card

    def fresh_layer(self, name: str) -> Path:
        """A card that was never booted, as a layer over the base."""
        return layer(self.base.path, self.work / f"{name}.qcow2")

    def extras(self, bundles: Sequence[tuple[str, bytes]] = ()) -> Path:
        """The disk with recordings and bundles."""
        return extras(self.work / "extras.img", bundles)

    def bundle(self, private: Path, version: str) -> tuple[str, bytes]:
        """A good release as a bundle, made once."""
        place = self.work / f"{version}.sena"
        if not place.exists():
            place.write_bytes(releases.bundle(private, version))
        return place.name, place.read_bytes()

    @contextlib.contextmanager
    def booting(
        self, board: Board, card: Path, log: str, *, with_extras: bool = True
    ) -> Iterator[Guest]:
        """A machine with this card in it, switched on."""
        kernel_says = command_line((self.work / "cmdline.txt").read_text(), board)
        raspi = board.name == "raspi3b"
        start = Start(
            board,
            self.work / KERNEL,
            self.work / INITRD,
            self.work / DTB if raspi else None,
            kernel_says,
            card,
            "qcow2" if card.suffix == ".qcow2" else "raw",
            self.work / "extras.img" if with_extras and not raspi else None,
        )
        with switched_on(start, self.work / f"{log}.log") as guest:
            yield guest

    @contextlib.contextmanager
    def settled(self, log: str, say: Callable[[str], None]) -> Iterator[Guest]:
        """The card of virt, booted and ready."""
        with self.booting(VIRT, self.card(VIRT).path, log) as guest:
            say(f"  shell after {guest.begin():.0f} s, ready after {guest.ready_s():.0f} s")
            yield guest


def default_work() -> Path:
    """Where tests are kept if nobody says."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "sena-pi/image-tests"
