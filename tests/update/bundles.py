"""Bundles and keys for tests: small releases, signed by a key that is made here."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sena_pi.update import bundle
from sena_pi.update.bundle import content_of
from sena_pi.update.machine import this_machine
from sena_pi.update.manifest import Manifest
from sena_pi.update.signature import Signer, new_key
from sena_pi.update.version import Version

PYTHON = this_machine().python
SITE = f"lib/python{PYTHON}/site-packages"
MAIN = f"{SITE}/sena_pi/__main__.py"
SAYS_VERSION = "import pathlib, sys\nprint(pathlib.Path(sys.prefix).name, *sys.argv[1:])\n"
"""A release that tells which it is, and what it was asked."""
FILES = {
    f"{SITE}/sena_pi/__init__.py": b"",
    MAIN: SAYS_VERSION.encode(),
    "porcupine4/voice.bin": bytes(range(256)) * 40,
}


def keys(folder: Path) -> tuple[Path, Path]:
    """A new private key and its public key, in a folder."""
    private = folder / "signing.key"
    return private, new_key(private)


def manifest_for(
    files: Mapping[str, bytes], payload: bytes, changes: Mapping[str, Any]
) -> Manifest:
    """A manifest for this machine, version 1.2.0, with some of it changed."""
    with tempfile.TemporaryDirectory() as folder:
        contents = {}
        for number, (name, data) in enumerate([*files.items(), ("", payload)]):
            place = Path(folder) / str(number)
            place.write_bytes(data)
            contents[name] = content_of(place)
    machine = this_machine()
    manifest = Manifest(
        version=Version(1, 2, 0),
        arch=machine.arch,
        python=machine.python,
        created="2026-11-23T00:00:00Z",
        payload=contents.pop(""),
        files=contents,
    )
    return replace(manifest, **changes)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Files as the archive of a bundle."""
    out = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        places = {}
        for number, (name, data) in enumerate(files.items()):
            (Path(folder) / str(number)).write_bytes(data)
            places[name] = Path(str(number))
        bundle.pack(Path(folder), places, out, preset=0)
    return out.getvalue()


def bundled(
    private: Path,
    files: Mapping[str, bytes] | None = None,
    *,
    payload: bytes | None = None,
    changes: Mapping[str, Any] | None = None,
) -> bytes:
    """A signed bundle.

    Args:
        private: the key it is signed with.
        files: what its manifest promises.
        payload: its archive; by default that of `files`.
        changes: of the manifest, before it is signed.
    """
    files = FILES if files is None else files
    payload = packed(files) if payload is None else payload
    out = io.BytesIO()
    manifest = manifest_for(files, payload, changes or {})
    bundle.write(manifest, io.BytesIO(payload), Signer(private), out)
    return out.getvalue()
