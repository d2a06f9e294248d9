"""Kernels of a tree, the modules that their start needs, and an initramfs of our own.

Debian's initramfs is 36 MB and takes minutes under QEMU; this one is a shell of two screens, one
static program, and the modules of packaging/image/initramfs/modules.list.
"""

from __future__ import annotations

import fnmatch
import gzip
import lzma
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image.bases import HERE
from image.steps import BuildFailed, run

FOLDER: Final = HERE / "initramfs"
_MAGIC: Final = b"070701"
_TRAILER: Final = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel of the tree.

    Attributes:
        end: of its files' names on the boot partition: "8" for kernel8.img and initramfs8.
        release: as `uname -r` says it.
        image: its file.
    """

    end: str
    release: str
    image: Path

    @property
    def file_name(self) -> str:
        """As the firmware looks for it."""
        return f"kernel{self.end}.img"

    @property
    def initramfs_name(self) -> str:
        """As the firmware looks for it, with `auto_initramfs=1`."""
        return f"initramfs{self.end}"


def found(tree: Path, wanted: Mapping[str, str]) -> list[Kernel]:
    """The kernels of a tree, one for each end of a name.

    Raises:
        BuildFailed: there is none for one of them, or more than one.
    """
    images = sorted((tree / "boot").glob("vmlinuz-*"))
    kernels = []
    for end, pattern in wanted.items():
        fitting = [
            image
            for image in images
            if fnmatch.fnmatch(image.name.removeprefix("vmlinuz-"), pattern)
        ]
        if len(fitting) != 1:
            names = ", ".join(image.name for image in images) or "none"
            raise BuildFailed(
                f"one kernel {pattern} is needed for kernel{end}.img; in the tree: {names}"
            )
        kernels.append(Kernel(end, fitting[0].name.removeprefix("vmlinuz-"), fitting[0]))
    return kernels


def initramfs(tree: Path, kernel: Kernel) -> bytes:
    """The initramfs of a kernel, compressed; the same bytes for the same tree.

    Raises:
        BuildFailed: busybox or the kernel's modules are not in the tree.
    """
    busybox = next(
        (p for p in (tree / "usr/bin/busybox", tree / "bin/busybox") if p.is_file()), None
    )
    if busybox is None:
        raise BuildFailed("the tree has no busybox: busybox-static belongs into packages.list")
    modules = needed_modules(tree, kernel.release, _names(FOLDER / "modules.list"))
    files = {
        "init": (FOLDER / "init").read_bytes(),
        "bin/busybox": busybox.read_bytes(),
        "modules/order": "".join(f"{_plain_name(path)}\n" for path in modules).encode(),
        **{f"modules/{_plain_name(path)}": _unpacked(path) for path in modules},
    }
    return gzip.compress(archive(files), 9, mtime=0)


def needed_modules(tree: Path, release: str, names: Sequence[str]) -> list[Path]:
    """Files of these modules and of all that they need, in the order to load them."""
    if not (tree / f"usr/lib/modules/{release}/modules.dep.bin").is_file():
        # In a tree whose packages were unpacked and not installed.
        run(["depmod", "-b", tree, release], advice="are the kernel's modules in the tree?")
    ordered: dict[Path, None] = {}
    for name in names:
        result = subprocess.run(
            ["/sbin/modprobe", "-d", tree, "-S", release, "--show-depends", "-i", name],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        # What this kernel does not know is for another base's.
        for line in result.stdout.splitlines() if result.returncode == 0 else ():
            verb, _, path = line.strip().partition(" ")
            if verb == "insmod":
                ordered[Path(path.split(" ")[0])] = None
    return list(ordered)


def archive(files: Mapping[str, bytes]) -> bytes:
    """A cpio archive ("newc") as the kernel unpacks it: all of it root's, and without times."""
    folders = {str(parent) for name in files for parent in Path(name).parents if parent.name}
    entries: list[tuple[str, int, bytes]] = [(f, stat.S_IFDIR | 0o755, b"") for f in folders]
    for name, data in files.items():
        runs = name == "init" or name.startswith("bin/")
        entries.append((name, stat.S_IFREG | (0o755 if runs else 0o644), data))
    # Folders before what is in them: sorting by name does it.
    parts = [part for number, it in enumerate(sorted(entries), 1) for part in _entry(number, *it)]
    return b"".join([*parts, *_entry(0, _TRAILER, 0, b"")])


def _entry(number: int, name: str, mode: int, data: bytes) -> Iterator[bytes]:
    links = 2 if stat.S_ISDIR(mode) else 1
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    head = _MAGIC + b"".join(b"%08X" % value for value in fields) + encoded
    yield head + b"\0" * (-len(head) % 4)
    yield data + b"\0" * (-len(data) % 4)


def _names(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [name for line in lines if (name := line.partition("#")[0].strip())]


def _plain_name(path: Path) -> str:
    return f"{path.name.partition('.ko')[0]}.ko"


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        result = subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=True)
        return result.stdout
    return data
