"""The composition root: every part is made here, opened in order, closed in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sena_pi import control, languages, voices
from sena_pi.allowance import Allowance
from sena_pi.assistant import Assistant
from sena_pi.breaker import Breaker
from sena_pi.cache.refreshing import IdleRefresh
from sena_pi.cache.service import CacheService
from sena_pi.cache.voice import CachedVoice
from sena_pi.cached import cache_requests, cache_service, idle_refresh, refresher
from sena_pi.capped import CappedModel, CappedVoice
from sena_pi.clips import Clips
from sena_pi.conversation import Conversation
from sena_pi.credential import GeminiKey
from sena_pi.deadlines import Deadlines
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.devices.ears import Ears
from sena_pi.devices.speaker import WorkerSpeaker
from sena_pi.devices.voice import LocalVoice
from sena_pi.engines import opus
from sena_pi.engines.espeak import Espeak
from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.engines.gemini_voice import GeminiVoice
from sena_pi.errors import CloudError, EngineUnavailable, KeyRefused
from sena_pi.guarded import Guard, GuardedModel, GuardedVoice
from sena_pi.keys import Key, KeyStore
from sena_pi.local_answers import LocalAnswers, LocalModel
from sena_pi.overhearing import OverhearsWhileResting
from sena_pi.places import runtime_folder, state_folder
from sena_pi.report import TurnReport
from sena_pi.settings import Settings, values
from sena_pi.sound import DeviceLost
from sena_pi.stages import LanguageModel, StatusLight, Synthesizer
from sena_pi.thinking import Mind
from sena_pi.timekeeping import Timekeeping
from sena_pi.timers.answers import TimerAnswers
from sena_pi.timers.service import Timers
from sena_pi.turn import Stages
from sena_pi.voice_ladder import VoiceLadder
from sena_pi.voice_race import Race

PORCUPINE4_FOLDER = Path(sys.prefix) / "porcupine4"
SPEAKER_TIMEOUT_S = 6.0
"""How long `speaking` waits for the speaker."""
RENDER_ATTEMPTS = 3
RENDER_AGAIN_S = 60.0
"""After clips that the local voice could not speak: it may have died of something else."""

_log = logging.getLogger(__name__)

_Work = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Simulation:
    """Sound without sound cards.

    Attributes:
        record_to: WAV file for what the speaker plays, None to keep nothing.
        hurry: recordings are heard as fast as they are taken.
    """

    record_to: Path | None = None
    hurry: bool = False


@dataclass(frozen=True, slots=True)
class Appliance:
    """The parts, open and running.

    Attributes:
        audio: microphone, wake word and speaker.
        assistant: takes turns.
        listening: set once the microphone has been heard through the wake word.
        cache: the response cache, None where nothing is kept.
        timers: what is set; `stop_ringing` is the button's.
    """

    audio: Audio
    assistant: Assistant
    listening: asyncio.Event
    cache: CacheService | None
    timers: Timers


def voices_folder(settings: Settings) -> Path:
    """Where Piper voices lie."""
    return settings.voice.folder or state_folder() / "voices"


@asynccontextmanager
async def running(
    settings: Settings,
    keys: KeyStore,
    light: StatusLight,
    *,
    simulation: Simulation | None = None,
    deadlines: Deadlines | None = None,
    on_report: Callable[[TurnReport], None] = lambda _report: None,
    on_spoken: Callable[[dict[str, Any]], None] = lambda _spoken: None,
) -> AsyncIterator[Appliance]:
    """The whole appliance; all of it ends when the context is left."""
    async with AsyncExitStack() as closing:
        time = Timekeeping(settings)
        parts = await _parts(
            settings, keys, closing, remembers=True, deadlines=deadlines, timers=time.answers
        )
        listening = asyncio.Event()
        conversation = settings.conversation

        def hearing(on: bool) -> None:  # noqa: FBT001 - a listener
            assistant.hearing(on=on)
            if on:
                listening.set()

        def turn_began() -> None:
            parts.turn_began()
            time.turn_began()

        audio = Audio(
            _audio_settings(settings, keys, simulation),
            AudioListeners(
                detection=lambda wake: assistant.woken(wake),
                hearing=hearing,
                ready=_tell_wake_engine,
                spoken=on_spoken,
            ),
        )
        assistant = Assistant(
            Stages(audio, audio.speaker, light, parts.mind, parts.voice, parts.clips),
            Conversation(conversation.turns, conversation.forget_after_s),
            overhearer=OverhearsWhileResting(parts.ears, parts.answers_breaker),
            on_trigger=turn_began,
            on_report=on_report,
        )
        time.sounds(audio.speaker, assistant.idle, [parts.piper, parts.espeak])
        if parts.mind.cloud is None:
            parts.ears.want()
        # Listening first: whatever else takes time to load is not waited for.
        work = [audio.run(), assistant.run(), parts.render_clips(), *parts.background()]
        work += time.work()
        requests = cache_requests(parts.cache, settings) if parts.cache is not None else {}
        work.append(control.serve(runtime_folder(), {**requests, **time.requests()}))
        if parts.refresh is not None:
            work.append(parts.refresh.run(assistant.idle))
        await closing.enter_async_context(_background(work))
        yield Appliance(audio, assistant, listening, parts.cache, time.timers)


@asynccontextmanager
async def thinking(settings: Settings, keys: KeyStore) -> AsyncIterator[Mind]:
    """Only what answers typed questions."""
    async with AsyncExitStack() as closing:
        parts = await _parts(settings, keys, closing)
        yield parts.mind


@asynccontextmanager
async def speaking(
    settings: Settings, keys: KeyStore
) -> AsyncIterator[tuple[VoiceLadder, WorkerSpeaker]]:
    """Only what speaks: the voices, and the speaker without the microphone."""
    async with AsyncExitStack() as closing:
        parts = await _parts(settings, keys, closing)
        audio = Audio({**_audio_settings(settings, keys, None), "capture": False}, AudioListeners())
        await closing.enter_async_context(_background([audio.run(), *parts.background()]))
        try:
            async with asyncio.timeout(SPEAKER_TIMEOUT_S):
                await audio.speaker.ready.wait()
        except TimeoutError:
            raise DeviceLost("there is no speaker; see `sena devices`") from None
        await parts.local_voice_ready()
        yield parts.voice, audio.speaker


@dataclass(slots=True)
class _Parts:
    """What thinks and speaks, made but not running.

    Attributes:
        espeak: the voice of last resort, None where it is not installed.
        clips: what is said when there is no answer.
        answers_breaker: that of the cloud's answers, None without a cloud.
        work: what must run beside the rest.
        cache: remembers what the cloud says.
        refresh: renews what it remembers while nobody asks, None where that is switched off.
    """

    mind: Mind
    voices: list[Synthesizer]
    ears: Ears
    piper: LocalVoice | None
    espeak: Espeak | None
    clips: Clips
    answers_breaker: Breaker | None
    work: list[Callable[[], _Work]] = field(default_factory=list)
    cache: CacheService | None = None
    refresh: IdleRefresh | None = None

    @property
    def voice(self) -> VoiceLadder:
        """Raises EngineUnavailable when nothing can speak."""
        if not self.voices:
            raise EngineUnavailable("nothing can speak: apt install espeak-ng")
        # With a voice of our own that is as good: espeak-ng would only be sooner.
        races = self.answers_breaker is not None and self.piper is not None
        return VoiceLadder(self.voices, Race() if races else None)

    def turn_began(self) -> None:
        """A turn comes before all that is done on idle."""
        if self.refresh is not None:
            self.refresh.turn_began()

    def background(self) -> list[_Work]:
        return [start() for start in self.work]

    async def render_clips(self) -> None:
        """Make the clips with the voice that is there at once, and again with the better one."""
        if self.espeak is not None:
            await self.clips.render(self.espeak)
        if self.piper is not None:
            for _ in range(RENDER_ATTEMPTS):
                await self.piper.ready.wait()
                if await self.clips.render(self.piper):
                    return
                await asyncio.sleep(RENDER_AGAIN_S)

    async def local_voice_ready(self) -> None:
        """Wait until the local voice speaks, or is known not to."""
        if self.piper is not None:
            with contextlib.suppress(EngineUnavailable):
                await self.piper.wait_ready()


async def _parts(
    settings: Settings,
    keys: KeyStore,
    closing: AsyncExitStack,
    *,
    remembers: bool = False,
    deadlines: Deadlines | None = None,
    timers: TimerAnswers | None = None,
) -> _Parts:
    ears = Ears()
    work: list[Callable[[], _Work]] = [ears.run]
    cloud: LanguageModel | None = None
    cache: CacheService | None = None
    answers_breaker: Breaker | None = None
    refresh: IdleRefresh | None = None
    rungs: list[Synthesizer] = []
    if settings.cloud.enabled and (key := _key(keys, "gemini")) is not None:
        gemini = Gemini(key.secret.reveal(), _gemini_settings(settings))
        closing.push_async_callback(gemini.aclose)
        allowance = Allowance(
            state_folder() / "allowance.json",
            requests_per_day=settings.limits.requests_per_day,
            speech_seconds_per_day=settings.limits.speech_seconds_per_day,
        )
        closing.callback(allowance.close)
        credential = GeminiKey(keys, gemini, key)
        answers_breaker = Breaker("the cloud's answers")
        cloud = GuardedModel(
            CappedModel(GeminiModel(gemini), allowance), Guard(answers_breaker, credential)
        )
        rungs.append(
            GuardedVoice(
                CappedVoice(GeminiVoice(gemini), allowance),
                Guard(Breaker("the cloud's voice"), credential),
            )
        )
        if remembers and settings.cache.enabled:
            habits = refresher(settings)
            cache = cache_service(settings, model=cloud.name, learns=habits)
            if habits.enabled:
                refresh = idle_refresh(cache, habits, cloud)
            closing.push_async_callback(cache.aclose)
            work.append(cache.run)
        work += [allowance.run, lambda: _warm_up(gemini)]
    piper = _piper(settings)
    if piper is not None:
        rungs.append(piper)
        work.append(piper.run)
    if cache is not None:
        rungs = [CachedVoice(rung, cache, opus.decode) for rung in rungs]
    espeak = _espeak(settings)
    if espeak is not None:
        rungs.append(espeak)
    answers = LocalAnswers(cloud=cloud is not None, timers=timers)
    mind = Mind(
        cloud, LocalModel(ears, answers), answers, cache, deadlines=deadlines or Deadlines()
    )
    clips = Clips(languages.catalogue(settings.cloud.language))
    return _Parts(mind, rungs, ears, piper, espeak, clips, answers_breaker, work, cache, refresh)


def _espeak(settings: Settings) -> Espeak | None:
    try:
        return Espeak(speed=settings.voice.speed)
    except EngineUnavailable as error:
        _log.warning("voice of last resort: %s", error)
        return None


def _piper(settings: Settings) -> LocalVoice | None:
    here = {voice.name: voice.model for voice in voices.installed(voices_folder(settings))}
    model = here.get(settings.voice.piper)
    if model is None:
        _log.warning(
            "voice %s is not installed, espeak-ng speaks instead; fix: sena voice install %s",
            settings.voice.piper,
            settings.voice.piper,
        )
        return None
    return LocalVoice(
        model, threads=settings.voice.threads, length_scale=settings.voice.length_scale
    )


def _key(keys: KeyStore, name: str) -> Key | None:
    try:
        return keys.find(name)
    except KeyRefused as error:
        # A state that a person is told about, never the end of the service.
        _log.warning("%s", error)
        return None


def _gemini_settings(settings: Settings) -> GeminiSettings:
    cloud = settings.cloud.model_dump(exclude={"enabled"})
    return GeminiSettings(**cloud)


def _audio_settings(
    settings: Settings, keys: KeyStore, simulation: Simulation | None
) -> dict[str, Any]:
    plain = values(settings)
    data: dict[str, Any] = {
        "wake": plain["wake"],
        "listening": plain["listening"],
        "microphone": settings.microphone.device,
        "speaker": settings.speaker.device,
        "porcupine4_folder": str(PORCUPINE4_FOLDER),
    }
    if (key := _key(keys, "porcupine")) is not None:
        data["access_key"] = key.secret.reveal()
    if simulation is not None:
        record_to = simulation.record_to
        data["simulate"] = {
            "hurry": simulation.hurry,
            "record_to": str(record_to.absolute()) if record_to else None,
        }
        data["microphone"] = data["speaker"] = ""
    return data


def _tell_wake_engine(ready: dict[str, Any]) -> None:
    words = " or ".join(repr(word) for word in ready["wake_words"])
    _log.info("wake word: %s (%s)", words or "none", "; ".join(ready["wake_reasons"]))
    if ready["key_refused"]:
        _log.warning("the Porcupine AccessKey was refused; fix: sena key set porcupine")


async def _warm_up(gemini: Gemini) -> None:
    try:
        await gemini.warm_up()
    except CloudError as error:
        _log.warning("%s", error)


@asynccontextmanager
async def _background(work: list[_Work]) -> AsyncIterator[None]:
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
