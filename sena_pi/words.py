"""Wake words as people write them, and as engines spell them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def spoken(name: str) -> str:
    """A word in lower case with single spaces: "Hey_Jarvis" is "hey jarvis"."""
    return " ".join(re.sub(r"[\s_-]+", " ", name).casefold().split())


def find(word: str, known: Iterable[str]) -> str | None:
    """The known spelling of a word, whatever its case, spaces, dashes and underscores."""
    wanted = _letters(word)
    return next((candidate for candidate in known if _letters(candidate) == wanted), None)


def unknown(word: str, known: Iterable[str]) -> str:
    """For a person: that this word is not known, what was perhaps meant, and what is known."""
    choices = sorted(known)
    by_letters = {_letters(choice): choice for choice in choices}
    near = difflib.get_close_matches(_letters(word), by_letters, n=1)
    # "hey computer" is near "computer" to a person, though not in letters.
    inside = [choice for choice in choices if f" {choice} " in f" {spoken(word)} "]
    meant = [by_letters[letters] for letters in near] or inside
    hint = f" did you mean {meant[0]!r}?" if meant else ""
    return f"unknown word {word!r};{hint} it knows: {', '.join(choices) or 'none'}"


def _letters(word: str) -> str:
    return re.sub(r"[\s_-]+", "", word).casefold()
