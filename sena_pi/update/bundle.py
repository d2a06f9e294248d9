"""A bundle: a tar of `manifest.json`, `manifest.sig` and `files.tar.xz`, in this order.

Any tar program reads it. This one takes only the bytes that `write` makes: what surrounds the three
members is compared with what it must be, the manifest is covered by its signature, the archive by
its hash in the manifest. So there is no byte that could be another one unseen.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from sena_pi.update.errors import UpdateRefused
from sena_pi.update.manifest import (
    LARGEST_MANIFEST_BYTES,
    LARGEST_PAYLOAD_BYTES,
    Content,
    Manifest,
    parsed,
)
from sena_pi.update.signature import SIGNATURE_BYTES, Signer, Verifier

if TYPE_CHECKING:
    from typing_extensions import Buffer

LARGEST_BUNDLE_BYTES: Final = LARGEST_PAYLOAD_BYTES + LARGEST_MANIFEST_BYTES + 64 * 1024
MANIFEST_NAME: Final = "manifest.json"
SIGNATURE_NAME: Final = "manifest.sig"
PAYLOAD_NAME: Final = "files.tar.xz"
_TAR_BLOCK_BYTES: Final = 512
_TAR_END: Final = bytes(2 * _TAR_BLOCK_BYTES)
_BLOCK_BYTES: Final = 256 * 1024
_DAMAGED: Final = "the file is damaged or no update"


class Bundle:
    """A bundle whose every byte is signed for; nothing of it is unpacked yet.

    Args:
        file: open for reading at its beginning; must stay open, and is left so.
        verifier: knows the manifests of those who may make bundles.

    Raises:
        UpdateRefused: it is not what was signed.
        OSError: it can't be read.
    """

    def __init__(self, file: IO[bytes], verifier: Verifier) -> None:
        self._file = file
        self.manifest_bytes = self._small(MANIFEST_NAME, LARGEST_MANIFEST_BYTES)
        self.signature = self._small(SIGNATURE_NAME, SIGNATURE_BYTES)
        # Before anybody looks at what it says.
        if not verifier.knows(self.manifest_bytes, self.signature):
            raise UpdateRefused("the update is not signed with this machine's key, or was changed")
        self.manifest = parsed(self.manifest_bytes)
        self._check_payload()

    def unpack(self, folder: Path) -> None:
        """Put its files into an empty folder; blocks, and does not wait for the disk.

        Raises:
            UpdateRefused: the archive does not hold what the manifest says.
            OSError: no room, or another trouble with the disk.
        """
        missing = dict(self.manifest.files)
        try:
            with (
                lzma.open(self._payload()) as plain,
                tarfile.open(fileobj=plain, mode="r|") as archive,
            ):
                for member in archive:
                    wanted = missing.pop(member.name, None)
                    # By its name it is in the folder; a link or a device has no business there.
                    if wanted is None or not member.isreg() or member.size != wanted.size_bytes:
                        raise UpdateRefused(f"the update holds {member.name[:60]!r} unasked")
                    if source := archive.extractfile(member):
                        _put(source, folder / member.name, wanted)
        except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
            raise UpdateRefused(f"{_DAMAGED}: {error}") from error
        if missing:
            raise UpdateRefused(f"the update lacks {min(missing)!r}")

    def _payload(self) -> io.BufferedReader:
        self._file.seek(self._payload_at)
        return io.BufferedReader(_Part(self._file, self.manifest.payload.size_bytes))

    def _small(self, name: str, largest_bytes: int) -> bytes:
        """A whole member that is expected here."""
        size = self._head(name, largest_bytes)
        data = self._exactly(size)
        self._padding(size)
        return data

    def _head(self, name: str, largest_bytes: int) -> int:
        """The size of the member that begins here."""
        block = self._exactly(_TAR_BLOCK_BYTES)
        try:
            size = tarfile.TarInfo.frombuf(block, "ascii", "strict").size
        except (tarfile.TarError, ValueError):
            raise UpdateRefused(_DAMAGED) from None
        if not 0 < size <= largest_bytes or block != _tar_head(name, size):
            raise UpdateRefused(_DAMAGED)
        return size

    def _padding(self, size: int) -> None:
        count = -size % _TAR_BLOCK_BYTES
        if self._exactly(count) != bytes(count):
            raise UpdateRefused(_DAMAGED)

    def _check_payload(self) -> None:
        wanted = self.manifest.payload
        if self._head(PAYLOAD_NAME, LARGEST_PAYLOAD_BYTES) != wanted.size_bytes:
            raise UpdateRefused(_DAMAGED)
        self._payload_at = self._file.tell()
        digest = hashlib.sha256()
        for block in _blocks(self._payload()):
            digest.update(block)
        if digest.hexdigest() != wanted.sha256:
            raise UpdateRefused(_DAMAGED)
        self._padding(wanted.size_bytes)
        if self._file.read(len(_TAR_END) + 1) != _TAR_END:
            raise UpdateRefused(_DAMAGED)

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise UpdateRefused("the file is cut short, or no update")
        return data


def write(manifest: Manifest, payload: IO[bytes], signer: Signer, out: IO[bytes]) -> None:
    """Make a bundle; blocks.

    Args:
        manifest: describes `payload`.
        payload: what `pack` made, at its beginning.
        signer: signs the manifest.
        out: where it goes.
    """
    text = manifest.as_bytes()
    for name, data in ((MANIFEST_NAME, text), (SIGNATURE_NAME, signer.sign(text))):
        out.write(_tar_head(name, len(data)) + data + bytes(-len(data) % _TAR_BLOCK_BYTES))
    size = manifest.payload.size_bytes
    out.write(_tar_head(PAYLOAD_NAME, size))
    for block in _blocks(payload):
        out.write(block)
    out.write(bytes(-size % _TAR_BLOCK_BYTES) + _TAR_END)


def pack(root: Path, files: Mapping[str, Path], out: IO[bytes], *, preset: int = 6) -> None:
    """Archive and compress files; the same files give the same bytes. Blocks.

    Args:
        root: the folder that the paths of `files` begin in.
        files: path within the release -> path below `root`.
        out: where it goes.
        preset: of xz, 0 to 9: how hard it tries.
    """
    with (
        lzma.open(out, "wb", preset=preset) as plain,
        tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(files):
            source = root / files[name]
            info = tarfile.TarInfo(name)
            info.size = source.stat().st_size
            with source.open("rb") as file:
                archive.addfile(info, file)


def content_of(path: Path) -> Content:
    """Size and hash of a file; blocks."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return Content(path.stat().st_size, digest.hexdigest())


class _Part(io.RawIOBase):
    """The next bytes of a file, and not one more."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        wanted = min(len(view), self._left)
        data = self._file.read(wanted)
        if len(data) != wanted:
            raise UpdateRefused("the file is cut short")
        view[:wanted] = data
        self._left -= wanted
        return wanted


def _put(source: IO[bytes], place: Path, wanted: Content) -> None:
    """Write one file of a release, which nobody may change or run."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    digest = hashlib.sha256()
    descriptor = os.open(
        place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
    )
    with os.fdopen(descriptor, "wb") as out:
        for block in _blocks(source):
            digest.update(block)
            out.write(block)
    if digest.hexdigest() != wanted.sha256:
        raise UpdateRefused(f"the update's {place.name!r} is not what was signed")


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(_BLOCK_BYTES):
        yield block


def _tar_head(name: str, size: int) -> bytes:
    """The one header that a member of this name and size may have."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)
