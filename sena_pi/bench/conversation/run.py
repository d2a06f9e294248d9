"""The command: measure what was asked for, and tell."""

from __future__ import annotations

import argparse
import json
import logging
import sys

from sena_pi import journal
from sena_pi.bench.conversation.drive import Plan, hold
from sena_pi.bench.conversation.page import page
from sena_pi.bench.conversation.plots import pyplot
from sena_pi.bench.conversation.profiles import PROFILES
from sena_pi.bench.conversation.report import Report, load, machine
from sena_pi.bench.conversation.results import AUDIO, Asked
from sena_pi.bench.conversation.script import CONVERSATION
from sena_pi.errors import ConfigError
from sena_pi.foreground import until_terminated
from sena_pi.keys import KeyStore
from sena_pi.places import cache_folder
from sena_pi.settings import Settings


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Measure, print tables, and write what was asked for.

    Returns:
        The exit code: 0, or 1 when a question was not answered.

    Raises:
        SenaError: what is needed is missing, or the sound broke down.
    """
    _check(arguments)
    journal.set_up(logging.ERROR)
    plan = _plan(arguments, settings)

    async def measure() -> int:
        load_before = load()
        results = await hold(plan, tell)
        _write(
            arguments, Report(results, plan.cloud, plan.as_dict(), machine([load_before, load()]))
        )
        return 0 if all(one.answered for one in results.asked) else 1

    return until_terminated(measure())


def _check(arguments: argparse.Namespace) -> None:
    """Find out before the first minute what would fail after the last one."""
    problems = []
    for path in (arguments.json, arguments.html):
        try:
            if path is not None:
                with path.open("ab"):
                    pass
        except OSError as error:
            problems.append(f"{path} can't be written: {error.strerror}")
    if arguments.real and arguments.heard_here:
        problems.append("--heard-here needs the script, which --real has not")
    if problems:
        raise ConfigError(problems)
    if arguments.html is not None:
        pyplot()


def _plan(arguments: argparse.Namespace, settings: Settings) -> Plan:
    return Plan(
        turns=CONVERSATION[: arguments.turns or None],
        profile=None if arguments.real else PROFILES[arguments.profile],
        repeat=arguments.repeat,
        settings=settings,
        keys=KeyStore.from_environment(),
        questions=arguments.questions or cache_folder().with_name("sena-bench"),
        speech_length=arguments.speech_length,
        fillers=not arguments.no_fillers,
        local_voice=arguments.local_voice,
        warm=not arguments.no_warm,
        heard_here=arguments.heard_here,
    )


def tell(one: Asked) -> None:
    """One line, so that who waits sees that it goes on; from the true end of speech."""
    sound_ms = one.after(AUDIO)
    took = "no answer" if sound_ms is None else f"{sound_ms / 1000:.2f} s"
    sys.stderr.write(f"{one.round}, {one.way}: {one.question} {took}\n")


def _write(arguments: argparse.Namespace, report: Report) -> None:
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report.as_dict(), indent=1) + "\n")
    if arguments.html is not None:
        arguments.html.write_text(page(report))
    sys.stdout.write(report.text() + "\n")
