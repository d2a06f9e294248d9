"""Piper, the neural voice. Only the voice worker runs it: plain text can kill its phonemiser.

The only module that imports `piper` and `onnxruntime`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.errors import EngineUnavailable, SynthesisFailed

if TYPE_CHECKING:
    import piper

_FATAL = 4
"""onnxruntime's log level: what matters it raises, and the rest would fill the journal."""


class PiperEngine:
    """A Piper voice in this process: a `.onnx` model with its `.onnx.json` beside it.

    Speaks on one thread. Attributes: `format` of the sound, and `language` it speaks ("en").

    Args:
        model: path of the `.onnx` file.
        threads: processor cores a sentence may use.
        length_scale: how much longer than the voice's own each sound is; 0.5 is twice as fast.
        speaker: number of the speaker in a voice that has several.

    Raises:
        EngineUnavailable: the library or the model is missing, or the model can't be read.
    """

    def __init__(
        self,
        model: Path,
        *,
        threads: int = 1,
        length_scale: float = 1.0,
        speaker: int | None = None,
    ) -> None:
        config = _read_config(model)
        # Heavy: 0.2 s and 40 MB, and only the voice worker pays it.
        try:
            import piper
        except (ImportError, OSError) as error:
            raise EngineUnavailable(f"Piper can't be loaded: {error}") from error
        # It logs the text it speaks at DEBUG, and each unknown phoneme at WARNING.
        logging.getLogger("piper").setLevel(logging.ERROR)
        try:
            settings = piper.PiperConfig.from_dict(config)
            family = config.get("language", {}).get("family") or settings.espeak_voice
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _broken(model, f"{model.name}.json is not a Piper voice's") from error
        self.format = AudioFormat(settings.sample_rate)
        self.language = str(family).partition("-")[0]
        self._session = _Session(model, threads)
        self._voice = piper.PiperVoice(session=self._session, config=settings)
        self._how = piper.SynthesisConfig(length_scale=length_scale, speaker_id=speaker)

    def synthesis(self, sentence: str) -> PiperSynthesis:
        """A sentence about to be spoken; any thread may ask for it. Does not block."""
        return PiperSynthesis(self._voice, self._session, self._how, sentence)


class PiperSynthesis:
    """One sentence: its sound, and a way to end it from another thread."""

    def __init__(
        self,
        voice: piper.PiperVoice,
        session: _Session,
        how: piper.SynthesisConfig,
        sentence: str,
    ) -> None:
        self._voice = voice
        self._session = session
        self._how = how
        self._sentence = sentence
        self._options = session.run_options()

    def chunks(self) -> Iterator[AudioChunk]:
        """The sound, one chunk for each sentence that Piper finds. Blocks; the engine's thread.

        Raises:
            SynthesisFailed: the model can't speak it, or it was cancelled.
        """
        self._session.options = self._options
        audio_format = AudioFormat(self._voice.config.sample_rate)
        try:
            for chunk in self._voice.synthesize(self._sentence, self._how):
                yield AudioChunk(audio_format, chunk.audio_int16_bytes)
        except Exception as error:
            # The libraries raise what they like. Not its message: it may hold the sentence.
            raise SynthesisFailed(f"Piper: {type(error).__name__}") from error

    def cancel(self) -> None:
        """End it within a few milliseconds, or as soon as it starts. Idempotent; any thread."""
        self._options.terminate = True


class _Session:
    """An onnxruntime session as Piper sees it; `options` are those of its next run."""

    def __init__(self, model: Path, threads: int) -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        # Threads of its own choosing pin themselves to cores, which a sandbox refuses loudly.
        settings.intra_op_num_threads = threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = _FATAL
        # Idle threads sleep instead of burning a core a while longer.
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), sess_options=settings, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # Each kind of broken file raises a class of its own.
            raise _broken(model, f"{model.name} can't be read as a model") from error
        self._new_options = onnxruntime.RunOptions
        self.options: Any = None

    def run_options(self) -> Any:  # noqa: ANN401 - onnxruntime has no types
        """New options of a run; setting `terminate` ends it."""
        options = self._new_options()
        options.log_severity_level = _FATAL
        return options

    def run(self, outputs: list[str] | None, inputs: dict[str, Any]) -> Any:  # noqa: ANN401
        """As `InferenceSession.run`."""
        return self._session.run(outputs, inputs, self.options)


class Phonemiser:
    """Piper's phonemiser alone: what turns text into phonemes, and what hostile text can kill."""

    def __init__(self) -> None:
        from piper.phonemize_espeak import EspeakPhonemizer

        self._espeak = EspeakPhonemizer()

    def count(self, text: str, voice: str = "en-us") -> int:
        """How many phonemes a text has, spoken by an espeak-ng voice."""
        return sum(map(len, self._espeak.phonemize(voice, text)))


def _read_config(model: Path) -> dict[str, Any]:
    path = model.with_name(f"{model.name}.json")
    try:
        if not model.is_file():
            raise _broken(model, f"{model} is missing")
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _broken(model, f"{path} is missing or can't be read") from error
    if not isinstance(config, dict):
        raise _broken(model, f"{path.name} is not a Piper voice's")
    return config


def _broken(model: Path, what: str) -> EngineUnavailable:
    return EngineUnavailable(f"{what}; install the voice with: sena voice install {model.stem}")
