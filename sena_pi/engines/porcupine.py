"""Wake words by Porcupine, in the two generations a person may have.

* `load_keyless`: 1.9.5, the last that needs no AccessKey. Built-in words only, and no library
  for a 64-bit Raspberry Pi 5.
* `load_with_key`: 4.x, which lies in a folder of its own. Built-in words and .ppn files.

Both distributions are called `pvporcupine`. The second is loaded by path, under a name of its
own: `sys.path` stays as it is, one can't be taken for the other, and when a key is refused the
keyless one can still be used in the same process.
"""

from __future__ import annotations

import functools
import importlib.util
import platform
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from types import ModuleType
from typing import Any

from sena_pi import words as wake_words
from sena_pi.audio import FRAME_SAMPLES, MICROPHONE_FORMAT, Frame
from sena_pi.errors import EngineUnavailable, KeyRefused, KeyUnchecked
from sena_pi.stages import Detection

DEFAULT_WORDS = ("jarvis",)

LATE_S = 0.25
"""A word is told 0.20 to 0.27 s after its end (measured on synthetic voices)."""
CREATE_TIMEOUT_S = 8.0

# What importing either generation raises on a computer it does not know.
_LOADING_ERRORS = (ImportError, RuntimeError, ValueError, OSError, subprocess.SubprocessError)
# What creating or running 1.9.5 raises: built-in classes, without a message.
_KEYLESS_ERRORS = (ValueError, OSError, MemoryError, KeyError, StopIteration)

_Create = Callable[[Sequence[str], Sequence[float]], Any]


class PorcupineEngine:
    """One generation of the library, loaded, and the words it can listen for.

    Attributes:
        name: as in `Detection.engine`.
        words: what it can listen for.
        default_words: what it listens for when nothing is configured: the .ppn files a person
            added, or else "jarvis".
        problems: a line for each .ppn file that is not there.
    """

    def __init__(
        self, name: str, built_in: Mapping[str, str], models: Iterable[Path], create: _Create
    ) -> None:
        models = tuple(models)
        added = {_word_of(path): str(path) for path in models if path.is_file()}
        self.name = name
        self.problems = tuple(f"there is no file {path}" for path in models if not path.is_file())
        self._files = {wake_words.spoken(word): path for word, path in built_in.items()} | added
        self._create = create
        self.words = tuple(sorted(self._files))
        self.default_words = tuple(added) or DEFAULT_WORDS

    def detector(self, sensitivities: Mapping[str, float]) -> PorcupineDetector:
        """A detector for these words.

        Takes 3 ms without a key. With one, Porcupine may ask its maker over the network, and
        that may hang: it blocks for the time given to `load_with_key` at most.

        Args:
            sensitivities: 0 (fewest false alarms) to 1 (fewest misses) for each word.

        Raises:
            KeyRefused: the AccessKey is not good, or used up.
            EngineUnavailable: an unknown word, or Porcupine can't run here.
        """
        found = {}
        for word, sensitivity in sensitivities.items():
            known = wake_words.find(word, self._files)
            if known is None:
                raise EngineUnavailable(f"{self.name}: {wake_words.unknown(word, self._files)}")
            found[known] = sensitivity
        handle = self._create([self._files[word] for word in found], tuple(found.values()))
        rate_and_frame = (handle.sample_rate, handle.frame_length)
        if rate_and_frame != (MICROPHONE_FORMAT.rate_hz, FRAME_SAMPLES):
            handle.delete()
            raise EngineUnavailable(f"{self.name} wants other frames than ours: {rate_and_frame}")
        return PorcupineDetector(self.name, tuple(found), handle)


class PorcupineDetector:
    """A `WakeWordDetector`. Made by `PorcupineEngine.detector`."""

    def __init__(self, engine: str, words: tuple[str, ...], handle: Any) -> None:  # noqa: ANN401 - untyped library
        self.engine = engine
        self.words = words
        self._handle = handle

    def process(self, frame: Frame) -> Detection | None:
        """Take the next frame (0.1 ms on a desktop core, however many words)."""
        index = self._handle.process(memoryview(frame.pcm).cast("h"))
        if index < 0:
            return None
        return Detection(self.words[index], self.engine, frame.end_sample, LATE_S)

    def close(self) -> None:
        """Free the engine. Idempotent."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.delete()


def load_keyless(models: Iterable[Path] = ()) -> PorcupineEngine:
    """Porcupine 1.9.5 from site-packages. Loading takes 26 ms.

    Args:
        models: .ppn files made for 1.9; today's are refused when a detector is made.

    Raises:
        EngineUnavailable: it does not know this computer.
    """
    name = "porcupine 1.9"
    try:
        # Imported here: importing is what fails on a computer it does not know.
        import pvporcupine
    except _LOADING_ERRORS as error:
        raise EngineUnavailable(_not_here(name, error)) from error
    if hasattr(pvporcupine, "PorcupineError"):
        raise EngineUnavailable(
            f"{name}: another pvporcupine is installed in its place, one that needs a key:"
            " install the versions of the lock"
        )
    built_in: Mapping[str, str] = pvporcupine.KEYWORD_PATHS

    def create(files: Sequence[str], sensitivities: Sequence[float]) -> object:
        try:
            return pvporcupine.create(keyword_paths=files, sensitivities=sensitivities)
        except _KEYLESS_ERRORS as error:
            added = [file for file in files if file not in built_in.values()]
            if added and isinstance(error, ValueError):
                raise EngineUnavailable(
                    f"{name} can't read {', '.join(added)}: a .ppn file of today needs"
                    " Porcupine 4 and an AccessKey"
                ) from error
            raise EngineUnavailable(_not_here(name, error)) from error

    return PorcupineEngine(name, built_in, models, create)


def load_with_key(
    folder: Path,
    access_key: str,
    models: Iterable[Path] = (),
    *,
    create_timeout_s: float = CREATE_TIMEOUT_S,
) -> PorcupineEngine:
    """Porcupine 4 from its folder. Loading takes 0.15 s and does not look at the key.

    Args:
        folder: where it was installed (`pip install --target`).
        access_key: from the Picovoice console.
        models: .ppn files; the name is the word ("Hey-Sena_en_raspberry-pi_v4_0_0.ppn").
        create_timeout_s: longest wait for a detector. Its thread is left behind then.

    Raises:
        EngineUnavailable: it is not installed, or does not know this computer.
    """
    name = "porcupine"
    library = _load_from(folder, name)
    key = access_key.strip()

    def create(files: Sequence[str], sensitivities: Sequence[float]) -> object:
        if not key:
            raise KeyRefused(f"{name}: the AccessKey is empty")
        try:
            return _within(
                create_timeout_s,
                lambda: library.create(key, keyword_paths=files, sensitivities=sensitivities),
            )
        except TimeoutError:
            raise KeyUnchecked(
                f"{name}: no answer about the AccessKey after {create_timeout_s:g} s:"
                " is the network up?"
            ) from None
        except (library.PorcupineError, ValueError, OSError) as error:
            # Not chained: what Porcupine says quotes the key.
            raise _explained(name, error, key) from None

    return PorcupineEngine(name, library.KEYWORD_PATHS, models, create)


@functools.cache
def _load_from(folder: Path, name: str) -> ModuleType:
    package = folder / "pvporcupine"
    if not (package / "__init__.py").is_file():
        raise EngineUnavailable(f"{name} is not installed in {folder}")
    module_name = "pvporcupine_in_" + re.sub(r"\W", "_", str(folder))
    spec = importlib.util.spec_from_file_location(
        module_name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None  # noqa: S101 - a .py file always has a spec and a loader
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # where its own relative imports look for it
    try:
        spec.loader.exec_module(module)
    except _LOADING_ERRORS as error:
        for key in [key for key in sys.modules if key.split(".")[0] == module_name]:
            del sys.modules[key]
        raise EngineUnavailable(_not_here(name, error)) from error
    return module


def _within(seconds: float, create: Callable[[], object]) -> object:
    """What `create` returns or raises.

    Raises:
        TimeoutError: it has not come back in time; the thread it runs in can't be ended.
    """
    results: SimpleQueue[tuple[object, Exception | None]] = SimpleQueue()

    def run() -> None:
        try:
            results.put((create(), None))
        except Exception as error:  # noqa: BLE001 - raised again by the thread that waits
            results.put((None, error))

    threading.Thread(target=run, name="porcupine-create", daemon=True).start()
    try:
        handle, failure = results.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if failure is not None:
        raise failure
    return handle


_REFUSALS = {
    "PorcupineActivationRefusedError": "Picovoice refuses the AccessKey: get a new one",
    "PorcupineActivationLimitError": "the AccessKey has reached its limit of devices or use:"
    " wait until it starts anew, or get another",
}
_UNCHECKED = {
    "PorcupineActivationThrottledError": "Picovoice was asked about the AccessKey too often:"
    " it is asked again in an hour",
    "PorcupineActivationError": "the AccessKey could not be checked: is the network up?",
}
_OTHER_TROUBLE = {
    "PorcupineInvalidArgumentError": "a .ppn file is not for this version, language or computer",
}
_KEY_IS_BAD = (
    "AccessKey is invalid",
    "Failed to parse AccessKey",
    "not supported by this AccessKey",
    "License is expired",
)


def _explained(name: str, error: Exception, key: str) -> EngineUnavailable:
    """An exception of Porcupine 4 as one of ours, without the key."""
    kind = type(error).__name__
    details = _details(error, key)
    if kind in _REFUSALS:
        return KeyRefused(f"{name}: {_REFUSALS[kind]}{details}")
    if any(phrase in details for phrase in _KEY_IS_BAD):
        return KeyRefused(f"{name}: this AccessKey is not valid: copy it again, whole{details}")
    if kind in _UNCHECKED:
        return KeyUnchecked(f"{name}: {_UNCHECKED[kind]}{details}")
    return EngineUnavailable(f"{name}: {_OTHER_TROUBLE.get(kind, kind)}{details}")


def _details(error: Exception, key: str) -> str:
    """What the library itself says, if anything. It quotes the key."""
    said = []
    for line in getattr(error, "message_stack", None) or [str(error)]:
        text = re.sub(r"^[0-9a-f]+ [0-9A-F]+: ", "", line)
        if " " in text and text != "Picovoice Error.":
            said.append(text.replace(key, "..."))
    return f" ({'; '.join(said)})" if said else ""


def _word_of(model: Path) -> str:
    """The word of a .ppn file as the Picovoice console names it, or of a renamed one."""
    name = re.sub(r"(_[a-z]{2})?_(linux|raspberry-pi|mac|windows)(_v[\d_]+)?$", "", model.stem)
    return wake_words.spoken(name)


def _not_here(name: str, error: Exception) -> str:
    said = (str(error) or type(error).__name__).splitlines()[0]
    computer = f"{platform.machine()}, {platform.architecture()[0]} Python"
    return f"{name} can't run on this computer ({computer}): {said}"
