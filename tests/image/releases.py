"""Releases for the card in the machine: thin ones, which take their libraries from the base.

What is new in them is this tree's `sena_pi` under another version, so a bundle has 1 MB and is
unpacked and compiled in seconds where a whole one takes an emulated board many minutes. The path
through `sena update` is the same: signature, hash, unpack, compile, a turn on trial, flip, READY.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sena_pi.update.version import Version
from tests.update.bundles import bundled

PYTHON: Final = "3.13"
ARCH: Final = "aarch64"
SITE: Final = f"lib/python{PYTHON}/site-packages"
_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_BASE: Final = f"/usr/lib/sena/{SITE}\n"
_SERVES: Final = 'import sys\nif "run" in sys.argv and "--simulate" not in sys.argv:\n'
_NOT: Final = {
    # It answers on trial; as the service it ends before it is ready, or soon after.
    "deaf": f"{_SERVES}    sys.exit(1)\n",
    "dying": f"""{_SERVES}\
    import os, socket, time
    it = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    it.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    time.sleep(2)
    sys.exit(1)
""",
    "good": "",
}


def files(kind: str, version: str) -> dict[str, bytes]:
    """The files of a release.

    Args:
        kind: "good", "deaf" (never ready) or "dying" (ready, and then it ends).
        version: that its package tells.
    """
    source = _REPOSITORY / "sena_pi"
    paths = [it for it in source.rglob("*") if it.is_file() and "__pycache__" not in it.parts]
    found = {
        f"{SITE}/sena_pi/{it.relative_to(source)}": it.read_bytes()
        for it in paths
        if "bench" not in it.parts
    }
    main = f"{SITE}/sena_pi/__main__.py"
    # After the line that says what the future is, which must be the first.
    head, sep, rest = found[main].decode().partition("from __future__ import annotations\n")
    found[main] = (head + sep + _NOT[kind] + rest if sep else _NOT[kind] + head).encode()
    found[f"{SITE}/base.pth"] = _BASE.encode()
    found[f"{SITE}/sena_pi-{version}.dist-info/METADATA"] = (
        f"Metadata-Version: 2.1\nName: sena-pi\nVersion: {version}\n"
    ).encode()
    return found


def bundle(private: Path, version: str, kind: str = "good") -> bytes:
    """A signed bundle.

    Args:
        private: the key whose public half is on the card.
        version: of the release.
        kind: how it behaves.
    """
    changes = {"version": Version.parse(version), "arch": ARCH, "python": PYTHON}
    return bundled(private, files(kind, version), changes=changes)


def flipped(data: bytes) -> bytes:
    """The same with one bit of one byte changed, in the middle."""
    changed = bytearray(data)
    changed[len(changed) // 2] ^= 4
    return bytes(changed)
