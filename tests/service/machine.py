"""A Debian of our own, booted by systemd-nspawn: a real systemd without a board.

The tree of a suite is made once (mmdebstrap, about a minute) and kept in the user's cache folder;
a machine is a layer over it that is thrown away. Its network is its own: it has a loopback, which
programs of the host can be put into, and no way out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ALWAYS = (
    "systemd-sysv", "dbus", "procps", "iproute2", "man-db", "pulseaudio", "pulseaudio-utils"
)  # fmt: skip
BOOT_TIMEOUT_S = 180.0


class CannotRun(Exception):
    """There can be no machine here; the text says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a command."""

    status: int
    out: str
    err: str


def why_not() -> str | None:
    """Why machines can't be had here, None when they can."""
    if os.geteuid() != 0:
        return "only root can boot a machine of systemd-nspawn"
    for program, package in (
        ("systemd-nspawn", "systemd-container"), ("mmdebstrap", "mmdebstrap"),
        ("nsenter", "util-linux"), ("mount", "mount"),
    ):  # fmt: skip
        if shutil.which(program) is None:
            return f"{program} is not installed: apt install {package}"
    return None


def tree(suite: str, deb: Path) -> Path:
    """A Debian of this suite with what the package depends on; made when it is not there.

    Raises:
        CannotRun: it can't be made.
    """
    packages = sorted({*ALWAYS, *_depends(deb)})
    digest = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "sena-pi/trees" / f"{suite}-{digest}"
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    making = place.with_suffix(".new")
    shutil.rmtree(making, ignore_errors=True)
    run = subprocess.run(
        [
            "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
            f"--include={','.join(packages)}", suite, str(making),
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if run.returncode:
        shutil.rmtree(making, ignore_errors=True)
        raise CannotRun(f"no {suite} could be made: {run.stderr.strip()[-300:]}")
    # Nothing is to be fetched or updated in it.
    (making / "etc/fstab").write_text("")
    (making / "etc/machine-id").write_text("")
    making.rename(place)
    return place


def _depends(deb: Path) -> list[str]:
    """Names of the packages that a package depends on."""
    run = subprocess.run(
        ["dpkg-deb", "--field", str(deb), "Depends"], capture_output=True, text=True, check=True
    )
    names = {part.strip().partition(" ")[0] for part in run.stdout.split(",")}
    return sorted(names)


class Machine:
    """A booted machine.

    Attributes:
        root: its files, as the host sees them.
    """

    def __init__(self, root: Path, leader: int) -> None:
        self.root = root
        self._leader = leader

    def run(self, *argv: str, timeout_s: float = 60.0, text: str | None = None) -> Result:
        """Run a command in it as root."""
        inside = ["nsenter", "--target", str(self._leader), "--all", "--", *argv]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        run = subprocess.run(
            inside, env=environment, input=text, capture_output=True, text=True,
            timeout=timeout_s, check=False,
        )  # fmt: skip
        return Result(run.returncode, run.stdout, run.stderr)

    def out(self, *argv: str, timeout_s: float = 60.0) -> str:
        """Standard output of a command that must succeed."""
        result = self.run(*argv, timeout_s=timeout_s)
        if result.status:
            raise AssertionError(f"{' '.join(argv)}: status {result.status}: {result.err.strip()}")
        return result.out

    def in_its_network(self, *argv: str) -> list[str]:
        """The command line of a program of the host that is to see the machine's network."""
        return ["nsenter", f"--net=/proc/{self._leader}/ns/net", *argv]

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file in it."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)

    def shown(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit."""
        wanted = [f"--property={name}" for name in properties]
        lines = self.out("systemctl", "show", unit, *wanted).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def active(self, unit: str) -> str:
        """State of a unit: "active", "failed" ..."""
        return self.shown(unit, "ActiveState")["ActiveState"]

    def journal(self, *matches: str) -> list[dict[str, object]]:
        """Entries of its journal, all fields."""
        text = self.out("journalctl", "--quiet", "--all", "--output=json", *matches)
        return [json.loads(line) for line in text.splitlines()]

    def messages(self, *matches: str) -> str:
        """Its journal as text."""
        return self.out("journalctl", "--quiet", "--output=cat", *matches)

    def until(self, holds: Callable[[], bool], timeout_s: float, what: str) -> float:
        """Wait until something holds; the seconds that it took.

        Raises:
            AssertionError: it never did.
        """
        start = time.monotonic()
        while not holds():
            if time.monotonic() - start > timeout_s:
                raise AssertionError(f"{what}: not within {timeout_s:g} s")
            time.sleep(0.2)
        return time.monotonic() - start


@contextlib.contextmanager
def booted(base: Path) -> Iterator[Machine]:
    """A machine over this tree, switched off and forgotten when the context is left.

    Raises:
        CannotRun: it does not boot here.
    """
    with tempfile.TemporaryDirectory(prefix="sena-machine-") as folder:
        layers = {name: Path(folder) / name for name in ("upper", "work", "root")}
        for layer in layers.values():
            layer.mkdir()
        options = f"lowerdir={base},upperdir={layers['upper']},workdir={layers['work']}"
        _must(["mount", "-t", "overlay", "-o", options, "sena-machine", str(layers["root"])])
        try:
            with _running(layers["root"]) as machine:
                yield machine
        finally:
            _must(["umount", "--lazy", str(layers["root"])])


@contextlib.contextmanager
def _running(root: Path) -> Iterator[Machine]:
    with (root.parent / "console").open("w+b") as console:
        nspawn = subprocess.Popen(
            [
                "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot",
                "--private-network", "--console=pipe", f"--directory={root}",
            ],
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            stdin=subprocess.DEVNULL, stdout=console, stderr=console,
        )  # fmt: skip
        leader: int | None = None
        try:
            leader = _leader(nspawn, console.name)
            machine = Machine(root, leader)
            machine.until(lambda: _is_up(machine), BOOT_TIMEOUT_S, "the machine boots")
            yield machine
        finally:
            _switch_off(nspawn, leader)


def _leader(nspawn: subprocess.Popen[bytes], console: str) -> int:
    """Process id of the machine's systemd; killing nspawn alone would leave it."""
    children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children")
    end = time.monotonic() + BOOT_TIMEOUT_S
    while time.monotonic() < end:
        if nspawn.poll() is not None:
            raise CannotRun(f"systemd-nspawn: {Path(console).read_text(errors='replace').strip()}")
        # Its first child only makes the second one, which becomes systemd.
        for child in map(int, children.read_text().split()):
            with contextlib.suppress(OSError):
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return child
        time.sleep(0.05)
    raise CannotRun("systemd-nspawn starts nothing")


def _is_up(machine: Machine) -> bool:
    state = machine.run("systemctl", "is-system-running").out.strip()
    return state in {"running", "degraded"}


def _switch_off(nspawn: subprocess.Popen[bytes], leader: int | None) -> None:
    with contextlib.suppress(ProcessLookupError):
        if leader is not None:
            os.kill(leader, signal.SIGRTMIN + 4)  # systemd's poweroff
            with contextlib.suppress(subprocess.TimeoutExpired):
                nspawn.wait(20)
        if nspawn.poll() is None and leader is not None:
            os.kill(leader, signal.SIGKILL)
    if nspawn.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            nspawn.wait(5)
    if nspawn.poll() is None:
        nspawn.kill()
    nspawn.wait()


def _must(argv: Sequence[str]) -> None:
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    if run.returncode:
        raise CannotRun(f"{argv[0]}: {run.stderr.strip()}")
