"""Wake words by microWakeWord: small TFLite models, no key, the lightest engine.

The library bundles models for four words; a person can add any microWakeWord model, a .json
with its .tflite beside it. Several words share one feature extractor.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sena_pi import words as wake_words
from sena_pi.audio import Frame
from sena_pi.errors import EngineUnavailable
from sena_pi.stages import Detection

if TYPE_CHECKING:
    import numpy as np
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures

ENGINE = "microwakeword"
DEFAULT_WORDS = ("hey jarvis",)

LATE_S = 0.25
"""A word is told 0.07 to 0.27 s after its end (measured on synthetic voices)."""

_FEATURES = 40
_STEP_MS = 10

# "okay nabu" fires at its own 0.85 on recordings of other speech (peaks 0.89 in Spanish and
# 0.94 in English), while real people saying it peak at 0.98.
_STRICTER_CUTOFFS = {"okay nabu": 0.95}


@dataclass(frozen=True, slots=True)
class _Model:
    """One word's model, as its .json describes it."""

    word: str
    config: Path
    weights: Path
    cutoff: float

    @classmethod
    def described_by(cls, config: Path, *, bundled: bool = False) -> _Model:
        """Read a .json.

        Raises:
            EngineUnavailable: it can't be used; the message says what to do.
        """
        try:
            data = json.loads(config.read_text(encoding="utf-8"))
            micro = data["micro"]
            word, weights = wake_words.spoken(data["wake_word"]), config.parent / data["model"]
            cutoff = float(micro["probability_cutoff"])
            usable = 0 < cutoff < 1 and int(micro["sliding_window_size"]) > 0 and bool(word)
            step_ms = micro.get("feature_step_size", _STEP_MS)
        except OSError as error:
            raise EngineUnavailable(f"can't read {config}: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EngineUnavailable(
                f"{config} is not a microWakeWord description ({type(error).__name__}: {error}):"
                " use the .json that came with the model"
            ) from error
        if not usable:
            raise EngineUnavailable(f"{config}: its word, cutoff or window is out of range")
        if step_ms != _STEP_MS:
            raise EngineUnavailable(
                f"{config}: a version 1 model ({step_ms} ms steps); version 2 is needed"
            )
        if not weights.is_file():
            raise EngineUnavailable(f"{config} needs {weights.name} beside it: put it there")
        if bundled:
            cutoff = max(cutoff, _STRICTER_CUTOFFS.get(word, 0.0))
        return cls(word, config, weights, cutoff)

    def cutoff_at(self, sensitivity: float) -> float:
        """The mean probability that counts as heard.

        0.5 is the model's own; 1 is half way from there to 0.5; 0 is all but certainty.
        """
        if sensitivity >= 0.5:
            return self.cutoff - (sensitivity - 0.5) * (self.cutoff - 0.5)
        return self.cutoff + (0.5 - sensitivity) * 2 * (0.995 - self.cutoff)


class MicroWakeWordEngine:
    """The library, loaded, and the words it can listen for here.

    Attributes:
        name: as in `Detection.engine`.
        words: what it can listen for.
        default_words: what it listens for when nothing is configured: the models a person
            added, or else "hey jarvis".
        problems: a line for each added model that can't be used.
    """

    name = ENGINE

    def __init__(self, models: Iterable[Path] = ()) -> None:
        """Load the library and read the descriptions.

        Args:
            models: .json files, .tflite files with a .json beside them, or folders of .json.

        Raises:
            EngineUnavailable: the library can't be loaded here.
        """
        try:
            # Imported here: it brings numpy, 0.2 s, for those who pick this engine.
            import pymicro_wakeword
            from pymicro_wakeword.wakeword import TfLiteWakeWord

            package = Path(pymicro_wakeword.__file__).parent
            self._library = next(iter((package / "lib").glob("*tensorflowlite_c.*")), None)
            if self._library is None:
                raise EngineUnavailable("pymicro-wakeword has no TensorFlow Lite for this CPU")
            self._tflite = TfLiteWakeWord(self._library).lib
        except (ImportError, OSError) as error:
            raise EngineUnavailable(f"microWakeWord can't run here: {error}") from error
        self._module = pymicro_wakeword
        bundled = (
            _Model.described_by(config, bundled=True)
            for config in sorted((package / "models").glob("*.json"))
        )
        self._models = {model.word: model for model in bundled}
        added, self.problems = self._add(models)
        self.words = tuple(self._models)
        self.default_words = added or DEFAULT_WORDS

    def detector(self, sensitivities: Mapping[str, float]) -> MicroWakeWordDetector:
        """A detector for these words (10 ms each to load).

        Args:
            sensitivities: 0 to 1 for each word; see `_Model.cutoff_at`.

        Raises:
            EngineUnavailable: an unknown word, or a model that can't be loaded.
        """
        armed = []
        for word, sensitivity in sensitivities.items():
            found = wake_words.find(word, self.words)
            if found is None:
                raise EngineUnavailable(f"{ENGINE}: {wake_words.unknown(word, self.words)}")
            model = self._models[found]
            armed.append(_Armed(found, model.cutoff_at(sensitivity), self._load(model)))
        return MicroWakeWordDetector(armed, self._module.MicroWakeWordFeatures())

    def _add(self, models: Iterable[Path]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        added: dict[str, _Model] = {}
        problems = []
        for config in _configs(models):
            try:
                model = _Model.described_by(config)
                self._load(model).close()
                added[model.word] = model
            except EngineUnavailable as error:
                problems.append(str(error))
        self._models |= added
        return tuple(added), tuple(problems)

    def _load(self, model: _Model) -> MicroWakeWord:
        # The library hands a model it could not read on to TensorFlow Lite, which then takes
        # the process down. So it is opened once to look.
        handle = self._tflite.TfLiteModelCreateFromFile(str(model.weights).encode())
        if not handle:
            raise EngineUnavailable(
                f"{model.weights} is not a TensorFlow Lite model: download it again"
            )
        self._tflite.TfLiteModelDelete(handle)
        try:
            loaded = self._module.MicroWakeWord.from_config(
                model.config, libtensorflowlite_c_path=self._library
            )
            input_bytes = self._tflite.TfLiteTensorByteSize(loaded.input_tensor)
            output_bytes = self._tflite.TfLiteTensorByteSize(loaded.output_tensor)
        except (ValueError, RuntimeError, OSError) as error:
            raise EngineUnavailable(f"{model.weights} can't be loaded: {error}") from error
        if (input_bytes, output_bytes) != (loaded.stride * _FEATURES, 1):
            loaded.close()
            raise EngineUnavailable(f"{model.weights} is not a microWakeWord model")
        return loaded


class _Armed:
    """One word that is listened for."""

    REARMS_AFTER_STEPS = 30

    def __init__(self, word: str, cutoff: float, model: MicroWakeWord) -> None:
        self.word = word
        self.model = model
        self._cutoff = cutoff
        self._calm_steps = self.REARMS_AFTER_STEPS

    def heard(self, features: np.ndarray) -> bool:
        """Take the next 10 ms of features; True once for each time the word is said.

        A model stays above its cutoff for up to a second after a word; the word can be heard
        again when it has been calm for 0.3 s. (The library says 0 for the steps in which its
        model does not run, so a single low value means nothing.)
        """
        probability = self.model.process_streaming_prob(features) or 0.0
        if probability <= self._cutoff / 2:
            self._calm_steps += 1
            return False
        was_calm = self._calm_steps >= self.REARMS_AFTER_STEPS
        if was_calm and probability <= self._cutoff:
            return False
        self._calm_steps = 0
        return was_calm


class MicroWakeWordDetector:
    """A `WakeWordDetector`. Made by `MicroWakeWordEngine.detector`."""

    engine = ENGINE

    def __init__(self, armed: list[_Armed], features: MicroWakeWordFeatures) -> None:
        self._armed = armed
        self._features = features
        self.words = tuple(one.word for one in armed)

    def process(self, frame: Frame) -> Detection | None:
        """Take the next frame (60 µs a word on a desktop core)."""
        first: Detection | None = None
        for features in self._features.process_streaming(frame.pcm):
            for one in self._armed:
                if one.heard(features) and first is None:
                    first = Detection(one.word, ENGINE, frame.end_sample, LATE_S)
        return first

    def close(self) -> None:
        """Free the models. Idempotent."""
        for one in self._armed:
            one.model.close()
        self._armed = []


def _configs(models: Iterable[Path]) -> Iterable[Path]:
    for path in models:
        if path.is_dir():
            yield from sorted(path.glob("*.json"))
        else:
            yield path.with_suffix(".json") if path.suffix == ".tflite" else path
