"""Piper voices on this machine: which there are, and how one gets here.

A voice is only put in its place when it is the one in the catalogue, byte for byte. So neither a
cut connection nor whoever sits between here and the server can install anything else; that the
catalogue's own hashes are right was checked when it was written, not here.
"""

from __future__ import annotations

import difflib
import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from sena_pi.errors import DownloadFailed
from sena_pi.replace import sync_folder
from sena_pi.voice_catalogue import BASE_URL, VOICES, CatalogueVoice, VoiceFile

Progress = Callable[[int, int], None]
"""Called with the bytes that are here and the bytes there will be."""

_BLOCK_BYTES: Final = 64 * 1024
_ROOM_LEFT_BYTES: Final = 64 * 1024 * 1024
"""What an installation leaves free on the disk."""


@dataclass(frozen=True, slots=True)
class InstalledVoice:
    """A voice that is here.

    Attributes:
        name: of its file, and in the configuration.
        model: path of its `.onnx` file.
        licence: as the catalogue has it, None for a voice that somebody put here.
    """

    name: str
    model: Path
    licence: str | None


def installed(folder: Path) -> list[InstalledVoice]:
    """The voices in a folder, by name: the catalogue's, and any others with both their files."""
    licences = {voice.name: voice.licence for voice in VOICES}
    return [
        InstalledVoice(model.stem, model, licences.get(model.stem))
        for model in sorted(folder.glob("[!.]*.onnx"))
        if _settings_of(model).is_file()
    ]


def install(
    name: str,
    folder: Path,
    *,
    progress: Progress = lambda _here, _all: None,
    voices: Sequence[CatalogueVoice] = VOICES,
    base_url: str = BASE_URL,
    stall_timeout_s: float = 30.0,
) -> Path:
    """Fetch a voice of the catalogue into a folder; blocks. Nothing to do where it is here.

    What was interrupted goes on from where it was when it is called again. The model comes last
    and all at once, so a voice that can be seen is whole, even after a power cut.

    Args:
        name: the voice.
        folder: made where it is absent.
        progress: told often.
        voices: the catalogue.
        base_url: where the voices' repository is.
        stall_timeout_s: longest wait for the server to send something.

    Returns:
        The path of its `.onnx` file.

    Raises:
        DownloadFailed: no such voice, no room, no answer, or not the right bytes; the message
            says which, and what to do.
    """
    voice = _find(name, voices)
    model = folder / f"{voice.name}.onnx"
    url = f"{base_url}/{voice.path}"
    here = 0

    def add(count: int) -> None:
        nonlocal here
        here += count
        progress(here, voice.size_bytes)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_room(voice, folder)
        # The settings first: a model with settings is a voice.
        _fetch(f"{url}.json", _settings_of(model), voice.settings, add, stall_timeout_s)
        _fetch(url, model, voice.model, add, stall_timeout_s)
    except OSError as error:
        raise DownloadFailed(f"{voice.name} can't be put into {folder}: {error}") from error
    return model


def _settings_of(model: Path) -> Path:
    return model.with_name(f"{model.name}.json")


def _find(name: str, voices: Sequence[CatalogueVoice]) -> CatalogueVoice:
    for voice in voices:
        if voice.name == name:
            return voice
    names = [voice.name for voice in voices]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
    raise DownloadFailed(f"no voice {name!r} can be installed; {hint}")


def _check_room(voice: CatalogueVoice, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < voice.size_bytes + _ROOM_LEFT_BYTES:
        needed_mb = (voice.size_bytes + _ROOM_LEFT_BYTES) // 1_000_000
        raise DownloadFailed(
            f"{voice.name} needs {needed_mb} MB in {folder}; {free // 1_000_000} MB are free"
        )


def _fetch(
    url: str, path: Path, expected: VoiceFile, add: Callable[[int], None], stall_timeout_s: float
) -> None:
    """Bring one file to its place, if it is not there."""
    if path.is_file() and path.stat().st_size == expected.size_bytes:
        with path.open("rb") as there:
            if _hash_of(there).hexdigest() == expected.sha256:
                add(expected.size_bytes)
                return
    part = path.with_name(f".{path.name}.{expected.sha256[:12]}.part")
    with part.open("a+b") as file:
        file.seek(0)
        hashed = _hash_of(file)
        if file.tell() < expected.size_bytes:
            hashed = _download(url, file, hashed, expected, add, stall_timeout_s)
        else:
            add(file.tell())
        file.flush()
        os.fsync(file.fileno())
    if hashed.hexdigest() != expected.sha256:
        part.unlink()
        raise DownloadFailed(
            f"{path.name} is not the file it should be (SHA-256 {hashed.hexdigest()});"
            " it was thrown away"
        )
    part.replace(path)
    sync_folder(path.parent)


def _download(
    url: str,
    file: IO[bytes],
    hashed: hashlib._Hash,
    expected: VoiceFile,
    add: Callable[[int], None],
    stall_timeout_s: float,
) -> hashlib._Hash:
    """Append what is missing of a file; the hash of all of it."""
    have = file.tell()
    request = urllib.request.Request(url)  # noqa: S310 - the caller's or the catalogue's
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with _OPENER.open(request, timeout=stall_timeout_s) as response:
            if have and response.status != http.client.PARTIAL_CONTENT:
                # The server begins at the beginning.
                file.truncate(0)
                have, hashed = 0, hashlib.sha256()
            add(have)
            # One byte too many is enough to know that it is not the right file.
            while block := response.read(min(_BLOCK_BYTES, expected.size_bytes + 1 - have)):
                have += len(block)
                file.write(block)
                hashed.update(block)
                add(len(block))
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadFailed(f"{url}: the server answers {error.code} {error.reason}") from None
    except (
        urllib.error.URLError,
        http.client.HTTPException,
        TimeoutError,
        ConnectionError,
    ) as error:
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise DownloadFailed(f"{url}: {reason}; call again to go on") from error
    if have < expected.size_bytes:
        raise DownloadFailed(
            f"{url}: cut off after {have} of {expected.size_bytes} bytes; call again to go on"
        )
    return hashed


def _hash_of(file: IO[bytes]) -> hashlib._Hash:
    hashed = hashlib.sha256()
    while block := file.read(_BLOCK_BYTES):
        hashed.update(block)
    return hashed


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from an encrypted connection to one that is not."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """As its base's."""
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise urllib.error.URLError(f"the server redirects to {newurl}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(SafeRedirects)
