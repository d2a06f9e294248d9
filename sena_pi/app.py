"""The composition root: every part is made here, opened in order, closed in reverse."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sena_pi import control
from sena_pi.assistant import Assistant
from sena_pi.attempt import Stages
from sena_pi.body.hardware import Hardware
from sena_pi.body.wiring import Body, Joined, body_of
from sena_pi.cache.service import CacheService
from sena_pi.cached import cache_requests
from sena_pi.calm import calm_down
from sena_pi.care import Care
from sena_pi.chimes import Chime
from sena_pi.conversation import Conversation
from sena_pi.deadlines import Deadlines
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.devices.ears import Ears
from sena_pi.devices.speaker import WorkerSpeaker
from sena_pi.first_boot.news import tell_news
from sena_pi.first_boot.request import end_for_reset
from sena_pi.first_boot.status import left
from sena_pi.follow_up import follow_ups
from sena_pi.keys import KeyStore
from sena_pi.needs import Needs
from sena_pi.notify import Notifier
from sena_pi.parts import Work, key_of, make_parts
from sena_pi.places import runtime_folder, state_folder
from sena_pi.readiness import Readiness, Told
from sena_pi.reasons import Reason
from sena_pi.report import Outcome, TurnReport
from sena_pi.settings import Settings, values
from sena_pi.sound import DeviceLost
from sena_pi.stages import StatusLight, Transcriber, WakeEvent
from sena_pi.thinking import Mind
from sena_pi.timekeeping import Timekeeping
from sena_pi.timers.ringing import SwitchRinger
from sena_pi.timers.service import Timers
from sena_pi.voice_ladder import VoiceLadder
from sena_pi.wake_retry import WakeRetry

PORCUPINE4_FOLDER = Path(sys.prefix) / "porcupine4"
SPEAKER_TIMEOUT_S = 6.0
"""How long `speaking` waits for the speaker."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Simulation:
    """Sound without sound cards.

    Attributes:
        record_to: WAV file for what the speaker plays, None to keep nothing.
        hurry: recordings are heard as fast as they are taken.
        hardware: lamps and a button, none by default.
    """

    record_to: Path | None = None
    hurry: bool = False
    hardware: Hardware = field(default_factory=Hardware)


@dataclass(frozen=True, slots=True)
class Appliance:
    """The parts, open and running.

    Attributes:
        audio: microphone, wake word and speaker.
        assistant: takes turns.
        listening: set once the microphone has been heard through the wake word.
        cache: the response cache, None where nothing is kept.
        timers: what is set; `stop_ringing` is the button's.
        body: light, button, mute and volume.
        ears: understand commands without a cloud.
    """

    audio: Audio
    assistant: Assistant
    listening: asyncio.Event
    cache: CacheService | None
    timers: Timers
    body: Body
    ears: Ears


@asynccontextmanager
async def running(
    settings: Settings,
    keys: KeyStore,
    light: StatusLight,
    *,
    simulation: Simulation | None = None,
    deadlines: Deadlines | None = None,
    transcriber: Transcriber | None = None,
    on_report: Callable[[TurnReport], None] = lambda _report: None,
    on_spoken: Callable[[dict[str, Any]], None] = lambda _spoken: None,
) -> AsyncIterator[Appliance]:
    """The whole appliance; all of it ends when the context is left.

    Args:
        settings: what it shall do.
        keys: where its keys are.
        light: shows what it does.
        simulation: sound without sound cards; None: with them.
        deadlines: of a turn, where they are not the usual ones.
        transcriber: understands any speech on this machine; None: only commands are.
        on_report: gets the report of each turn.
        on_spoken: told when a simulated recording has begun or ended.
    """
    async with AsyncExitStack() as closing:
        time = Timekeeping(settings, keeps=simulation is None)
        body = body_of(
            settings, light, simulation.hardware if simulation else None, on_reset=reset_by_button()
        )
        parts = await make_parts(
            settings,
            keys,
            closing,
            remembers=True,
            deadlines=deadlines,
            transcriber=transcriber,
            timers=time.answers,
            controls=body.controls,
            trusted=lambda: body.trusted,
        )
        listening = asyncio.Event()
        conversation = settings.conversation

        def hearing(on: bool) -> None:  # noqa: FBT001 - a listener
            assistant.hearing(on=on)
            if on:
                listening.set()

        def ready(worker: dict[str, Any]) -> None:
            _tell_wake_engine(worker)
            retry.ready(worker)

        def woken(wake: WakeEvent) -> None:
            body.woken()
            assistant.woken(wake)

        def turn_began() -> None:
            parts.turn_began()
            time.turn_began()

        def reported(report: TurnReport) -> None:
            if report.unnoticed:
                return
            chime = chime_after(report)
            if chime is not None:
                audio.chime(chime)
            care.turn_ended(report)
            body.turn_ended(report)
            on_report(report)

        audio = Audio(
            {**audio_settings(settings, keys, simulation), **body.audio_settings()},
            AudioListeners(
                detection=woken,
                stop_word=lambda _stop: assistant.stopped(),
                hearing=hearing,
                ready=ready,
                spoken=on_spoken,
            ),
        )
        assistant = Assistant(
            Stages(audio, audio.speaker, body, parts.mind, parts.voice, parts.clips),
            Conversation(conversation.turns, conversation.forget_after_s),
            follow_ups=follow_ups(settings),
            overhearer=parts.overhearer,
            on_trigger=turn_began,
            on_report=reported,
        )
        retry = WakeRetry(audio.supervisor.reconfigure, assistant.idle)
        care = Care(
            settings,
            audio,
            assistant,
            body,
            parts,
            muted=lambda: body.muted,
            lit=lambda: body.light.lit,
        )
        body.join(Joined(assistant, audio, time.timers, parts.clips, _Chimes(audio)))
        time.timers.add_ringer(SwitchRinger(body.light.timer))
        time.sounds(audio.speaker, assistant.idle, [parts.piper, parts.espeak])
        if parts.mind.cloud is None or parts.mind.transcriber is parts.ears:
            parts.ears.want()
        # Listening first: whatever else takes time to load is not waited for.
        work = [audio.run(), assistant.run(), parts.render_clips(), *parts.background()]
        work += [body.run(), calm_down(assistant), *time.work(), *care.work(), retry.run()]
        if simulation is None:
            clip = partial(parts.clips.reason, Reason.CARD)
            work.append(tell_news(left(), body.light, clip, audio.speaker, assistant))
            needs = Needs(
                hears=lambda: listening.is_set() or body.muted,
                sounds=audio.speaker.ready.is_set,
                keys=keys if settings.cloud.enabled else None,
            )
            told = Told(state_folder() / "told.json")
            work.append(
                Readiness(
                    needs.missing, body.light, parts.clips.reason, audio.speaker, assistant, told
                ).run()
            )
        requests = cache_requests(parts.cache, settings) if parts.cache is not None else {}
        work.append(
            control.serve(
                runtime_folder(),
                {**requests, **time.requests(), **care.requests(), **body.requests()},
            )
        )
        if parts.refresh is not None:
            work.append(parts.refresh.run(assistant.idle))
        await closing.enter_async_context(_background(work))
        yield Appliance(audio, assistant, listening, parts.cache, time.timers, body, parts.ears)


@asynccontextmanager
async def thinking(settings: Settings, keys: KeyStore) -> AsyncIterator[Mind]:
    """Only what answers typed questions."""
    async with AsyncExitStack() as closing:
        parts = await make_parts(settings, keys, closing)
        yield parts.mind


@asynccontextmanager
async def speaking(
    settings: Settings, keys: KeyStore
) -> AsyncIterator[tuple[VoiceLadder, WorkerSpeaker]]:
    """Only what speaks: the voices, and the speaker without the microphone."""
    async with AsyncExitStack() as closing:
        parts = await make_parts(settings, keys, closing)
        audio = Audio({**audio_settings(settings, keys, None), "capture": False}, AudioListeners())
        await closing.enter_async_context(_background([audio.run(), *parts.background()]))
        try:
            async with asyncio.timeout(SPEAKER_TIMEOUT_S):
                await audio.speaker.ready.wait()
        except TimeoutError:
            raise DeviceLost("there is no speaker; see `sena devices`") from None
        await parts.local_voice_ready()
        yield parts.voice, audio.speaker


def audio_settings(
    settings: Settings, keys: KeyStore, simulation: Simulation | None
) -> dict[str, Any]:
    """What the audio worker is told."""
    plain = values(settings)
    data: dict[str, Any] = {
        "wake": plain["wake"],
        "listening": plain["listening"],
        "microphone": settings.microphone.device,
        "speaker": settings.speaker.device,
        "porcupine4_folder": str(PORCUPINE4_FOLDER),
        "chimes": list(settings.sounds.which) if settings.sounds.chimes else [],
    }
    if (key := key_of(keys, "porcupine")) is not None:
        data["access_key"] = key.secret.reveal()
    if simulation is not None:
        record_to = simulation.record_to
        data["simulate"] = {
            "hurry": simulation.hurry,
            "record_to": str(record_to.absolute()) if record_to else None,
        }
        data["microphone"] = data["speaker"] = ""
    return data


@dataclass(frozen=True, slots=True)
class _Chimes:
    """The worker's chimes, for the body."""

    audio: Audio

    def play(self, name: str) -> None:
        self.audio.chime(Chime(name))


def chime_after(report: TurnReport) -> Chime | None:
    """What is sounded after a turn that would end in silence otherwise."""
    if report.outcome is Outcome.FAILED:
        return Chime.ERROR
    silent = report.outcome is Outcome.NOTHING_HEARD and not report.unnoticed
    obeyed = report.outcome is Outcome.ANSWERED and not (report.answered or report.told)
    return Chime.DONE if silent or obeyed else None


def reset_by_button(environ: Mapping[str, str] = os.environ) -> Callable[[], None] | None:
    """What a very long press does: None where nothing would start us again, and carry it out."""
    if not Notifier.from_environment(environ).heard:
        return None
    return partial(end_for_reset, state_folder(environ))


def _tell_wake_engine(ready: dict[str, Any]) -> None:
    words = " or ".join(repr(word) for word in ready["wake_words"])
    _log.info("wake word: %s (%s)", words or "none", "; ".join(ready["wake_reasons"]))
    if ready["key_refused"]:
        _log.warning("the Porcupine AccessKey was refused; fix: sena key set porcupine")


@asynccontextmanager
async def _background(work: list[Work]) -> AsyncIterator[None]:
    """Run all of this beside the context; one that fails ends the context.

    What the context itself raises comes out as it is, not in a group.
    """
    failure: Exception | None = None
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one) for one in work]
        try:
            yield
        except Exception as error:  # noqa: BLE001 - it is raised again below
            failure = error
        for task in running:
            task.cancel()
    if failure is not None:
        raise failure
