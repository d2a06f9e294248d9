"""What the cache's administration answers, in lines for people.

Questions and answers were spoken by anybody and written by a model: what could steer a terminal is
not printed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from sena_pi.clock import local_zone

Data = Mapping[str, Any]

_MB: Final = 1 << 20
_UNITS: Final = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


class _Prose(Protocol):
    def __call__(self, data: Data, *, running: bool) -> Iterator[str]: ...


def stats(data: Data, *, running: bool) -> Iterator[str]:
    """Counters: today's, and of all days."""
    yield "sena is running" if running else "sena is not running: this is what the card holds"
    yield f"\n{_day(data['day'])}"
    yield from _tally(data["today"])
    yield "\nin all"
    yield from _tally(data["total"])
    yield "\nkept"
    yield _row("entries", f"{data['entries']:,}, {data['card_entries']:,} of them on the card")
    reserved = f"{_size(data['card_bytes'])} of {_size(data['budget_bytes'])} are reserved"
    yield _row("on the card", f"{_size(data['card_payload_bytes'])}; {reserved}")
    yield _row("in memory", _size(data["memory_bytes"]))
    yield _row("trouble", data["trouble"] or "none")


def entries(data: Data, *, running: bool) -> Iterator[str]:
    """One line an entry."""
    for entry in data["entries"]:
        yield "  ".join(
            (
                f"{entry['kind']:6}",
                f"{_age(entry['age_s']):>7}",
                f"{_size(entry['size_bytes']):>8}",
                f"{entry['tier']:6}",
                f"{entry['state']:13}",
                _printable(entry["text"]),
            )
        )
    left_out = data["count"] - len(data["entries"])
    if left_out:
        yield f"and {left_out:,} older ones"
    if not data["entries"]:
        yield "nothing is kept" if running else "nothing is kept on the card"


def show(data: Data, *, running: bool) -> Iterator[str]:
    """Each answer, whole."""
    if not data["answers"]:
        where = "" if running else " on the card"
        yield f"no answer to this question is kept{where}; `sena cache list` tells what is"
    for answer in data["answers"]:
        yield _printable(answer["question"])
        yield from (f"  {_printable(line)}" for line in answer["text"].split("\n"))
        yield _row("stays true", _KEEPS.get(answer["keep"], answer["keep"]))
        yield _row("found", _FOUND[answer["alone"]])
        yield _row("from", f"{_printable(answer['model'])}, {_printable(answer['language'])}")
        yield _row("took", f"{answer['cost_ms'] / 1000:.1f} s, the first time")
        yield _row("kept", _whereabouts(answer))
        for one in answer["sentences"]:
            sentence = f"{_printable(one['sentence'])} ({_printable(one['voice'])})"
            yield _row("speech", f"{_whereabouts(one)}: {sentence}")


def forgotten(data: Data, *, running: bool) -> Iterator[str]:  # noqa: ARG001 - as all of these
    """How many went."""
    count = data["forgotten"]
    if count:
        yield f"{count:,} {'answer' if count == 1 else 'answers'} forgotten, speech included"
    else:
        yield "there was nothing to forget; `sena cache list` tells what is kept"


def cleared(data: Data, *, running: bool) -> Iterator[str]:  # noqa: ARG001 - as all of these
    """How many were deleted."""
    yield f"{data['forgotten']:,} entries deleted"


def verified(data: Data, *, running: bool) -> Iterator[str]:
    """What is wrong."""
    yield from data["problems"]
    if data["problems"]:
        yield "damaged entries are never given as answers, and what is left of them is overwritten"
        yield "in time; if there are more each day, the card is failing. `sena cache clear` begins"
        yield "anew."
    else:
        where = "" if running else " on the card"
        yield f"no problems: {data['entries']:,} entries{where} were read and compared"


PROSE: Final[Mapping[str, _Prose]] = {
    "stats": stats,
    "list": entries,
    "show": show,
    "forget": forgotten,
    "clear": cleared,
    "verify": verified,
}

_KEEPS: Final = {"evergreen": "always", "hours": "for some time", "never": "not at all"}
_FOUND: Final = {True: "in any conversation", False: "only in the same conversation"}


def _tally(tally: Data) -> Iterator[str]:
    yield _row("answers", _rate(tally["hits"], tally["misses"]))
    yield _row("misses", f"{tally['misses']:,}")
    yield _row("not cached", _by_reason(tally["bypasses"]))
    yield _row("sentences", _rate(tally["speech_hits"], tally["speech_misses"]))
    yield _row("time saved", f"{tally['saved_ms'] / 1000:,.1f} s")
    yield _row("refreshed", _by_reason(tally["refreshes"]))
    yield _row(
        "written", f"{_size(tally['written_bytes'])} to the card in {tally['syncs']:,} syncs"
    )
    yield _row("made room", f"{tally['evicted']:,} entries")
    yield _row("damaged", f"{tally['damaged']:,} entries")


def _row(name: str, value: str) -> str:
    return f"  {name:12} {value}"


def _rate(hits: Mapping[str, int], misses: int) -> str:
    found = sum(hits.values())
    if not found + misses:
        return "none were asked for"
    tiers = ", ".join(f"{count:,} from {tier}" for tier, count in sorted(hits.items()))
    share = 100 * found / (found + misses)
    return f"{found:,} of {found + misses:,}, {share:.0f} %" + (f" ({tiers})" if tiers else "")


def _by_reason(counts: Mapping[str, int]) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items()))
    return f"{sum(counts.values()):,}" + (f" ({reasons})" if reasons else "")


def _day(day: str | None) -> str:
    today = datetime.now(local_zone()).date().isoformat()
    if day is None:
        return "today (no date is known yet)"
    return "today" if day == today else f"on {day}"


def _whereabouts(entry: Data) -> str:
    age = _age(entry["age_s"])
    old = f"{age} old, " if entry["age_s"] is not None else ""
    where = "in memory" if entry["tier"] == "memory" else "on the card"
    state = "" if entry["state"] == "kept" else f", {entry['state']}"
    return f"{old}{_size(entry['size_bytes'])} {where}{state}"


def _age(age_s: float | None) -> str:
    if age_s is None:
        return "-"
    length_s, unit = next((one for one in _UNITS if age_s >= one[0]), _UNITS[-1])
    return f"{age_s / length_s:.0f} {unit}"


def _size(size: int) -> str:
    return f"{size / 1024:,.1f} kB" if size < _MB else f"{size / _MB:,.1f} MB"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
