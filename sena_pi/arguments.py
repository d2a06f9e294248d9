"""The arguments of the `sena` command, and its help."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

from sena_pi import __version__


class _Parser(argparse.ArgumentParser):
    """A parser that does not repeat a key that was typed as an argument."""

    def error(self, message: str) -> NoReturn:
        from sena_pi.keys import mask_keys

        super().error(mask_keys(message))


# argparse has no public name for what `add_subparsers` returns.
_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def parsed(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments of a command line, `command` and mostly `action` among them.

    Args:
        argv: without the program's name; that of the process by default.

    Raises:
        SystemExit: after `--help` and `--version` (0) and on wrong usage (2).
    """
    argv = sys.argv[1:] if argv is None else argv
    top = parser(whole="bench" in argv)
    args, rest = top.parse_known_args(argv)
    if rest and args.command == "key":
        top.error("a key is asked for, never an argument: it would stay in the shell's history")
    if rest:
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    if args.command == "run" and not args.simulate and (args.as_fast_as_it_goes or args.out):
        top.error("--as-fast-as-it-goes and --out need --simulate")
    return args


def parser(*, whole: bool = True) -> argparse.ArgumentParser:
    """The parser of all commands.

    Args:
        whole: False: without the arguments of benchmarks, which only they themselves know.
    """
    top: argparse.ArgumentParser = _Parser(
        prog="sena", description="Hey Sena, the voice assistant.", allow_abbrev=False
    )
    top.add_argument("--version", action="version", version=f"sena {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_appliance(commands)
    _add_voice(commands)
    _add_config(commands)
    _add_key(commands)
    _add_cache(commands)
    _add_update(commands)
    _add_boot(commands)
    _add_bench(commands, whole=whole)
    return top


def _add(commands: _Commands, name: str, text: str) -> argparse.ArgumentParser:
    """A command; the same text is its line in the list and the head of its own help."""
    return commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
    )


def _takes_config(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings instead of /etc/sena/sena.toml; drop-ins lie beside it, in FILE's name "
        "with .d in the place of .toml",
    )


def _takes_json(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--json", action="store_true", help=f"print {what} as JSON")


def _add_appliance(commands: _Commands) -> None:
    run = _add(commands, "run", "listen and answer, until interrupted")
    run.add_argument(
        "--simulate",
        nargs="+",
        type=Path,
        metavar="FILE.wav",
        help="play recordings as the microphone instead of using sound devices",
    )
    run.add_argument(
        "--as-fast-as-it-goes",
        action="store_true",
        help="do not pace the recordings as a microphone would",
    )
    run.add_argument(
        "--out", type=Path, metavar="FILE.wav", help="write there what the speaker would play"
    )
    _takes_json(run, "one report a turn")

    ask = _add(commands, "ask", "answer a typed question")
    ask.add_argument("text", nargs="+", metavar="TEXT", help="the question")
    say = _add(commands, "say", "speak a text")
    say.add_argument("text", nargs="+", metavar="TEXT", help="the words to speak")
    _add(commands, "devices", "list microphones and speakers by name")
    _takes_json(_add(commands, "timers", "list the timers and alarms that are set"), "them")
    _add_body(commands)
    _takes_json(
        _add(commands, "status", "tell what the running assistant does, and how it is"), "it"
    )
    doctor = _add(commands, "doctor", "examine this machine and what it can do")
    doctor.add_argument(
        "checks",
        nargs="*",
        metavar="CHECK",
        help="only these, by the names that the whole examination prints",
    )
    doctor.add_argument(
        "--no-cloud",
        action="store_true",
        help="ask the cloud nothing: a question to it costs a little",
    )
    doctor.add_argument("--quiet", action="store_true", help="make no sound")
    _takes_json(doctor, "the findings")
    doctor.add_argument(
        "--resources",
        action="store_true",
        help="measure time to listening, processor and memory of each process",
    )
    for command in (run, ask, say, doctor):
        _takes_config(command)


def _add_body(commands: _Commands) -> None:
    volume = _add(commands, "volume", "tell or set how loud it is")
    volume.add_argument(
        "percent", nargs="?", type=_percent, metavar="0-100", help="0 is silence, 100 the loudest"
    )
    mute = _add(commands, "mute", "close the microphone, and keep it closed")
    unmute = _add(commands, "unmute", "open the microphone again")
    for command in (volume, mute, unmute):
        _takes_json(command, "volume and mute")


def _add_voice(commands: _Commands) -> None:
    voice = _add(commands, "voice", "voices that speak on this machine")
    actions = voice.add_subparsers(dest="action", metavar="ACTION", required=True)
    install = _add(actions, "install", "download a Piper voice and check it")
    install.add_argument("name", metavar="NAME", help="such as en_US-ljspeech-medium")
    installed = _add(actions, "list", "list the voices that are here")
    for command in (install, installed):
        _takes_config(command)


def _add_config(commands: _Commands) -> None:
    config = _add(commands, "config", "look at the settings")
    actions = config.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = _add(actions, "check", "find every mistake in the settings")
    _takes_json(check, "the problems")
    show = _add(actions, "show", "print the settings in force and their origins")
    show.add_argument(
        "--describe", action="store_true", help="say what each setting means and may be"
    )
    _takes_json(show, "the settings")
    for command in (check, show):
        _takes_config(command)


def _add_key(commands: _Commands) -> None:
    key = _add(commands, "key", "keys of the services, which are never shown")
    actions = key.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "ask for a key, or read it from a pipe, and keep it in a file"
    save = _add(actions, "set", text)
    _takes_json(_add(actions, "list", "tell which keys are set, and where"), "them")
    remove = _add(actions, "remove", "delete a key's file")
    for command in (save, remove):
        command.add_argument("name", metavar="NAME", type=_key_name, help="gemini or porcupine")


def _add_cache(commands: _Commands) -> None:
    cache = _add(commands, "cache", "answers that are kept on this machine")
    actions = cache.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add(actions, "stats", "tell what the cache did today and in all, and what it wrote")
    listing = _add(actions, "list", "list what is kept, the newest first")
    listing.add_argument("--kind", choices=("answers", "speech"), help="only these; default: both")
    show = _add(actions, "show", "show all that is known of the answers to a question")
    forget = _add(actions, "forget", "forget the answers to a question, and their speech")
    for command in (show, forget):
        command.add_argument("text", nargs="+", metavar="TEXT", help="the question")
    clear = _add(actions, "clear", "delete everything that is kept")
    clear.add_argument("--expired", action="store_true", help="only what is not given any more")
    clear.add_argument("--yes", action="store_true", help="do not ask")
    _add(actions, "verify", "read everything that is kept and tell what is damaged")
    for command in actions.choices.values():
        _takes_json(command, "the answer")
        _takes_config(command)


def _add_boot(commands: _Commands) -> None:
    text = "take over sena.toml from the boot partition, before the assistant starts"
    first = _add(commands, "first-boot", text)
    first.add_argument(
        "--status",
        type=Path,
        default=Path("/run/sena-first-boot"),
        metavar="FOLDER",
        help="where what came of it is left for the assistant (/run/sena-first-boot)",
    )
    text = "delete keys, settings of the card, the cache and all that was kept"
    reset = _add(commands, "reset", text)
    reset.add_argument(
        "--factory", action="store_true", required=True, help="all of it: there is no less"
    )
    reset.add_argument("--yes", action="store_true", help="do not ask")
    for command in (first, reset):
        command.add_argument(
            "--boot",
            type=Path,
            default=Path("/boot/firmware"),
            metavar="FOLDER",
            help="where the boot partition is mounted (/boot/firmware)",
        )


def _add_update(commands: _Commands) -> None:
    update = _add(commands, "update", "install a signed version, or tell which there are")
    what = update.add_mutually_exclusive_group()
    what.add_argument(
        "source",
        nargs="?",
        metavar="FILE|URL",
        help="a bundle on this machine or at an https:// address; without one: tell what is "
        "installed",
    )
    what.add_argument(
        "--starting", action="store_true", help="count a start, as the service does before each"
    )
    what.add_argument(
        "--healthy",
        action="store_true",
        help="keep the version that runs, if it has been ready for five minutes",
    )
    _takes_json(update, "what is installed")


def _add_bench(commands: _Commands, *, whole: bool) -> None:
    bench = _add(commands, "bench", "measure on this machine")
    actions = bench.add_subparsers(dest="action", metavar="ACTION", required=True)
    cache = _add(actions, "cache", "compare cache designs: bytes written, look-ups, hits, opening")
    text = "hold a spoken conversation of ten turns in several ways: times, hits, grades"
    conversation = _add(actions, "conversation", text)
    if whole:
        from sena_pi.bench.cache import command_line as of_cache
        from sena_pi.bench.conversation import command_line as of_conversation

        of_cache.add_arguments(cache)
        of_conversation.add_arguments(conversation)


def _key_name(given: str) -> str:
    from sena_pi.keys import KEY_NAMES

    if given not in KEY_NAMES:  # what was given may be the key itself: it is not repeated
        raise argparse.ArgumentTypeError(f"there are the keys {' and '.join(KEY_NAMES)}")
    return given


def _percent(text: str) -> int:
    percent = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError("a whole number from 0 to 100 is needed")
    return percent
