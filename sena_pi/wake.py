"""Which engine listens for the wake word: what a person asked for, as far as it can be had.

A button works without any of this, so nothing here ends the process: an engine that can't be
used is a line of `WakeChoice.reasons`, which the journal and `sena doctor` show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from sena_pi import words as wake_words
from sena_pi.errors import EngineUnavailable, KeyRefused, KeyUnchecked
from sena_pi.stages import WakeWordDetector

AUTO, PORCUPINE, MICROWAKEWORD = "auto", "porcupine", "microwakeword"
ENGINES = (AUTO, PORCUPINE, MICROWAKEWORD)


@dataclass(frozen=True, slots=True)
class WakeSettings:
    """What a person asked for, in plain values.

    Attributes:
        engine: one of `ENGINES`.
        words: what to listen for; empty for the engine's default: the models that were added,
            or "jarvis" with Porcupine and "hey jarvis" with microWakeWord, so that saying
            "hey jarvis" wakes either.
        sensitivity: 0 (fewest false alarms) to 1 (fewest misses).
        sensitivities: the same for single words.
        porcupine_models: paths of .ppn files; they need an AccessKey.
        microwakeword_models: paths of .json files (or the .tflite beside one), or folders.
        stop_model: a model of the word that ends an answer: a .ppn, which needs an AccessKey, or
            a .json or .tflite of microWakeWord. Empty: there is none. No engine has such a word
            of its own, and pocketsphinx, which knows every word, was measured: where it hears
            half of those who say "stop", it also hears it three times a minute in other speech.
        ignore_own_voice: a wake word that comes out of our own speaker is none. False also means
            that no stop word is listened for: it could come from the speaker.
    """

    engine: str = AUTO
    words: tuple[str, ...] = ()
    sensitivity: float = 0.5
    sensitivities: Mapping[str, float] = field(default_factory=dict)
    porcupine_models: tuple[str, ...] = ()
    microwakeword_models: tuple[str, ...] = ()
    stop_model: str = ""
    ignore_own_voice: bool = True

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ValueError(f"engine {self.engine!r} is not one of {', '.join(ENGINES)}")
        for sensitivity in (self.sensitivity, *self.sensitivities.values()):
            if not 0 <= sensitivity <= 1:
                raise ValueError(f"sensitivity {sensitivity:g} is not between 0 and 1")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Settings from JSON values (`dataclasses.asdict` gives them); absent ones default.

        Raises:
            TypeError: an unknown name.
            ValueError: a value out of range.
        """
        lists = {name: tuple(value) for name, value in data.items() if isinstance(value, list)}
        return cls(**{**data, **lists})

    def sensitivities_of(self, words: Iterable[str]) -> dict[str, float]:
        """The sensitivity of each of these words."""
        own = self.sensitivities
        found = {word: wake_words.find(word, own) for word in words}
        return {word: own[name] if name else self.sensitivity for word, name in found.items()}


@dataclass(frozen=True, slots=True)
class WakeChoice:
    """The engine that was picked, and why.

    Attributes:
        detector: None when no engine can listen; the button still works.
        picked: name of the engine, as in `Detection.engine`; "none" without one.
        reasons: for each engine considered, in order, why it was picked or passed over; and
            whatever of the settings could not be done.
        key_refused: an AccessKey is set, and it is not good.
        key_unchecked: one is set, and nobody could be asked about it.
    """

    detector: WakeWordDetector | None
    picked: str
    reasons: tuple[str, ...]
    key_refused: bool = False
    key_unchecked: bool = False


class WakeWordEngine(Protocol):
    """A wake word library that is loaded; `sena_pi.engines` holds those there are."""

    @property
    def name(self) -> str:
        """As in `Detection.engine`."""

    @property
    def words(self) -> tuple[str, ...]:
        """What it can listen for, in lower case with spaces."""

    @property
    def default_words(self) -> tuple[str, ...]:
        """What it listens for when nothing is configured."""

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for each added model that can't be used."""

    def detector(self, sensitivities: Mapping[str, float]) -> WakeWordDetector:
        """A detector for these words.

        Raises:
            KeyRefused: its key is not good.
            EngineUnavailable: it can't listen for them here.
        """


@dataclass(frozen=True, slots=True)
class Rung:
    """One engine of the ladder, not loaded yet.

    Attributes:
        name: of the engine.
        family: what a person calls it in `WakeSettings.engine`.
        load: loads it; may raise EngineUnavailable.
    """

    name: str
    family: str
    load: Callable[[], WakeWordEngine]


def choose_detector(
    settings: WakeSettings, access_key: str | None, porcupine4_dir: Path | None
) -> WakeChoice:
    """Load engines until one can do what the settings ask. Blocks: 0.1 s, up to 10 s with a key.

    In order: Porcupine 4 if there is a key, keyless Porcupine 1.9, microWakeWord. An engine that
    lacks one of the words is passed over, unless none has them all: then the one with the most
    is taken. An engine asked for by name comes before the others, with whatever words it has.
    """
    return choose_from(ladder(settings, access_key, porcupine4_dir), settings)


def stop_detector(
    settings: WakeSettings, access_key: str | None, porcupine4_dir: Path | None
) -> WakeChoice:
    """What listens for the stop word: the settings' own model, or nothing. Blocks as the others."""
    model = settings.stop_model
    if not model or not settings.ignore_own_voice:
        return WakeChoice(None, "none", ())
    porcupine = Path(model).suffix == ".ppn"
    only = WakeSettings(
        engine=PORCUPINE if porcupine else MICROWAKEWORD,
        sensitivity=settings.sensitivity,
        porcupine_models=(model,) if porcupine else (),
        microwakeword_models=() if porcupine else (model,),
    )
    rung = ladder(only, access_key, porcupine4_dir)[0 if porcupine else 2]
    try:
        detector = _only_added(rung.load(), only)
    except EngineUnavailable as error:
        refused = isinstance(error, KeyRefused)
        return WakeChoice(None, "none", (f"no stop word: {error}",), key_refused=refused)
    reason = f"{rung.name}: {detector.words[0]!r} ends an answer"
    return WakeChoice(detector, detector.engine, (reason,))


def _only_added(engine: WakeWordEngine, settings: WakeSettings) -> WakeWordDetector:
    """A detector for the added model, none of the engine's own."""
    if engine.problems:
        raise EngineUnavailable("; ".join(engine.problems))
    return engine.detector(settings.sensitivities_of(engine.default_words[:1]))


def ladder(
    settings: WakeSettings, access_key: str | None, porcupine4_dir: Path | None
) -> tuple[Rung, ...]:
    """The engines there are, best first."""
    # Engines are imported by their rung, so that one which is not needed costs nothing.
    ppn = [Path(path) for path in settings.porcupine_models]

    def with_key() -> WakeWordEngine:
        if not access_key:
            unused = " (the .ppn files are not used)" if ppn else ""
            raise EngineUnavailable(f"porcupine: no AccessKey is set{unused}")
        if porcupine4_dir is None:
            raise EngineUnavailable("porcupine: a key is set, but version 4 is not installed")
        from sena_pi.engines import porcupine

        return porcupine.load_with_key(porcupine4_dir, access_key, ppn)

    def keyless() -> WakeWordEngine:
        from sena_pi.engines import porcupine

        return porcupine.load_keyless()

    def micro() -> WakeWordEngine:
        from sena_pi.engines.microwakeword import MicroWakeWordEngine

        return MicroWakeWordEngine(Path(path) for path in settings.microwakeword_models)

    return (
        Rung("porcupine", PORCUPINE, with_key),
        Rung("porcupine 1.9", PORCUPINE, keyless),
        Rung("microwakeword", MICROWAKEWORD, micro),
    )


def choose_from(rungs: Iterable[Rung], settings: WakeSettings) -> WakeChoice:
    """As `choose_detector`, from a given ladder."""
    rungs = tuple(rungs)
    asked = [rung for rung in rungs if settings.engine in {AUTO, rung.family}]
    others = [rung for rung in rungs if rung not in asked]
    choosing = _Choosing(settings)
    detector = choosing.best_of(asked) or choosing.best_of(others) or choosing.with_other_words()
    reasons = choosing.reasons
    if detector is None:
        reasons.append("no engine can listen for a wake word: a turn is started by the button")
        return WakeChoice(
            None, "none", tuple(reasons), choosing.key_refused, choosing.key_unchecked
        )
    if detector.engine not in {rung.name for rung in asked}:
        reasons.append(f"{settings.engine!r} was asked for: {detector.engine} listens instead")
    reasons += [f"{rung.name}: not needed" for rung in rungs if rung not in choosing.considered]
    return WakeChoice(
        detector, detector.engine, tuple(reasons), choosing.key_refused, choosing.key_unchecked
    )


class _Choosing:
    """One walk over the ladder. Engines are loaded when their turn comes, and once."""

    def __init__(self, settings: WakeSettings) -> None:
        self.considered: list[Rung] = []
        self.reasons: list[str] = []
        self.key_refused = False
        self.key_unchecked = False
        self._settings = settings
        self._without_our_words: list[WakeWordEngine] = []

    def best_of(self, rungs: Iterable[Rung]) -> WakeWordDetector | None:
        """The first engine with all the words, or else the one with the most of them."""
        with_some: list[tuple[WakeWordEngine, list[str]]] = []
        for engine in self._loaded(rungs):
            wanted = self._settings.words or engine.default_words
            known = [word for word in wanted if wake_words.find(word, engine.words)]
            if len(known) == len(wanted):
                detector = self._open(engine, known)
                if detector is not None:
                    return detector
                continue
            missing = [word for word in wanted if word not in known]
            self.reasons += [
                f"{engine.name}: {wake_words.unknown(word, engine.words)}" for word in missing
            ]
            if known:
                with_some.append((engine, known))
            else:
                self._without_our_words.append(engine)
        with_some.sort(key=lambda candidate: len(candidate[1]), reverse=True)
        opened = (self._open(engine, known) for engine, known in with_some)
        return next((detector for detector in opened if detector is not None), None)

    def with_other_words(self) -> WakeWordDetector | None:
        """The first engine that listens at all, for its default words instead of ours."""
        for engine in self._without_our_words:
            detector = self._open(engine, engine.default_words)
            if detector is not None:
                self.reasons.append("none of the words asked for can be listened for")
                return detector
        return None

    def _loaded(self, rungs: Iterable[Rung]) -> Iterator[WakeWordEngine]:
        for rung in rungs:
            self.considered.append(rung)
            try:
                engine = rung.load()
            except EngineUnavailable as error:
                self.reasons.append(str(error))
                continue
            self.reasons += [f"{engine.name}: {problem}" for problem in engine.problems]
            yield engine

    def _open(self, engine: WakeWordEngine, words: Iterable[str]) -> WakeWordDetector | None:
        try:
            detector = engine.detector(self._settings.sensitivities_of(words))
        except EngineUnavailable as error:
            self.key_refused = self.key_refused or isinstance(error, KeyRefused)
            self.key_unchecked = self.key_unchecked or isinstance(error, KeyUnchecked)
            self.reasons.append(str(error))
            return None
        listening_for = " or ".join(repr(word) for word in detector.words)
        self.reasons.append(f"{engine.name}: picked, listens for {listening_for}")
        return detector
