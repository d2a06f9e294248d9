"""Reads the settings: files, then drop-ins, then the environment; a later one wins, key by key.

- `/etc/sena/sena.toml`, or the file given with `--config`; without one the defaults hold.
- `*.toml` in the folder of the same name ending in `.d` (`/etc/sena/sena.d`), by name.
- `SENA_<SECTION>_<KEY>`, such as `SENA_WAKE_ENGINE`: a text as it is, anything else as TOML
  writes it (`SENA_WAKE_WORDS='["jarvis"]'`, `SENA_CLOUD_ENABLED=false`).

Every file must be right by itself, and everything that is wrong is told at once.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sena_pi.config_problems import Source, misplaced, problems_of, unfitting_variable
from sena_pi.errors import ConfigError
from sena_pi.keys import mask_keys
from sena_pi.places import config_file
from sena_pi.settings import CATALOGUE, Settings, validated

_PREFIX: Final = "SENA_"
_TABLE = re.compile(r"\s*\[\s*([\w.\"'-]+)\s*\]")
_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")
_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings and where they come from.

    Attributes:
        settings: the values in force.
        origins: (section, key) -> file and line, or variable; what is absent has its default.
        files: the files read, in order.
    """

    settings: Settings
    origins: Mapping[tuple[str, str], str]
    files: tuple[Path, ...]


def load(file: Path | None = None, environ: Mapping[str, str] = os.environ) -> Configuration:
    """Read all there is; blocks for a few small files.

    Args:
        file: read in the place of `/etc/sena/sena.toml`; must exist.
        environ: where `SENA_*` is looked for, and where systemd says the files are.

    Raises:
        ConfigError: with every problem of every source.
    """
    problems: list[str] = []
    sources: list[Source] = []
    files: list[Path] = []
    main = file or config_file(environ)
    for path in (main, *_drop_ins(main, problems)):
        source = _read(path, problems, may_be_absent=file is None and path == main)
        if source is not None:
            files.append(path)
            sources.append(source)
            problems += problems_of(source)
    for source in _variables(environ, problems):
        sources.append(source)
        problems += problems_of(source)
    if problems:
        raise ConfigError([mask_keys(problem) for problem in problems])
    return _merged(sources, tuple(files))


def missing_files(configuration: Configuration) -> list[str]:
    """A problem for each file that the settings name and that can't be used. Looks on the disk."""
    settings = configuration.settings
    named = [
        ("wake", "porcupine_models", settings.wake.porcupine_models),
        ("wake", "microwakeword_models", settings.wake.microwakeword_models),
    ]
    problems = [
        f"{configuration.origins[section, key]}: {section}.{key}: {path}: {trouble}"
        for section, key, paths in named
        for path in paths
        if (trouble := _file_trouble(path))
    ]
    folder = settings.voice.folder
    if folder is not None and folder.exists() and not folder.is_dir():
        problems.append(f"{configuration.origins['voice', 'folder']}: {folder} is not a folder")
    return problems


def _file_trouble(path: Path) -> str:
    """Why a file or folder can't be used; empty when it can."""
    try:
        path.stat()
    except FileNotFoundError:
        return "there is no such file"
    except OSError as error:
        return f"can't be read: {error.strerror}"
    return "" if os.access(path, os.R_OK) else "can't be read: Permission denied"


def _merged(sources: list[Source], files: tuple[Path, ...]) -> Configuration:
    data: dict[str, dict[str, object]] = {}
    origins: dict[tuple[str, str], str] = {}
    for source in sources:
        for section, table in source.tables():
            data.setdefault(section, {}).update(table)
            origins.update({(section, key): source.place(section, key) for key in table})
    return Configuration(validated(data), origins, files)


def _drop_ins(main: Path, problems: list[str]) -> list[Path]:
    folder = main.with_suffix(".d")
    try:
        # Not `glob`: it passes over a folder that can't be read without a word.
        return sorted(path for path in folder.iterdir() if _is_drop_in(path))
    except FileNotFoundError:
        return []
    except OSError as error:
        problems.append(_unreadable(folder, error))
        return []


def _is_drop_in(path: Path) -> bool:
    return path.suffix == ".toml" and not path.name.startswith(".")


def source_of(name: str, data: bytes, problems: list[str]) -> Source | None:
    """What a file says; None, and why in `problems`, where it is no TOML. No value is told."""
    try:
        # Editors of other systems put a byte order mark first; TOML does not know it.
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        problems.append(f"{name}: is not a text in UTF-8; save it as such")
        return None
    try:
        return Source(name, tomllib.loads(text), _lines(text))
    except (ValueError, RecursionError) as error:
        where = _WHERE.search(str(error))
        line = f":{where[1]}" if where and where[1] else ""
        problems.append(f"{name}{line}: is not TOML: {_WHERE.sub('', str(error))}")
        return None


def _read(path: Path, problems: list[str], *, may_be_absent: bool) -> Source | None:
    try:
        data = path.read_bytes()
    except OSError as error:
        if not (may_be_absent and isinstance(error, FileNotFoundError)):
            problems.append(_unreadable(path, error))
        return None
    return source_of(str(path), data, problems)


def _unreadable(path: Path, error: OSError) -> str:
    return f"{path}: can't be read: {error.strerror or type(error).__name__}"


def _lines(text: str) -> dict[str, int]:
    """Dotted name -> line, for messages; what is written in unusual ways may be missing."""
    table = ""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if match := _TABLE.match(line):
            table = _bare(match[1])
            lines.setdefault(table, number)
        elif match := _KEY.match(line):
            name = _bare(match[1])
            lines.setdefault(f"{table}.{name}" if table else name, number)
    return lines


def _bare(name: str) -> str:
    return name.replace('"', "").replace("'", "")


def _variables(environ: Mapping[str, str], problems: list[str]) -> Iterator[Source]:
    """One source for each `SENA_*` variable, by name."""
    for variable in sorted(name for name in environ if name.startswith(_PREFIX)):
        # No section has a "_" in its name, so the first one ends it.
        section, _, key = variable.removeprefix(_PREFIX).lower().partition("_")
        where = f"environment variable {variable}"
        setting = CATALOGUE.get(section, {}).get(key)
        if setting is None:
            problems.append(misplaced(where, section, key))
            continue
        text = environ[variable]
        value: object = text
        if not setting.is_text:
            try:
                value = _one_value(text)
            except (ValueError, RecursionError):
                problems.append(unfitting_variable(where, section, key, text))
                continue
        yield Source(where, {section: {key: value}})


def _one_value(text: str) -> object:
    parsed = tomllib.loads(f"value = {text}")
    if list(parsed) != ["value"]:  # the text went on in a second line
        raise ValueError(text)
    return parsed["value"]
