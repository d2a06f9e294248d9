"""The `sena` command: its arguments, its exit statuses, and what it says where."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sena_pi import __version__
from sena_pi.arguments import parser
from sena_pi.cli import _HANDLERS, main
from sena_pi.errors import EngineUnavailable
from sena_pi.settings import CATALOGUE, Settings

CANARY = "AIzaSyCanary0123456789-abcdefghijklmnop"


class Recorded:
    """An appliance that writes down what it was asked, and answers as it was told to."""

    def __init__(self, answer: Callable[[], int] = lambda: 0) -> None:
        self.asked: list[tuple[str, argparse.Namespace, Settings | None]] = []
        self._answer = answer

    def _note(self, name: str, args: argparse.Namespace, settings: Settings | None = None) -> int:
        self.asked.append((name, args, settings))
        return self._answer()

    def run(self, args: argparse.Namespace, settings: Settings, /) -> int:
        return self._note("run", args, settings)

    def ask(self, args: argparse.Namespace, settings: Settings, /) -> int:
        return self._note("ask", args, settings)

    def say(self, args: argparse.Namespace, settings: Settings, /) -> int:
        return self._note("say", args, settings)

    def devices(self, args: argparse.Namespace, /) -> int:
        return self._note("devices", args)

    def doctor(self, args: argparse.Namespace, settings: Settings, /) -> int:
        return self._note("doctor", args, settings)

    def voice_install(self, args: argparse.Namespace, settings: Settings, /) -> int:
        return self._note("voice_install", args, settings)

    def voice_list(self, args: argparse.Namespace, settings: Settings, /) -> int:
        return self._note("voice_list", args, settings)


@pytest.fixture(autouse=True)
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of settings and keys of this test, instead of the machine's."""
    folder = tmp_path / "etc"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("SENA_")]:
        monkeypatch.delenv(name)
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONFIGURATION_DIRECTORY", str(folder))
    return folder


def python(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, timeout=60, check=False, **options
    )  # type: ignore[call-overload, no-any-return]


def usage_error(*argv: str) -> str:
    """What is said about a command line that is refused."""
    error = io.StringIO()
    with contextlib.redirect_stderr(error), pytest.raises(SystemExit) as stop:
        main(argv, Recorded())
    assert 2 == stop.value.code
    return error.getvalue()


def all_parsers(
    top: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser, str | None]]:
    """Each command, its parser and its line of help, found in the parser itself."""
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            lines = {choice.dest: choice.help for choice in action._choices_actions}
            for name, inner in action.choices.items():
                yield (*path, name), inner, lines.get(name)
                yield from all_parsers(inner, (*path, name))


# --- the frame --------------------------------------------------------------------------------


def test_every_command_and_argument_has_help() -> None:
    """Nothing is left to be guessed."""
    for path, command, line in all_parsers(parser()):
        assert line, f"{path} has no help"
        for action in command._actions:
            assert action.help or action.dest == "action", f"{path} {action.dest} has no help"


def test_every_command_is_handled() -> None:
    """What can be parsed can be done, and the other way round."""
    paths = {path for path, _, _ in all_parsers(parser())}
    leaves = {
        path for path in paths if not any(path == other[: len(path)] != other for other in paths)
    }
    assert {tuple(filter(None, path)) for path in _HANDLERS} == leaves


@pytest.mark.parametrize("argv", ["--help", "run --help", "key set --help", "config show --help"])
def test_help_is_an_answer(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help goes to standard output and is no error."""
    with pytest.raises(SystemExit) as stop:
        main(argv.split())
    assert 0 == stop.value.code
    assert capsys.readouterr().out.startswith("usage: sena")


def test_help_and_version_import_nothing_heavy() -> None:
    """They answer at once, on a slow board too: only Python's own modules are loaded."""
    code = (
        "import sys\n"
        "from sena_pi.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = ['pydantic', 'numpy', 'google', 'wyoming', 'asyncio', 'sena_pi.config']\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)\n"
    )
    for flag in ("--version", "--help"):
        done = python("-c", code, flag)
        assert "[]\n" == done.stderr


def test_version() -> None:
    """The installed module tells its version."""
    done = python("-m", "sena_pi", "--version")
    assert (0, f"sena {__version__}\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ("", "the following arguments are required: COMMAND"),
        ("rnu", "invalid choice: 'rnu'"),
        ("config", "the following arguments are required: ACTION"),
        ("ask", "the following arguments are required: TEXT"),
        ("say hello --loud", "unrecognized arguments: --loud"),
        ("run --out a.wav", "--as-fast-as-it-goes and --out need --simulate"),
        ("run --as-fast-as-it-goes", "--as-fast-as-it-goes and --out need --simulate"),
        ("run --sim a.wav", "unrecognized arguments: --sim a.wav"),
        ("key set", "the following arguments are required: NAME"),
        ("key set alexa", "argument NAME: there are the keys gemini and porcupine"),
    ],
)  # fmt: skip
def test_wrong_usage_exits_with_2(argv: str, expected: str) -> None:
    """A command line that makes no sense is told so, and nothing is done."""
    assert expected in usage_error(*argv.split())


# --- the appliance's commands -----------------------------------------------------------------


def test_run_gets_its_arguments_and_settings(tmp_path: Path) -> None:
    """What stands on the command line reaches the appliance, with the settings of --config."""
    file = tmp_path / "my.toml"
    file.write_text("[conversation]\nturns = 2\n")
    appliance = Recorded(lambda: 7)
    argv = ["run", "--config", str(file), "--simulate", "a.wav", "b.wav"]
    assert 7 == main([*argv, "--as-fast-as-it-goes", "--json", "--out", "o.wav"], appliance)
    ((name, args, settings),) = appliance.asked
    assert "run" == name
    assert [Path("a.wav"), Path("b.wav")] == args.simulate
    assert (True, True, Path("o.wav")) == (args.as_fast_as_it_goes, args.json, args.out)
    assert settings is not None
    assert 2 == settings.conversation.turns


def test_run_without_arguments_uses_the_devices() -> None:
    """The defaults are those of the appliance on its board."""
    appliance = Recorded()
    assert 0 == main(["run"], appliance)
    ((_, args, settings),) = appliance.asked
    assert (None, False, False, None) == (
        args.simulate,
        args.as_fast_as_it_goes,
        args.json,
        args.out,
    )
    assert Settings() == settings


@pytest.mark.parametrize("command", ["ask", "say"])
def test_a_text_needs_no_quotes(command: str) -> None:
    """Words are joined again, so that a question can be typed as it is spoken."""
    appliance = Recorded()
    assert 0 == main([command, "what", "time", "is it"], appliance)
    ((name, args, _),) = appliance.asked
    assert (command, "what time is it") == (name, args.text)


@pytest.mark.parametrize(
    ("argv", "name", "arguments"),
    [
        ("devices", "devices", {}),
        ("doctor --resources", "doctor", {"resources": True}),
        ("doctor", "doctor", {"resources": False}),
        ("voice install en_US-amy-low", "voice_install", {"name": "en_US-amy-low"}),
        ("voice list", "voice_list", {}),
    ],
)
def test_other_commands_reach_the_appliance(
    argv: str, name: str, arguments: dict[str, object]
) -> None:
    """Each command is passed on under its own name."""
    appliance = Recorded(lambda: 3)
    assert 3 == main(argv.split(), appliance)
    ((asked, args, _),) = appliance.asked
    assert name == asked
    assert arguments == {key: getattr(args, key) for key in arguments}


def test_an_expected_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """What went wrong is told to people, without a traceback."""

    def fail() -> int:
        raise EngineUnavailable("there is no microphone; plug one in")

    assert 1 == main(["devices"], Recorded(fail))
    assert ("", "there is no microphone; plug one in\n") == tuple(capsys.readouterr())


def test_an_interrupt_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C is how a person ends it, not an error."""

    def interrupted() -> int:
        raise KeyboardInterrupt

    assert 130 == main(["run"], Recorded(interrupted))
    assert ("", "") == tuple(capsys.readouterr())


@pytest.mark.parametrize(("command", "status"), [("run", 78), ("ask hello", 1), ("config show", 1)])
def test_wrong_settings_are_told_line_by_line(
    command: str, status: int, etc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each problem is a line; `run` exits with EX_CONFIG, for which systemd does not restart it."""
    (etc / "sena.toml").write_text("[wake]\nengine = 'x'\n[voice]\nthreads = 0\n")
    appliance = Recorded()
    assert status == main(command.split(), appliance)
    assert [] == appliance.asked
    out, err = capsys.readouterr()
    assert "" == out
    assert [
        f'{etc}/sena.toml:2: wake.engine is "x"; it must be auto, porcupine or microwakeword.',
        f"{etc}/sena.toml:4: voice.threads is 0; it must be a whole number from 1 to 8.",
    ] == err.splitlines()


def test_a_reader_that_leaves_is_no_error() -> None:
    """`sena config show | head -1` ends without a complaint."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sena_pi", "config", "show"],
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (1, b"") == (done.returncode, done.stderr)


# --- sena config ------------------------------------------------------------------------------


def test_config_show_lists_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    """All settings are there, as TOML on standard output."""
    assert 0 == main(["config", "show"])
    out, err = capsys.readouterr()
    assert "" == err
    shown = tomllib.loads(out)
    assert {section: list(keys) for section, keys in CATALOGUE.items()} == {
        section: list(keys) for section, keys in shown.items()
    }


def test_config_show_tells_whether_keys_are_set(
    etc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Set or not, and where; refused ones with the reason; values never."""
    (etc / "keys").mkdir()
    (etc / "keys" / "gemini").write_text(CANARY)
    (etc / "keys" / "gemini").chmod(0o600)
    assert 0 == main(["config", "show"])
    assert 0 == main(["config", "show", "--describe"])
    out = capsys.readouterr().out
    assert f"# gemini: set ({etc}/keys/gemini)\n# porcupine: not set\n" in out
    assert 0 == main(["config", "show", "--json"])
    text = capsys.readouterr().out
    shown = json.loads(text)
    assert [True, False] == [key["set"] for key in shown["keys"]]
    assert "Canary" not in out + text


def test_config_check_tells_that_all_is_well(etc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With and without a file, for people and for machines."""
    assert 0 == main(["config", "check"])
    assert ("", "no problems (no file: the defaults hold)\n") == tuple(capsys.readouterr())
    (etc / "sena.toml").write_text("")
    assert 0 == main(["config", "check"])
    assert ("", f"no problems ({etc}/sena.toml)\n") == tuple(capsys.readouterr())
    assert 0 == main(["config", "check", "--json"])
    out, err = capsys.readouterr()
    assert {"ok": True, "problems": [], "files": [f"{etc}/sena.toml"]} == json.loads(out)
    assert "" == err


def test_config_check_tells_all_problems(etc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings, files that are missing, and keys that can't be used: all in one go."""
    (etc / "keys").mkdir()
    (etc / "keys" / "gemini").write_text(CANARY)
    (etc / "keys" / "gemini").chmod(0o644)
    (etc / "sena.toml").write_text('[wake]\nporcupine_models = ["/none/a.ppn"]\n')
    expected = [
        f"{etc}/sena.toml:2: wake.porcupine_models: /none/a.ppn: there is no such file",
        f"{etc}/keys/gemini is open to others (mode 0644); run: chmod 600 {etc}/keys/gemini",
    ]
    assert 1 == main(["config", "check"])
    out, err = capsys.readouterr()
    assert ("", expected) == (out, err.splitlines())
    assert 1 == main(["config", "check", "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert (False, expected) == (shown["ok"], shown["problems"])


def test_config_check_tells_wrong_settings_and_keys_together(
    etc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Settings that can't be used do not hide what else is wrong."""
    (etc / "keys").mkdir()
    (etc / "keys" / "gemini").write_text("two words")
    (etc / "keys" / "gemini").chmod(0o600)
    (etc / "sena.toml").write_text("[wak]\n")
    assert 1 == main(["config", "check"])
    first, second = capsys.readouterr().err.splitlines()
    assert f"{etc}/sena.toml:1: there is no section [wak]. Did you mean [wake]?" == first
    assert second.startswith(f"the gemini key ({etc}/keys/gemini) holds a character")


# --- sena key ---------------------------------------------------------------------------------


def feed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_key_is_set_listed_and_removed(
    etc: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole life of a key, from a pipe to its removal."""
    feed(monkeypatch, f"{CANARY}\n")
    path = etc / "keys" / "gemini"
    assert 0 == main(["key", "set", "gemini"])
    assert ("", f"the gemini key is kept in {path}; it is read at the next start\n") == tuple(
        capsys.readouterr()
    )
    assert f"{CANARY}\n" == path.read_text()
    assert 0 == main(["key", "list"])
    assert (f"gemini: set ({path})\nporcupine: not set\n", "") == tuple(capsys.readouterr())
    assert 0 == main(["key", "list", "--json"])
    assert [
        {"name": "gemini", "set": True, "origin": str(path), "problem": None},
        {"name": "porcupine", "set": False, "origin": None, "problem": None},
    ] == json.loads(capsys.readouterr().out)
    assert 0 == main(["key", "remove", "gemini"])
    assert ("", f"{path} is deleted\n") == tuple(capsys.readouterr())
    assert 1 == main(["key", "remove", "gemini"])
    assert ("", "there is no file of the gemini key\n") == tuple(capsys.readouterr())


def test_removing_tells_of_a_key_that_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who removes a key learns that another place still has one."""
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    assert 1 == main(["key", "remove", "gemini"])
    assert [
        "there is no file of the gemini key",
        "a gemini key is still set: environment variable GEMINI_API_KEY",
    ] == capsys.readouterr().err.splitlines()


def test_a_refused_key_is_a_problem_of_the_list(
    etc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`key list` shows what can't be used, and says so by its exit status."""
    (etc / "keys").mkdir()
    (etc / "keys" / "porcupine").write_text("x y")
    (etc / "keys" / "porcupine").chmod(0o600)
    assert 1 == main(["key", "list"])
    assert capsys.readouterr().out.splitlines()[1].startswith("porcupine: refused: the porcupine")


@pytest.mark.parametrize("text", ["", "\n", "two words", f"{CANARY}\n{CANARY}\n", "x" * 100_000])
def test_a_bad_key_is_not_kept(
    etc: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """Nothing, two lines, far too much: told in one line, and no file is made."""
    feed(monkeypatch, text)
    assert 1 == main(["key", "set", "gemini"])
    out, err = capsys.readouterr()
    assert ("", 1) == (out, len(err.splitlines()))
    assert not (etc / "keys").exists()


@pytest.mark.parametrize(
    "argv",
    [
        ["key", "set", CANARY],
        ["key", "set", "gemini", CANARY],
        ["key", "set", "gemini", "--key=canary-in-no-known-form"],
        ["key", "set", "canary-in-no-known-form"],
        ["key", "set", "gemini", "canary-in-no-known-form"],
        ["key", CANARY],
        [CANARY],
        ["run", CANARY],
    ],
)
def test_a_key_as_an_argument_is_refused_and_not_repeated(argv: list[str]) -> None:
    """It is in the shell's history already; it must not be in a log as well."""
    assert "canary" not in usage_error(*argv).lower()


def test_no_command_ever_shows_a_key(
    etc: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything that looks at keys is run; the key is in no output and in no log line."""
    caplog.set_level(0)
    said = io.StringIO()
    monkeypatch.setattr(sys, "stdout", said)
    monkeypatch.setattr(sys, "stderr", said)
    monkeypatch.setenv("GOOGLE_API_KEY", CANARY)
    commands = [
        ["key", "list"],
        ["key", "list", "--json"],
        ["config", "show"],
        ["config", "show", "--json"],
        ["config", "show", "--describe"],
        ["config", "check"],
        ["config", "check", "--json"],
        ["key", "remove", "gemini"],
    ]
    for text, mode in (
        (f"{CANARY}\n", 0o600),
        (f"{CANARY}\n", 0o666),
        (f"{CANARY} {CANARY}", 0o600),
    ):
        feed(monkeypatch, text)
        main(["key", "set", "gemini"])
        (etc / "keys" / "gemini").write_text(text)
        (etc / "keys" / "gemini").chmod(mode)
        for command in commands:
            main(command)
    (etc / "sena.toml").write_text(f"[cloud]\nmodel = '{CANARY}'\nvoice = 3\nkey = '{CANARY}'\n")
    for command in commands:
        main(command)
    assert "is kept in" in said.getvalue()
    assert "keys do not belong" in said.getvalue()
    assert "Canary" not in said.getvalue() + caplog.text


def run_on_terminal(etc: Path, typed: bytes) -> tuple[int, bytes]:
    """`sena key set gemini` on a terminal of its own, and what that terminal showed."""
    terminal, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sena_pi", "key", "set", "gemini"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "CONFIGURATION_DIRECTORY": str(etc)},
        start_new_session=True,
    )
    os.close(slave)
    shown = b""
    try:
        while b"not shown): " not in shown:
            shown += os.read(terminal, 1024)
        if typed:
            os.write(terminal, typed)
        else:
            process.send_signal(signal.SIGINT)
        while True:
            try:
                shown += os.read(terminal, 1024)
            except OSError:  # the last one to hold the terminal has gone
                break
        return process.wait(timeout=60), shown
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def test_a_typed_key_is_not_echoed(etc: Path) -> None:
    """On a terminal the key is asked for, and nobody can read it there."""
    status, shown = run_on_terminal(etc, f"{CANARY}\n".encode())
    assert 0 == status
    assert b"is kept in" in shown
    assert b"Canary" not in shown
    assert f"{CANARY}\n" == (etc / "keys" / "gemini").read_text()


def test_an_interrupted_question_keeps_nothing(etc: Path) -> None:
    """Ctrl-C while a key is asked for: quiet, status 130, no file."""
    status, shown = run_on_terminal(etc, b"")
    assert 130 == status
    assert b"Traceback" not in shown
    assert not (etc / "keys").exists()
