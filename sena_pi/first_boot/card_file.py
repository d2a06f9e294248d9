"""`sena.toml` as it lies on the boot partition: settings, and `[keys]`, which nothing else has.

It is written with whatever editor a PC has, so what such editors do to a file is understood or
told. All mistakes are told at once, by key and line; what was written is never repeated.
"""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sena_pi.config import Configuration, missing_files, source_of
from sena_pi.config_problems import Source, problems_of
from sena_pi.config_show import toml_value
from sena_pi.errors import ConfigError
from sena_pi.first_boot.boot_partition import MOST_BYTES, NAME
from sena_pi.keys import KEY_NAMES, Secret, looks_like_key, mask_keys, trouble_of
from sena_pi.settings import validated

MARK: Final = "moved to the device"
"""What stands in the place of a key that was taken over; blanks fill it up to the key's length."""

_SECTION: Final = "keys"
_TABLE = re.compile(r"\s*\[")
_KEYS_TABLE = re.compile(rf"\s*\[\s*[\"']?{_SECTION}[\"']?\s*\]")
_UNQUOTED = re.compile(r"\s*([\w-]+)\s*=\s*[^\s\"'#]")
_HALF_QUOTED = re.compile(r"\s*([\w-]+)\s*=\s*(\"[^\"]*|'[^']*)$")
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class CardFile:
    """A file without a mistake.

    Attributes:
        settings: section -> key -> value, as TOML has them.
        keys: the keys that stand in it, by name.
        moved: names of keys that were taken over before.
        removed: names of keys that are taken back: their value is empty.
        redacted: its bytes with the mark in the place of each key; as many as before.
        remarks: what a person should know, though nothing is wrong.
    """

    settings: Mapping[str, Mapping[str, object]]
    keys: Mapping[str, Secret]
    moved: tuple[str, ...]
    removed: tuple[str, ...]
    redacted: bytes = field(repr=False)
    remarks: tuple[str, ...] = ()

    def drop_in(self) -> bytes:
        """Its settings as a file for the folder of settings; empty when it has none."""
        lines: list[str] = []
        for section, table in self.settings.items():
            if table:
                lines += ["", f"[{section}]"]
                lines += [f"{key} = {toml_value(value)}" for key, value in table.items()]
        head = f"# Taken over from {NAME} on the boot partition. Change it there, then restart.\n"
        return (head + "".join(f"{line}\n" for line in lines)).encode() if lines else b""


def read(data: bytes) -> CardFile:
    """What a file says; looks on the disk for files that it names.

    Raises:
        ConfigError: with everything that is wrong with it.
    """
    if trouble := _not_a_text(data):
        raise ConfigError([trouble])
    problems: list[str] = []
    source = source_of(NAME, data, problems)
    if source is None:
        raise ConfigError(_merged(problems, _badly_quoted(data)))
    table = source.values.get(_SECTION, {})
    keys: dict[str, Secret] = {}
    moved: list[str] = []
    removed: list[str] = []
    for name, value in table.items() if isinstance(table, dict) else ():
        if name in KEY_NAMES and isinstance(value, str) and value.strip() in ("", MARK):
            (moved if value.strip() else removed).append(name)
        else:
            problems += _key_problems(source, name, value, data)
            keys[name] = Secret(str(value).strip())
    if not isinstance(table, dict):
        problems.append(f"{source.place(_SECTION)}: {_SECTION} must be a section: a line [keys]")
    settings = {name: value for name, value in source.values.items() if name != _SECTION}
    problems += _setting_problems(_without_keys(source, settings))
    redacted = _redacted(data, keys)
    if not problems:
        problems += _left_over(redacted, settings)
    if problems:
        raise ConfigError([mask_keys(problem) for problem in problems])
    tables = {name: value for name, value in settings.items() if isinstance(value, dict)}
    return CardFile(tables, keys, tuple(moved), tuple(removed), redacted, tuple(_remarks(redacted)))


def _without_keys(source: Source, settings: Mapping[str, object]) -> Source:
    return Source(NAME, settings, source.lines, tells_values=False, keys_section=_SECTION)


# --- keys --------------------------------------------------------------------------------------


def _key_problems(source: Source, name: str, value: object, data: bytes) -> Iterator[str]:
    where = source.place(_SECTION, name)
    if name not in KEY_NAMES:
        near = difflib.get_close_matches(name.lower(), KEY_NAMES, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        yield f"{where}: there is no key {name}; there are {' and '.join(KEY_NAMES)}.{hint}"
    elif not isinstance(value, str):
        yield f'{where}: keys.{name} must be a text between quotes: {name} = "..."'
    elif trouble := trouble_of(value.strip()):
        yield f"{where}: keys.{name} {trouble}"
    elif len(value.strip()) < len(MARK):
        yield f"{where}: keys.{name} is too short for a key; copy the whole of it"
    elif value.strip().encode() not in data:
        yield f"{where}: keys.{name} is written with a backslash; write the key as it is"


def _redacted(data: bytes, keys: Mapping[str, Secret]) -> bytes:
    values = sorted((key.reveal().encode() for key in keys.values()), key=len, reverse=True)
    for value in filter(None, values):
        data = data.replace(value, MARK.encode().ljust(len(value)))
    return data


def _left_over(redacted: bytes, settings: Mapping[str, object]) -> Iterator[str]:
    """A key that stands among the settings as well would change them, and be readable there."""
    source = source_of(NAME, redacted, [])
    after = source.values if source is not None else {}
    for section, table in settings.items():
        if after.get(section) != table:
            yield f"{NAME}: a key stands in [{section}] as well; it belongs in [{_SECTION}] only"


def _badly_quoted(data: bytes) -> Iterator[str]:
    """Lines below [keys] whose value has no quotes, or half of them; the usual mistake."""
    inside = False
    text = data.decode("utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if _TABLE.match(line):
            inside = _KEYS_TABLE.match(line) is not None
        elif inside and (found := _UNQUOTED.match(line) or _HALF_QUOTED.match(line)):
            name = found[1]
            if name in KEY_NAMES:
                yield f'{NAME}:{number}: keys.{name} needs straight quotes: {name} = "..."'


def _remarks(redacted: bytes) -> Iterator[str]:
    for number, line in enumerate(redacted.decode("utf-8-sig").splitlines(), start=1):
        if looks_like_key(line):
            yield f"{NAME}:{number}: something like a key stands in a comment, and stays there"


# --- the rest ----------------------------------------------------------------------------------


def _not_a_text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        return f"{NAME}: is longer than {MOST_BYTES // 1024} KB; it can't be the right file"
    if data.startswith(_UTF_16) or b"\0" in data:
        return (
            f'{NAME}: is not saved as UTF-8 but as UTF-16 ("Unicode") or something else. In '
            'Notepad: Save as, and "UTF-8" below, beside Encoding'
        )
    return ""


def _setting_problems(source: Source) -> list[str]:
    problems = problems_of(source)
    if problems:
        return problems
    origins = {
        (section, key): source.place(section, key)
        for section, table in source.tables()
        for key in table
    }
    values: dict[str, Any] = dict(source.tables())
    return [
        _without_path(problem, *named)
        for named in origins
        for problem in missing_files(Configuration(validated(_only(values, *named)), origins, ()))
    ]


def _only(values: Mapping[str, Mapping[str, object]], section: str, key: str) -> dict[str, Any]:
    return {section: {key: values[section][key]}}


def _without_path(problem: str, section: str, key: str) -> str:
    where = problem.split(": ", 1)[0]
    return f"{where}: {section}.{key} names a file or folder that is not on the device"


def _merged(problems: list[str], better: Iterator[str]) -> list[str]:
    """Of a line that two of them name, only what the second one says."""
    told = list(better)
    lines = {_place(problem) for problem in told}
    return told + [problem for problem in problems if _place(problem) not in lines]


def _place(problem: str) -> str:
    return problem.split(" ", 1)[0]
