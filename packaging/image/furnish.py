"""Makes a tree of Debian the card's root: sena-pi in it, the overlay over it, nothing private.

The tree is a folder of the host that root may write to. Only the installation of the package runs
programs of it; that happens in a mount namespace that ends with it.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image.bases import HERE
from image.steps import BuildFailed, run

OVERLAY: Final = HERE / "overlay"
MOUNT_POINTS: Final = (
    "boot/firmware", "data", "etc/sena", "var/lib/sena", "var/cache/sena",
    "var/lib/sena-releases", "var/lib/systemd/timesync",
)  # fmt: skip
MASKED: Final = (
    # They write at rest, or ask for updates of a root that is not written to.
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "man-db.timer",
    # It would write the id into a layer that is forgotten: sena-machine-id.service keeps it.
    "systemd-machine-id-commit.service",
    # No program here is another processor's.
    "systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount",
    # The catalogue and the hardware database are as they were built.
    "systemd-hwdb-update.service", "systemd-journal-catalog-update.service", "ldconfig.service",
)  # fmt: skip
DISABLED: Final = (
    # On when somebody asks for it, see sena-customise.service.
    "ssh.service", "ssh.socket", "wpa_supplicant.service",
)  # fmt: skip
_FORGOTTEN: Final = (
    "etc/ssh/ssh_host_*", "etc/resolv.conf", "etc/hostname", "etc/machine-id",
    "etc/apt/sources.list", "etc/apt/sources.list.d/*", "etc/apt/apt.conf.d/99mmdebstrap",
    "var/lib/apt/lists/*", "var/cache/apt/*.bin", "var/cache/apt/archives/*.deb",
    "var/cache/debconf/*-old", "var/lib/dpkg/*-old", "var/lib/systemd/random-seed",
    "var/lib/systemd/credential.secret", "var/lib/dbus/machine-id", "var/log/*", "boot/vmlinuz-*",
    "boot/System.map-*", "boot/initrd.img*", "boot/firmware/*", "initrd.img*", "vmlinuz*",
    "root/.bash_history", "tmp/*", "run/*", "etc/.pwd.lock", "var/cache/ldconfig/aux-cache",
)  # fmt: skip
"""Of the machine that built it, or of one device: none of it belongs to all of them."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A user of the tree."""

    uid: int
    gid: int


def unpack(tar: Path, tree: Path) -> None:
    """The tree as it was kept; dev is left empty."""
    tree.mkdir(parents=True)
    run(["tar", "--extract", "--file", tar, "--directory", tree, "--numeric-owner",
         "--xattrs", "--xattrs-include=*", "--preserve-permissions"])  # fmt: skip


def install(tree: Path, deb: Path) -> None:
    """Install sena-pi as dpkg does on a device.

    Raises:
        BuildFailed: something that it depends on is missing, or a script of it failed.
    """
    inside = tree / "var/cache/sena-pi.deb"
    shutil.copyfile(deb, inside)
    try:
        run(
            [
                "unshare", "--mount", "--pid", "--fork", f"--mount-proc={tree}/proc",
                "chroot", tree, "dpkg", "--force-unsafe-io", "--install", "/var/cache/sena-pi.deb",
            ],
            environ={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
                "HOME": "/root", "PYTHONHASHSEED": "0", "TMPDIR": "/tmp",  # noqa: S108 - its own
            },
            advice="what it depends on belongs into packaging/image/packages.list",
        )  # fmt: skip
    finally:
        inside.unlink()


def forget(tree: Path) -> None:
    """Delete what was of the machine that built it, and what must be another on each device.

    Services that packages switched on, and that nobody has asked for yet, are switched off.
    """
    run(["systemctl", f"--root={tree}", "--quiet", "disable", *DISABLED])
    for pattern in _FORGOTTEN:
        for path in _matching(tree, pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    # Empty and not absent: that would be a "first boot", which presets every unit anew.
    _write(tree / "etc/machine-id", "")
    (tree / "etc/resolv.conf").symlink_to("/run/systemd/resolve/resolv.conf")


def lay_over(tree: Path, overlay: Path = OVERLAY) -> None:
    """Put the overlay's files into the tree: root's, readable, run by all where they run at all."""
    for path in sorted(overlay.rglob("*")):
        place = tree / path.relative_to(overlay)
        if path.is_symlink():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.symlink_to(path.readlink())
        elif path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            runs = path.stat().st_mode & stat.S_IXUSR
            _write(place, path.read_bytes(), 0o755 if runs else 0o644)


def settle(tree: Path, files: Mapping[str, bytes], enabled: Iterable[str] = ()) -> None:
    """Mount points, units that do not run, and files that are made and not kept.

    Args:
        tree: is changed.
        files: paths below the root -> what is in them.
        enabled: units of the system that run, by multi-user.target.
    """
    for name in MOUNT_POINTS:
        (tree / name).mkdir(parents=True, exist_ok=True)
    units = tree / "etc/systemd/system"
    for unit in MASKED:
        _link(units / unit, "/dev/null")
    for unit in enabled:
        _link(units / "multi-user.target.wants" / unit, f"/usr/lib/systemd/system/{unit}")
    for name, data in files.items():
        _write(tree / name, data)


def clamp(tree: Path, epoch_s: int) -> None:
    """No file is newer than what was committed; and systemd is told that all is up to date.

    Modules of Python keep their times, which are their packages': byte code that knows of another
    time is thrown away at each start.
    """
    stamp = f"TIMESTAMP_NSEC={epoch_s * 1_000_000_000}\n"
    for folder in ("etc", "var"):
        _write(tree / folder / ".updated", stamp)
    # Where a machine without a clock begins.
    _write(tree / "usr/lib/clock-epoch", "")
    for path in [*_below(tree), tree]:
        newer = path.lstat().st_mtime > epoch_s and path.suffix != ".py"
        if newer or path.name in {".updated", "clock-epoch"}:
            os.utime(path, (epoch_s, epoch_s), follow_symlinks=False)


def check(tree: Path) -> None:
    """No key, no usable password, no id that all would share, and nothing that listens.

    Raises:
        BuildFailed: there is one.
    """
    wants = {path.name for path in tree.glob("etc/systemd/system/*.wants/*")}
    problems = [f"a service that nobody asked for: {name}" for name in sorted({*DISABLED} & wants)]
    problems += [f"a host key: {path.name}" for path in tree.glob("etc/ssh/ssh_host_*")]
    for line in (tree / "etc/shadow").read_text(encoding="utf-8").splitlines():
        user, secret = line.split(":")[:2]
        if not secret.startswith(("*", "!")):
            problems.append(f"a password that can be used: {user}'s")
    if (tree / "etc/machine-id").read_bytes():
        problems.append("a machine id, which all devices would share")
    if problems:
        raise BuildFailed("the image would hold " + "; ".join(problems))


def owner_of(tree: Path, user: str) -> Owner:
    """Numbers of a user of the tree, root's where there is none."""
    for line in (tree / "etc/passwd").read_text(encoding="utf-8").splitlines():
        fields = line.split(":")
        if fields[0] == user:
            return Owner(int(fields[2]), int(fields[3]))
    return Owner(0, 0)


def data_of(tree: Path, data: Path, models: Path | None, epoch_s: int) -> None:
    """What the data partition holds at first: folders for all that outlives a switch-off.

    Args:
        tree: the root, with the settings that came with the package.
        data: a new folder.
        models: voices, which go where the assistant looks for them; None for none.
        epoch_s: time of everything.
    """
    sena, timesync = owner_of(tree, "_sena"), owner_of(tree, "systemd-timesync")
    root = Owner(0, 0)
    folders = {
        "etc-sena": (root, 0o755), "etc-sena/keys": (root, 0o700), "lib-sena": (sena, 0o700),
        "cache-sena": (sena, 0o700), "releases": (root, 0o755), "timesync": (timesync, 0o755),
        "ssh": (root, 0o700),
    }  # fmt: skip
    data.mkdir(mode=0o755)
    for name, (owner, mode) in folders.items():
        _own(data / name, owner, mode)
    if (settings := tree / "etc/sena/sena.toml").is_file():
        _write(data / "etc-sena/sena.toml", settings.read_bytes())
    if models is not None:
        _own(data / "lib-sena/voices", sena, 0o755)
        for path in sorted(models.iterdir()):
            _write(data / "lib-sena/voices" / path.name, path.read_bytes())
            os.chown(data / "lib-sena/voices" / path.name, sena.uid, sena.gid)
    for path in [*_below(data), data]:
        os.utime(path, (epoch_s, epoch_s), follow_symlinks=False)


def size_of(tree: Path) -> int:
    """Bytes that a tree takes on ext4 with blocks of 4 KiB, inodes and folders included."""
    block, inode = 4096, 256
    return sum(
        inode + (-(-status.st_size // block) * block if not stat.S_ISLNK(status.st_mode) else 0)
        + (block if stat.S_ISDIR(status.st_mode) else 0)
        for status in (path.lstat() for path in _below(tree))
    )  # fmt: skip


def _matching(tree: Path, pattern: str) -> list[Path]:
    if "*" in pattern:
        return list(tree.glob(pattern))
    # A link that points nowhere here: glob passes over those with a plain name.
    return [tree / pattern] if os.path.lexists(tree / pattern) else []


def _own(folder: Path, owner: Owner, mode: int) -> None:
    folder.mkdir()
    folder.chmod(mode)
    os.chown(folder, owner.uid, owner.gid)


def _below(tree: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(tree):
        yield from (Path(folder, name) for name in (*folders, *files))


def _write(place: Path, data: str | bytes, mode: int = 0o644) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink():
        place.unlink()
    place.write_bytes(data.encode() if isinstance(data, str) else data)
    place.chmod(mode)


def _link(place: Path, target: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(target)
