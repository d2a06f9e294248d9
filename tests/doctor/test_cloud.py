"""Keys, names, and the cloud: asked by the real client at a loopback server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sena_pi.doctor.cloud import CloudCheck, KeyCheck, ResolverCheck
from sena_pi.doctor.examination import Finding, Level, finding_of
from tests.doctor.patients import patient
from tests.gemini_replies import answer_json, quota_spent, silence, sound_answer, text_answer
from tests.gemini_server import GeminiServer

CANARY = "AIzaSyCanary0123456789-abcdefghijklmnop"


def found(check: Any, folder: Path, **given: Any) -> Finding:
    return asyncio.run(finding_of(check, patient(folder, **given)))


def asked(folder: Path, reply: Any, *, key: str | None = None, timeout_s: float = 25) -> Finding:
    """What a cloud that replies like this is found to be."""
    check = CloudCheck()
    check.timeout_s = timeout_s

    async def main() -> Finding:
        async with GeminiServer() as gemini:
            gemini.will_answer(reply)
            gemini.will_speak(sound_answer(bytes(9600)))
            environ = {"GEMINI_API_KEY": gemini.key if key is None else key}
            settings = {"cloud": {"base_url": gemini.url}}
            return await finding_of(check, patient(folder, settings=settings, environ=environ))

    return asyncio.run(main())


def test_the_cloud_s_times_are_measured(tmp_path: Path) -> None:
    """To the first words and to the first sound."""
    finding = asked(tmp_path, text_answer(answer_json(heard="Say hello.", say="Hello.")))
    assert "first words after" in finding.measured
    assert {"connect_ms", "first_token_ms", "first_audio_ms"} == set(finding.figures)
    assert all(value > 0 for value in finding.figures.values())


def test_a_cloud_that_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    """A spent quota and a wrong key are different problems."""
    assert "quota" in asked(tmp_path, quota_spent(37)).measured.lower()
    wrong = asked(tmp_path, quota_spent(37), key=CANARY)
    assert Level.PROBLEM is wrong.level
    assert "key" in wrong.measured.lower()
    assert CANARY not in f"{wrong.measured}{wrong.fix}{wrong.figures}"


def test_a_cloud_that_is_silent_is_not_waited_for_longer_than_the_check_may_last(
    tmp_path: Path,
) -> None:
    """Its client would wait for more than that."""
    finding = asked(tmp_path, silence(), timeout_s=2.0)
    assert (Level.PROBLEM, True) == (finding.level, "no result within 2 s" in finding.measured)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"settings": {"cloud": {"enabled": False}}}, "switched off"),
        ({"cloud": False}, "not wanted"),
        ({}, "no key"),
    ],
)
def test_a_cloud_that_is_not_to_be_asked_is_no_fault(
    tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    """And nothing is sent."""
    finding = found(CloudCheck(), tmp_path, **given)
    assert (Level.UNKNOWN, True) == (finding.level, words in finding.measured)


def test_a_name_that_can_t_be_resolved_is_told(tmp_path: Path) -> None:
    """Before anything is sent to it."""
    settings = {"cloud": {"base_url": "https://nowhere.invalid"}}
    environ = {"GEMINI_API_KEY": CANARY}
    for check in (ResolverCheck(), CloudCheck()):
        finding = found(check, tmp_path, settings=settings, environ=environ)
        assert Level.PROBLEM is finding.level
        assert "can't be resolved" in finding.measured
    local = {"cloud": {"base_url": "http://127.0.0.1:1"}}
    assert Level.GOOD is found(ResolverCheck(), tmp_path, settings=local).level


def test_keys_are_told_by_their_place_and_never_shown(tmp_path: Path) -> None:
    """Set, not set, or not to be used."""
    finding = found(KeyCheck(), tmp_path)
    assert (Level.WARNING, True) == (finding.level, "gemini: not set" in finding.measured)
    finding = found(KeyCheck(), tmp_path, environ={"GEMINI_API_KEY": CANARY})
    assert (Level.GOOD, False) == (finding.level, CANARY in f"{finding}")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "gemini").write_text(CANARY)
    (tmp_path / "keys" / "gemini").chmod(0o644)
    finding = found(KeyCheck(), tmp_path)
    assert (Level.PROBLEM, False) == (finding.level, CANARY in f"{finding}")
