"""microWakeWord: the models a person adds, and how readily words are heard."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pymicro_wakeword
import pytest

from sena_pi.engines.microwakeword import MicroWakeWordEngine
from sena_pi.errors import EngineUnavailable
from tests.recordings import recording
from tests.speech import frames_of, pcm_of, quiet, say

BUNDLED = Path(pymicro_wakeword.__file__).parent / "models"


def add_model(folder: Path, word: str, like: str = "hey_jarvis", **changes: Any) -> Path:
    """A model for `word` that hears what the bundled model `like` hears."""
    name = word.lower().replace(" ", "_")
    description = json.loads((BUNDLED / f"{like}.json").read_text())
    micro = {**description["micro"], **changes}
    description |= {"wake_word": word, "model": f"{name}.tflite", "micro": micro}
    shutil.copy(BUNDLED / f"{like}.tflite", folder / f"{name}.tflite")
    config = folder / f"{name}.json"
    config.write_text(json.dumps(description))
    return config


def heard(engine: MicroWakeWordEngine, word: str, pcm: bytes, sensitivity: float = 0.5) -> int:
    detector = engine.detector({word: sensitivity})
    return sum(detector.process(frame) is not None for frame in frames_of(pcm))


@pytest.mark.parametrize("given", ["folder", "hey_sena.json", "hey_sena.tflite"])
def test_an_added_model_is_a_word(tmp_path: Path, given: str) -> None:
    """Given as its folder, its .json or its .tflite; it is the default then."""
    add_model(tmp_path, "Hey Sena")
    engine = MicroWakeWordEngine([tmp_path if given == "folder" else tmp_path / given])
    assert ("hey sena",) == engine.default_words
    assert () == engine.problems
    assert 1 == heard(engine, "Hey_Sena", quiet(0.5) + say("Hey Jarvis") + quiet(1))


def test_without_added_models_the_default_is_hey_jarvis() -> None:
    """And all four bundled words are known."""
    engine = MicroWakeWordEngine()
    assert ("hey jarvis",) == engine.default_words
    assert {"alexa", "hey jarvis", "hey mycroft", "okay nabu"} == set(engine.words)


def break_model(config: Path, how: str) -> None:
    weights = config.with_suffix(".tflite")
    match how:
        case "missing weights":
            weights.unlink()
        case "empty weights":
            weights.write_bytes(b"")
        case "web page":
            weights.write_text("<html>404</html>" * 100)
        case "half a download":
            weights.write_bytes(weights.read_bytes()[:20_000])
        case "another kind":
            features, fewer = struct.pack("<4i", 3, 1, 3, 40), struct.pack("<4i", 3, 1, 3, 20)
            assert features in weights.read_bytes()
            weights.write_bytes(weights.read_bytes().replace(features, fewer))
        case "not JSON":
            config.write_text("wake_word: Hey Sena")
        case "no cutoff":
            config.write_text('{"wake_word": "Hey Sena", "model": "a.tflite", "micro": {}}')
        case "a list":
            config.write_text("[]")
        case "cutoff of 97":
            add_model(config.parent, "Hey Sena", probability_cutoff=97)
        case "version 1":
            add_model(config.parent, "Hey Sena", feature_step_size=20)
        case "missing":
            config.unlink()


@pytest.mark.parametrize(
    ("how", "advice"),
    [
        ("missing weights", "needs hey_sena.tflite beside it: put it there"),
        ("empty weights", "hey_sena.tflite is not a TensorFlow Lite model: download it again"),
        ("web page", "hey_sena.tflite is not a TensorFlow Lite model: download it again"),
        ("half a download", "hey_sena.tflite is not a TensorFlow Lite model: download it again"),
        ("another kind", "hey_sena.tflite is not a microWakeWord model"),
        ("not JSON", "use the .json that came with the model"),
        ("no cutoff", "use the .json that came with the model"),
        ("a list", "use the .json that came with the model"),
        ("cutoff of 97", "out of range"),
        ("version 1", "version 2 is needed"),
        ("missing", "can't read"),
    ],
)
def test_a_model_that_cannot_be_used_is_a_problem(tmp_path: Path, how: str, advice: str) -> None:
    """The other words go on; without our look at it, weights like these end the process."""
    config = add_model(tmp_path, "Hey Sena")
    break_model(config, how)
    engine = MicroWakeWordEngine([config])
    (problem,) = engine.problems
    assert advice in problem
    assert "hey sena" not in engine.words
    assert ("hey jarvis",) == engine.detector({"hey jarvis": 0.5}).words


def test_an_unknown_word_says_which_are_known() -> None:
    """And which was perhaps meant."""
    with pytest.raises(EngineUnavailable, match="did you mean 'hey jarvis'"):
        MicroWakeWordEngine().detector({"jarvis": 0.5})


def test_sensitivity_moves_the_cutoff() -> None:
    """The voice kal peaks at 0.83: too unlike a word for the model's own cutoff of 0.97."""
    pcm = quiet(0.6) + say("Hey Jarvis", "kal") + quiet(1)
    engine = MicroWakeWordEngine()
    assert [0, 0, 1] == [heard(engine, "hey jarvis", pcm, at) for at in (0.0, 0.5, 1.0)]


def test_okay_nabu_is_stricter_than_its_description(tmp_path: Path) -> None:
    """At its own 0.85 it takes other speech for the word; the person saying it is still heard."""
    other = pcm_of(recording("speech/cobra_sample.wav"))
    real = pcm_of(recording("microwakeword/okay_nabu_1.wav")) + quiet(0.5)
    as_described = MicroWakeWordEngine([add_model(tmp_path, "As Described", like="okay_nabu")])
    assert 1 == heard(as_described, "as described", other)
    assert 0 == heard(as_described, "okay nabu", other)
    assert 1 == heard(as_described, "okay nabu", real)
