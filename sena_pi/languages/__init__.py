"""What the assistant says of itself, one file a language.

A language is added by a file: copy `en.toml` to `xx.toml`, a BCP 47 tag such as `fr` or `pt-BR`,
and translate it. A file holds every text, or it is refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sena_pi.reasons import Reason

FOLDER: Final = Path(__file__).parent
_DEFAULT: Final = "en"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one language.

    Attributes:
        language: its BCP 47 tag.
        fillers: said while an answer takes a moment; at least one.
        reasons: a text for every `Reason`.
    """

    language: str
    fillers: tuple[str, ...]
    reasons: Mapping[Reason, str]


def catalogue(language: str = _DEFAULT, folder: Path = FOLDER) -> Catalogue:
    """The texts for a language; those of a relative, or English, where it has no file.

    "pt-BR" is looked for as `pt-BR.toml`, then as `pt.toml`. Blocking, one small file.

    Raises:
        ValueError: the file can't be read as what it must be; every problem is named.
    """
    family = language.partition("-")[0]
    for tag in (language, family, _DEFAULT):
        path = folder / f"{tag}.toml"
        if tag and path.is_file():
            break
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    problems = list(_problems(data))
    if problems:
        raise ValueError(f"{path.name}: {'; '.join(problems)}")
    reasons = {reason: data["reasons"][reason] for reason in Reason}
    return Catalogue(tag, tuple(data["fillers"]), reasons)


def _problems(data: dict[str, Any]) -> Iterator[str]:
    fillers, reasons = data.get("fillers"), data.get("reasons")
    if not isinstance(fillers, list) or not fillers or not all(map(_is_text, fillers)):
        yield "fillers must be a list of texts"
    if not isinstance(reasons, dict):
        yield "[reasons] is missing"
        return
    known = {str(reason) for reason in Reason}
    for name in sorted(known | reasons.keys()):
        if name not in known:
            yield f"reasons.{name} is unknown"
        elif not _is_text(reasons.get(name)):
            yield f"reasons.{name} must be a text"
    for name in sorted(data.keys() - {"fillers", "reasons"}):
        yield f"{name} is unknown"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
