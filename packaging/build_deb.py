"""Makes `sena-pi_VERSION_ARCH.deb` for a release of Debian and a processor, on any Debian.

What was committed is packaged; where there is no git, the folder as it is. Nothing of the target
is run, so arm64 is made on amd64 as well. Two builds of a commit give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import settings_file
import wheels
from wheels import MACHINES, SUITES, Locked, NoWheel, Target

REPOSITORY: Final = Path(__file__).resolve().parents[1]
PREFIX: Final = Path("usr/lib/sena")
FROM_DEBIAN: Final = {"pyaudio": "python3-pyaudio", "spidev": "python3-spidev"}
"""What has no wheels: Debian's own package is used."""
WHERE_THERE_IS_ONE: Final = {"lgpio": "python3-lgpio"}
"""What has wheels for some Pythons only; for the others it comes from Raspberry Pi's archive."""
ONLY_FOR_BUILDING: Final = {"pip", "setuptools"}
RESTART_MODE_SINCE: Final = 254
"""The systemd that knows RestartMode=, and needs it: see systemd/restart-mode.conf."""


@dataclass(frozen=True, slots=True)
class Build:
    """One package being made.

    Attributes:
        target: what for.
        source: the project's files.
        root: where its files are laid out, as on the device.
        cache: where wheels are kept from one build to the next.
        epoch_s: the time that all files get.
        update_key: that bundles for `sena update` are signed with, PEM; None: it takes none.
    """

    target: Target
    source: Path
    root: Path
    cache: Path
    epoch_s: int
    update_key: str | None = None

    @property
    def site_packages(self) -> Path:
        """Where Python looks for the wheels."""
        return self.root / PREFIX / f"lib/python{self.target.python}/site-packages"

    def put(self, inside: str | Path, text: str, mode: int = 0o644) -> None:
        """Write a file of the package."""
        place = self.root / inside
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)

    def copy(self, name: str, inside: str | Path) -> None:
        """Copy a file of the project into the package."""
        self.put(inside, (self.source / name).read_text(encoding="utf-8"))


def main(argv: Sequence[str] | None = None) -> int:
    """Make the packages that were asked for; prints the path of each."""
    args = _arguments(argv)
    epoch_s = int(os.environ.get("SOURCE_DATE_EPOCH") or _epoch_s())
    args.out.mkdir(parents=True, exist_ok=True)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sena-pi"
    for suite in args.suite or SUITES:
        for arch in args.arch or [_own_arch()]:
            with tempfile.TemporaryDirectory() as folder:
                build = Build(
                    Target(SUITES[suite], arch),
                    Path(folder) / "source",
                    Path(folder) / "root",
                    cache / "wheels" / f"{suite}-{arch}",
                    epoch_s,
                    args.update_key.read_text(encoding="ascii") if args.update_key else None,
                )
                try:
                    print(_made(build, args.out, args.compression), flush=True)
                except (NoWheel, ValueError) as error:
                    print(error, file=sys.stderr)
                    return 1
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/build-deb", description=__doc__)
    text = "release of Debian, may be repeated; default: each of them"
    parser.add_argument("--suite", action="append", choices=SUITES, help=text)
    text = "processor, may be repeated; default: this one's"
    parser.add_argument("--arch", action="append", choices=MACHINES, help=text)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "dist", metavar="FOLDER")
    text = "public key, PEM (see scripts/new-update-key); without it `sena update` refuses all"
    parser.add_argument("--update-key", type=Path, metavar="FILE", help=text)
    parser.add_argument("--compression", choices=("xz", "gzip"), default="xz", help="gzip: quick")
    return parser.parse_args(argv)


def _own_arch() -> str:
    return next(arch for arch, machine in MACHINES.items() if machine == platform.machine())


def _made(build: Build, out: Path, compression: str) -> Path:
    _take_source(build.source)
    bundled, left_out = _install_wheels(build)
    _install_sena(build)
    _install_system_files(build)
    version = f"{_version(build.source)}+deb{build.target.suite.release}"
    _install_documents(build, bundled)
    _write_control(build, version, left_out)
    _settle(build.root, build.epoch_s)
    path = out / f"sena-pi_{version}_{build.target.arch}.deb"
    compress = ["-Zxz", "-z6"] if compression == "xz" else ["-Zgzip", "-z1"]
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", *compress, "--build", str(build.root), str(path)],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(build.epoch_s)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return path


# --- where it comes from ----------------------------------------------------------------------


def _take_source(place: Path) -> None:
    place.mkdir()
    if not _in_git():
        shutil.copytree(
            REPOSITORY, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "dist")
        )
        return
    if _git("status", "--porcelain"):
        print("changes that are not committed are not in the package", file=sys.stderr)
    with subprocess.Popen(
        ["git", "archive", "HEAD"], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as archive:
        subprocess.run(["tar", "-x", "-C", str(place)], stdin=archive.stdout, check=True)


def _epoch_s() -> str:
    if _in_git():
        return _git("log", "-1", "--format=%ct")
    return str(int((REPOSITORY / "CHANGELOG.md").stat().st_mtime))


def _in_git() -> bool:
    return (REPOSITORY / ".git").exists()


def _git(*arguments: str) -> str:
    run = subprocess.run(
        ["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def _version(source: Path) -> str:
    return str(tomllib.loads((source / "pyproject.toml").read_text())["project"]["version"])


# --- what is in it ----------------------------------------------------------------------------


def _install_wheels(build: Build) -> tuple[list[Path], list[str]]:
    """Unpack what is locked.

    Returns:
        The wheels, and the Debian packages of what could not be taken along.
    """
    entries = [
        entry
        for entry in wheels.locked(build.source / "requirements.lock")
        if entry.wanted_for(build.target)
        and entry.name not in ONLY_FOR_BUILDING | FROM_DEBIAN.keys()
    ]
    certain = [entry for entry in entries if entry.name not in WHERE_THERE_IS_ONE]
    bundled = wheels.download(certain, build.target, build.cache)
    here = {entry.name for entry in certain}
    for entry in (entry for entry in entries if entry.name in WHERE_THERE_IS_ONE):
        if (wheel := _if_there_is_one(entry, build)) is not None:
            bundled.append(wheel)
            here.add(entry.name)
    for wheel in bundled:
        wheels.unpack(wheel, build.site_packages)
    # Two generations of Porcupine can't lie in one folder: see sena_pi/engines/porcupine.py.
    newer = wheels.locked(build.source / "requirements-porcupine4.lock")
    (porcupine4,) = wheels.download(newer, build.target, build.cache / "porcupine4")
    wheels.unpack(porcupine4, build.root / PREFIX / "porcupine4")
    left_out = [debian for name, debian in WHERE_THERE_IS_ONE.items() if name not in here]
    return [*bundled, porcupine4], left_out


def _if_there_is_one(entry: Locked, build: Build) -> Path | None:
    try:
        return wheels.download([entry], build.target, build.cache / entry.name)[0]
    except NoWheel:
        return None


def _install_sena(build: Build) -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index",
                "--no-build-isolation", "--wheel-dir", folder, str(build.source),
            ],
            check=True,
        )  # fmt: skip
        (wheel,) = Path(folder).glob("*.whl")
        wheels.unpack(wheel, build.site_packages)
    python = f"/usr/bin/python{build.target.python}"
    build.put(
        PREFIX / "pyvenv.cfg",
        f"home = /usr/bin\ninclude-system-site-packages = true\nversion = {build.target.python}\n",
    )
    build.put(
        PREFIX / "bin/sena",
        f"#!/{PREFIX}/bin/python -P\nimport sys\n\nfrom sena_pi.cli import main\n\n"
        "sys.exit(main())\n",
        mode=0o755,
    )
    (build.root / PREFIX / "bin/python").symlink_to(python)
    (build.root / "usr/bin").mkdir(parents=True)
    launcher = (build.source / "packaging/start").read_text(encoding="utf-8")
    build.put(PREFIX / "start", launcher, mode=0o755)
    (build.root / "usr/bin/sena").symlink_to("../lib/sena/start")


def _install_system_files(build: Build) -> None:
    for unit in sorted((build.source / "systemd").glob("sena*")):
        build.copy(f"systemd/{unit.name}", f"usr/lib/systemd/system/{unit.name}")
    if build.target.suite.systemd >= RESTART_MODE_SINCE:
        build.copy(
            "systemd/restart-mode.conf", "usr/lib/systemd/system/sena.service.d/10-restart.conf"
        )
    build.copy("systemd/sysusers.conf", "usr/lib/sysusers.d/sena.conf")
    build.copy("systemd/tmpfiles.conf", "usr/lib/tmpfiles.d/sena.conf")
    build.copy("systemd/udev.rules", "usr/lib/udev/rules.d/60-sena.rules")
    build.put("etc/sena/sena.toml", settings_file.commented(build.source))
    if build.update_key is not None:
        build.put("usr/share/sena/update.pub", build.update_key)


def _install_documents(build: Build, bundled: Sequence[Path]) -> None:
    documents = Path("usr/share/doc/sena-pi")
    paragraphs = [_paragraph(wheel, build.target) for wheel in bundled]
    head = (build.source / "packaging/debian/copyright").read_text(encoding="utf-8")
    build.put(documents / "copyright", head + "".join(sorted(paragraphs, key=str.lower)))
    build.copy("README.md", documents / "README.md")
    _put_compressed(build, documents / "changelog.gz", build.source / "CHANGELOG.md")
    for page in sorted((build.source / "docs").glob("*.[1-8]")):
        _put_compressed(build, f"usr/share/man/man{page.suffix[1:]}/{page.name}.gz", page)


def _put_compressed(build: Build, inside: str | Path, source: Path) -> None:
    place = build.root / inside
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(gzip.compress(source.read_bytes(), mtime=0))


def _paragraph(wheel: Path, target: Target) -> str:
    name, version, licence, home = wheels.described(wheel)
    folder = "porcupine4" if wheel.parent.name == "porcupine4" else ""
    place = PREFIX / (folder or f"lib/python{target.python}/site-packages")
    return f"\n{name} {version}\n  Licence: {licence}\n  Home: {home}\n  In: /{place}\n"


# --- what dpkg is told ------------------------------------------------------------------------


def _write_control(build: Build, version: str, left_out: Sequence[str]) -> None:
    templates = build.source / "packaging/debian"
    major, minor = build.target.suite.python
    fields = {
        "VERSION": version,
        "ARCH": build.target.arch,
        "PYTHON": build.target.python,
        "NEXT_PYTHON": f"{major}.{minor + 1}",
        "GLIBC": f"2.{build.target.suite.glibc}",
        "FROM_DEBIAN": ", ".join(sorted(FROM_DEBIAN.values())),
        "RECOMMENDS": ", ".join(["systemd-timesyncd | time-daemon", *left_out]),
        "SIZE_KB": str(_size_kb(build.root)),
    }
    for template, mode in (
        ("control", 0o644), ("conffiles", 0o644),
        ("postinst", 0o755), ("prerm", 0o755), ("postrm", 0o755),
    ):  # fmt: skip
        text = (templates / template).read_text(encoding="utf-8")
        build.put(f"DEBIAN/{template}", _filled(text, fields), mode)
    build.put("DEBIAN/md5sums", _sums(build.root))


def _filled(text: str, fields: Mapping[str, str]) -> str:
    for name, value in fields.items():
        text = text.replace(f"@{name}@", value)
    return text


def _size_kb(root: Path) -> int:
    return sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir()) // 1024


def _sums(root: Path) -> str:
    files = (path.relative_to(root) for path in sorted(root.rglob("*")))
    wanted = [f for f in files if f.parts[0] not in {"DEBIAN", "etc"}]
    names = "\0".join(
        str(f) for f in wanted if (root / f).is_file() and not (root / f).is_symlink()
    )
    run = subprocess.run(
        ["xargs", "-0", "md5sum", "--"], cwd=root, input=names, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    return run.stdout


def _settle(root: Path, epoch_s: int) -> None:
    """Modes and times that do not depend on who builds, and when."""

    def settle(path: Path, change: Callable[[Path], None]) -> None:
        if not path.is_symlink():
            change(path)
        os.utime(path, (epoch_s, epoch_s), follow_symlinks=False)

    def mode(path: Path) -> None:
        runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if runs else 0o644)

    for path in [*root.rglob("*"), root]:
        settle(path, mode)


if __name__ == "__main__":
    sys.exit(main())
