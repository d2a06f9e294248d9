"""Voices of an image: from a folder, or fetched by name; either way the catalogue's bytes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from image.steps import BuildFailed
from sena_pi import voices
from sena_pi.errors import DownloadFailed
from sena_pi.voice_catalogue import VOICES, CatalogueVoice, VoiceFile


def collect(
    names: Sequence[str],
    given: Path | None,
    cache: Path,
    place: Path,
    catalogue: Sequence[CatalogueVoice] = VOICES,
) -> list[CatalogueVoice]:
    """Put the files of these voices into a folder.

    Args:
        names: of the catalogue; empty for all that `given` has.
        given: a folder that has them; None to fetch them.
        cache: where what was fetched stays.
        place: a new folder.
        catalogue: what there is.

    Returns:
        The voices.

    Raises:
        BuildFailed: one can't be had, or is not the one of the catalogue.
    """
    known = {voice.name: voice for voice in catalogue}
    if unknown := sorted(set(names) - known.keys()):
        raise BuildFailed(f"no such voice: {', '.join(unknown)}; there are {', '.join(known)}")
    wanted = list(names)
    if given is not None:
        if not given.is_dir():
            raise BuildFailed(f"--models {given}: there is no such folder")
        wanted = wanted or sorted(path.stem for path in given.glob("*.onnx"))
        if not wanted:
            raise BuildFailed(f"--models {given}: there is no voice in it, such as NAME.onnx")
        if unknown := sorted(set(wanted) - known.keys()):
            raise BuildFailed(f"{given} has voices nobody pinned: {', '.join(unknown)}")
    place.mkdir()
    found = [known[name] for name in wanted]
    for voice in found:
        source = given if given is not None else _fetched(voice, cache)
        for name, expected in files_of(voice).items():
            _copy(source / name, place / name, expected)
    return found


def files_of(voice: CatalogueVoice) -> dict[str, VoiceFile]:
    """Names of a voice's files, and what they must be."""
    return {f"{voice.name}.onnx": voice.model, f"{voice.name}.onnx.json": voice.settings}


def _fetched(voice: CatalogueVoice, cache: Path) -> Path:
    try:
        voices.install(voice.name, cache)
    except DownloadFailed as error:
        raise BuildFailed(
            f"{error}\n  --models FOLDER takes voices from a folder, --no-voices builds without"
        ) from error
    return cache


def _copy(source: Path, place: Path, expected: VoiceFile) -> None:
    if not source.is_file():
        raise BuildFailed(f"{source} is missing")
    shutil.copyfile(source, place)
    with place.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if (place.stat().st_size, found) != (expected.size_bytes, expected.sha256):
        raise BuildFailed(f"{source} is not the file of the catalogue (SHA-256 {found})")
