"""Makes the image of a card: Debian or Raspberry Pi OS for arm64, with sena-pi, ready to flash.

Nothing is mounted, no loop device is needed, and only the installation of the packages runs
programs of the target. The tree of Debian is kept for a week; a second build takes a minute.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "packaging")]

from image import archive, assemble, bytecode, contents, furnish, kernels, lint, models  # noqa: E402
from image.assemble import Artefact  # noqa: E402
from image.bases import NAMES, Base, differences, shared_packages, sources  # noqa: E402
from image.bootstrap import Recipe, tar_of  # noqa: E402
from image.layout import MIB, Layout, laid_out  # noqa: E402
from image.steps import BuildFailed, check_host, run, step  # noqa: E402

from sena_pi.voice_catalogue import CatalogueVoice  # noqa: E402

ENABLED: Final = ("systemd-networkd.service", "systemd-resolved.service", "sena.service")
ROOM_BYTES: Final = 6 * 1024 * MIB


@dataclass(frozen=True, slots=True)
class Work:
    """Folders of one build."""

    scratch: Path
    cache: Path
    out: Path

    @property
    def tree(self) -> Path:
        """The root."""
        return self.scratch / "root"

    @property
    def boot(self) -> Path:
        """The boot partition."""
        return self.scratch / "boot"

    @property
    def data(self) -> Path:
        """The data partition."""
        return self.scratch / "data"


def main(argv: Sequence[str] | None = None) -> int:
    """Make the image that was asked for; prints what was made."""
    args = _arguments(argv)
    try:
        base = Base.load(args.base)
        _show_differences(base)
        if args.differences:
            return 0
        recipe = _recipe(base, args)
        check_host()
        args.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="sena-image-", dir=_scratch(args.scratch)) as name:
            Path(name).chmod(0o755)
            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sena-pi"
            _build(base, recipe, args, Work(Path(name), cache, args.out.resolve()))
    except (BuildFailed, OSError, ValueError) as error:
        print(f"no image: {error}", file=sys.stderr)
        return 1
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/build-image", description=__doc__)
    parser.add_argument("--base", choices=NAMES, required=True, help="what it stands on")
    text = "print how the bases differ, and end"
    parser.add_argument("--differences", action="store_true", help=text)
    text = "package to put in, instead of building one of what was committed"
    parser.add_argument("--deb", type=Path, metavar="FILE", help=text)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "dist", metavar="FOLDER")
    voices = parser.add_argument_group("voices; without any of these, en_US-ljspeech-medium")
    voices.add_argument("--voice", action="append", metavar="NAME", help="may be repeated")
    text = "take them from here, by the names of the catalogue, instead of fetching them"
    voices.add_argument("--models", type=Path, metavar="FOLDER", help=text)
    voices.add_argument("--no-voices", action="store_true", help="espeak-ng speaks")
    second = parser.add_argument_group("the archive of --base raspios")
    second.add_argument("--archive", default="", metavar="ADDRESS", help="of Raspberry Pi's Debian")
    second.add_argument("--archive-key", type=Path, metavar="FILE", help="its public key")
    text = "of that key, 40 digits, from a place that you trust"
    second.add_argument("--archive-fingerprint", default="", metavar="DIGITS", help=text)
    text = "of Debian, that apt on the card asks, such as http://HOST/debian; default: none"
    parser.add_argument("--mirror", default="", metavar="ADDRESS", help=text)
    text = "public key that updates are checked with, see scripts/new-update-key"
    parser.add_argument("--update-key", type=Path, metavar="FILE", help=text)
    text = "a kept tree of Debian that is older is made anew, with today's packages; default: 7"
    parser.add_argument("--tree-days", type=float, default=7.0, metavar="N", help=text)
    parser.add_argument("--no-compress", action="store_true", help="no .xz, and no manifest")
    text = "how hard xz tries: 0 is quick, 9 is small"
    parser.add_argument("--preset", type=int, choices=range(10), default=6, help=text)
    text = "where a few GB lie meanwhile; default: in memory, where there is enough"
    parser.add_argument("--scratch", type=Path, metavar="FOLDER", help=text)
    text = "where the .img.xz will be; default: beside the manifest"
    parser.add_argument("--url", default="", metavar="ADDRESS", help=text)
    return parser.parse_args(argv)


def _show_differences(base: Base) -> None:
    other = Base.load(next(name for name in NAMES if name != base.name))
    print(f"{base.name}: {base.about}. Between the bases, all else is shared:")
    for line in differences(base, other):
        print(f"    {line}")


def _recipe(base: Base, args: argparse.Namespace) -> Recipe:
    packages = (*shared_packages(), *base.packages)
    if not base.has_archive:
        return Recipe(base.suite, packages)
    if not (args.archive and args.archive_key and args.archive_fingerprint):
        raise BuildFailed(
            f"--base {base.name} needs --archive, --archive-key and --archive-fingerprint"
        )
    files = archive.apt_files(base, args.archive, args.archive_key, args.archive_fingerprint)
    return Recipe(base.suite, packages, files=files)


def _scratch(given: Path | None) -> Path:
    if given is not None:
        return given
    memory = Path("/dev/shm")  # noqa: S108 - the folder made in it is our own
    if memory.is_dir() and shutil.disk_usage(memory).free > ROOM_BYTES:
        return memory
    return Path(tempfile.gettempdir())


def _build(base: Base, recipe: Recipe, args: argparse.Namespace, work: Work) -> None:
    epoch_s = int(os.environ.get("SOURCE_DATE_EPOCH") or _committed_s())
    with step(f"A tree of Debian {base.suite}"):
        place = work.cache / "image"
        tar = tar_of(recipe, place, _scratch(args.scratch), max_days=args.tree_days)
        furnish.unpack(tar, work.tree)
    with step("The package of sena-pi"):
        deb = args.deb or _built_deb(work.scratch, base.suite)
        version = run(["dpkg-deb", "--field", deb, "Version"]).strip().partition("+")[0]
    with step("Kernels and their initramfs"):
        found = {
            kernel: kernels.initramfs(work.tree, kernel)
            for kernel in kernels.found(work.tree, base.kernels)
        }
        assemble.boot_folder(work.tree, base, found, work.boot, epoch_s)
    with step(f"sena-pi {version} in it"):
        bytecode.compile_package(work.tree, deb, base.suite, work.cache / "image", work.scratch)
        furnish.install(work.tree, deb)
    with step("Voices"):
        voices = _voices(args, work)
    with step("Settings of the card"):
        _furnish(base, args, work, epoch_s)
        furnish.data_of(work.tree, work.data, work.scratch / "voices" if voices else None, epoch_s)
    with step("The image"):
        where = laid_out(furnish.size_of(work.tree))
        middle = "" if base.name == "raspios" else f"-{base.name}"
        path = work.out / f"sena-pi-{version}{middle}-arm64.img"
        assemble.image(path, where, (work.boot, work.tree, work.data), epoch_s)
        _show(where)
    with step("What is in it"):
        text = contents.bill_of_materials(path.stem, version, work.tree, voices, epoch_s)
        path.with_suffix(".cdx.json").write_text(text, encoding="utf-8")
        assemble.block_map(path)
        _keep_start(work, found, path)
    with step("What no virtual machine can tell (scripts/lint-image)"):
        if lint.main([str(path)]):
            raise BuildFailed("the image is there, but must not be flashed")
    _finish(path, version, epoch_s, args)


def _committed_s() -> str:
    if not (REPOSITORY / ".git").exists():
        return str(int((REPOSITORY / "CHANGELOG.md").stat().st_mtime))
    return run(["git", "-C", REPOSITORY, "log", "-1", "--format=%ct"]).strip()


def _built_deb(place: Path, suite: str) -> Path:
    build = [sys.executable, str(REPOSITORY / "packaging/build_deb.py"), "--compression", "gzip"]
    subprocess.run(
        [*build, "--suite", suite, "--arch", "arm64", "--out", str(place)],
        stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    (deb,) = place.glob("*.deb")
    return deb


def _voices(args: argparse.Namespace, work: Work) -> list[CatalogueVoice]:
    if args.no_voices:
        print("    none: espeak-ng speaks, until there is one by `sena voice install`")
        return []
    names = args.voice or ([] if args.models else ["en_US-ljspeech-medium"])
    found = models.collect(names, args.models, work.cache / "voices", work.scratch / "voices")
    for voice in found:
        print(f"    {voice.name}: {voice.about}; {voice.licence}")
    return found


def _furnish(base: Base, args: argparse.Namespace, work: Work, epoch_s: int) -> None:
    furnish.forget(work.tree)
    furnish.lay_over(work.tree)
    text = sources(base, args.mirror, args.archive).encode()
    files = {"etc/apt/sources.list.d/debian.sources": text}
    if base.has_archive:
        place, key = archive.keyring(args.archive_key)
        files[place.lstrip("/")] = key
    if args.update_key:
        files["usr/share/sena/update.pub"] = args.update_key.read_bytes()
    else:
        print("    without --update-key: this card takes no updates, but is flashed anew")
    furnish.settle(work.tree, files, ENABLED)
    furnish.clamp(work.tree, epoch_s)
    furnish.check(work.tree)


def _show(where: Layout) -> None:
    for part in where.partitions:
        start, size = part.start_bytes // MIB, part.size_bytes // MIB
        print(f"    {part.label:<10} {size:5} MiB at {start} MiB")
    print(f"    {'in all':<10} {where.size_bytes // MIB:5} MiB")


def _keep_start(work: Work, found: dict[kernels.Kernel, bytes], path: Path) -> None:
    """What a virtual machine is started with lies beside the image too."""
    place = path.with_suffix(".boot")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for name in [name for it in found for name in (it.file_name, it.initramfs_name)]:
        shutil.copyfile(work.boot / name, place / name)
    for tree in sorted(work.boot.glob("*.dtb")):
        shutil.copyfile(tree, place / tree.name)


def _finish(path: Path, version: str, epoch_s: int, args: argparse.Namespace) -> None:
    made = [path]
    if not args.no_compress:
        with step("Compressed"):
            made.append(assemble.compressed(path, args.preset))
    with step("Checksums"):
        described = [assemble.described(it) for it in made]
        if len(described) == 2:
            _write_manifest(path, args.base, version, epoch_s, args.url, *described)
    if len(described) == 2 and not args.url:
        print("The manifest names the image where it lies here; for another machine: --url ADDRESS")
    for it in described:
        line = f"{it.sha256}  {it.path.name}\n"
        it.path.with_name(f"{it.path.name}.sha256").write_text(line, encoding="utf-8")
        print(f"{it.path}  {it.size_bytes / 1e6:.0f} MB  SHA-256 {it.sha256}")


def _write_manifest(
    path: Path, base: str, version: str, epoch_s: int, url: str, plain: Artefact, packed: Artefact
) -> None:
    """For Raspberry Pi Imager, which asks no questions about an image without one."""
    from image.imager import Facts, manifest

    facts = Facts(
        name=f"sena-pi {version}",
        version=version,
        release_date=dt.datetime.fromtimestamp(epoch_s, dt.UTC).date().isoformat(),
        url=url or packed.path.as_uri(),
        extract_size=plain.size_bytes,
        extract_sha256=plain.sha256,
        image_download_size=packed.size_bytes,
        image_download_sha256=packed.sha256,
        base=base,
    )
    text = json.dumps(manifest(facts), indent=2) + "\n"
    path.with_suffix(".rpi-imager-manifest").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
