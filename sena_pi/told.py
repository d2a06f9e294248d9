"""What the journal is told of turns: one line each, and its times as fields.

journalctl -u sena SENA_EVENT=turn -o json
"""

from __future__ import annotations

from typing import Any, Final

from sena_pi.journal import event
from sena_pi.report import Source, TurnReport

_CACHE: Final = {Source.CACHE: "hit", Source.CLOUD: "miss", Source.RULE: "none"}


def turn_event(report: TurnReport) -> dict[str, Any]:
    """A turn as fields, without a word of what was said: SENA_EVENT=turn."""
    times = {f"ms_{name}": value for name, value in report.ms.items()}
    return event(
        "turn",
        turn_id=report.turn,
        trigger=report.trigger,
        outcome=str(report.outcome),
        source=str(report.source) if report.source is not None else None,
        cache=_CACHE[report.source] if report.source is not None else None,
        cache_tier=report.tier or None,
        model=report.model or None,
        voice=report.voice or None,
        told=" ".join(report.told) or None,
        problems=len(report.problems) or None,
        **times,
    )
