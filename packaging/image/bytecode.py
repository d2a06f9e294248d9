"""Byte-compiles sena-pi in a tree with the target's Python for the host's processor.

The package's own script does it as well, but under QEMU, where it takes eight minutes; it skips
what it finds done. Byte code is the same on all processors, and for the same Python only.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Final

from image.bootstrap import Recipe, tar_of
from image.furnish import unpack
from image.steps import BuildFailed, run

_LOADERS: Final = {
    "x86_64": ("amd64", "usr/lib64/ld-linux-x86-64.so.2"),
    "aarch64": ("arm64", "usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1"),
}
"""Processor -> Debian's name of it, and what loads its programs."""


def compile_package(tree: Path, deb: Path, suite: str, cache: Path, scratch: Path) -> None:
    """Unpack a package into a tree that it is installed in later, and compile it.

    Args:
        tree: the root of the image.
        deb: the package.
        suite: release of Debian; its Python compiles.
        cache: folder of trees.
        scratch: folder for the Python.

    Raises:
        BuildFailed: there is no such Python for this machine, or something does not compile.
    """
    machine = platform.machine()
    if machine not in _LOADERS:
        raise BuildFailed(f"on {machine} nothing is compiled: use a PC or an arm64 machine")
    arch, loader = _LOADERS[machine]
    version = next(it.name for it in sorted((tree / "usr/lib").glob("python3.*")))
    packages = (f"{version}-minimal", f"lib{version}-stdlib")
    host = scratch / "python"
    unpack(tar_of(Recipe(suite, packages, variant="extract", arch=arch), cache, scratch), host)
    run(["dpkg-deb", "--extract", deb, tree])
    libraries = host / "usr/lib" / f"{machine}-linux-gnu"
    # Its own loader: the host's C library may be older than what this Python needs.
    command = [host / loader, "--library-path", libraries, host / "usr/bin" / version]
    run(
        [
            *command, "-m", "compileall", "-q", "--invalidation-mode", "timestamp",
            "-s", tree, "-p", "/", tree / "usr/lib/sena",
        ],
        environ={"PYTHONHOME": str(host / "usr"), "PYTHONHASHSEED": "0"},
    )  # fmt: skip
