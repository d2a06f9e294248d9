"""Updates under a real systemd: good, deaf, dying and tampered releases come to a machine.

`scripts/prove update [--tree FOLDER] [--held]`, as root, with Python 3.11; half a minute, with
`--held` six. The base is this tree's code; the releases are small scripts that behave as told. It
needs the Debian packages systemd-container and mmdebstrap; without them it proves nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sena_pi.update.rules import HELD_S
from sena_pi.update.signature import new_key
from sena_pi.update.version import Version
from tests.prove.figures import machine as circumstances
from tests.service.machine import CannotRun, Machine, booted, tree, why_not
from tests.update.bundles import bundled

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = "3.11"
SITE = f"lib/python{PYTHON}/site-packages"
COMMAND = "/usr/lib/sena/bin/sena"
RELEASES = "/var/lib/sena-releases"
COMMON = """\
import array, json, os, socket, sys, time, wave
sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))
if "--simulate" in sys.argv:
    with wave.open(sys.argv[sys.argv.index("--out") + 1], "wb") as out:
        out.setnchannels(1), out.setsampwidth(2), out.setframerate(16000)
        out.writeframes(array.array("h", [8000] * 16000).tobytes())
    sys.exit(print(json.dumps({"outcome": "answered", "source": "rule"})))
import _cffi_backend  # a library of the release itself: it may be mapped as code
try:
    open(os.path.join(sys.prefix, "changed"), "w")
    print("it could change itself", flush=True)
except OSError:
    pass
def tell(text):
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(text, os.environ["NOTIFY_SOCKET"])
"""
KINDS = {
    "good": 'tell(b"READY=1")\nwhile True:\n    tell(b"WATCHDOG=1")\n    time.sleep(3)\n',
    "deaf": "time.sleep(0.3)\nsys.exit(1)\n",
    "dying": 'tell(b"READY=1")\ntime.sleep(1.5)\nsys.exit(1)\n',
}


@dataclass
class Appliance:
    """A machine with the base, and who publishes for it."""

    machine: Machine
    private: Path

    def publish(self, version: str, kind: str) -> str:
        """A bundle of this kind, on the machine: its path there."""
        library = _library("_cffi_backend")
        files = {
            f"{SITE}/sena_pi/__init__.py": b"",
            f"{SITE}/sena_pi/__main__.py": f"{COMMON}{KINDS[kind]}".encode(),
            f"{SITE}/{library.name}": library.read_bytes(),
        }
        changes = {"version": Version.parse(version), "python": PYTHON}
        place = f"root/{version}.sena"
        (self.machine.root / place).write_bytes(bundled(self.private, files, changes=changes))
        return f"/{place}"

    def update(self, path: str) -> tuple[int, str]:
        """`sena update`: its exit status, and the last line it says."""
        result = self.machine.run(COMMAND, "update", path, timeout_s=300)
        return result.status, (result.err.strip().splitlines() or [""])[-1]

    def state(self) -> tuple[str, str]:
        """The version that is started, and how the service is."""
        told = json.loads(self.machine.out(COMMAND, "update", "--json"))
        return told["running"], self.machine.active("sena.service")

    def is_there(self, name: str) -> bool:
        return (self.machine.root / f"{RELEASES}/{name}".lstrip("/")).exists()


def furnish(machine: Machine, public: Path) -> None:
    """Give a machine the base, as the package would: this tree, and what updates need."""
    base = machine.root / "usr/lib/sena"
    site = base / SITE
    site.mkdir(parents=True)
    skip = shutil.ignore_patterns("__pycache__", "bench")
    shutil.copytree(REPOSITORY / "sena_pi", site / "sena_pi", ignore=skip)
    shutil.copytree(_library("cryptography").parent, site / "cryptography")
    shutil.copy(_library("_cffi_backend"), site)
    (base / "bin").mkdir()
    (base / "bin/python").symlink_to(f"/usr/bin/python{PYTHON}")
    machine.put("/usr/lib/sena/pyvenv.cfg", f"home = /usr/bin\nversion = {PYTHON}\n")
    start = "import sys\n\nfrom sena_pi.cli import main\n\nsys.exit(main())\n"
    machine.put(COMMAND, f"#!/usr/lib/sena/bin/python -P\n{start}", 0o755)
    shutil.copy(REPOSITORY / "packaging/start", base / "start")
    for unit in (REPOSITORY / "systemd").glob("sena*"):
        shutil.copy(unit, machine.root / "usr/lib/systemd/system" / unit.name)
    machine.put("/usr/lib/sysusers.d/sena.conf", (REPOSITORY / "systemd/sysusers.conf").read_text())
    machine.put("/etc/sena/keys/.none", "")
    machine.put("/usr/share/sena/update.pub", public.read_text())
    machine.out("systemd-sysusers", "/usr/lib/sysusers.d/sena.conf")
    machine.out("systemctl", "daemon-reload")


def prove(it: Appliance, *, held: bool) -> None:
    """Let releases come and go; an AssertionError where one behaves otherwise than it should."""
    machine = it.machine
    expect("1.1.0 is installed", it.update(it.publish("1.1.0", "good")), 0)
    machine.out("systemctl", "start", "sena.service")
    assert it.state() == ("1.1.0", "active"), it.state()
    told = it.update(it.publish("1.2.0", "deaf"))
    expect("1.2.0 did not become ready; 1.1.0 is back", told, 1)
    assert it.state() == ("1.1.0", "active"), it.state()
    expect("1.3.0 is installed", it.update(it.publish("1.3.0", "dying")), 0)
    took_s = machine.until(lambda: it.state() == ("1.1.0", "active"), 60, "1.1.0 comes back")
    print(f"  by itself, after {took_s:.0f} s", flush=True)
    bad = machine.root / it.publish("1.4.0", "good").lstrip("/")
    data = bytearray(bad.read_bytes())
    data[len(data) // 2] ^= 4
    bad.write_bytes(data)
    expect("the file is damaged or no update", it.update("/root/1.4.0.sena"), 1)
    expect("what is here, 1.1.0, is newer", it.update(it.publish("1.0.0", "good")), 1)
    expect("1.5.0 is installed", it.update(it.publish("1.5.0", "good")), 0)
    assert it.state() == ("1.5.0", "active"), it.state()
    assert "could change itself" not in machine.messages("-u", "sena.service")
    if held:
        _prove_held(it)


def _prove_held(it: Appliance) -> None:
    assert it.is_there("trial")

    took_s = it.machine.until(lambda: not it.is_there("trial"), HELD_S + 120, "1.5.0 proves itself")
    print(f"  1.5.0 proved itself after {took_s:.0f} s", flush=True)


def expect(wanted: str, told: tuple[int, str], status: int) -> None:
    """What was told is what was wanted; prints it."""
    assert told[0] == status, told
    assert wanted in told[1], told
    print(f"  {told[1]}", flush=True)


def _library(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def _tree() -> Path:
    """A Debian with Python, made where there is none."""
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / "wants/DEBIAN/control"
        control.parent.mkdir(parents=True)
        control.write_text(
            "Package: wants\nVersion: 1\nArchitecture: all\nMaintainer: nobody\n"
            "Depends: python3\nDescription: what updates need\n"
        )
        deb = Path(folder) / "wants.deb"
        build = ["dpkg-deb", "--build", str(control.parents[1]), str(deb)]
        subprocess.run(build, stdout=subprocess.DEVNULL, check=True)
        return tree("bookworm", deb)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="scripts/prove update")
    parser.add_argument("--tree", type=Path, help="a Debian 12 with Python that is there already")
    parser.add_argument("--held", action="store_true", help="wait until a release proves itself")
    args = parser.parse_args(argv)
    if (reason := why_not()) is not None:
        sys.exit(f"nothing is proved: {reason}")
    if f"{sys.version_info.major}.{sys.version_info.minor}" != PYTHON:
        sys.exit(f"nothing is proved: it needs Python {PYTHON}, whose libraries it takes along")
    print(circumstances(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        private = Path(folder) / "key"
        public = new_key(private)
        try:
            with booted(args.tree or _tree()) as machine:
                furnish(machine, public)
                prove(Appliance(machine, private), held=args.held)
        except (CannotRun, AssertionError) as error:
            sys.exit(f"FAILED: {error}")
    print("holds: every release that does not work is left by itself")


if __name__ == "__main__":
    main()
