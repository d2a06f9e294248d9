"""Steps of a build: each prints a line with its seconds, and says what to do when it fails."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LAST_LINES: Final = 15
HOST_TOOLS: Final = {
    "mmdebstrap": "mmdebstrap",
    "arch-test": "arch-test",
    "qemu-aarch64-static": "qemu-user-static",
    "update-binfmts": "binfmt-support",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "sfdisk": "fdisk",
    "mke2fs": "e2fsprogs",
    "modprobe": "kmod",
    "depmod": "kmod",
    "dtc": "device-tree-compiler",
    "bmaptool": "bmap-tools",
    "xz": "xz-utils",
    "gpg": "gpg",
    "unshare": "util-linux",
    "systemctl": "systemd",
}
"""Programs that a build runs -> the Debian packages that have them."""


class BuildFailed(Exception):
    """No image; the text says which step, which command, and what to do."""


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print what is done, and how long it took.

    Raises:
        BuildFailed: with the name of the step before its own text.
    """
    print(f"{what} ...", flush=True)
    start_s = time.monotonic()
    try:
        yield
    except (BuildFailed, OSError) as error:
        raise BuildFailed(f"{what}: {error}") from error
    print(f"    {time.monotonic() - start_s:.1f} s", flush=True)


def run(
    argv: Sequence[str | Path],
    *,
    advice: str = "",
    text: str | None = None,
    environ: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> str:
    """Run a command that must succeed; its standard output.

    Args:
        argv: the command.
        advice: what a person can do when it fails.
        text: its standard input.
        environ: added to the environment.
        log: takes all that it prints, instead of the result.

    Raises:
        BuildFailed: it could not be run, or its status was not 0.
    """
    command = [str(part) for part in argv]
    # Debian keeps half of these where only root looks.
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    everything = {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8", **(environ or {})}
    output = log.open("w+") if log else None
    try:
        result = subprocess.run(
            command, input=text, text=True, check=False, env=everything,
            stdin=subprocess.DEVNULL if text is None else None,
            stdout=output or subprocess.PIPE, stderr=output or subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        raise BuildFailed(f"{command[0]}: {error.strerror}. {advice}") from error
    finally:
        if output:
            output.close()
    if result.returncode:
        said = log.read_text(errors="replace") if log else result.stderr or result.stdout
        last = "\n".join(said.strip().splitlines()[-_LAST_LINES:])
        shown = shlex.join(command if len(command) < 40 else [*command[:40], "..."])
        raise BuildFailed(f"status {result.returncode} of: {shown}\n{last}\n{advice}".rstrip())
    return result.stdout or ""


def missing_tools(tools: Mapping[str, str] = HOST_TOOLS) -> list[str]:
    """Debian packages whose programs are not here, in order."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return sorted({tools[name] for name in tools if shutil.which(name, path=path) is None})


def check_host() -> None:
    """Everything is here that a build needs.

    Raises:
        BuildFailed: something is not; the text has the command that helps.
    """
    if missing := missing_tools():
        names = " ".join(missing)
        raise BuildFailed(
            f"not installed: {names}\n  apt-get install --no-install-recommends {names}"
        )
    if os.geteuid() != 0:
        raise BuildFailed("only root can make files of other owners: call it with sudo")
    try:
        run(["arch-test", "arm64"])
    except BuildFailed:
        raise BuildFailed(
            "this kernel runs no arm64 programs yet:\n"
            "  mountpoint -q /proc/sys/fs/binfmt_misc ||"
            " mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc\n"
            "  update-binfmts --import; update-binfmts --enable qemu-aarch64"
        ) from None
