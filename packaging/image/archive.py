"""The second archive of a base: believed only when its key is the one that was pinned."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from image.bases import ARCHIVE_KEYRING, Base, preferences
from image.steps import BuildFailed, run

_SOURCES: Final = "sources.list.d/raspberrypi.sources"
_PREFERENCES: Final = "preferences.d/raspberrypi"


def apt_files(base: Base, address: str, key: Path, fingerprint: str) -> dict[str, bytes]:
    """What apt needs below /etc/apt while the tree is made; nothing was fetched yet.

    Args:
        base: names suite, component, and what is taken from there.
        address: of the archive.
        key: the file with its key, armoured or not.
        fingerprint: of that key, from a source of its own; spaces do not matter.

    Raises:
        BuildFailed: the key is another one, or something is not what it should be.
    """
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https", "file"} or not (parts.netloc or parts.path):
        raise BuildFailed(f"--archive {address}: an address such as https://HOST/debian is needed")
    check_key(key, fingerprint)
    signed = f"Signed-By: {key.resolve()}"
    stanza = (
        f"Types: deb\nURIs: {address}\nSuites: {base.suite}\nComponents: {base.component}\n"
        f"Architectures: arm64\n{signed}\n"
    )
    return {
        _SOURCES: stanza.encode(),
        _PREFERENCES: preferences(base, parts.hostname or "").encode(),
    }


def check_key(key: Path, fingerprint: str) -> None:
    """The file holds one key, and it has this fingerprint.

    Raises:
        BuildFailed: it does not.
    """
    wanted = re.sub(r"[\s:]", "", fingerprint).upper().removeprefix("0X")
    if not re.fullmatch(r"[0-9A-F]{40}|[0-9A-F]{64}", wanted):
        # A short one can be made up by anybody within minutes.
        raise BuildFailed(f"--archive-fingerprint {fingerprint}: 40 hexadecimal digits are needed")
    if not key.is_file():
        raise BuildFailed(f"--archive-key {key}: there is no such file")
    listing = run(
        ["gpg", "--batch", "--no-default-keyring", "--with-colons", "--show-keys", key],
        advice=f"{key} is to be the archive's public key",
    )
    found = _primary_fingerprints(listing)
    if found != [wanted]:
        raise BuildFailed(
            f"{key} is not the pinned key, nothing was fetched:\n"
            f"  pinned: {wanted}\n  in it:  {', '.join(found) or 'none'}"
        )


def keyring(key: Path) -> tuple[str, bytes]:
    """Where the image has the key, and the key without its armour."""
    return ARCHIVE_KEYRING, _plain(key.read_bytes(), key)


def _plain(data: bytes, key: Path) -> bytes:
    if not data.lstrip().startswith(b"-----BEGIN"):
        return data
    import base64

    body = data.decode("ascii").split("-----")[2].strip().split("\n\n", 1)[-1]
    lines = [line for line in body.splitlines() if line and not line.startswith("=")]
    try:
        return base64.b64decode("".join(line for line in lines if ":" not in line), validate=True)
    except ValueError as error:
        raise BuildFailed(f"{key} has armour that can't be read: {error}") from error


def _primary_fingerprints(listing: str) -> list[str]:
    """Of `gpg --with-colons`: the line after each `pub`, not those of subkeys."""
    found, wanted = [], False
    for line in listing.splitlines():
        fields = line.split(":")
        if fields[0] in {"pub", "sub"}:
            wanted = fields[0] == "pub"
        elif fields[0] == "fpr" and wanted:
            found.append(fields[9])
            wanted = False
    return found
