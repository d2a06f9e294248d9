"""The manifest that Raspberry Pi Imager 2 wants beside an image.

Imager asks nobody about Wi-Fi, name, user and ssh unless a manifest says how the image is told:
here by cloud-init's files on the boot partition (`cloudinit`; `cloudinit-rpi` is for Raspberry Pi's
own cloud-init, which Debian's does not know). A file whose name ends with `.rpi-imager-manifest`
is opened by a double click; it takes the place of Imager's own lists, so it names the boards too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

INIT_FORMAT: Final = "cloudinit"
ARCHITECTURE: Final = "armv8"
ICON: Final = "icons/cat_home_automation.png"
"""Of Imager's own pictures: a manifest of a local file has no place to fetch one from."""

_PI3, _PI4, _PI5 = "pi3-64bit", "pi4-64bit", "pi5-64bit"
_BOARDS: Final = (
    ("Raspberry Pi 5", "Raspberry Pi 5, 500 and Compute Module 5", _PI5),
    ("Raspberry Pi 4", "Models B, 400 and Compute Module 4", _PI4),
    ("Raspberry Pi Zero 2 W", "The Zero 2 W", _PI3),
    ("Raspberry Pi 3", "Models B, B+ and A+", _PI3),
)
_TAGS: Final = {"debian": (_PI3, _PI4), "raspios": (_PI3, _PI4, _PI5)}
"""Debian's kernel can't use a Pi 5: it lacks the driver of its I/O chip."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be said of an image.

    Attributes:
        name: as it stands in Imager's list.
        version: of sena-pi.
        release_date: YYYY-MM-DD.
        url: where the compressed image is; `file:` for one on this machine.
        extract_size: bytes of the image.
        extract_sha256: of the image.
        image_download_size: bytes of the compressed image.
        image_download_sha256: of the compressed image.
        base: what it stands on, "debian" or "raspios".
    """

    name: str
    version: str
    release_date: str
    url: str
    extract_size: int
    extract_sha256: str
    image_download_size: int
    image_download_sha256: str
    base: str = "debian"

    def __post_init__(self) -> None:
        """Refuses what Imager would only stumble over while it writes a card."""
        for name in ("extract_sha256", "image_download_sha256"):
            if not _SHA256.fullmatch(getattr(self, name)):
                raise ValueError(f"{name} must be 64 digits of 0-9 and a-f")
        for name in ("extract_size", "image_download_size"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be a number of bytes above 0")
        if urlsplit(self.url).scheme not in ("https", "http", "file"):
            raise ValueError(f"url must begin with https: or file:, not {self.url[:20]!r}")
        date.fromisoformat(self.release_date)
        if self.base not in _TAGS:
            raise ValueError(f"there is no base {self.base!r}; there are {', '.join(_TAGS)}")


def manifest(facts: Facts) -> dict[str, object]:
    """What goes into the file, as JSON has it."""
    tags = _TAGS[facts.base]
    image: dict[str, object] = {
        "name": facts.name,
        "description": f"Voice assistant, version {facts.version}. Needs Imager 2.0 or newer.",
        "icon": ICON,
        "url": facts.url,
        "extract_size": facts.extract_size,
        "extract_sha256": facts.extract_sha256,
        "image_download_size": facts.image_download_size,
        "image_download_sha256": facts.image_download_sha256,
        "release_date": facts.release_date,
        "devices": list(tags),
        "init_format": INIT_FORMAT,
        "architecture": ARCHITECTURE,
        "capabilities": ["passwordless_sudo"],
    }
    boards: list[dict[str, Any]] = [
        {
            "name": name,
            "description": about,
            "tags": [tag],
            "matching_type": "inclusive",
            "architecture": ARCHITECTURE,
            "capabilities": [],
        }
        for name, about, tag in _BOARDS
        if tag in tags
    ]
    return {"imager": {"devices": boards}, "os_list": [image]}
