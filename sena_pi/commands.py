"""What the `sena` command does with the appliance: run, ask, say, devices, doctor, voices."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from sena_pi import journal, languages, voices
from sena_pi.answer import Answer
from sena_pi.app import Appliance, Simulation, running, speaking, thinking
from sena_pi.errors import SenaError
from sena_pi.foreground import (
    EXIT_OK,
    enter_is_the_button,
    told_by_signal,
    until_terminated,
)
from sena_pi.keys import KeyStore
from sena_pi.parts import voices_folder
from sena_pi.reasons import Reason
from sena_pi.report import TurnReport
from sena_pi.sentences import SentenceSplitter
from sena_pi.settings import Settings
from sena_pi.simulated.console import ConsoleLight
from sena_pi.simulated.session import Session
from sena_pi.speakable import speakable
from sena_pi.stages import Question
from sena_pi.voice_catalogue import VOICES

EXIT_PROBLEM = 1
_TIMES = {
    "endpoint": "the end of speech is certain",
    "transcript": "the question is understood",
    "first_text": "first words of the answer",
    "filler": "first sound of a filler",
    "reason": "first sound of a reason",
    "first_audio": "first sound from the speaker",
    "end": "last sound from the speaker",
}


_log = logging.getLogger(__name__)


class CannotWrite(SenaError):
    """A file that was asked for can't be written."""


class NobodyHears(SenaError):
    """Nothing can be heard: the microphone is closed."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """`sena run`: listen and answer until interrupted, or until the recordings are spoken."""
    journal.set_up()
    return until_terminated(_simulate(args, settings) if args.simulate else _serve(args, settings))


def ask(args: argparse.Namespace, settings: Settings) -> int:
    """`sena ask`: print the answer to a typed question, sentence by sentence."""
    return until_terminated(_ask(args.text, settings))


def say(args: argparse.Namespace, settings: Settings) -> int:
    """`sena say`: speak a text on the speaker, with the voice that answers would have."""
    return until_terminated(_say(args.text, settings))


def devices(_args: argparse.Namespace) -> int:
    """`sena devices`: the names that `[microphone] device` and `[speaker] device` take.

    A USB device's identity, in brackets, is taken as well, and a part of it.
    """
    from sena_pi.engines.portaudio import PortAudio

    system = PortAudio()
    found = system.devices()
    system.close()
    microphones = dict.fromkeys(device.label for device in found if device.inputs)
    speakers = dict.fromkeys(device.label for device in found if device.outputs)
    for title, names in (("Microphones", microphones), ("Speakers", speakers)):
        print(f"{title}:", *(names or ["none"]), sep="\n  ")
    return EXIT_OK if microphones and speakers else EXIT_PROBLEM


def doctor(args: argparse.Namespace, settings: Settings) -> int:
    """`sena doctor`: examine this machine; or measure what each process uses."""
    from sena_pi.doctor import command
    from sena_pi.resources import measure

    journal.set_up(logging.WARNING if args.resources else logging.CRITICAL)
    if not args.resources:
        return until_terminated(command.run(args, settings))

    async def tell() -> int:
        print(*(await measure(settings, KeyStore.from_environment())).lines(), sep="\n")
        return EXIT_OK

    return until_terminated(tell())


def voice_install(args: argparse.Namespace, settings: Settings) -> int:
    """`sena voice install`: download a Piper voice, check it, put it where it is looked for."""
    folder = voices_folder(settings)

    def progress(here: int, of: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{here / 1e6:6.1f} of {of / 1e6:.1f} MB", end="", file=sys.stderr)

    model = voices.install(args.name, folder, progress=progress)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(model)
    return EXIT_OK


def voice_list(_args: argparse.Namespace, settings: Settings) -> int:
    """`sena voice list`: what is installed, and what can be."""
    folder = voices_folder(settings)
    here = voices.installed(folder)
    names = {voice.name for voice in here}
    for voice in here:
        used = " (in use)" if voice.name == settings.voice.piper else ""
        print(f"{voice.name}: installed{used}, {voice.licence or 'licence unknown'}")
    for other in VOICES:
        if other.name not in names:
            print(f"{other.name}: `sena voice install {other.name}`, {other.licence}")
    return EXIT_OK


async def _serve(args: argparse.Namespace, settings: Settings) -> int:
    def report(report: TurnReport) -> None:
        if args.json:
            print(json.dumps(report.as_dict()), flush=True)

    keys = KeyStore.from_environment()
    async with running(settings, keys, ConsoleLight(), on_report=report) as appliance:
        with enter_is_the_button(appliance.body.tap), told_by_signal(_tells(appliance)):
            await asyncio.get_running_loop().create_future()
    raise AssertionError("nothing ends this but a signal")


async def _simulate(args: argparse.Namespace, settings: Settings) -> int:
    if args.out is not None:
        _check_writable(args.out)
    session = Session()
    status = EXIT_OK
    async with running(
        settings,
        KeyStore.from_environment(),
        ConsoleLight(),
        simulation=Simulation(args.out, hurry=args.as_fast_as_it_goes),
        on_report=session.report,
        on_spoken=session.spoken,
    ) as appliance:
        with told_by_signal(_tells(appliance)):
            if appliance.body.muted:
                raise NobodyHears("the microphone is closed; fix: sena unmute")
            await appliance.listening.wait()
            if args.as_fast_as_it_goes:
                # A person is not done with a question in the second in which all starts.
                await appliance.ears.started()
            async for spoken in session.speak(appliance.audio, appliance.assistant, args.simulate):
                if not spoken.reports:
                    print(f"{spoken.path}: no wake word was heard", file=sys.stderr)
                    status = EXIT_PROBLEM
                for report in spoken.reports:
                    print(json.dumps(report.as_dict()) if args.json else _prose(report), flush=True)
    if args.out is not None and not args.json:
        print(f"the answer: {args.out}")
    return status


def _tells(appliance: Appliance) -> Callable[[], None]:
    """What SIGUSR1 does: the cache's counters go to the journal."""
    cache = appliance.cache
    return cache.tell if cache is not None else lambda: _log.info("cache: there is none")


def _check_writable(path: Path) -> None:
    """Nothing is asked and answered for a file that can't be written."""
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise CannotWrite(f"{path} can't be written: {error.strerror}") from error


async def _ask(text: str, settings: Settings) -> int:
    async with thinking(settings, KeyStore.from_environment()) as mind:
        answer = Answer()

        texts = languages.catalogue(settings.cloud.language)

        async def say(sentence: str) -> None:
            print(sentence, flush=True)

        async def tell(reason: Reason) -> None:
            print(texts.reasons[reason], flush=True)

        await mind.answer(Question(text=text), answer, say, tell)
    for problem in answer.problems:
        print(problem, file=sys.stderr)
    return EXIT_OK if answer.source is not None else EXIT_PROBLEM


async def _say(text: str, settings: Settings) -> int:
    journal.set_up(logging.WARNING)
    async with speaking(settings, KeyStore.from_environment()) as (voice, speaker):
        turn_voice = voice.for_turn()
        speaker.begin()
        splitter = SentenceSplitter()
        for sentence in filter(None, map(speakable, [*splitter.feed(text), *splitter.flush()])):
            async with turn_voice.synthesize(sentence) as chunks:
                async for chunk in chunks:
                    await speaker.play(chunk)
        await speaker.drain()
    print(f"spoken by {', '.join(turn_voice.spoken_by)}", file=sys.stderr)
    return EXIT_OK


def _prose(report: TurnReport) -> str:
    lines = [
        f"turn {report.turn}, by {report.trigger!r}: {report.outcome}",
        f"  heard:    {report.heard or '(not understood)'}",
        f"  answered: {report.answered or '(nothing)'}",
        *([f"  told:     {', '.join(report.told)}"] if report.told else []),
        f"  source:   {report.source or 'none'} ({report.model or 'nobody'}), "
        f"voice {report.voice or 'none'}",
        "  after the end of speech:",
    ]
    lines += [f"    {report.ms[name]:7.0f} ms  {what}" for name, what in _TIMES.items()
              if name in report.ms]  # fmt: skip
    lines += [f"  problem: {problem}" for problem in report.problems]
    return "\n".join(lines)
