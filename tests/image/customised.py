"""A machine with what the card's image has for Raspberry Pi Imager, in systemd-nspawn.

python -m tests.image.customised      makes its tree of Debian, once; two minutes or so
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.service.machine import CannotRun, Machine, booted, why_not

REPOSITORY = Path(__file__).resolve().parents[2]
OVERLAY = REPOSITORY / "packaging" / "image" / "overlay"
EXAMPLES = Path(__file__).parent / "imager_examples"
PACKAGES = (
    "systemd-sysv", "systemd-resolved", "libnss-resolve", "dbus", "udev", "kmod", "procps",
    "iproute2", "tzdata", "sudo", "wpasupplicant", "netplan.io", "cloud-init", "openssh-server",
)  # fmt: skip
"""Of the image's list, those that have to do with it."""
OF_THE_OVERLAY = (
    "etc/cloud", "etc/ssh", "etc/hostname", "etc/hosts", "etc/tmpfiles.d",
    "etc/systemd/system.conf.d",
    "etc/systemd/resolved.conf.d", "etc/systemd/network", "etc/systemd/system-generators",
    "etc/systemd/system", "usr/libexec/sena-card", "usr/lib/udev",
    "usr/lib/systemd/system/sena-customise.service",
)  # fmt: skip
SYSTEM = "etc/systemd/system"
OFF = ("ssh.service", "ssh.socket", "wpa_supplicant.service")
"""What the packages switch on, and the image off."""
NOT_HERE = ("data.mount.wants", "sena-machine-id.service")
"""Units that need the card's partitions."""


def tree() -> Path:
    """Where the tree is, or would be."""
    digest = hashlib.sha256(" ".join(sorted(PACKAGES)).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "sena-pi/trees" / f"customised-{digest}"


def make_tree() -> Path:
    """Make it, when it is not there.

    Raises:
        CannotRun: it can't be made.
    """
    place = tree()
    if place.is_dir():
        return place
    if reason := why_not():
        raise CannotRun(reason)
    place.parent.mkdir(parents=True, exist_ok=True)
    making = place.with_suffix(".new")
    shutil.rmtree(making, ignore_errors=True)
    run = subprocess.run(
        ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
         f"--include={','.join(PACKAGES)}", "trixie", str(making)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if run.returncode:
        shutil.rmtree(making, ignore_errors=True)
        raise CannotRun(f"no trixie could be made: {run.stderr.strip()[-300:]}")
    (making / "etc/fstab").write_text("")
    (making / "etc/machine-id").write_text("")
    for key in (making / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    subprocess.run(["systemctl", f"--root={making}", "disable", *OFF], check=True,
                   capture_output=True)  # fmt: skip
    making.rename(place)
    return place


@contextlib.contextmanager
def started(
    files: Mapping[str, str], extra: Mapping[str, str] | None = None, wanted: Sequence[str] = ()
) -> Iterator[Machine]:
    """A machine with these files on its boot partition; further files by their path.

    Args:
        files: name on the boot partition -> text.
        extra: path in the machine -> text.
        wanted: units of its /etc that it starts.

    Raises:
        CannotRun: it does not start here.
    """
    if reason := why_not():
        raise CannotRun(reason)
    if not tree().is_dir():
        raise CannotRun("there is no tree with cloud-init: python -m tests.image.customised")
    with tempfile.TemporaryDirectory(prefix="sena-laid-") as folder:
        laid = Path(folder) / "laid"
        for name in OF_THE_OVERLAY:
            source = OVERLAY / name
            (laid / name).parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, laid / name, symlinks=True,
                                ignore=shutil.ignore_patterns(*NOT_HERE))  # fmt: skip
            else:
                shutil.copy(source, laid / name)
        for name, text in {
            **{f"boot/firmware/{name}": text for name, text in files.items()},
            "data/ssh/.keep": "",
            **(extra or {}),
        }.items():
            (laid / name).parent.mkdir(parents=True, exist_ok=True)
            (laid / name).write_text(text, encoding="utf-8")
        for unit in wanted:
            (laid / SYSTEM / "multi-user.target.wants" / unit).symlink_to(f"/{SYSTEM}/{unit}")
        laid.chmod(0o755)
        # Both are lower layers; what is written goes to a third, and is forgotten.
        with booted(Path(f"{laid}:{tree()}")) as machine:
            yield machine


def example(name: str) -> dict[str, str]:
    """Files as Imager writes them."""
    return {path.name: path.read_text(encoding="utf-8") for path in (EXAMPLES / name).iterdir()}


if __name__ == "__main__":
    print(make_tree())  # noqa: T201 - for a person
