"""The benchmark's arguments, and the command."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from sena_pi.bench.conversation.profiles import PROFILES
from sena_pi.errors import ConfigError
from sena_pi.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be chosen."""
    add = parser.add_argument
    add("--repeat", type=_count, default=1, metavar="N", help="conversations in each way (1)")
    add(
        "--profile",
        choices=sorted(PROFILES),
        default="prototype",
        help="how fast the loopback cloud is (%(default)s)",
    )
    add("--real", action="store_true", help="ask the real cloud with the real key; it costs money")
    add(
        "--heard-here",
        action="store_true",
        help="one more way: the cache, with a transcriber on this machine that takes no time",
    )
    add("--no-warm", action="store_true", help="ask nothing a second time: only misses count")
    add("--no-fillers", action="store_true", help="say nothing while an answer is waited for")
    add("--local-voice", action="store_true", help="let a voice on this machine speak, too")
    add("--turns", type=_count, default=0, metavar="N", help="only the first N questions")
    add(
        "--speech-length",
        type=_share,
        default=1.0,
        metavar="SHARE",
        help="of the loopback's sound, to save time; when it comes stays the same (1)",
    )
    add("--questions", type=Path, metavar="FOLDER", help="where spoken questions are kept")
    add("--json", type=Path, metavar="FILE", help="write everything there")
    add("--html", type=Path, metavar="FILE", help="write a report with plots there")
    add("--config", type=Path, metavar="FILE", help="settings instead of /etc/sena/sena.toml")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Measure, and tell.

    Returns:
        The exit code: 0, or 1 when a question was not answered.

    Raises:
        SenaError: what is needed is missing, or the sound broke down.
    """
    # Here, not above: `--help` and every other command do without.
    from sena_pi.bench.conversation.drive import Plan, hold
    from sena_pi.bench.conversation.page import page
    from sena_pi.bench.conversation.plots import pyplot
    from sena_pi.bench.conversation.report import Report, load, machine
    from sena_pi.bench.conversation.results import Asked
    from sena_pi.bench.conversation.script import CONVERSATION
    from sena_pi.foreground import log_to_stderr, until_terminated
    from sena_pi.keys import KeyStore
    from sena_pi.places import cache_folder

    _check(arguments)
    if arguments.html is not None:
        pyplot()
    log_to_stderr(logging.ERROR)
    profile = None if arguments.real else PROFILES[arguments.profile]
    plan = Plan(
        turns=CONVERSATION[: arguments.turns or None],
        profile=profile,
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
        sound_ms = one.after("first_audio", "endpoint")
        took = "no answer" if sound_ms is None else f"{sound_ms / 1000:.2f} s"
        sys.stderr.write(f"{one.round}, {one.way}: {one.question} {took}\n")

    async def measure() -> int:
        load_before = load()
        results = await hold(plan, tell)
        how = {
            "repeat": plan.repeat,
            "turns": len(plan.turns),
            "speech_length": plan.speech_length,
            "fillers": plan.fillers,
            "local_voice": plan.local_voice,
            "silence_s": settings.listening.silence_s,
        }
        cloud = f"{profile.name}: {profile.about}" if profile else "the real one"
        report = Report(results, cloud, how, machine(load_before))
        if arguments.json is not None:
            arguments.json.write_text(json.dumps(report.as_dict(), indent=1) + "\n")
        if arguments.html is not None:
            arguments.html.write_text(page(report))
        sys.stdout.write(report.text() + "\n")
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


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number from 1 up is needed")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError("a number above 0 and up to 1 is needed")
    return share
