"""The settings in force as text: TOML that can be read back, or JSON, each with its origin."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence

from sena_pi.config import Configuration
from sena_pi.keys import KeyState
from sena_pi.settings import CATALOGUE, values

_DEFAULT = "default"


def as_toml(configuration: Configuration, keys: Sequence[KeyState], *, describe: bool) -> str:
    """TOML with the origin of each value as a comment; keys are comments and never values.

    Args:
        configuration: what to show.
        keys: what can be told about the keys.
        describe: say before each setting what it means and what it may be.
    """
    return "\n".join([*_sections(configuration, describe=describe), *_keys(keys)]) + "\n"


def as_json(configuration: Configuration, keys: Sequence[KeyState]) -> str:
    """The same as one JSON object: settings, origins, keys."""
    origins = {
        f"{section}.{key}": configuration.origins.get((section, key), _DEFAULT)
        for section in CATALOGUE
        for key in CATALOGUE[section]
    }
    data = {
        "settings": values(configuration.settings),
        "origins": origins,
        "keys": [key_data(state) for state in keys],
    }
    return json.dumps(data, indent=2) + "\n"


def key_data(state: KeyState) -> dict[str, object]:
    """What can be told about a key, for JSON."""
    return {
        "name": state.name,
        "set": state.origin is not None,
        "origin": state.origin,
        "problem": state.problem,
    }


def key_line(state: KeyState) -> str:
    """What can be told about a key, in one line."""
    if state.problem is not None:
        return f"{state.name}: refused: {state.problem}"
    return f"{state.name}: set ({state.origin})" if state.origin else f"{state.name}: not set"


def _sections(configuration: Configuration, *, describe: bool) -> Iterator[str]:
    for section, table in values(configuration.settings).items():
        yield f"[{section}]"
        for key, value in table.items():
            if describe:
                yield from _description(section, key)
            origin = configuration.origins.get((section, key), _DEFAULT)
            yield f"{key} = {toml_value(value)}  # {origin}"
        yield ""


def _description(section: str, key: str) -> Iterator[str]:
    setting = CATALOGUE[section][key]
    text = f"{setting.description} ({setting.expects})"
    yield ""
    yield from textwrap.wrap(text, 98, initial_indent="# ", subsequent_indent="# ")


def _keys(keys: Sequence[KeyState]) -> Iterator[str]:
    yield "# Keys are kept elsewhere; `sena key set NAME` asks for one."
    for state in keys:
        yield f"# {key_line(state)}"


def toml_value(value: object) -> str:
    """A bool, number, text or list as TOML writes it, which is nearly as JSON does."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
