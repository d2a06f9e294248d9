"""What can be asked about the cache from outside a turn, answered in JSON values.

The same functions answer in the assistant that runs and in a command beside it. They read all of
the card: never on the event loop.
"""

from __future__ import annotations

import functools
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sena_pi.cache.entries import Stored, StoredAnswer, StoredSpeech
from sena_pi.cache.normalise import normal
from sena_pi.cache.responses import Listed, ResponseCache
from sena_pi.errors import SenaError

MOST_LISTED: Final = 2_000
"""A list holds no more entries: it is put into JSON in one go, on the event loop."""

KINDS: Final[Mapping[str, type[Stored]]] = {"answers": StoredAnswer, "speech": StoredSpeech}
WRITES: Final = frozenset({"forget", "clear"})
"""Requests that need a cache that may be written."""

_CLOCK_SLACK_S: Final = 60.0


class CacheProblem(SenaError):
    """The cache can't do what was asked; says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        cache: what it is about.
        arguments: as they came, from anybody.
        now: wall time in seconds since 1970, None while the clock can't be believed.
        wake_words: phrases that may precede a question.
        most_listed: bound of a list.
    """

    cache: ResponseCache
    arguments: Mapping[str, Any]
    now: float | None
    wake_words: tuple[str, ...] = ()
    most_listed: int = MOST_LISTED

    def text(self) -> str:
        """The question that is meant. Raises CacheProblem when there is none."""
        text = self.arguments.get("text")
        if not isinstance(text, str) or not text.strip():
            raise CacheProblem("a question is needed")
        return text

    def age_s(self, entry: Stored) -> float | None:
        """How old an entry is; None when that can't be known."""
        if self.now is None or entry.kept_at is None:
            return None
        age_s = self.now - entry.kept_at
        # One from the future tells that the clock was wrong then, or is now.
        return round(max(0.0, age_s), 1) if age_s >= -_CLOCK_SLACK_S else None


def answer(request: str, asked: Asked) -> dict[str, Any]:
    """Answer one of `REQUESTS`; blocks for the card.

    Raises:
        CacheProblem: it can't be done.
    """
    try:
        return REQUESTS[request](asked)
    except OSError as error:
        raise CacheProblem(
            f"the card refuses: {error.strerror or error}. What was to be forgotten may come back "
            "at the next start; make the card writable and try again"
        ) from error


def stats(asked: Asked) -> dict[str, Any]:
    """What is counted."""
    return asked.cache.stats()


def entries(asked: Asked) -> dict[str, Any]:
    """The newest entries, newest first; those of unknown age come last."""
    kind = asked.arguments.get("kind")
    if kind is not None and kind not in list(KINDS):  # whatever it is, it need not be hashable
        raise CacheProblem(f"a list is of {' or '.join(KINDS)}, or of both")
    wanted = KINDS[kind] if kind is not None else Stored
    count = 0

    def described() -> Iterator[tuple[float, int, dict[str, Any]]]:
        nonlocal count
        for listed in asked.cache.entries():
            if isinstance(listed.entry, wanted):
                count += 1
                kept_at = listed.entry.kept_at
                # The count decides between equals: dictionaries can't be compared.
                yield (-1.0 if kept_at is None else kept_at), -count, _line(listed, asked)

    newest = heapq.nlargest(asked.most_listed, described())
    return {"count": count, "entries": [line for _, _, line in newest]}


def show(asked: Asked) -> dict[str, Any]:
    """All that is kept of the answers to a question, with the speech of their sentences."""
    text = asked.text()
    found = list(_answers_to(text, asked))
    texts = [listed.entry.text for listed in found if isinstance(listed.entry, StoredAnswer)]
    spoken = list(_speech_of(texts, asked.cache))
    return {
        "question": text,
        "answers": [_whole_answer(listed, spoken, asked) for listed in found],
    }


def forget(asked: Asked) -> dict[str, Any]:
    """Forget all answers to a question, in whatever words it was asked, and their speech."""
    return {"forgotten": asked.cache.forget(asked.text(), asked.wake_words)}


def clear(asked: Asked) -> dict[str, Any]:
    """Forget everything, or what has expired."""
    expired = asked.arguments.get("expired", False)
    if not isinstance(expired, bool):
        raise CacheProblem("expired is true or false")
    return {"forgotten": asked.cache.clear(expired=expired)}


def verify(asked: Asked) -> dict[str, Any]:
    """Read everything and compare; each problem in words, none of them a person's."""
    problems = asked.cache.check()
    return {"ok": not problems, "problems": problems, "entries": asked.cache.stats()["entries"]}


REQUESTS: Final[Mapping[str, Callable[[Asked], dict[str, Any]]]] = {
    "stats": stats,
    "list": entries,
    "show": show,
    "forget": forget,
    "clear": clear,
    "verify": verify,
}


def _answers_to(text: str, asked: Asked) -> Iterator[Listed]:
    @functools.cache
    def wanted(language: str) -> str:
        return normal(text, language, asked.wake_words)

    for listed in asked.cache.entries():
        entry = listed.entry
        if (
            isinstance(entry, StoredAnswer)
            and wanted(entry.language)
            and wanted(entry.language) == normal(entry.question, entry.language, asked.wake_words)
        ):
            yield listed


def _speech_of(texts: Iterable[str], cache: ResponseCache) -> Iterator[Listed]:
    words = "\n".join(texts)
    for listed in cache.entries():
        if isinstance(listed.entry, StoredSpeech) and listed.entry.sentence in words:
            yield listed


def _line(listed: Listed, asked: Asked) -> dict[str, Any]:
    entry = listed.entry
    return {
        "kind": "answer" if isinstance(entry, StoredAnswer) else "speech",
        "text": entry.question if isinstance(entry, StoredAnswer) else entry.sentence,
        "language": entry.language,
        **_whereabouts(listed, asked),
    }


def _whereabouts(listed: Listed, asked: Asked) -> dict[str, Any]:
    return {
        "age_s": asked.age_s(listed.entry),
        "size_bytes": listed.size_bytes,
        "tier": listed.tier,
        "state": listed.state,
    }


def _whole_answer(listed: Listed, spoken: Iterable[Listed], asked: Asked) -> dict[str, Any]:
    entry = listed.entry
    assert isinstance(entry, StoredAnswer)  # noqa: S101 - `_answers_to` gives no others
    return {
        "question": entry.question,
        "text": entry.text,
        "language": entry.language,
        "keep": str(entry.keep),
        "alone": entry.alone,
        "model": entry.model,
        "cost_ms": entry.cost_ms,
        **_whereabouts(listed, asked),
        "sentences": [
            {
                "sentence": one.entry.sentence,
                "voice": one.entry.voice,
                "language": one.entry.language,
                **_whereabouts(one, asked),
            }
            for one in spoken
            if isinstance(one.entry, StoredSpeech) and one.entry.sentence in entry.text
        ],
    }
