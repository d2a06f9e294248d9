"""What some settings must be, beyond their type. Each check returns the value or refuses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from sena_pi.words import spoken

_THIS_MACHINE: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Expects:
    """What a value must be, in words, where its type does not say it well enough."""

    text: str


def wake_word(word: str) -> str:
    """A word in lower case with single spaces, however it was written.

    Raises:
        ValueError: there is something else than letters, digits and what joins them.
    """
    if not re.fullmatch(r"[^\W_]+(?:[ '_-][^\W_]+)*", word):
        raise ValueError(word)
    return spoken(word)


def absolute(path: Path) -> Path:
    """An absolute path, "~" resolved; whether it exists is another question.

    Raises:
        ValueError: not absolute, or not a path.
    """
    if "\0" in str(path):
        raise ValueError(path)
    try:
        path = path.expanduser()
    except RuntimeError as error:  # "~" for a user who has no home
        raise ValueError(path) from error
    if not path.is_absolute():
        raise ValueError(path)
    return path


def with_suffix(*suffixes: str) -> Callable[[Path], Path]:
    """A check that a file's name ends in one of these (".ppn"); it raises ValueError."""

    def check(path: Path) -> Path:
        if path.suffix not in suffixes:
            raise ValueError(path)
        return path

    return check


def base_url(url: str) -> str:
    """An address that neither carries a key itself nor would send one in clear; or "".

    Raises:
        ValueError: not such an address.
    """
    if not url:
        return url
    parts = urlsplit(url)
    host = parts.hostname
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in _THIS_MACHINE)
    bare = not (parts.username or parts.password or parts.query or parts.fragment)
    if not (host and safe and bare):
        raise ValueError(url)
    return url


class Section(BaseModel):
    """A table of the TOML file. Immutable; unknown keys and other types are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Setting:
    """What there is to know about one key.

    Attributes:
        description: what it means, with its unit.
        expects: what a value must be, in words.
        choices: the only values allowed, where there are such.
        is_text: the value is a text, not a number, boolean or list.
    """

    description: str
    expects: str
    choices: tuple[str, ...]
    is_text: bool


def _expects(field: FieldInfo, choices: tuple[str, ...]) -> str:
    for mark in field.metadata:
        if isinstance(mark, Expects):
            return mark.text
    if choices:
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    if field.annotation is bool:
        return "true or false"
    low = next(mark.ge for mark in field.metadata if hasattr(mark, "ge"))
    high = next(mark.le for mark in field.metadata if hasattr(mark, "le"))
    return f"a {'whole ' if field.annotation is int else ''}number from {low} to {high}"


def setting_of(field: FieldInfo) -> Setting:
    """What there is to know about the key of this field."""
    kind = get_origin(field.annotation)
    choices = get_args(field.annotation) if kind is Literal else ()
    return Setting(
        description=field.description or "",
        expects=_expects(field, choices),
        choices=choices,
        is_text=field.annotation not in (bool, int, float) and kind is not tuple,
    )
