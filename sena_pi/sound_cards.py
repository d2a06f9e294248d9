"""Which USB device a sound card is: by maker, model, serial number and the port it is plugged in.

A card's number changes with the order of plugging; two equal devices have equal names, and cheap
ones no serial number. The port tells those apart: it is a place, "1-1.2", root hub 1, port 1, and
on the hub there port 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CARD: Final = re.compile(r"card(\d+)")
_WANTED: Final = re.compile(
    r"(?:usb:(?P<model>[0-9a-f]{4}:[0-9a-f]{4})(?::(?P<serial>[^@\s]+))?)?(?:@(?P<port>[\d.-]+))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class UsbIdentity:
    """What stays the same when a device is plugged in again.

    Attributes:
        model: maker and product, "0d8c:0014".
        serial: "" where it has none.
        port: where it is plugged in, "1-1.2".
    """

    model: str
    serial: str
    port: str

    def __str__(self) -> str:
        """As settings take it: "usb:0d8c:0014:A1B2@1-1.2"."""
        serial = f":{self.serial}" if self.serial else ""
        return f"usb:{self.model}{serial}@{self.port}"

    @property
    def port_order(self) -> tuple[int, ...]:
        """For sorting: port 10 comes behind port 9."""
        return tuple(int(number) for number in re.findall(r"\d+", self.port))


@dataclass(frozen=True, slots=True)
class WantedUsb:
    """What a person wrote of an identity; "" is anything.

    Attributes:
        model: maker and product.
        serial: serial number.
        port: place.
    """

    model: str = ""
    serial: str = ""
    port: str = ""

    def is_met_by(self, identity: UsbIdentity) -> bool:
        """All that was written is so."""
        return (
            self.model in ("", identity.model)
            and self.serial in ("", identity.serial)
            and self.port in ("", identity.port)
        )


def wanted_usb(text: str) -> WantedUsb | None:
    """An identity or a part of one: "usb:0d8c:0014", "usb:0d8c:0014@1-1.2", "@1-1.2"; else None."""
    found = _WANTED.fullmatch(text.strip())
    if found is None or not (found["model"] or found["port"]):
        return None
    return WantedUsb((found["model"] or "").lower(), found["serial"] or "", found["port"] or "")


def usb_identities(root: Path = Path("/")) -> dict[int, UsbIdentity]:
    """The USB sound cards that are plugged in, by card number; reads some files in `sys`.

    Args:
        root: where `sys` is.
    """
    found = {}
    for card in sorted((root / "sys/class/sound").glob("card*")):
        number = _CARD.fullmatch(card.name)
        identity = _identity(card) if number else None
        if number and identity:
            found[int(number[1])] = identity
    return found


def _identity(card: Path) -> UsbIdentity | None:
    """The nearest device above the card that has a maker; None for a card that is no USB device."""
    try:
        place = (card / "device").resolve(strict=True)
    except OSError:
        return None  # unplugged meanwhile, or no hardware at all
    for device in (place, *place.parents):
        maker, product = _read(device / "idVendor"), _read(device / "idProduct")
        if maker and product:
            serial = re.sub(r"[@\s]", "_", _read(device / "serial"))
            return UsbIdentity(f"{maker}:{product}".lower(), serial, device.name)
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
