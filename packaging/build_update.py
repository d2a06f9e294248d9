"""Makes `sena-pi_VERSION_ARCH_pyPYTHON.sena`, a signed bundle for `sena update`.

What it holds is what the Debian package of the same commit installs below /usr/lib/sena, so a
release is what was tested as a package. Two builds of a commit give the same bytes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wheels import MACHINES, SUITES

REPOSITORY: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from sena_pi.update import bundle  # noqa: E402 - of this tree, which is built
from sena_pi.update.machine import version_in  # noqa: E402
from sena_pi.update.manifest import Content, Manifest, parsed  # noqa: E402
from sena_pi.update.rules import Target  # noqa: E402
from sena_pi.update.signature import Signer, new_key  # noqa: E402

PREFIX: Final = Path("usr/lib/sena")
PARTS: Final = ("lib", "porcupine4")


def main(argv: Sequence[str] | None = None) -> int:
    """Make the bundle that was asked for; prints its path."""
    args = _arguments(argv)
    try:
        signer = Signer(args.key)
    except (OSError, ValueError) as error:
        print(f"the private key can't be used: {error}", file=sys.stderr)
        return 1
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        deb = args.deb or _built_deb(args.suite, args.arch, place)
        subprocess.run(["dpkg-deb", "-x", str(deb), str(place / "root")], check=True)
        print(make(place / "root" / PREFIX, _arch_of(deb), signer, args.out, place, args.preset))
    return 0


def make(root: Path, arch: str, signer: Signer, out: Path, scratch: Path, preset: int = 6) -> Path:
    """Make a bundle of an installation.

    Args:
        root: the installation: lib/python3.N/site-packages and porcupine4 are taken of it.
        arch: processor, as Python has it.
        signer: signs it.
        out: the folder that it is put into.
        scratch: a folder for what is needed meanwhile.
        preset: of xz, 0 to 9.

    Returns:
        Its path.

    Raises:
        ValueError: there is no release that can be installed in this folder.
    """
    (site,) = root.glob("lib/python3.*/site-packages")
    version = version_in([str(site)])
    if version is None:
        raise ValueError(f"sena-pi is not in {site}")
    target = Target(arch, site.parent.name.removeprefix("python"))
    files = _files(root)
    payload = scratch / bundle.PAYLOAD_NAME
    with payload.open("wb") as file:
        bundle.pack(root, {name: Path(name) for name in files}, file, preset=preset)
    manifest = Manifest(
        version=version,
        arch=target.arch,
        python=target.python,
        created=_created(root),
        payload=bundle.content_of(payload),
        files=files,
    )
    parsed(manifest.as_bytes())  # what no machine would take is not published
    path = out / f"sena-pi_{version}_{target.arch}_py{target.python}.sena"
    with payload.open("rb") as plain, path.open("wb") as file:
        bundle.write(manifest, plain, signer, file)
    return path


def new_update_key(argv: Sequence[str] | None = None) -> int:
    """Make a key pair where it was asked for; prints what to do with it."""
    parser = argparse.ArgumentParser(prog="scripts/new-update-key")
    parser.add_argument("path", type=Path, help="of the private key; FILE.pub is put beside it")
    path = parser.parse_args(argv).path.resolve()
    if path.is_relative_to(REPOSITORY):
        print("a private key must never lie in the repository", file=sys.stderr)
        return 1
    try:
        public = new_key(path)
    except OSError as error:
        print(f"no key was made: {error}", file=sys.stderr)
        return 1
    print(f"private: {path}  keep it away from every network; who has it has every device")
    print(f"public:  {public}  belongs to /usr/share/sena/update.pub of the devices")
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/build-update", description=__doc__)
    text = "private key that signs it, see scripts/new-update-key"
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help=text)
    parser.add_argument("--suite", choices=SUITES, default="trixie", help="release of Debian")
    parser.add_argument("--arch", choices=MACHINES, default="arm64", help="processor")
    text = "package to take it from, instead of building one of --suite and --arch"
    parser.add_argument("--deb", type=Path, metavar="FILE", help=text)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "dist", metavar="FOLDER")
    text = "how hard xz tries: 0 is quick, 9 is small"
    parser.add_argument("--preset", type=int, choices=range(10), default=6, help=text)
    return parser.parse_args(argv)


def _built_deb(suite: str, arch: str, place: Path) -> Path:
    build = [sys.executable, str(REPOSITORY / "packaging/build_deb.py"), "--suite", suite]
    subprocess.run(
        [*build, "--arch", arch, "--out", str(place), "--compression", "gzip"],
        stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    (deb,) = place.glob("*.deb")
    return deb


def _arch_of(deb: Path) -> str:
    run = subprocess.run(
        ["dpkg-deb", "--field", str(deb), "Architecture"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return MACHINES[run.stdout.strip()]


def _files(root: Path) -> dict[str, Content]:
    """Every file of the release; links have no place in one.

    Raises:
        ValueError: there is a link.
    """
    files = {}
    for path in sorted(it for part in PARTS for it in (root / part).rglob("*")):
        if path.is_symlink():
            raise ValueError(f"{path} is a link")
        if path.is_file() and path.suffix != ".pyc":
            files[str(path.relative_to(root))] = bundle.content_of(path)
    return files


def _created(root: Path) -> str:
    """When what is in it was made: a package's files have the time of its commit."""
    epoch_s = int(os.environ.get("SOURCE_DATE_EPOCH") or root.stat().st_mtime)
    return dt.datetime.fromtimestamp(epoch_s, dt.UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
