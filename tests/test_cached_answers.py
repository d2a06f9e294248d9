"""The same question again, in the whole appliance: a recording goes in, the cloud is counted.

`sena run --simulate` runs as a person runs it, against a loopback server with Gemini's wire format.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gemini_replies import Reply, answer_json, sound_answer, text_answer
from tests.gemini_server import GeminiServer, GeminiServerThread
from tests.house import tone
from tests.test_run import SENA, environment, spoken

FRANCE = "what is the capital of france"


class Home:
    """A folder that outlives the daemon, and the cloud that it asks."""

    def __init__(self, folder: Path, gemini: GeminiServer) -> None:
        self.gemini = gemini
        self._folder = folder
        self._question = spoken(folder, "hey jarvis, what is the capital of france")

    def asks(self, times: int = 1, **settings: str) -> list[dict[str, Any]]:
        """Start the daemon, ask so many times, end it; the reports."""
        run = subprocess.run(
            [*SENA, "run", "--json", "--as-fast-as-it-goes", "--simulate"]
            + [str(self._question)] * times,
            env={
                **environment(self._folder),
                "GEMINI_API_KEY": self.gemini.key,
                "SENA_CLOUD_BASE_URL": self.gemini.url,
                "SENA_LIMITS_GUESSES": "0",  # requests are counted
                **settings,
            },
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert 0 == run.returncode, run.stderr
        return [json.loads(line) for line in run.stdout.splitlines()]

    @property
    def requests(self) -> tuple[int, int]:
        """How many questions and how many sentences the cloud was asked for."""
        models = [r.model for r in self.gemini.requests if r.method == "POST"]
        speech = sum("tts" in model for model in models)
        return len(models) - speech, speech


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with GeminiServerThread() as gemini:
        yield Home(tmp_path, gemini)


def paris(**header: object) -> Reply:
    """The cloud's answer, its words some time after its header."""
    words = answer_json(heard=FRANCE, say="Paris. It lies on the Seine.", **header)
    cut = words.index("Paris.")
    return text_answer(words[:cut], words[cut:], gap_s=0.2)


def speaks(gemini: GeminiServer, sentences: int) -> None:
    gemini.will_speak(*(sound_answer(tone(600)) for _ in range(sentences)))


def test_the_same_question_is_answered_from_the_cache_and_after_a_restart_too(home: Home) -> None:
    """Its words and its sound: the cloud only tells what was heard, and is cut off."""
    home.gemini.will_answer(*(paris() for _ in range(4)))
    speaks(home.gemini, 2)
    first, again = home.asks(2)
    assert ("cloud", "cache") == (first["source"], again["source"])
    assert "Paris. It lies on the Seine." == first["answered"] == again["answered"]
    assert (2, 2) == home.requests
    (restarted,) = home.asks()
    assert ("cache", "card") == (restarted["source"], restarted["tier"])
    assert first["answered"] == restarted["answered"]
    assert (3, 2) == home.requests


def test_an_answer_that_needs_its_conversation_is_asked_for_again_in_another(home: Home) -> None:
    """The model says that it does not stand alone: the second time something was said before."""
    home.gemini.will_answer(*(paris(alone=False) for _ in range(3)))
    speaks(home.gemini, 6)
    first, again = home.asks(2)
    assert ("cloud", "cloud") == (first["source"], again["source"])
    # In a new conversation nothing was said before, as at first.
    (restarted,) = home.asks()
    assert "cache" == restarted["source"]


def test_what_must_not_be_kept_is_asked_for_again(home: Home) -> None:
    """The model says that it holds only now: neither its words nor its sound are kept."""
    home.gemini.will_answer(*(paris(keep="never") for _ in range(2)))
    speaks(home.gemini, 4)
    assert ["cloud", "cloud"] == [report["source"] for report in home.asks(2)]
    assert (2, 4) == home.requests


def test_a_cache_that_is_off_keeps_nothing(home: Home, tmp_path: Path) -> None:
    """Not even its folder is made."""
    home.gemini.will_answer(*(paris() for _ in range(2)))
    speaks(home.gemini, 4)
    reports = home.asks(2, SENA_CACHE_ENABLED="false")
    assert ["cloud", "cloud"] == [report["source"] for report in reports]
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_can_t_be_written_is_no_reason_for_silence(home: Home, tmp_path: Path) -> None:
    """A file lies where its folder should be: answers come, and are kept in memory."""
    (tmp_path / "cache").write_text("in the way")
    home.gemini.will_answer(*(paris() for _ in range(2)))
    speaks(home.gemini, 2)
    first, again = home.asks(2)
    assert ("cloud", "cache", "memory") == (first["source"], again["source"], again["tier"])
