"""What the appliance does now and how it is, in values and in lines. No word of what was said."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sena_pi import __version__
from sena_pi.breaker import Breaker, State
from sena_pi.devices.audio import Audio
from sena_pi.reasons import reason_for
from sena_pi.report import TurnReport
from sena_pi.watchdog import Verdict

_TURN_FIELDS: Final = ("turn", "trigger", "outcome", "told", "source", "tier", "model", "voice")


class StatusBoard:
    """Collects what there is to tell. Belongs to the event loop; nothing here waits.

    Args:
        audio: the audio worker.
        cloud: the breaker of the cloud's answers, None without a cloud.
        muted: whether a person does not want to be heard.
    """

    def __init__(
        self,
        audio: Audio,
        cloud: Breaker | None,
        *,
        muted: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._audio = audio
        self._cloud = cloud
        self._muted = muted
        self._monotonic = monotonic
        self._began_s = monotonic()
        self._outcomes: Counter[str] = Counter()
        self._last: TurnReport | None = None
        self._last_s = 0.0

    def turn_ended(self, report: TurnReport) -> None:
        """A turn is over."""
        self._outcomes[str(report.outcome)] += 1
        self._last, self._last_s = report, self._monotonic()

    def line(self, verdict: Verdict, *, turn: str | None) -> str:
        """One line for people.

        Args:
            verdict: of the watchdog.
            turn: "listening" or "answering" while there is one.
        """
        return f"{self._doing(verdict, turn)}{self._about_cloud()}"

    def as_dict(self, verdict: Verdict, *, turn: str | None) -> dict[str, Any]:
        """All of it, as JSON values; arguments as of `line`."""
        return {
            "line": self.line(verdict, turn=turn),
            "version": __version__,
            "uptime_s": round(self._monotonic() - self._began_s, 1),
            "faults": [str(fault) for fault in verdict.faults],
            "muted": self._muted(),
            "microphone": self._microphone(verdict),
            "speaker": {"ready": self._audio.speaker.ready.is_set()},
            "wake": self._wake(),
            "cloud": self._cloud_state(),
            "turns": dict(self._outcomes),
            "last_turn": self._last_turn(),
        }

    def _doing(self, verdict: Verdict, turn: str | None) -> str:
        if self._muted():
            return "muted"
        if verdict.deaf:
            return "deaf: the microphone delivers nothing but zeros; check it and its mute switch"
        if turn is not None:
            return "listening to a question" if turn == "listening" else "answering a question"
        if verdict.hearing:
            words = " or ".join(f'"{word}"' for word in self._wake()["words"])
            return f"listening for {words}" if words else "waiting for the button"
        absence = self._microphone(verdict)["absence"]
        if absence:
            return f"no microphone: {absence}; it is looked for"
        if verdict.faults and verdict.ready:
            return "not well: " + "; ".join(verdict.faults)
        return "starting to listen"

    def _about_cloud(self) -> str:
        if self._cloud is None or self._cloud.reason is None:
            return ""
        return f"; the cloud is not asked now ({reason_for(self._cloud.reason)})"

    def _microphone(self, verdict: Verdict) -> dict[str, Any]:
        health = self._audio.health
        beat = health.heartbeat
        return {
            "device": health.microphone,
            "hearing": verdict.hearing,
            "absence": None if beat.get("capturing") else beat.get("text"),
            "frames": beat.get("frames", 0),
            "lost_frames": beat.get("lost_frames", 0),
            "zeros_s": round(verdict.zeros_s, 1),
            "workers_replaced": self._audio.supervisor.replacements,
        }

    def _wake(self) -> dict[str, Any]:
        ready = self._audio.health.ready
        return {
            "engine": ready.get("wake_engine"),
            "words": ready.get("wake_words", []),
            "reasons": ready.get("wake_reasons", []),
            "key_refused": ready.get("key_refused", False),
        }

    def _cloud_state(self) -> dict[str, Any]:
        breaker = self._cloud
        if breaker is None:
            return {"state": "none", "reason": None, "rests_s": 0.0}
        reason = breaker.reason
        return {
            "state": str(breaker.state),
            "reason": None if reason is None else str(reason),
            "rests_s": round(breaker.rests_s, 1) if breaker.state is State.OPEN else 0.0,
        }

    def _last_turn(self) -> dict[str, Any] | None:
        report = self._last
        if report is None:
            return None
        told = {name: value for name, value in report.as_dict().items() if name in _TURN_FIELDS}
        ago_s = round(self._monotonic() - self._last_s, 1)
        return {**told, "ago_s": ago_s, "ms": report.ms, "problems": list(report.problems)}


def lines(data: Mapping[str, Any]) -> Iterator[str]:
    """What `StatusBoard.as_dict` told, for people."""
    yield data["line"]
    for fault in data["faults"]:
        yield _row("NOT ALIVE", fault)
    yield _row("running for", f"{_span(data['uptime_s'])}, version {data['version']}")
    yield _row("microphone", _microphone_line(data["microphone"]))
    yield _row("speaker", "ready" if data["speaker"]["ready"] else "none; see `sena devices`")
    yield _row("wake word", _wake_line(data["wake"]))
    yield _row("cloud", _cloud_line(data["cloud"]))
    yield _row("cache", _cache_line(data.get("cache")))
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(data["turns"].items()))
    yield _row("turns", counts or "none yet")
    last = data["last_turn"]
    if last is not None:
        yield _row("last turn", _turn_line(last))
        for problem in last["problems"]:
            yield _row("", problem)


def _row(name: str, value: str) -> str:
    return f"  {name:12} {value}"


def _microphone_line(microphone: Mapping[str, Any]) -> str:
    if microphone["device"] is None:
        return f"none: {microphone['absence'] or 'not opened yet'}"
    parts = [microphone["device"], f"{microphone['frames']:,} frames heard"]
    if microphone["lost_frames"]:
        parts.append(f"{microphone['lost_frames']:,} lost")
    if microphone["zeros_s"] >= 1:
        parts.append(f"nothing but zeros for {microphone['zeros_s']:.0f} s")
    if microphone["workers_replaced"]:
        parts.append(f"worker replaced {microphone['workers_replaced']} times")
    return ", ".join(parts)


def _wake_line(wake: Mapping[str, Any]) -> str:
    if wake["engine"] is None:
        why = "; ".join(wake["reasons"])
        return f"none{f': {why}' if why else ''}; the button works"
    words = " or ".join(f'"{word}"' for word in wake["words"])
    refused = "; the Porcupine key was refused: sena key set porcupine"
    return f"{words}, by {wake['engine']}{refused if wake['key_refused'] else ''}"


def _cloud_line(cloud: Mapping[str, Any]) -> str:
    match cloud["state"]:
        case "none":
            return "none: no key, or switched off"
        case "closed":
            return "asked"
        case "open":
            return f"not asked for another {cloud['rests_s']:.0f} s: {cloud['reason']}"
        case "half-open":
            return f"the next question tries it: {cloud['reason']}"
        case _:
            return f"not asked until there is another key: {cloud['reason']}"


def _cache_line(cache: Mapping[str, Any] | None) -> str:
    if cache is None:
        return "none"
    today = cache["today"]
    found = f"today {today['answered']} of {today['answered'] + today['misses']} answers found"
    trouble = f"; TROUBLE: {cache['trouble']}" if cache["trouble"] else ""
    return f"{cache['entries']:,} entries, {found}{trouble}"


def _turn_line(last: Mapping[str, Any]) -> str:
    parts = [f"{_span(last['ago_s'])} ago by {last['trigger']}", str(last["outcome"])]
    if last["source"] is not None:
        where = f" in {last['tier']}" if last["tier"] else ""
        parts.append(f"from {last['source']}{where}")
    if "first_audio" in last["ms"]:
        parts.append(f"first sound {last['ms']['first_audio']:.0f} ms after speech")
    parts += [f"told {name}" for name in last["told"]]
    return ", ".join(parts)


def _span(seconds: float) -> str:
    minutes, left_s = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left_s} s" if minutes else f"{left_s} s"
