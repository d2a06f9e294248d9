"""What no emulator runs: the firmware's files on the boot partition, held against each other.

    scripts/lint-image IMAGE|FOLDER [--boards pi3,pi02,pi4]

QEMU is given kernel, device tree and command line; a board finds them by itself, by `config.txt`.
A file that is named and missing there shows on a board only, as a screen of colours.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from image import card_reader as reader
from image.firmware import BOARDS, Board, Loaded, loaded, mistakes
from image.layout import BOOT_LABEL, ROOT_LABEL

MIB: Final = 1024 * 1024
LONGEST_COMMAND: Final = 1024
"""arm64 takes 2048 bytes; the firmware puts some 400 before it, and Imager some 100 behind."""
MOST_GPU_MB: Final = 64
LEAST_FREE_BYTES: Final = 16 * MIB
SIZES: Final = (64 * MIB, 1024 * MIB)
_TREE_MAGIC: Final = b"\xd0\x0d\xfe\xed"
_MOST_TEXT: Final = 256 * 1024

_WANTED: Final = ("ro", "rootwait", "sena.overlay=1", "net.ifnames=0", "fsck.repair=yes",
                  "cgroup_enable=memory")  # fmt: skip
"""Imager writes of eth0 and wlan0: without net.ifnames=0, a board has enx... and its Wi-Fi no name.
A damaged data partition that only a person could repair would stay away for good. And the firmware
switches off what bounds memory, unless asked not to."""
_FORBIDDEN: Final = ("rw", "init=", "systemd.debug_shell", "systemd.set_credential", "nowatchdog",
                     "systemd.watchdog", "rd.break", "systemd.mask")  # fmt: skip
_NOT_IN_AN_IMAGE: Final = (
    "ssh", "ssh.txt", "userconf", "userconf.txt", "wpa_supplicant.conf", "user-data", "meta-data",
    "network-config", "custom.toml", "firstrun.sh", "rpi-preseed.toml", "sena.toml",
    "sena-errors.txt",
)  # fmt: skip
_SECRET: Final = re.compile(
    r"\$(?:1|5|6|y|2[aby])\$\S{8,}|BEGIN [A-Z ]*PRIVATE KEY"
    r"|(?im:^\s*(?:psk|passwd|password|plain_text_passwd)\s*[:=]\s*[\"']?\S+)"
    r"|AIza[\w-]{30,}"
)


@dataclass(frozen=True, slots=True)
class Card:
    """What is looked at.

    Attributes:
        files: of the boot partition.
        boards: that it is promised for.
        image: the whole card; None where there is only a folder.
    """

    files: reader.BootFiles
    boards: tuple[Board, ...]
    image: Path | None = None

    def text(self, name: str) -> str:
        """A file as text; empty where there is none."""
        return self.files.read(name).decode("utf-8", "replace") if name in self.names else ""

    @property
    def names(self) -> frozenset[str]:
        """Paths on the boot partition, in lower case."""
        return frozenset(self.files.sizes())

    def on(self, board: Board) -> Loaded:
        """What a board makes of its `config.txt`."""
        return loaded(self.text("config.txt"), board)


Rule = Callable[[Card], Iterator[str]]


def config_can_be_read(card: Card) -> Iterator[str]:
    """`config.txt` is there, and the firmware understands each line."""
    if "config.txt" not in card.names:
        yield "config.txt is missing"
    yield from mistakes(card.text("config.txt"))


def named_files_exist(card: Card) -> Iterator[str]:
    """Kernel, initramfs, overlays: what `config.txt` names for a board is there."""
    for board in card.boards:
        found = card.on(board)
        named = [found.settings.get("kernel", "kernel8.img"), *found.initramfs]
        named += [f"overlays/{name}.dtbo" for name in found.overlays]
        named += [found.settings[key] for key in ("cmdline", "ramfsfile") if key in found.settings]
        if not found.initramfs:
            yield f"{board.name}: config.txt names no initramfs; the root would be written to"
        for name in named:
            if not card.files.sizes().get(name.lower()):
                yield f"{board.name}: {name} is named in config.txt, and missing or empty"


def each_board_has_its_device_tree(card: Card) -> Iterator[str]:
    """A board without its device tree shows colours, and nothing else."""
    for board in card.boards:
        for name in card.on(board).device_trees(board):
            if name.lower() not in card.names:
                yield f"{board.name}: its device tree {name} is missing"


def device_trees_are_some(card: Card) -> Iterator[str]:
    """What is called a device tree or an overlay is one, and whole."""
    for name, size in card.files.sizes().items():
        if name.endswith((".dtb", ".dtbo")):
            head = card.files.read(name)[:8]
            if head[:4] != _TREE_MAGIC or int.from_bytes(head[4:], "big") != size:
                yield f"{name} is no device tree, or cut off"


def each_board_has_its_firmware(card: Card) -> Iterator[str]:
    """The closed files that a board starts from; with 16 MB for graphics other ones."""
    for board in card.boards:
        for name in board.firmware:
            if not card.files.sizes().get(name):
                yield f"{board.name}: its firmware {name} is missing or empty"


def settings_are_as_decided(card: Card) -> Iterator[str]:
    """64 bits, little memory for pictures, no serial console; the light's bus and the watchdog."""
    for board in card.boards:
        found = card.on(board)
        if found.settings.get("arm_64bit") != "1":
            yield f"{board.name}: arm_64bit=1 is missing"
        if found.settings.get("enable_uart", "0") != "0":
            yield f"{board.name}: enable_uart is on: a console for anybody with a cable"
        gpu_mb = int(found.settings.get("gpu_mem", "76"))
        if not MOST_GPU_MB >= gpu_mb > 16:
            yield f"{board.name}: gpu_mem={gpu_mb}; 17 to {MOST_GPU_MB} is for the whole firmware"
        if found.upstream:
            if "sena-spi" not in found.overlays:
                yield f"{board.name}: dtoverlay=sena-spi is missing: no ring of lamps"
        else:
            for name in ("spi", "watchdog"):
                if found.parameters.get(name) != "on":
                    yield f"{board.name}: dtparam={name}=on is missing"


def command_line_is_one(card: Card) -> Iterator[str]:
    """One short line; Linux starts read-only, with the names that Imager knows."""
    text = card.text("cmdline.txt")
    words = text.split()
    if len(text.splitlines()) != 1 or not words:
        yield "cmdline.txt must be one line; the firmware reads no more"
    if len(text) > LONGEST_COMMAND:
        yield f"cmdline.txt has {len(text)} characters; {LONGEST_COMMAND} leave room for the rest"
    if not text.isascii() or text.count('"') % 2:
        yield "cmdline.txt has a character that is not ASCII, or half a quotation"
    yield from (f"cmdline.txt lacks {word}" for word in _WANTED if word not in words)
    for word in words:
        if word == "rw" or (word != "ro" and word.startswith(_FORBIDDEN[1:])):
            yield f"cmdline.txt has {word.partition('=')[0]}"
        if word.startswith("console=tty") and not word[11:12].isdigit():
            yield f"cmdline.txt has {word}: a serial console"
    if sum(word.startswith("root=") for word in words) != 1:
        yield "cmdline.txt must name the root once"


def nothing_private(card: Card) -> Iterator[str]:
    """An image is everybody's: no key, no user, no network, nothing of a first start."""
    yield from (f"{name} is there: of one device" for name in _NOT_IN_AN_IMAGE
                if name in card.names)  # fmt: skip
    for name, size in sorted(card.files.sizes().items()):
        if size <= _MOST_TEXT and name.endswith((".txt", ".toml", ".example", ".conf", "-data")):
            for number, line in enumerate(card.text(name).splitlines(), start=1):
                if _SECRET.search(line):
                    yield f"{name}:{number}: looks like a key or a password"


def partitions_are_sound(card: Card) -> Iterator[str]:
    """The table, the FAT that firmware and Imager can use, and room on it."""
    if card.image is None:
        return
    table = reader.partitions(card.image)
    for one, next_one in pairwise(table):
        if one.start + one.size > next_one.start:
            yield f"partitions {one.number} and {next_one.number} overlap"
    if table[-1].start + table[-1].size > card.image.stat().st_size:
        yield "the last partition ends behind the image"
    fat = reader.fat_at(card.image, table[0].start)
    if table[0].kind not in (0x0C, 0x0E):
        yield f"partition 1 is of type {table[0].kind:02x}; the firmware wants FAT (0c, 0e)"
    if (fat.kind == 32) is not (table[0].kind == 0x0C):
        yield f"partition 1 is FAT{fat.kind} by its clusters, and not what the table says"
    if fat.label != BOOT_LABEL:
        yield f"the boot partition is called {fat.label!r}, not {BOOT_LABEL}"
    if fat.sector_bytes != reader.SECTOR:
        yield f"the FAT has sectors of {fat.sector_bytes} bytes"
    if fat.size > table[0].size or not SIZES[0] <= fat.size <= SIZES[1]:
        yield f"the FAT has {fat.size / MIB:.0f} MB; it may have {SIZES[0] // MIB} to 1024"
    taken = sum(-(-size // fat.cluster_bytes) for size in card.files.sizes().values())
    free = (fat.clusters - taken) * fat.cluster_bytes
    if free < LEAST_FREE_BYTES:
        yield f"the boot partition has {free / MIB:.0f} MB left; Imager and people need some"


def root_is_there(card: Card) -> Iterator[str]:
    """What `root=` names is the second partition."""
    if card.image is None:
        return
    named = [word[5:] for word in card.text("cmdline.txt").split() if word.startswith("root=")]
    table = reader.partitions(card.image)
    ext4 = reader.ext4_at(card.image, table[1].start) if len(table) > 1 else None
    if ext4 is None:
        yield "partition 2 has no ext4"
        return
    names = {f"LABEL={ext4.label}", f"UUID={ext4.uuid}",
             f"PARTUUID={reader.disk_id(card.image)}-02"}  # fmt: skip
    if ext4.label != ROOT_LABEL:
        yield f"partition 2 is called {ext4.label!r}, not {ROOT_LABEL}"
    yield from (f"cmdline.txt has root={name}, which the image has not" for name in named
                if name not in names)  # fmt: skip


def nobody_is_let_in(card: Card) -> Iterator[str]:
    """In the root: no ssh that starts by itself, no key of a host, no password that is usable."""
    if card.image is None:
        return
    table = reader.partitions(card.image)
    if len(table) < 2 or reader.ext4_at(card.image, table[1].start) is None:
        return
    image, start = card.image, table[1].start
    for target in ("multi-user", "sockets"):
        names = reader.ext4_names(image, start, f"/etc/systemd/system/{target}.target.wants")
        yield from (f"{name} starts by itself; ssh is off until it is asked for"
                    for name in sorted(names) if name.startswith("ssh"))  # fmt: skip
    for name in sorted(reader.ext4_names(image, start, "/etc/ssh")):
        if name.startswith("ssh_host_"):
            yield f"/etc/ssh/{name} is in the image: every device would have the same"
    shadow = reader.ext4_text(image, start, "/etc/shadow").splitlines()
    for user, password, *_ in (line.split(":") for line in shadow if ":" in line):
        if not password.startswith(("!", "*")):
            yield f"{user} can log in with a password"


RULES: Final[tuple[Rule, ...]] = (
    config_can_be_read, named_files_exist, each_board_has_its_device_tree, device_trees_are_some,
    each_board_has_its_firmware, settings_are_as_decided, command_line_is_one, nothing_private,
    partitions_are_sound, root_is_there, nobody_is_let_in,
)  # fmt: skip


OF_THE_CARD: Final = (config_can_be_read, partitions_are_sound, root_is_there, nobody_is_let_in)
"""Those that say something where there is no `config.txt`."""


def problems(card: Card) -> list[str]:
    """All that is wrong."""
    rules = RULES if "config.txt" in card.names else OF_THE_CARD
    return [problem for rule in rules for problem in rule(card)]


def promised(files: reader.BootFiles) -> tuple[Board, ...]:
    """The boards of an image: all four, and no Pi 5 with a kernel of upstream's kind."""
    text = files.read("config.txt").decode("utf-8", "replace") if _has_config(files) else ""
    upstream = loaded(text, BOARDS["pi4"]).upstream
    return tuple(board for name, board in BOARDS.items() if not (upstream and name == "pi5"))


def _has_config(files: reader.BootFiles) -> bool:
    return "config.txt" in files.sizes()


def main(argv: Sequence[str] | None = None) -> int:
    """Print what is wrong; the exit status is 1 where something is."""
    parser = argparse.ArgumentParser(prog="lint-image", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("place", type=Path, help="an image, not compressed, or a folder")
    parser.add_argument(
        "--boards", help=f"of {', '.join(BOARDS)}; those of its kernel if not given"
    )
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="lint-image-") as folder:
        try:
            image = None if args.place.is_dir() else args.place
            if image is None:
                files = reader.BootFiles(args.place)
            else:
                start = reader.partitions(image)[0].start
                files = reader.copied(image, start, Path(folder))
            names = args.boards.split(",") if args.boards else ()
            boards = tuple(BOARDS[name] for name in names) or promised(files)
            found = problems(Card(files, boards, image))
        except (reader.Unreadable, OSError, IndexError) as error:
            found = [str(error) or "the image has no partition"]
        except KeyError as error:
            parser.error(f"there is no board {error}; there are {', '.join(BOARDS)}")
    for problem in found:
        print(f"{args.place}: {problem}")
    if not found:
        print(f"{args.place}: nothing wrong, for {', '.join(board.name for board in boards)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
