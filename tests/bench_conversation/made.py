"""Results as they might have been measured."""

from __future__ import annotations

from typing import Any

from sena_pi.bench.conversation.results import Asked


def asked(way: str, audio_ms: float, *, round_: int = 1, **fields: Any) -> Asked:
    """An answered question: endpoint after 700 ms, first audio so long after the endpoint."""
    times = {"endpoint": 700.0, "first_audio": 700.0 + audio_ms}
    ms = {**times, **fields.pop("ms", {})}
    plain: dict[str, Any] = {
        "question": "What is Python?",
        "answered": True,
        "source": "cloud",
        "voice": "gemini/tts/Kore",
        "questions": 1,
        "speech": 1,
    }
    return Asked(way=way, round=round_, ms=ms, **{**plain, **fields})
