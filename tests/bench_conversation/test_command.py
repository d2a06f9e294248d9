"""`sena bench conversation`, as a person runs it: two turns, once in each way."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sena_pi.arguments import parsed
from sena_pi.bench.conversation.questions import VOICES
from sena_pi.bench.conversation.results import COLD, LOCAL, SEQUENTIAL, STAGES, WARM, WAYS
from sena_pi.bench.conversation.run import run
from sena_pi.errors import ConfigError
from sena_pi.settings import Settings
from tests.test_run import SENA, environment

PYTHON = "What is Python?"
BENCH = ("bench", "conversation")
SMALL = ("--turns", "2", "--profile", "current", "--heard-here", "--speech-length", "0.05")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The JSON of one run; what it printed is its "printed"."""
    if not any(map(shutil.which, VOICES)):
        pytest.skip("neither flite nor espeak-ng is installed")
    folder = tmp_path_factory.mktemp("bench")
    out = folder / "out.json"
    ran = subprocess.run(
        [*SENA, *BENCH, *SMALL, "--json", str(out)],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert 0 == ran.returncode, ran.stderr
    left = [path for path in (folder / "cache", folder / "state") if path.exists()]
    assert [] == left, "the appliance's own folders are not touched"
    return {**json.loads(out.read_text()), "printed": ran.stdout}


def of(measured: dict[str, Any], way: str, question: str = PYTHON) -> dict[str, Any]:
    (one,) = [one for one in measured["asked"] if (one["way"], one["question"]) == (way, question)]
    return one


def test_every_way_answers_every_question_stage_by_stage(measured: dict[str, Any]) -> None:
    """Each stage after the one before it; in a pause an answer may come before the endpoint.

    Nothing of it is heard before that.
    """
    assert list(WAYS) == list(measured["ways"])
    assert 8 == len(measured["asked"])
    for one in measured["asked"]:
        assert one["answered"], one
        ms = one["ms"]
        made = [stage for stage in STAGES if stage in ms and stage not in ("guess", "endpoint")]
        times = [ms[stage] for stage in made]
        assert {"transcript", "first_text", "first_sentence", "first_sound"} < {*made}
        assert sorted(times) == times
        assert 0 < ms["endpoint"] < ms["first_audio"]
        assert ms.get("guess", ms["endpoint"]) <= ms["endpoint"]


def test_the_prototype_s_way_asks_twice_and_waits_for_both(measured: dict[str, Any]) -> None:
    """One answer and one speech a question, each at least as long as the profile has it."""
    for question in ("Hello!", PYTHON):
        one = of(measured, SEQUENTIAL, question)
        assert ("cloud", 1, 1) == (one["source"], one["questions"], one["speech"])
        assert (0, 0) == (one["guesses"], one["wasted"])
    ms = of(measured, SEQUENTIAL)["ms"]
    assert ms["transcript"] == ms["first_text"]
    assert ms["transcript"] - ms["endpoint"] > 900  # 0.5 s and 39 tokens
    assert ms["first_audio"] - ms["first_text"] > 3400  # 0.3 s and 191 characters


def test_cold_is_asked_warm_is_remembered(measured: dict[str, Any]) -> None:
    """Warm makes no request for speech; the cloud is still asked what was heard.

    Once, and for each pause in which somebody seemed to have finished.
    """
    cold, warm, hello = of(measured, COLD), of(measured, WARM), of(measured, WARM, "Hello!")
    assert ["cloud", "cache", "rule"] == [one["source"] for one in (cold, warm, hello)]
    for one in (cold, warm, hello):
        assert 1 <= one["questions"] <= 1 + one["wasted"]
        assert one["wasted"] <= one["guesses"]
    assert cold["speech"] >= 3
    assert 0 == measured["ways"][WARM]["speech"]
    assert (0.5, 0.0) == tuple(measured["ways"][way]["hit_rate"] for way in (WARM, COLD))
    assert 2 == measured["ways"][WARM]["tally"]["hits"] + measured["ways"][WARM]["ruled"]


KEYS = ("source", "questions", "speech")


def test_what_is_heard_here_and_remembered_leaves_the_house_no_more(
    measured: dict[str, Any],
) -> None:
    """Not one request; and the cache is that of the appliance, read from the card."""
    assert ("cache", 0, 0) == tuple(of(measured, LOCAL)[key] for key in KEYS)
    assert "card" == of(measured, LOCAL)["tier"]


def test_ours_is_sooner_than_one_after_the_other(measured: dict[str, Any]) -> None:
    """By most of a second, so that a busy machine does not matter; as it is felt.

    From the endpoint both of ours may be at once.
    """
    ways = [of(measured, way)["ms"] for way in (SEQUENTIAL, COLD, LOCAL)]
    one_by_one, cold, here = (ms["first_audio"] for ms in ways)
    assert here < cold < one_by_one


def test_a_table_is_printed(measured: dict[str, Any]) -> None:
    """With the load, the ways and what follows."""
    printed = measured["printed"]
    assert " processors, load " in printed
    assert all(f"\n{way}: 2 of 2 questions answered" in printed for way in WAYS)
    assert "\nWhat follows:\n- " in printed


def test_what_can_t_be_written_is_said_before_anything_is_measured(tmp_path: Path) -> None:
    """Both files at once."""
    away = tmp_path / "away"
    files = ["--json", str(away / "a.json"), "--html", str(away / "a.html")]
    with pytest.raises(ConfigError) as raised:
        run(parsed([*BENCH, *files]), Settings())
    assert 2 == len(raised.value.problems)


def test_the_real_cloud_has_no_script() -> None:
    """So nobody here can know what was said."""
    with pytest.raises(ConfigError, match="--heard-here"):
        run(parsed([*BENCH, "--real", "--heard-here"]), Settings())


@pytest.mark.parametrize(
    "wrong",
    [["--repeat", "0"], ["--speech-length", "2"], ["--speech-length", "x"], ["--turns", "-1"]],
)
def test_numbers_out_of_range_are_wrong_usage(wrong: list[str]) -> None:
    """As every wrong argument."""
    with pytest.raises(SystemExit, match="2"):
        parsed([*BENCH, *wrong])


def test_the_real_cloud_without_a_key_is_told(tmp_path: Path) -> None:
    """With what to do; nothing is asked."""
    ran = subprocess.run(
        [*SENA, *BENCH, "--real", "--turns", "1", "--questions", str(tmp_path / "questions")],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 1 == ran.returncode
    assert ran.stderr.endswith("there is no Gemini key; fix: sena key set gemini\n")
