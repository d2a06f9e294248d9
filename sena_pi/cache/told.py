"""What the journal is told of the cache: one line of prose, and its figures as fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sena_pi.journal import event

_MB: Final = 1 << 20


def stats_line(stats: Mapping[str, Any]) -> str:
    """The counters of today, without a word of what was asked."""
    return f"cache today: {_tally_line(stats['today'])}; {_kept(stats)}"


def stats_event(stats: Mapping[str, Any]) -> dict[str, Any]:
    """The same as fields: SENA_EVENT=cache_stats."""
    return event(
        "cache_stats",
        **_tally_fields(stats["today"]),
        entries=stats["entries"],
        bytes_reserved=stats["card_bytes"],
        bytes_budget=stats["budget_bytes"],
        bytes_written_ever=stats["total"]["written_bytes"],
        trouble=stats["trouble"],
    )


def day_line(tally: Mapping[str, Any]) -> str:
    """The counters of a day that is over."""
    return f"cache, the day that is over: {_tally_line(tally)}"


def day_event(tally: Mapping[str, Any]) -> dict[str, Any]:
    """The same as fields: SENA_EVENT=cache_day."""
    return event("cache_day", **_tally_fields(tally))


def _tally_line(tally: Mapping[str, Any]) -> str:
    asked = tally["answered"] + tally["misses"]
    share = "" if tally["hit_rate"] is None else f" ({100 * tally['hit_rate']:.0f} %)"
    said = sum(tally["speech_hits"].values())
    passed = sum(tally["bypasses"].values())
    return (
        f"{tally['answered']} of {asked} answers found{share}, {passed} not to be cached, "
        f"{said} of {said + tally['speech_misses']} sentences found; "
        f"{tally['saved_ms'] / 1000:.1f} s saved; "
        f"{_size(tally['written_bytes'])} written in {tally['syncs']} syncs"
    )


def _kept(stats: Mapping[str, Any]) -> str:
    ever = _size(stats["total"]["written_bytes"])
    trouble = f"; TROUBLE: {stats['trouble']}" if stats["trouble"] else ""
    return f"{stats['entries']} entries kept, {ever} written in all{trouble}"


def _tally_fields(tally: Mapping[str, Any]) -> dict[str, Any]:
    """Counts by reason become one field each: SENA_BYPASSES_TIME, and so on."""
    names = {"answered": "hits", "written_bytes": "bytes_written", "saved_ms": "ms_saved"}
    fields: dict[str, Any] = {"hits": 0}
    for name, value in tally.items():
        if isinstance(value, Mapping):
            for reason, count in value.items():
                fields[f"{name}_{reason.replace('-', '_').replace(' ', '_')}"] = count
        else:
            fields[names.get(name, name)] = value
    return fields


def _size(size: int) -> str:
    return f"{size / 1024:,.1f} kB" if size < _MB else f"{size / _MB:,.1f} MB"
