"""Which engine listens: the ladder, the words, and what a person is told."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sena_pi.errors import EngineUnavailable, KeyRefused
from sena_pi.wake import Rung, WakeSettings, choose_detector, choose_from
from tests.scripted_ears import ScriptedEngine

PORCUPINE4 = Path(sys.prefix) / "porcupine4"


def fails(message: str) -> Callable[[], ScriptedEngine]:
    def load() -> ScriptedEngine:
        raise EngineUnavailable(message)

    return load


def rung(engine: ScriptedEngine, family: str) -> Rung:
    return Rung(engine.name, family, lambda: engine)


class House:
    """A ladder of three scripted engines, as a keyed, a keyless and a light one."""

    def __init__(self, key_error: EngineUnavailable | None = None) -> None:
        self.keyed = ScriptedEngine("porcupine", ("jarvis", "hey sena"), key_error)
        self.keyless = ScriptedEngine("porcupine 1.9", ("jarvis", "computer"))
        self.light = ScriptedEngine("microwakeword", ("hey jarvis", "hey mycroft", "computer"))
        self.rungs = [
            rung(self.keyed, "porcupine"),
            rung(self.keyless, "porcupine"),
            rung(self.light, "microwakeword"),
        ]


def test_the_best_engine_is_picked_and_the_rest_left_alone() -> None:
    """Engines further down are not even loaded."""
    house = House()
    rungs = [house.rungs[0], Rung("porcupine 1.9", "porcupine", pytest.fail)]
    choice = choose_from(rungs, WakeSettings())
    assert "porcupine" == choice.picked
    assert choice.detector is not None
    assert ("jarvis",) == choice.detector.words
    assert (
        "porcupine: picked, listens for 'jarvis'",
        "porcupine 1.9: not needed",
    ) == choice.reasons


def test_an_engine_that_is_not_there_is_passed_over() -> None:
    """With its reason; the next one listens."""
    house = House()
    absent = Rung("porcupine", "porcupine", fails("porcupine: no AccessKey is set"))
    choice = choose_from([absent, *house.rungs[1:]], WakeSettings())
    assert "porcupine 1.9" == choice.picked
    assert "porcupine: no AccessKey is set" == choice.reasons[0]
    assert not choice.key_refused


def test_a_refused_key_is_a_state() -> None:
    """The next engine listens, and the person can be told."""
    choice = choose_from(House(KeyRefused("porcupine: refused")).rungs, WakeSettings())
    assert "porcupine 1.9" == choice.picked
    assert choice.key_refused
    assert "porcupine: refused" in choice.reasons


def test_a_key_that_could_not_be_checked_is_not_refused() -> None:
    """A network that is down says nothing about the key."""
    choice = choose_from(House(EngineUnavailable("porcupine: no answer")).rungs, WakeSettings())
    assert "porcupine 1.9" == choice.picked
    assert not choice.key_refused


def test_an_engine_that_lacks_a_word_is_passed_over() -> None:
    """The first that has all of them is picked, and knows them however they are written."""
    choice = choose_from(House().rungs, WakeSettings(words=("Hey_Mycroft", "computer")))
    assert "microwakeword" == choice.picked
    assert any("unknown word 'Hey_Mycroft'" in reason for reason in choice.reasons)


def test_when_none_has_all_words_the_one_with_most_listens() -> None:
    """For those it has; the missing are named."""
    words = ("hey sena", "hey mycroft", "computer")
    choice = choose_from(House().rungs, WakeSettings(words=words))
    assert "microwakeword" == choice.picked
    assert choice.detector is not None
    assert ("hey mycroft", "computer") == choice.detector.words
    assert any(
        reason.startswith("microwakeword: unknown word 'hey sena'") for reason in choice.reasons
    )


def test_equal_numbers_of_words_leave_the_order_of_the_ladder() -> None:
    """The better engine wins a draw."""
    choice = choose_from(House().rungs, WakeSettings(words=("jarvis", "hey jarvis")))
    assert "porcupine" == choice.picked


def test_words_that_no_engine_has_do_not_make_it_deaf() -> None:
    """It listens for the default, and says that it does not do what was asked."""
    choice = choose_from(House().rungs, WakeSettings(words=("abracadabra",)))
    assert "porcupine" == choice.picked
    assert choice.detector is not None
    assert ("jarvis",) == choice.detector.words
    assert "none of the words asked for can be listened for" in choice.reasons


def test_an_engine_asked_for_by_name_comes_first() -> None:
    """Before better ones."""
    choice = choose_from(House().rungs, WakeSettings(engine="microwakeword"))
    assert "microwakeword" == choice.picked


def test_an_engine_asked_for_by_name_is_used_with_the_words_it_has() -> None:
    """Though another one has them all."""
    words = ("computer", "jarvis")
    choice = choose_from(House().rungs, WakeSettings(engine="microwakeword", words=words))
    assert "microwakeword" == choice.picked
    assert choice.detector is not None
    assert ("computer",) == choice.detector.words


def test_an_engine_asked_for_that_cannot_be_had_is_replaced_and_said() -> None:
    """A button is not what a person meant who asked for a wake word."""
    house = House()
    absent = Rung("microwakeword", "microwakeword", fails("microwakeword: no numpy"))
    choice = choose_from([*house.rungs[:2], absent], WakeSettings(engine="microwakeword"))
    assert "porcupine" == choice.picked
    assert "microwakeword: no numpy" in choice.reasons
    assert "'microwakeword' was asked for: porcupine listens instead" in choice.reasons


def test_without_any_engine_there_is_still_the_button() -> None:
    """No detector, and all the reasons."""
    rungs = [Rung("a", "porcupine", fails("a: broken")), Rung("b", "porcupine", fails("b: gone"))]
    choice = choose_from(rungs, WakeSettings())
    assert choice.detector is None
    assert "none" == choice.picked
    assert ("a: broken", "b: gone") == choice.reasons[:2]
    assert "button" in choice.reasons[2]


def test_problems_with_added_models_are_told() -> None:
    """Even when all the words asked for are there."""
    engine = ScriptedEngine("microwakeword", ("hey jarvis",), problems=("x.json: broken",))
    choice = choose_from([rung(engine, "microwakeword")], WakeSettings())
    assert "microwakeword: x.json: broken" == choice.reasons[0]


def test_each_word_has_its_sensitivity() -> None:
    """Its own, written in any way, or the general one."""
    house = House()
    settings = WakeSettings(
        words=("computer", "hey mycroft"), sensitivity=0.4, sensitivities={"Hey_Mycroft": 0.9}
    )
    choose_from(house.rungs, settings)
    assert {"computer": 0.4, "hey mycroft": 0.9} == house.light.sensitivities


def test_settings_travel_as_json() -> None:
    """From the brain's process to the worker's."""
    settings = WakeSettings(
        "porcupine", ("hey sena",), 0.7, {"hey sena": 0.6}, ("/a.ppn",), ("/models",)
    )
    travelled = json.loads(json.dumps(dataclasses.asdict(settings)))
    assert settings == WakeSettings.from_dict(travelled)
    assert WakeSettings() == WakeSettings.from_dict({})


@pytest.mark.parametrize(
    "wrong", [{"engine": "snowboy"}, {"sensitivity": 1.1}, {"sensitivities": {"jarvis": -0.1}}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    """Where they enter, not frames later."""
    with pytest.raises(ValueError, match="not"):
        WakeSettings.from_dict(wrong)


# --- the real ladder --------------------------------------------------------------------------


@pytest.fixture
def porcupine4() -> Path:
    if not (PORCUPINE4 / "pvporcupine").is_dir():
        pytest.skip("Porcupine 4 is not installed")
    return PORCUPINE4


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_the_keyless_porcupine_listens(porcupine4: Path, key: str | None) -> None:
    """For "jarvis", which is in "hey jarvis" too."""
    choice = choose_detector(WakeSettings(), key, porcupine4)
    assert "porcupine 1.9" == choice.picked
    assert choice.detector is not None
    assert ("jarvis",) == choice.detector.words
    assert "porcupine: no AccessKey is set" == choice.reasons[0]
    assert not choice.key_refused


def test_a_garbled_key_leaves_the_keyless_porcupine(porcupine4: Path) -> None:
    """The real 4.x refuses it, the real 1.9 listens, in this one process; the key stays secret."""
    choice = choose_detector(WakeSettings(), "garbled-key-of-mine", porcupine4)
    assert "porcupine 1.9" == choice.picked
    assert choice.key_refused
    assert "AccessKey is not valid" in choice.reasons[0]
    assert "garbled-key-of-mine" not in "\n".join(choice.reasons)


def test_a_key_without_porcupine_4_is_told() -> None:
    """It is not lost in silence."""
    choice = choose_detector(WakeSettings(), "a-key", None)
    assert "porcupine 1.9" == choice.picked
    assert "porcupine: a key is set, but version 4 is not installed" == choice.reasons[0]


def test_a_word_of_microwakeword_is_heard_by_microwakeword() -> None:
    """Though keyless Porcupine comes first."""
    choice = choose_detector(WakeSettings(words=("hey mycroft",)), None, None)
    assert "microwakeword" == choice.picked


def test_ppn_files_without_a_key_are_told() -> None:
    """They are what the key is for."""
    choice = choose_detector(WakeSettings(porcupine_models=("/hey-sena.ppn",)), None, None)
    assert "porcupine: no AccessKey is set (the .ppn files are not used)" == choice.reasons[0]
