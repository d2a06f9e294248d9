"""What some settings must be, beyond their type. Each check returns the value or refuses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

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
