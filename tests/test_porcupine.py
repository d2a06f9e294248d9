"""Porcupine in its two generations: what it refuses, and how a person is told."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from sena_pi.engines import porcupine
from sena_pi.errors import EngineUnavailable, KeyRefused, KeyUnchecked
from sena_pi.stages import Detection
from tests.speech import frames_of, quiet, say

PORCUPINE4 = Path(sys.prefix) / "porcupine4"
BAD_KEYS = {
    "not a key": "garbled-key",
    "well-formed": "A" * 54 + "==",
    "not ASCII": "schlüssel",
    "endless": "x" * 5000,
}

# A distribution that stands where Porcupine 4 would: its names, its classes, its words for
# what is wrong. What it does with a key is in the key.
VENDOR = """
import threading

class PorcupineError(Exception):
    def __init__(self, message="", message_stack=()):
        super().__init__(message)
        self.message_stack = list(message_stack)

class PorcupineInvalidArgumentError(PorcupineError): ...
class PorcupineIOError(PorcupineError): ...
class PorcupineActivationError(PorcupineError): ...
class PorcupineActivationLimitError(PorcupineError): ...
class PorcupineActivationThrottledError(PorcupineError): ...
class PorcupineActivationRefusedError(PorcupineError): ...

KEYWORD_PATHS = {"jarvis": "/jarvis.ppn", "hey google": "/hey google.ppn"}

class Porcupine:
    sample_rate, frame_length = 16000, 512
    def __init__(self, files): self.files = files
    def process(self, pcm):
        if len(pcm) != 512: raise ValueError("Invalid frame length.")
        return pcm[0] - 1
    def delete(self): self.files = None

def create(access_key, keyword_paths, sensitivities):
    if access_key == "hang":
        threading.Event().wait(30)
    failure = globals().get(access_key)
    if failure is not None:
        raise failure("Initialization failed", ["5fe5c79 0000006F: Picovoice Error.",
            f"5fe5c79 00000190: It failed with `{access_key}`."])
    if access_key == "ppn":
        raise PorcupineInvalidArgumentError("Initialization failed", [
            "5fe5c79 00000190: Keyword file (.ppn) file belongs to a different version of the"
            " library. File is `3.0.0` while library is `4.0.0`."])
    return Porcupine(keyword_paths)
"""


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    (tmp_path / "pvporcupine").mkdir()
    (tmp_path / "pvporcupine" / "__init__.py").write_text(VENDOR)
    return tmp_path


@pytest.fixture
def porcupine4() -> Path:
    if not (PORCUPINE4 / "pvporcupine").is_dir():
        pytest.skip("Porcupine 4 is not installed")
    return PORCUPINE4


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_bad_key_is_refused_without_being_told(porcupine4: Path, key: str) -> None:
    """The real library quotes the key; our error does not, nor does its traceback."""
    engine = porcupine.load_with_key(porcupine4, key)
    with pytest.raises(KeyRefused, match="this AccessKey is not valid") as refused:
        engine.detector({"jarvis": 0.5})
    assert key not in "".join(traceback.format_exception(refused.value))


def test_a_key_of_spaces_is_no_key(porcupine4: Path) -> None:
    """An empty file of keys is as good as none."""
    with pytest.raises(KeyRefused, match="empty"):
        porcupine.load_with_key(porcupine4, " \n").detector({"jarvis": 0.5})


def test_both_generations_live_in_one_process(porcupine4: Path) -> None:
    """A refused key leaves the keyless one, which is still what `import` finds."""
    refused = porcupine.load_with_key(porcupine4, "garbled")
    with pytest.raises(KeyRefused):
        refused.detector({"jarvis": 0.5})
    keyless = porcupine.load_keyless()
    assert "hey barista" in refused.words
    assert "hey barista" not in keyless.words
    detector = keyless.detector({"jarvis": 0.5})
    frames = frames_of(quiet(0.6) + say("Jarvis") + quiet(1))
    assert ["jarvis"] == [found.word for frame in frames if (found := detector.process(frame))]
    assert str(porcupine4) not in sys.path


def test_the_stand_in_has_the_names_of_the_real_one(porcupine4: Path, vendor: Path) -> None:
    """Else the tests below would be about exceptions that no library raises."""
    real = porcupine._load_from(porcupine4, "porcupine")
    standing_in = porcupine._load_from(vendor, "porcupine")
    names = [name for name in vars(standing_in) if name.startswith("Porcupine")]
    assert len(names) > 6
    assert [] == [name for name in names if not hasattr(real, name)]
    explained = {*porcupine._REFUSALS, *porcupine._UNCHECKED, *porcupine._OTHER_TROUBLE}
    assert [] == [name for name in explained if not hasattr(real, name)]


@pytest.mark.parametrize(
    ("key", "raised", "advice"),
    [
        ("PorcupineActivationRefusedError", KeyRefused, "get a new one"),
        ("PorcupineActivationLimitError", KeyRefused, "limit of devices"),
        ("PorcupineActivationThrottledError", KeyUnchecked, "asked again in an hour"),
        ("PorcupineActivationError", KeyUnchecked, "is the network up"),
        ("PorcupineIOError", EngineUnavailable, "PorcupineIOError"),
        ("ppn", EngineUnavailable, "File is `3.0.0` while library is `4.0.0`"),
    ],
)
def test_each_failure_says_what_to_do(
    vendor: Path, key: str, raised: type[EngineUnavailable], advice: str
) -> None:
    """As one of our errors, with the library's own words, and never with the key."""
    engine = porcupine.load_with_key(vendor, key)
    with pytest.raises(EngineUnavailable, match=advice) as failed:
        engine.detector({"jarvis": 0.5})
    assert raised is type(failed.value)
    assert f"`{key}`" not in "".join(traceback.format_exception(failed.value))


def test_a_library_that_hangs_is_given_up(vendor: Path) -> None:
    """The network may swallow what Porcupine asks; the appliance starts all the same."""
    engine = porcupine.load_with_key(vendor, "hang", create_timeout_s=0.05)
    with pytest.raises(KeyUnchecked, match="no answer about the AccessKey"):
        engine.detector({"jarvis": 0.5})


def test_a_detection_names_the_word_that_was_asked_for(vendor: Path) -> None:
    """The library counts words from 0 in the order given; -1 is none."""
    detector = porcupine.load_with_key(vendor, "good").detector({"Hey_Google": 0.5, "jarvis": 1})
    assert ("hey google", "jarvis") == detector.words
    frames = list(frames_of(b"".join(index.to_bytes(2, "little") * 512 for index in (0, 1, 2))))
    assert [
        None,
        Detection("hey google", "porcupine", 1024, porcupine.LATE_S),
        Detection("jarvis", "porcupine", 1536, porcupine.LATE_S),
    ] == [detector.process(frame) for frame in frames]


def test_an_added_file_is_a_word(vendor: Path, tmp_path: Path) -> None:
    """Its name is the word, with or without what the console adds; it is the default then."""
    console, renamed = tmp_path / "Hey-Sena_en_raspberry-pi_v4_0_0.ppn", tmp_path / "ok_pi.ppn"
    console.touch()
    renamed.touch()
    gone = tmp_path / "gone.ppn"
    engine = porcupine.load_with_key(vendor, "good", [console, renamed, gone])
    assert ("hey sena", "ok pi") == engine.default_words
    assert {"hey sena", "ok pi", "jarvis"} < set(engine.words)
    assert (f"there is no file {gone}",) == engine.problems


def test_a_file_of_today_is_not_for_the_keyless_one(porcupine4: Path) -> None:
    """Porcupine 1.9 says nothing but ValueError; the message says what is needed."""
    of_today = next((porcupine4 / "pvporcupine").glob("**/linux/hey barista_linux.ppn"))
    engine = porcupine.load_keyless([of_today])
    with pytest.raises(EngineUnavailable, match="needs Porcupine 4 and an AccessKey"):
        engine.detector({"hey barista": 0.5})


def test_an_unknown_word_says_which_are_known() -> None:
    """And which was perhaps meant."""
    with pytest.raises(EngineUnavailable, match="did you mean 'jarvis'"):
        porcupine.load_keyless().detector({"jarvi": 0.5})


def test_porcupine_4_that_is_not_installed(tmp_path: Path) -> None:
    """It says where it was looked for."""
    with pytest.raises(EngineUnavailable, match=f"not installed in {tmp_path}"):
        porcupine.load_with_key(tmp_path, "key")


def test_porcupine_4_that_cannot_be_imported(vendor: Path) -> None:
    """A missing dependency is named, and nothing half-loaded stays behind."""
    package = vendor / "pvporcupine"
    (package / "_half.py").write_text("")
    (package / "__init__.py").write_text("from . import _half\nimport no_such_module")
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match="No module named 'no_such_module'"):
            porcupine.load_with_key(vendor, "key")
    assert [] == [name for name in sys.modules if name.endswith("._half")]


# --- other computers, simulated: the real import in a process that sees another CPU ----------

ON_ANOTHER_CPU = """
import platform
platform.machine = lambda: "aarch64"
from sena_pi.engines import porcupine
from sena_pi.errors import EngineUnavailable
for _ in range(2):
    try:
        porcupine.load_keyless().detector({"jarvis": 0.5})
    except EngineUnavailable as error:
        print(error)
"""


def on_cpu(part: str, tmp_path: Path, script: str) -> list[str]:
    """What a script prints where /proc/cpuinfo, read with `cat`, shows this CPU part."""
    cat = tmp_path / "cat"
    cat.write_text(f"#!/bin/sh\necho 'CPU implementer\t: 0x41\nCPU part\t: {part}'\n")
    cat.chmod(0o755)
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return run.stdout.splitlines()


def test_the_keyless_one_does_not_know_a_64_bit_pi_5(tmp_path: Path) -> None:
    """Its import fails there; asked again, it says the same again."""
    first, second = on_cpu("0xd0b", tmp_path, ON_ANOTHER_CPU)
    assert first == second
    assert first.startswith("porcupine 1.9 can't run on this computer (aarch64, 64bit Python)")
    assert "Unsupported platform" in first


def test_a_library_for_another_architecture_does_not_load(tmp_path: Path) -> None:
    """As with 32-bit Python on a 64-bit kernel: the file is there, and is of the wrong kind."""
    first, second = on_cpu("0xd08", tmp_path, ON_ANOTHER_CPU)
    assert first == second
    assert first.startswith("porcupine 1.9 can't run on this computer (aarch64, 64bit Python)")
    assert "cortex-a72-aarch64/libpv_porcupine.so" in first


ON_A_PI_5 = """
import platform
platform.machine = lambda: "aarch64"
from sena_pi.wake import WakeSettings, choose_detector
choice = choose_detector(WakeSettings(), None, None)
print(choice.picked, choice.detector.words)
print(*choice.reasons, sep="\\n")
"""


def test_a_64_bit_pi_5_without_a_key_gets_microwakeword(tmp_path: Path) -> None:
    """And is told why."""
    picked, *reasons = on_cpu("0xd0b", tmp_path, ON_A_PI_5)
    assert "microwakeword ('hey jarvis',)" == picked
    assert any("porcupine 1.9 can't run on this computer" in reason for reason in reasons)
