"""The `sena` command: what can be asked of it, what it answers with.

Exit status: 0 done, 1 a problem was found, 2 wrong usage, 78 (EX_CONFIG) `run` can't start with
these settings, 130 interrupted. What is asked for goes to standard output, what is said about it
to standard error. Each command imports what it needs, so that `--help` is quick.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from sena_pi.arguments import parsed
from sena_pi.errors import ConfigError, SenaError

if TYPE_CHECKING:
    from sena_pi.config import Configuration
    from sena_pi.settings import Settings

EXIT_OK: Final = 0
EXIT_PROBLEM: Final = 1
EXIT_CONFIG: Final = 78
EXIT_INTERRUPTED: Final = 130

_LONGEST_KEY_INPUT = 4096


class Commands(Protocol):
    """The commands that need the appliance; each blocks and returns an exit status."""

    def run(self, args: argparse.Namespace, settings: Settings, /) -> int:
        """`sena run`: simulate (None or paths), as_fast_as_it_goes, json, out (path or None)."""

    def ask(self, args: argparse.Namespace, settings: Settings, /) -> int:
        """`sena ask`: text."""

    def say(self, args: argparse.Namespace, settings: Settings, /) -> int:
        """`sena say`: text."""

    def devices(self, args: argparse.Namespace, /) -> int:
        """`sena devices`."""

    def doctor(self, args: argparse.Namespace, settings: Settings, /) -> int:
        """`sena doctor`: resources."""

    def voice_install(self, args: argparse.Namespace, settings: Settings, /) -> int:
        """`sena voice install`: name."""

    def voice_list(self, args: argparse.Namespace, settings: Settings, /) -> int:
        """`sena voice list`."""


def main(argv: Sequence[str] | None = None, commands: Commands | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        argv: arguments without the program's name; those of the process by default.
        commands: what runs the appliance; the real one by default.

    Raises:
        SystemExit: after `--help` and `--version` (0) and on wrong usage (2).
    """
    args = parsed(argv)
    handler = _HANDLERS[args.command, getattr(args, "action", None)]
    try:
        status = handler(args, lambda: commands or _appliance())
        sys.stdout.flush()
    except ConfigError as error:
        _tell(*error.problems)
        return EXIT_CONFIG if args.command == "run" else EXIT_PROBLEM
    except SenaError as error:
        _tell(str(error))
        return EXIT_PROBLEM
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left (`| head`); Python must not flush to it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PROBLEM
    return status


def _appliance() -> Commands:
    from sena_pi import commands

    return commands


def _tell(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)


# --- the appliance ----------------------------------------------------------------------------


def _run(args: argparse.Namespace, commands: Callable[[], Commands]) -> int:
    settings = _configuration(args).settings
    return commands().run(args, settings)


def _ask(args: argparse.Namespace, commands: Callable[[], Commands]) -> int:
    settings = _configuration(args).settings
    args.text = " ".join(args.text)
    return commands().ask(args, settings)


def _say(args: argparse.Namespace, commands: Callable[[], Commands]) -> int:
    settings = _configuration(args).settings
    args.text = " ".join(args.text)
    return commands().say(args, settings)


def _devices(args: argparse.Namespace, commands: Callable[[], Commands]) -> int:
    return commands().devices(args)


def _doctor(args: argparse.Namespace, commands: Callable[[], Commands]) -> int:
    settings = _configuration(args).settings
    return commands().doctor(args, settings)


def _voice_install(args: argparse.Namespace, commands: Callable[[], Commands]) -> int:
    settings = _configuration(args).settings
    return commands().voice_install(args, settings)


def _voice_list(args: argparse.Namespace, commands: Callable[[], Commands]) -> int:
    settings = _configuration(args).settings
    return commands().voice_list(args, settings)


# --- settings and keys ------------------------------------------------------------------------


def _configuration(args: argparse.Namespace) -> Configuration:
    from sena_pi import config

    return config.load(args.config)


def _config_check(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi.config import missing_files
    from sena_pi.keys import KeyStore

    files: tuple[Path, ...] = ()
    try:
        configuration = _configuration(args)
        files = configuration.files
        problems = missing_files(configuration)
    except ConfigError as error:
        problems = list(error.problems)
    problems += [state.problem for state in KeyStore.from_environment().states() if state.problem]
    if args.json:
        print(json.dumps({"ok": not problems, "problems": problems, "files": [*map(str, files)]}))
    elif problems:
        _tell(*problems)
    else:
        _tell(f"no problems ({', '.join(map(str, files)) or 'no file: the defaults hold'})")
    return EXIT_PROBLEM if problems else EXIT_OK


def _config_show(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi.config_show import as_json, as_toml
    from sena_pi.keys import KeyStore

    configuration = _configuration(args)
    keys = KeyStore.from_environment().states()
    if args.json:
        print(as_json(configuration, keys), end="")
    else:
        print(as_toml(configuration, keys, describe=args.describe), end="")
    return EXIT_OK


def _key_set(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi.keys import KeyStore

    if sys.stdin.isatty():
        from getpass import getpass

        text = getpass(f"{args.name} key (it is not shown): ")
    else:
        text = sys.stdin.read(_LONGEST_KEY_INPUT)
    path = KeyStore.from_environment().save(args.name, text)
    _tell(f"the {args.name} key is kept in {path}; it is read at the next start")
    return EXIT_OK


def _key_list(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi.config_show import key_data, key_line
    from sena_pi.keys import KeyStore

    states = KeyStore.from_environment().states()
    if args.json:
        print(json.dumps([key_data(state) for state in states]))
    else:
        print("\n".join(key_line(state) for state in states))
    return EXIT_PROBLEM if any(state.problem for state in states) else EXIT_OK


def _key_remove(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi.keys import KeyStore

    store = KeyStore.from_environment()
    path = store.remove(args.name)
    _tell(f"{path} is deleted" if path else f"there is no file of the {args.name} key")
    left = store.find(args.name)
    if left is not None:
        _tell(f"a {args.name} key is still set: {left.origin}")
    return EXIT_OK if path else EXIT_PROBLEM


# --- the cache, and benchmarks -----------------------------------------------------------------


def _cache(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi import cache_commands

    return cache_commands.run(args, lambda: _configuration(args).settings)


def _timers(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi import timer_commands

    return timer_commands.run(args)


def _status(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi import status_command

    return status_command.run(args)


def _body(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi import body_commands

    return body_commands.run(args)


def _first_boot(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi.first_boot import command

    return command.first_boot(args)


def _reset(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi.first_boot import command

    return command.reset_device(args)


def _update(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi.update import command

    return command.run(args)


def _bench_cache(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi.bench.cache.command_line import options_from
    from sena_pi.bench.cache.run import run

    return run(options_from(args))


def _bench_conversation(args: argparse.Namespace, _: Callable[[], Commands]) -> int:
    from sena_pi.bench.conversation.run import run

    return run(args, _configuration(args).settings)


_Handler = Callable[[argparse.Namespace, Callable[[], Commands]], int]
_HANDLERS: Final[dict[tuple[str, str | None], _Handler]] = {
    ("run", None): _run,
    ("ask", None): _ask,
    ("say", None): _say,
    ("devices", None): _devices,
    ("doctor", None): _doctor,
    ("status", None): _status,
    ("timers", None): _timers,
    ("volume", None): _body,
    ("mute", None): _body,
    ("unmute", None): _body,
    ("voice", "install"): _voice_install,
    ("voice", "list"): _voice_list,
    ("config", "check"): _config_check,
    ("config", "show"): _config_show,
    ("key", "set"): _key_set,
    ("key", "list"): _key_list,
    ("key", "remove"): _key_remove,
    ("cache", "stats"): _cache,
    ("cache", "list"): _cache,
    ("cache", "show"): _cache,
    ("cache", "forget"): _cache,
    ("cache", "clear"): _cache,
    ("cache", "verify"): _cache,
    ("update", None): _update,
    ("first-boot", None): _first_boot,
    ("reset", None): _reset,
    ("bench", "cache"): _bench_cache,
    ("bench", "conversation"): _bench_conversation,
}
