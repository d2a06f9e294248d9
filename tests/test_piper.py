"""Piper in this process: the real library on our own session, a voice that is a tone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sena_pi.audio import AudioFormat
from sena_pi.engines.piper import PiperEngine
from sena_pi.errors import EngineUnavailable, SynthesisFailed
from tests.tone_voice import tone_hz, write_tone_voice

SHORT = "Yes."
ENDLESS = "This one never ends."
ENDLESS_ABOVE_IDS = 36


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice that is a 440 Hz tone, and never finishes a long sentence."""
    folder = tmp_path_factory.mktemp("voices")
    return write_tone_voice(folder, "tone", endless_above_ids=ENDLESS_ABOVE_IDS)


def test_piper_speaks_with_the_threads_and_speed_it_is_given(tmp_path: Path) -> None:
    """The real Piper on our own session: one chunk a sentence, longer when slower."""
    model = write_tone_voice(tmp_path, rate_hz=16_000, tone_hz=300)
    normal = list(PiperEngine(model, threads=2).synthesis("Hello there. Bye.").chunks())
    slow = list(PiperEngine(model, length_scale=2.0).synthesis("Hello there. Bye.").chunks())
    assert 2 == len(normal)
    assert {AudioFormat(16_000)} == {chunk.format for chunk in normal + slow}
    assert 300 == pytest.approx(tone_hz(normal), abs=3)
    assert 2 * normal[0].seconds == pytest.approx(slow[0].seconds, rel=0.01)


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("no model", "is missing"),
        ("no settings", "is missing or can't be read"),
        ("cut model", "can't be read as a model"),
        ("empty model", "can't be read as a model"),
        ("settings are no JSON", "is missing or can't be read"),
        ("settings are a list", "not a Piper voice's"),
        ("settings of something else", "not a Piper voice's"),
    ],
)
def test_a_broken_voice_is_unavailable_and_the_message_says_what_to_do(
    tmp_path: Path, broken: str, what: str
) -> None:
    """Missing, cut or foreign files: an error for a person, never a traceback of a library."""
    model = write_tone_voice(tmp_path, "en_US-x-low")
    settings = tmp_path / "en_US-x-low.onnx.json"
    match broken:
        case "no model":
            model.unlink()
        case "no settings":
            settings.unlink()
        case "cut model":
            model.write_bytes(model.read_bytes()[:-50])
        case "empty model":
            model.write_bytes(b"")
        case "settings are no JSON":
            settings.write_text("{")
        case "settings are a list":
            settings.write_text("[]")
        case "settings of something else":
            settings.write_text('{"audio": 1}')
    with pytest.raises(EngineUnavailable, match=what) as caught:
        PiperEngine(model)
    assert str(caught.value).endswith("sena voice install en_US-x-low")


def test_a_synthesis_that_would_never_end_can_be_ended(model: Path) -> None:
    """Cancelled from another thread, the model stops in the middle of its work."""
    synthesis = PiperEngine(model).synthesis(ENDLESS)
    threading.Timer(0.1, synthesis.cancel).start()
    with pytest.raises(SynthesisFailed):
        list(synthesis.chunks())


def test_a_synthesis_cancelled_before_it_starts_does_not_start(model: Path) -> None:
    """And the engine speaks the next one."""
    engine = PiperEngine(model)
    synthesis = engine.synthesis(ENDLESS)
    synthesis.cancel()
    with pytest.raises(SynthesisFailed):
        list(synthesis.chunks())
    assert [440] == [round(tone_hz([chunk])) for chunk in engine.synthesis(SHORT).chunks()]
