"""Makes the manual page: `python -m tests.manual` prints it. What no help says is written here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Final

from sena_pi import __version__
from sena_pi.arguments import parser

_HEAD: Final = r""".\" Made by scripts/manual from the program's own help.
.TH SENA 1 "" "sena {version}" "User Commands"
.SH NAME
sena \- a voice assistant for the Raspberry Pi
.SH SYNOPSIS
.B sena
.I COMMAND
.RI [ ARGUMENT " ...]"
.SH DESCRIPTION
.B sena
listens for a wake word, understands what is asked, and answers aloud: from a cache on the device,
from the cloud where there is a key, and without a network what it can by itself.
.PP
What is asked for goes to standard output, what is said about it to standard error.
Most commands that tell something take
.BR \-\-json .
.SH COMMANDS
"""

_TAIL: Final = r""".SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
A problem was found; of
.BR "sena doctor" ,
something could be better.
.TP
.B 2
Wrong usage; of
.BR "sena doctor" ,
something does not work.
.TP
.B 78
.B sena run
can't start with these settings.
.TP
.B 130
Interrupted.
.SH SIGNALS
.TP
.B SIGTERM
.B sena run
ends everything in order.
.TP
.B SIGUSR1
.B sena run
tells the journal what the cache did today.
.SH FILES
.TP
.I /etc/sena/sena.toml
Settings;
.B sena config show \-\-describe
explains each. Drop-ins lie in
.IR /etc/sena/sena.d .
.TP
.I /boot/firmware/sena.toml
Settings and keys written on a PC; see
.BR "sena first-boot" .
What is wrong with it stands beside it, in
.IR sena-errors.txt .
.TP
.I /etc/sena/keys
Keys, each a file that only its owner may read; see
.BR "sena key" .
.TP
.I /var/lib/sena
What must outlive a restart, and the voices.
.TP
.I /var/cache/sena
Answers that are kept, and their speech.
.TP
.I /run/sena/control.sock
Where commands ask the assistant that runs.
.SH JOURNAL
Each line is prose, and has fields. No field holds what a person said.
.TP
.B journalctl \-u sena \-f
What goes on.
.TP
.B journalctl \-u sena SENA_EVENT=turn
Each turn, with its times; by field with
.BR "\-o json" .
.TP
.B journalctl \-u sena SENA_EVENT=turn SENA_CACHE=hit
Those that the cache answered.
.TP
.B journalctl \-u sena SENA_EVENT=cache_stats \-o json
What the cache did: hourly, at the end, and on
.BR SIGUSR1 .
.TP
.B journalctl \-u sena \-p warning
What went wrong.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1),
.BR alsamixer (1)
"""


def page() -> Iterator[str]:
    """The page, line by line."""
    yield _HEAD.replace("{version}", __version__).rstrip("\n")
    for path, command, text in commands(parser()):
        yield from _command(path, command, text)
    yield _TAIL.rstrip("\n")


def commands(
    top: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser, str]]:
    """Every command that can be given, with the line that its list has for it."""
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            lines = {choice.dest: choice.help for choice in action._choices_actions}
            for name, inner in action.choices.items():
                if inner._subparsers is None:
                    yield (*path, name), inner, lines[name] or ""
                yield from commands(inner, (*path, name))


def _command(path: tuple[str, ...], command: argparse.ArgumentParser, text: str) -> Iterator[str]:
    arguments = [
        it for it in command._actions if it.help != argparse.SUPPRESS and it.dest != "help"
    ]
    yield f'.SS "sena {" ".join(path)}{"".join(f" {_shape(it)}" for it in arguments)}"'
    yield _escaped(f"{text[0].upper()}{text[1:]}.")
    for argument in arguments:
        name = ", ".join(argument.option_strings) or str(argument.metavar or argument.dest)
        yield ".TP"
        yield f".B {_escaped(name)}"
        yield _escaped(f"{argument.help or ''}".replace("%%", "%"))


def _shape(argument: argparse.Action) -> str:
    value = str(argument.metavar or argument.dest.upper())
    if argument.nargs in ("+", "*"):
        value = f"{value} ..."
    if argument.option_strings:
        takes = argument.nargs != 0
        return _escaped(f"[{argument.option_strings[0]}{f' {value}' if takes else ''}]")
    return _escaped(f"[{value}]" if argument.nargs == "*" else value)


def _escaped(text: str) -> str:
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace('"', r"\(dq")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in page()))
