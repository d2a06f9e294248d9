"""What is installed: one list of packages, and what each base adds to it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

HERE: Final = Path(__file__).resolve().parent
NAMES: Final = ("debian", "raspios")
ARCH: Final = "arm64"
COMPONENTS: Final = ("main", "non-free-firmware")
KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
ARCHIVE_KEYRING: Final = "/usr/share/keyrings/raspberrypi-archive-keyring.pgp"
"""Where the image has the key of the second archive."""


@dataclass(frozen=True, slots=True)
class Base:
    """What an image stands on.

    Attributes:
        name: one of `NAMES`.
        about: for a person who chooses.
        suite: release of Debian.
        packages: what it adds to the list that all share.
        kernels: end of the names of its files on the boot partition (`kernel8.img`) -> a pattern
            of the kernel's release.
        component: of the second archive; empty without one.
        preferred: patterns of packages that come from there, whatever Debian has of them.
        cmdline: words that it adds to the kernel's command line.
    """

    name: str
    about: str
    suite: str
    packages: tuple[str, ...]
    kernels: Mapping[str, str] = field(default_factory=dict)
    component: str = ""
    preferred: tuple[str, ...] = ()
    cmdline: str = ""

    @classmethod
    def load(cls, name: str, folder: Path = HERE) -> Self:
        """Read `base.NAME.toml`.

        Raises:
            OSError: there is none.
            ValueError: something in it is unknown or missing.
        """
        data = tomllib.loads((folder / f"base.{name}.toml").read_text(encoding="utf-8"))
        archive: dict[str, Any] = data.pop("archive", {})
        try:
            base = cls(
                name,
                data.pop("about"),
                data.pop("suite"),
                tuple(data.pop("packages")),
                data.pop("kernels"),
                archive.pop("component", ""),
                tuple(archive.pop("origin", ())),
                data.pop("cmdline", ""),
            )
        except KeyError as error:
            raise ValueError(f"base.{name}.toml has no {error}") from None
        if unknown := [*data, *archive]:
            raise ValueError(f"base.{name}.toml has unknown keys: {', '.join(unknown)}")
        return base

    @property
    def has_archive(self) -> bool:
        """It needs a second archive."""
        return bool(self.component)


def shared_packages(folder: Path = HERE) -> tuple[str, ...]:
    """The packages of any base, in the order of the list.

    Raises:
        ValueError: one is named twice.
    """
    lines = (folder / "packages.list").read_text(encoding="utf-8").splitlines()
    names = [name for line in lines if (name := line.partition("#")[0].strip())]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"packages.list has twice: {', '.join(twice)}")
    return tuple(names)


def differences(this: Base, other: Base) -> list[str]:
    """All that differs between two bases, in lines."""
    lines = []
    for word, base, against in (("only", this, other), ("only", other, this)):
        extra = [name for name in base.packages if name not in against.packages]
        if extra:
            lines.append(f"{word} {base.name}: {' '.join(extra)}")
    both = [name for name in this.packages if name in other.packages]
    if both and this.has_archive != other.has_archive:
        lines.append(f"of another archive: {' '.join(both)}")
    for base in (this, other):
        files = ", ".join(f"kernel{end}.img ({pattern})" for end, pattern in base.kernels.items())
        lines.append(f"kernels of {base.name}: {files}")
        if base.cmdline:
            lines.append(f"command line of {base.name}: {base.cmdline}")
        if base.has_archive:
            lines.append(f"archive of {base.name}: Debian's, and a second one that is given")
    if this.suite != other.suite:
        lines.append(f"suites: {this.name} {this.suite}, {other.name} {other.suite}")
    return lines


def sources(base: Base, mirror: str = "", archive: str = "") -> str:
    """`debian.sources` of the image: not the server that the image was made from.

    Args:
        base: decides the suite.
        mirror: Debian's address for apt on the card, ending in /debian; the one of its security
            updates has "-security" behind it. Empty: apt is not to be used there, as the root is
            only read.
        archive: of the second archive, where there is one.
    """
    stanza = "Types: deb\nURIs: {}\nSuites: {}\nComponents: {}\nSigned-By: {}\n"
    debian = " ".join(COMPONENTS)
    texts = [
        "# No server is asked, unless the image is made with --mirror: the root is only read.\n"
    ]
    if mirror := mirror.rstrip("/"):
        texts = [
            stanza.format(mirror, f"{base.suite} {base.suite}-updates", debian, KEYRING),
            stanza.format(f"{mirror}-security", f"{base.suite}-security", debian, KEYRING),
        ]
    if base.has_archive:
        texts.append(stanza.format(archive, base.suite, base.component, ARCHIVE_KEYRING))
    return "\n".join(texts)


def preferences(base: Base, host: str) -> str:
    """What makes apt take packages from the second archive, and nothing else of it.

    Args:
        base: has the patterns.
        host: of the archive's address; empty for one in a local folder.
    """
    origin = f'origin "{host}"'
    return (
        f"Package: *\nPin: {origin}\nPin-Priority: 100\n\n"
        f"Package: {' '.join(base.preferred)}\nPin: {origin}\nPin-Priority: 990\n"
    )
