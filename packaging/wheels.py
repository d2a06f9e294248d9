"""Locked wheels for another Python or processor than this one's, unpacked without running them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.requirements import Requirement


@dataclass(frozen=True, slots=True)
class Suite:
    """A release of Debian.

    Attributes:
        name: its code name.
        release: its number.
        python: version of its Python.
        glibc: minor version of its glibc 2; wheels that want a newer one do not load.
        systemd: version of its systemd.
    """

    name: str
    release: int
    python: tuple[int, int]
    glibc: int
    systemd: int


SUITES: Final = {
    suite.name: suite
    for suite in (Suite("bookworm", 12, (3, 11), 36, 252), Suite("trixie", 13, (3, 13), 41, 257))
}
MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's names of processors -> those of wheels."""
_OLDEST_GLIBC: Final = 5
_HOME_LABELS: Final = ("homepage", "home", "repository", "source", "source code", "github")


class NoWheel(Exception):
    """A wheel can't be had."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a package is made for.

    Attributes:
        suite: the release of Debian.
        arch: a name of `MACHINES`.
    """

    suite: Suite
    arch: str

    @property
    def python(self) -> str:
        """Version of Python, such as "3.11"."""
        return ".".join(map(str, self.suite.python))

    def markers(self) -> dict[str, str]:
        """What environment markers say there."""
        return {
            "extra": "",
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": MACHINES[self.arch],
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }

    def pip_options(self) -> Iterator[str]:
        """What makes pip look for wheels for there."""
        digits = "".join(map(str, self.suite.python))
        yield from ("--implementation", "cp", "--python-version", self.python)
        for abi in (f"cp{digits}", "abi3", "none"):
            yield from ("--abi", abi)
        for minor in range(self.suite.glibc, _OLDEST_GLIBC - 1, -1):
            yield from ("--platform", f"manylinux_2_{minor}_{MACHINES[self.arch]}")
        for old in ("manylinux2014", "linux"):
            yield from ("--platform", f"{old}_{MACHINES[self.arch]}")


@dataclass(frozen=True, slots=True)
class Locked:
    """One entry of a lock file.

    Attributes:
        requirement: name, version and marker.
        text: the entry as it stands there, its hashes included.
    """

    requirement: Requirement
    text: str

    @property
    def name(self) -> str:
        """Name of the distribution, in lower case with dashes."""
        return self.requirement.name.lower().replace("_", "-")

    @property
    def version(self) -> str:
        """The one version that was locked."""
        (pin,) = self.requirement.specifier
        return pin.version

    def wanted_for(self, target: Target) -> bool:
        """Its marker holds there."""
        marker = self.requirement.marker
        # pip would judge it by the Python that it runs in itself.
        return marker is None or marker.evaluate(target.markers())

    def without_marker(self) -> str:
        """The entry for pip, which is not to judge the marker again."""
        hashes = self.text.partition("\n")[2]
        return f"{self.requirement.name}{self.requirement.specifier} \\\n{hashes}"


def locked(lock: Path) -> list[Locked]:
    """The entries of a lock file, each with its hashes.

    Raises:
        ValueError: an entry has no hash.
    """
    entries: list[Locked] = []
    for text in _entries(lock.read_text(encoding="utf-8").splitlines()):
        first = text.partition("\n")[0].removesuffix("\\").strip()
        if "--hash=" not in text:
            raise ValueError(f"{lock.name}: {first} has no hash")
        entries.append(Locked(Requirement(first), text))
    return entries


def _entries(lines: Iterable[str]) -> Iterator[str]:
    entry: list[str] = []
    for line in lines:
        if line.startswith("#") or not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line[0].isspace() and entry:
            yield "\n".join(entry)
            entry = []
        entry.append(line)
    if entry:
        yield "\n".join(entry)


def download(entries: Iterable[Locked], target: Target, folder: Path) -> list[Path]:
    """Fetch the wheels of these entries; those already in the folder are only checked.

    Raises:
        NoWheel: one of them can't be had for there.
    """
    entries = list(entries)
    missing = [entry for entry in entries if _held(entry, folder) is None]
    if missing:
        _download(missing, target, folder)
    return [_certain(entry, folder) for entry in entries]


def _download(entries: Iterable[Locked], target: Target, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = folder / "wanted.txt"
    lines.write_text("\n".join(entry.without_marker() for entry in entries) + "\n")
    report = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
            "--only-binary", ":all:", *target.pip_options(),
            "--dest", str(folder), "--requirement", str(lines),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if report.returncode:
        raise NoWheel(report.stderr.strip())


def _held(entry: Locked, folder: Path) -> Path | None:
    """The wheel of an entry that is in the folder, and is what was locked."""
    for path in sorted(folder.glob("*.whl")):
        if _named(path) == (entry.name, entry.version):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if f"--hash=sha256:{digest}" in entry.text:
                return path
    return None


def _certain(entry: Locked, folder: Path) -> Path:
    path = _held(entry, folder)
    if path is None:
        raise NoWheel(f"{entry.name} {entry.version} is not what was locked")
    return path


def unpack(wheel: Path, site_packages: Path) -> None:
    """Put what a wheel holds where Python looks for it; its commands are left out.

    Raises:
        ValueError: a name in it points out of the folder.
    """
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            inside = None if member.is_dir() else _place_of(PurePosixPath(member.filename))
            if inside is None:
                continue
            place = site_packages / inside
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.read(member))


def described(wheel: Path) -> tuple[str, str, str, str]:
    """Name, version, licence and home page of a wheel, as its authors wrote them."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        data = HeaderParser().parsestr(archive.read(name).decode("utf-8"))
    licence = data["License-Expression"] or _of_classifiers(data.get_all("Classifier") or [])
    if not licence:
        licence = (data["License"] or "see its licence file").strip().partition("\n")[0]
    pairs = (url.partition(",") for url in data.get_all("Project-URL") or [])
    urls = {label.strip().lower(): url.strip() for label, _, url in pairs}
    named = (urls[label] for label in _HOME_LABELS if label in urls)
    home = data["Home-page"] or next(named, "") or next(iter(urls.values()), "")
    return data["Name"], data["Version"], licence, home


def _of_classifiers(classifiers: Iterable[str]) -> str:
    licences = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License :: ")]
    return ", ".join(licence for licence in licences if licence != "OSI Approved")


def _place_of(name: PurePosixPath) -> PurePosixPath | None:
    """Where a member goes, below site-packages; None: nowhere."""
    if name.is_absolute() or ".." in name.parts:
        raise ValueError(f"a wheel must not write to {name}")
    if not name.parts[0].endswith(".data"):
        return name
    if name.parts[1] in {"purelib", "platlib"}:
        return PurePosixPath(*name.parts[2:])
    return None


def _named(wheel: Path) -> tuple[str, str]:
    name, version = wheel.name.split("-")[:2]
    return name.lower().replace("_", "-"), version
