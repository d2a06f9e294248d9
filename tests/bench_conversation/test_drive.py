"""What an assistant is opened with, whatever the settings of this machine are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sena_pi.bench.conversation.drive import Plan, home_of
from sena_pi.bench.conversation.loopback import KEY, Loopback
from sena_pi.bench.conversation.profiles import PROFILES
from sena_pi.bench.conversation.script import CONVERSATION
from sena_pi.keys import KeyStore
from sena_pi.settings import validated

THEIRS = validated(
    {
        "cache": {"enabled": False},
        "cloud": {"enabled": False, "local_commands": "on"},
        "conversation": {"follow_up": True, "turns": 3},
        "limits": {"requests_per_day": 1},
    }
)


def plan(folder: Path) -> Plan:
    keys = KeyStore(folder / "keys", environ={"GEMINI_API_KEY": "their-key"})
    return Plan(CONVERSATION[:1], PROFILES["current"], 1, THEIRS, keys, folder)


def test_nobody_waits_for_more_words_and_what_the_cloud_is_to_answer_is_asked_of_it(
    tmp_path: Path,
) -> None:
    """With the loopback cloud and the real one; the rest is as the settings say."""
    asked = plan(tmp_path)
    cloud = Loopback(PROFILES["current"], CONVERSATION[0])
    for home in (
        home_of(asked, cloud, tmp_path),
        home_of(replace(asked, profile=None), None, tmp_path),
    ):
        settings = home.settings
        assert not settings.conversation.follow_up
        assert "off" == settings.cloud.local_commands
        assert settings.cache.enabled
        assert 3 == settings.conversation.turns


def test_the_loopback_has_a_key_of_its_own_and_costs_nothing(tmp_path: Path) -> None:
    """The real cloud has theirs, and their limits."""
    asked = plan(tmp_path)
    cloud = Loopback(PROFILES["current"], CONVERSATION[0])
    here, real = home_of(asked, cloud, tmp_path), home_of(asked, None, tmp_path)
    keys = [home.keys.find("gemini") for home in (here, real)]
    assert [KEY, "their-key"] == [key.secret.reveal() for key in keys if key]
    assert (True, 100_000) == (
        here.settings.cloud.enabled,
        here.settings.limits.requests_per_day,
    )
    assert (False, 1) == (real.settings.cloud.enabled, real.settings.limits.requests_per_day)
