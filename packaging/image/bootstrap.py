"""A tree of Debian for arm64, kept as a tar: minutes once, seconds ever after."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from image.bases import ARCH, COMPONENTS
from image.steps import run

EXCLUDED: Final = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
)
"""What dpkg leaves out: nobody reads on the device. Licences stay."""
_ADVICE: Final = (
    "Is there a network, and room in memory (--scratch is another folder)? Call it again: what was"
    " cut short leaves nothing."
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides what is in a tree.

    Attributes:
        suite: release of Debian.
        packages: all that is installed; what they depend on comes along.
        mirrors: lines for apt instead of Debian's servers.
        files: put below etc/apt before anything is fetched: a second archive, and its key.
        variant: of mmdebstrap; "extract" runs no program of the tree.
        arch: processor, as Debian names it.
    """

    suite: str
    packages: tuple[str, ...]
    mirrors: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    variant: str = "minbase"
    arch: str = ARCH

    @property
    def digest(self) -> str:
        """Of all of it: the same for the same recipe only."""
        files = {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}
        parts = [
            self.suite, self.arch, sorted(self.packages), self.mirrors, files, self.variant,
            COMPONENTS, EXCLUDED,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def tar_of(recipe: Recipe, cache: Path, scratch: Path, *, max_days: float = 7.0) -> Path:
    """The tree as a tar; made when it is not in the cache.

    Args:
        recipe: what is in it.
        cache: the folder of such tars.
        scratch: where the tree is made, best in memory: a few GB.
        max_days: one that is older is made anew: nothing else brings a card today's packages.

    Raises:
        BuildFailed: mmdebstrap failed.
    """
    path = cache / f"{recipe.suite}-{recipe.arch}-{recipe.digest}.tar"
    if path.is_file():
        days = (time.time() - path.stat().st_mtime) / 86_400
        if days <= max_days:
            print(f"    from {path}, {days:.1f} days old")
            return path
        print(f"    {path} is {days:.1f} days old, and made anew")
    cache.mkdir(parents=True, exist_ok=True)
    unfinished, log = path.with_suffix(".new"), path.with_suffix(".log")
    print(f"    its output goes to {log}", flush=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        run(
            [*_command(recipe, Path(folder)), recipe.suite, unfinished, *recipe.mirrors],
            # Debian's hooks make no initramfs: ours takes its place, and needs no QEMU.
            environ={"INITRD": "No", "TMPDIR": folder},
            advice=f"{_ADVICE} The whole output: {log}",
            log=log,
        )
    unfinished.rename(path)
    return path


def _command(recipe: Recipe, scratch: Path) -> Iterator[str]:
    # With a SOURCE_DATE_EPOCH, Python would compile the modules so that each start hashes them all.
    yield from ("env", "--unset=SOURCE_DATE_EPOCH")
    yield from ("mmdebstrap", "--mode=root", "--format=tar", f"--architectures={recipe.arch}")
    yield f"--variant={recipe.variant}"
    yield f"--components={' '.join(COMPONENTS)}"
    # A cut leaves no tree that is used, so nothing needs to be on the disk meanwhile.
    yield "--dpkgopt=force-unsafe-io"
    yield from (f"--dpkgopt={line}" for line in EXCLUDED)
    yield f"--include={','.join(recipe.packages)}"
    for number, (name, data) in enumerate(sorted(recipe.files.items())):
        source = scratch / f"file{number}"
        source.write_bytes(data)
        yield f"--setup-hook=upload {source} /etc/apt/{name}"
