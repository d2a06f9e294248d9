"""What a bundle says of itself: its manifest, which is what is signed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from sena_pi.update.errors import UpdateRefused
from sena_pi.update.version import Version

FORMAT: Final = 1
NAME: Final = "sena-pi"
LARGEST_MANIFEST_BYTES: Final = 8 * 1024 * 1024
LARGEST_PAYLOAD_BYTES: Final = 400 * 1024 * 1024
LARGEST_RELEASE_BYTES: Final = 1024 * 1024 * 1024
MOST_FILES: Final = 50_000
_LONGEST_PATH: Final = 400
_LONGEST_PART: Final = 200
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PYTHON: Final = re.compile(r"3\.\d{1,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds.

    Attributes:
        size_bytes: its length.
        sha256: its hash, in lower-case hexadecimal.
    """

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A release: for whom, and byte for byte what.

    Attributes:
        version: of the release.
        arch: processor, as Python has it: "aarch64", "x86_64".
        python: the one Python it runs with, such as "3.13".
        created: when it was made, ISO 8601 in UTC; for people.
        payload: the compressed archive of its files.
        files: by path within the release.
    """

    version: Version
    arch: str
    python: str
    created: str
    payload: Content
    files: Mapping[str, Content]

    @property
    def release_bytes(self) -> int:
        """What its files need without the compression."""
        return sum(content.size_bytes for content in self.files.values())

    def as_bytes(self) -> bytes:
        """What is signed."""
        data = {
            "format": FORMAT,
            "name": NAME,
            "version": str(self.version),
            "arch": self.arch,
            "python": self.python,
            "created": self.created,
            "payload": _as_json(self.payload),
            "files": {path: _as_json(content) for path, content in sorted(self.files.items())},
        }
        return f"{json.dumps(data, indent=1)}\n".encode()


def parsed(data: bytes) -> Manifest:
    """Read a manifest whose signature is good; what it says is still not taken on trust.

    Raises:
        UpdateRefused: it is no manifest that this version understands.
    """
    try:
        return _manifest(json.loads(data))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UpdateRefused(f"the update's manifest can't be used: {error}") from error


def _manifest(data: dict[str, Any]) -> Manifest:
    if data["format"] != FORMAT or data["name"] != NAME:
        raise ValueError(f"it is of format {data['format']!r}, for {data['name']!r}")
    manifest = Manifest(
        version=Version.parse(data["version"]),
        arch=_text(data["arch"]),
        python=_text(data["python"]),
        created=_text(data["created"]),
        payload=_content(data["payload"], LARGEST_PAYLOAD_BYTES),
        files={
            _safe(path): _content(it, LARGEST_RELEASE_BYTES) for path, it in data["files"].items()
        },
    )
    if not _PYTHON.fullmatch(manifest.python):
        raise ValueError("its Python is none")
    if not 0 < len(manifest.files) <= MOST_FILES:
        raise ValueError(f"it has {len(manifest.files)} files")
    if manifest.release_bytes > LARGEST_RELEASE_BYTES:
        raise ValueError(f"its files are {manifest.release_bytes} bytes")
    return manifest


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 60 or not value.isprintable():
        raise ValueError("a short text is missing")
    return value


def _content(value: dict[str, Any], largest_bytes: int) -> Content:
    size, sha256 = value["size_bytes"], value["sha256"]
    if type(size) is not int or not 0 <= size <= largest_bytes:
        raise ValueError("a size is none, or too large")
    if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
        raise ValueError("a hash is none")
    return Content(size, sha256)


def _safe(path: str) -> str:
    """A path that stays within the release, in its one spelling.

    Raises:
        ValueError: it does not.
    """
    parts = path.split("/")
    if (
        len(path) > _LONGEST_PATH
        or not path.isprintable()
        or any(part in {"", ".", ".."} or len(part) > _LONGEST_PART for part in parts)
        or str(PurePosixPath(path)) != path
        or parts[0] not in {"lib", "porcupine4"}
    ):
        raise ValueError(f"no release has a file {path[:60]!r}")
    return path


def _as_json(content: Content) -> dict[str, object]:
    return {"size_bytes": content.size_bytes, "sha256": content.sha256}
