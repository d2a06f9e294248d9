"""What a board's firmware makes of `config.txt`: the files it loads, the settings that hold.

Source: Raspberry Pi's documentation of config.txt (conditional filters, boot options), and of the
files it looks for by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

LONGEST_LINE: Final = 98
"""The firmware cuts off what follows."""


@dataclass(frozen=True, slots=True)
class Board:
    """One that an image is promised for.

    Attributes:
        name: for people.
        filters: sections that hold for it, beside [all].
        device_trees: base names, as Raspberry Pi's kernel calls them.
        upstream_trees: the same, as the upstream kernel does.
        firmware: files that it starts from; those of the whole firmware.
    """

    name: str
    filters: frozenset[str]
    device_trees: tuple[str, ...]
    upstream_trees: tuple[str, ...]
    firmware: tuple[str, ...] = ()


_OLD_FIRMWARE: Final = ("bootcode.bin", "start.elf", "fixup.dat")
BOARDS: Final[Mapping[str, Board]] = {
    "pi3": Board(
        "Raspberry Pi 3", frozenset({"pi3"}),
        ("bcm2710-rpi-3-b.dtb", "bcm2710-rpi-3-b-plus.dtb"),
        ("bcm2837-rpi-3-b.dtb", "bcm2837-rpi-3-b-plus.dtb", "bcm2837-rpi-3-a-plus.dtb"),
        _OLD_FIRMWARE,
    ),
    "pi02": Board(
        "Raspberry Pi Zero 2 W", frozenset({"pi0", "pi0w", "pi02"}),
        ("bcm2710-rpi-zero-2-w.dtb",), ("bcm2837-rpi-zero-2-w.dtb",), _OLD_FIRMWARE,
    ),
    "pi4": Board(
        "Raspberry Pi 4", frozenset({"pi4"}),
        ("bcm2711-rpi-4-b.dtb",), ("bcm2711-rpi-4-b.dtb",), ("start4.elf", "fixup4.dat"),
    ),
    "pi5": Board(
        "Raspberry Pi 5", frozenset({"pi5"}), ("bcm2712-rpi-5-b.dtb",), ("bcm2712-rpi-5-b.dtb",),
    ),
}  # fmt: skip

_KNOWN_FILTERS: Final = frozenset(
    {"all", "none", "pi0", "pi0w", "pi02", "pi1", "pi2", "pi3", "pi3+", "pi4", "pi400", "pi5",
     "pi500", "cm0", "cm1", "cm3", "cm3+", "cm4", "cm4s", "cm5", "tryboot"}
)  # fmt: skip
_CONDITIONS: Final = ("EDID=", "HDMI:", "gpio", "0x", "partition", "boot_", "board-type=")


@dataclass(slots=True)
class Loaded:
    """What a board does with a file.

    Attributes:
        settings: name -> value; of a name that stands there twice, the last.
        overlays: names, without their parameters.
        parameters: of the device tree: name -> value.
        initramfs: files.
    """

    settings: dict[str, str] = field(default_factory=dict)
    overlays: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    initramfs: tuple[str, ...] = ()

    @property
    def upstream(self) -> bool:
        """The kernel is of upstream's kind."""
        return self.settings.get("upstream_kernel") == "1"

    def device_trees(self, board: Board) -> tuple[str, ...]:
        """Files that are looked for."""
        if named := self.settings.get("device_tree"):
            return (named,)
        return board.upstream_trees if self.upstream else board.device_trees


def loaded(text: str, board: Board) -> Loaded:
    """What this board does with a `config.txt`."""
    result = Loaded()
    holds = True
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            holds = line[1:-1] == "all" or line[1:-1] in board.filters
        elif holds and line and not line.startswith("#"):
            _take(line, result)
    return result


def mistakes(text: str) -> list[str]:
    """What no board understands, whatever it is."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        where, bare = f"config.txt:{number}", line.strip()
        if len(line) > LONGEST_LINE:
            found.append(f"{where}: has {len(line)} characters; what follows the 98th is cut off")
        if not line.isascii():
            found.append(f"{where}: has a character that is not ASCII")
        if bare.startswith("["):
            name = bare[1:-1]
            known = name in _KNOWN_FILTERS or name.startswith(_CONDITIONS)
            if not bare.endswith("]") or not known:
                found.append(f"{where}: {bare} is no section that the firmware knows")
        elif bare and not bare.startswith("#") and not _is_setting(bare):
            found.append(f"{where}: is no setting (NAME=VALUE, without blanks around the =)")
    return found


def _is_setting(line: str) -> bool:
    if line.startswith(("initramfs ", "include ")):
        return True
    name, equals, value = line.partition("=")
    return bool(equals) and name == name.strip() and " " not in name and value == value.strip()


def _take(line: str, result: Loaded) -> None:
    if line.startswith("initramfs "):
        # Where it goes follows the names: "followkernel", or an address.
        words = line.split()[1:]
        result.initramfs = tuple(words[0].split(",")) if words else ()
        return
    name, _, value = line.partition("=")
    if name == "dtoverlay":
        if value:  # without a name it ends the parameters of the one before
            result.overlays.append(value.split(",")[0])
    elif name == "dtparam":
        parameter, _, setting = value.partition("=")
        result.parameters[parameter] = setting
    else:
        result.settings[name] = value
