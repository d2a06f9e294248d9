"""What is wrong with a source of settings, in words: where, what, what is allowed instead."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sena_pi.keys import looks_like_key, mask_keys
from sena_pi.settings import CATALOGUE, misfits

_SECRET_WORD = re.compile(
    r"(?:^|[_.-])(?:(?:api|access)?_?keys?|tokens?|secrets?|passwords?|passphrase|credentials?)"
    r"(?:$|[_.-])",
    re.IGNORECASE,
)
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or one variable of the environment.

    Attributes:
        name: what messages begin with.
        values: what it says, as `tomllib` gives it.
        lines: dotted name -> line, as far as known.
        tells_values: messages may hold what was written.
        keys_section: where keys belong in it; empty: nowhere.
    """

    name: str
    values: Mapping[str, object]
    lines: Mapping[str, int] = field(default_factory=dict)
    tells_values: bool = True
    keys_section: str = ""

    def tables(self) -> Iterator[tuple[str, Mapping[str, object]]]:
        """(section, its keys and values) of every section that is a table."""
        for section, table in self.values.items():
            if isinstance(table, dict):
                yield section, table

    def line(self, section: str, key: str = "") -> int:
        """The line of a key or section; 0 when not known."""
        return self.lines.get(f"{section}.{key}") or self.lines.get(section) or 0

    def place(self, section: str, key: str = "") -> str:
        """The source and, where known, the line."""
        line = self.line(section, key)
        return f"{self.name}:{line}" if line else self.name


def problems_of(source: Source) -> list[str]:
    """Everything that is wrong with a source, in the order of its lines."""
    secrets = list(_secrets(source))
    told = {*secrets, *((section, "") for section, _ in secrets if _sounds_secret(section))}
    found = [(place, _elsewhere(source, *place)) for place in secrets]
    found += [
        (place, _misfit(source, *place)) for place in misfits(source.values) if place not in told
    ]
    return [text for _, text in sorted(found, key=lambda item: source.line(*item[0]))]


def misplaced(where: str, section: str, key: str) -> str:
    """The problem of a section or key that does not exist."""
    if _sounds_secret(section) or _sounds_secret(key):
        return _no_keys_here(where, section, key)
    if section not in CATALOGUE:
        if homes := [home for home in CATALOGUE if not key and section in CATALOGUE[home]]:
            return f"{where}: {section} stands in no section; it belongs in [{homes[0]}]."
        near = _near(section, CATALOGUE)
        hint = f"Did you mean [{near}]?" if near else f"There are {', '.join(CATALOGUE)}."
        return f"{where}: there is no section [{section}]. {hint}"
    near = _near(key, CATALOGUE[section])
    names = [f"{section}.{near}"] if near else []
    names += [f"{home}.{key}" for home, keys in CATALOGUE.items() if key in keys]
    hint = f" Did you mean `{names[0]}`?" if names else f" [{section}] has {_listed(section)}."
    return f"{where}: there is no setting {section}.{key}.{hint}"


def unfitting_variable(where: str, section: str, key: str, text: str) -> str:
    """The problem of a variable whose value is not written as TOML writes it."""
    return _unfitting(where, section, key, _shown(text))


def _misfit(source: Source, section: str, key: str) -> str:
    where = source.place(section, key)
    table = source.values[section]
    if section in CATALOGUE and not isinstance(table, dict):
        return f"{where}: {section} must be a section: a line [{section}], its keys below."
    if not isinstance(table, dict) or key not in CATALOGUE.get(section, {}):
        return misplaced(where, section, key)
    shown = _shown(table[key]) if source.tells_values else ""
    return _unfitting(where, section, key, shown, table[key])


def _unfitting(where: str, section: str, key: str, shown: str, value: object = None) -> str:
    setting = CATALOGUE[section][key]
    near = _near(value, setting.choices) if isinstance(value, str) else None
    hint = f" Did you mean `{near}`?" if near else ""
    given = f" is {shown}; it" if shown else ""
    return f"{where}: {section}.{key}{given} must be {setting.expects}.{hint}"


def _secrets(source: Source) -> Iterator[tuple[str, str]]:
    """Places that hold a key, or sound as if they did."""
    for section, table in source.values.items():
        if not isinstance(table, dict):
            if _sounds_secret(section) or _holds_key(table):
                yield section, ""
            continue
        for key, value in table.items():
            known = key in CATALOGUE.get(section, {})
            sounds = not known and (_sounds_secret(section) or _sounds_secret(key))
            if sounds or _holds_key(value):
                yield section, key


def _elsewhere(source: Source, section: str, key: str) -> str:
    where = source.place(section, key)
    if not source.keys_section:
        return _no_keys_here(where, section, key)
    dotted = f"{section}.{key}" if key else section
    home = f"[{source.keys_section}] {_whose(dotted)}"
    return f'{where}: {dotted} is no place for a key; it belongs there: {home} = "..."'


def _whose(dotted: str) -> str:
    return "porcupine" if re.search("porcupine|picovoice|access|wake", dotted) else "gemini"


def _no_keys_here(where: str, section: str, key: str) -> str:
    dotted = f"{section}.{key}" if key else section
    theirs = _whose(dotted)
    home = "environment as SENA_*" if where.startswith("environment") else "TOML"
    return f"{where}: {dotted}: keys do not belong in the {home}; run `sena key set {theirs}`."


def _sounds_secret(name: str) -> bool:
    return _SECRET_WORD.search(name) is not None


def _holds_key(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_key(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_key(item) for item in value)
    return isinstance(value, str) and looks_like_key(value)


def _shown(value: object) -> str:
    """A value as it was written, in one line that is not too long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:  # a date or time
        text = str(value)
    text = mask_keys(text)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def _near(given: str, names: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(given.lower(), list(names), n=1)), None)


def _listed(section: str) -> str:
    return ", ".join(CATALOGUE[section])
