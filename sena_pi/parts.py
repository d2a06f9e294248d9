"""What thinks and speaks: made here, run by `sena_pi.app`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sena_pi import languages, voices
from sena_pi.allowance import Allowance
from sena_pi.body.lit import LitModel
from sena_pi.breaker import Breaker, State
from sena_pi.cache.refreshing import IdleRefresh
from sena_pi.cache.service import CacheService
from sena_pi.cache.voice import CachedVoice
from sena_pi.cached import cache_service, idle_refresh, refresher
from sena_pi.capped import CappedModel, CappedVoice
from sena_pi.clips import Clips
from sena_pi.connecting import Connecting
from sena_pi.credential import GeminiKey
from sena_pi.deadlines import Deadlines
from sena_pi.devices.ears import Ears
from sena_pi.devices.voice import LocalVoice
from sena_pi.engines import opus
from sena_pi.engines.espeak import Espeak
from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.engines.gemini_voice import GeminiVoice
from sena_pi.errors import CloudError, EngineUnavailable, KeyRefused
from sena_pi.guarded import Guard, GuardedModel, GuardedVoice
from sena_pi.guess import Spending
from sena_pi.guesses import Overhearer
from sena_pi.keys import Key, KeyStore
from sena_pi.local_answers import ControlDeeds, LocalAnswers, LocalModel
from sena_pi.overhearing import OverhearsWhileResting, hears_beside_cloud
from sena_pi.places import state_folder
from sena_pi.settings import Settings
from sena_pi.stages import LanguageModel, Synthesizer, Transcriber
from sena_pi.thinking import Mind
from sena_pi.timers.answers import TimerAnswers
from sena_pi.voice_ladder import VoiceLadder
from sena_pi.voice_race import Race

RENDER_ATTEMPTS = 3
RENDER_AGAIN_S = 60.0
"""After clips that the local voice could not speak: it may have died of something else."""

_log = logging.getLogger(__name__)

Work = Coroutine[Any, Any, None]


def voices_folder(settings: Settings) -> Path:
    """Where Piper voices lie."""
    return settings.voice.folder or state_folder() / "voices"


@dataclass(slots=True)
class Parts:
    """What thinks and speaks, made but not running.

    Attributes:
        espeak: the voice of last resort, None where it is not installed.
        clips: what is said when there is no answer.
        answers_breaker: that of the cloud's answers, None without a cloud.
        races: the local voice may race the cloud's.
        work: what must run beside the rest.
        cache: remembers what the cloud says.
        refresh: renews what it remembers while nobody asks, None where that is switched off.
        connecting: connects to the cloud ahead of a question, None without a cloud.
    """

    mind: Mind
    voices: list[Synthesizer]
    ears: Ears
    piper: LocalVoice | None
    espeak: Espeak | None
    clips: Clips
    answers_breaker: Breaker | None
    races: bool
    work: list[Callable[[], Work]] = field(default_factory=list)
    cache: CacheService | None = None
    refresh: IdleRefresh | None = None
    connecting: Connecting | None = None

    @property
    def overhearer(self) -> Overhearer:
        """The ears, where they are asked for what they hear."""
        always = self.mind.transcriber is self.ears
        return OverhearsWhileResting(self.ears, None if always else self.answers_breaker)

    @property
    def voice(self) -> VoiceLadder:
        """Raises EngineUnavailable when nothing can speak."""
        if not self.voices:
            raise EngineUnavailable("nothing can speak: apt install espeak-ng")
        # With a voice of our own that is as good: espeak-ng would only be sooner.
        races = self.races and self.answers_breaker is not None and self.piper is not None
        return VoiceLadder(self.voices, Race() if races else None)

    def turn_began(self) -> None:
        """A turn comes before all that is done on idle, and needs connections."""
        if self.refresh is not None:
            self.refresh.turn_began()
        if self.connecting is not None:
            self.connecting.turn_began()

    def background(self) -> list[Work]:
        """What must run beside the rest, begun."""
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


async def make_parts(
    settings: Settings,
    keys: KeyStore,
    closing: AsyncExitStack,
    *,
    remembers: bool = False,
    deadlines: Deadlines | None = None,
    transcriber: Transcriber | None = None,
    timers: TimerAnswers | None = None,
    controls: ControlDeeds | None = None,
    trusted: Callable[[], bool] = lambda: True,
) -> Parts:
    """Make what these settings and keys allow.

    Args:
        settings: what is wanted.
        keys: where keys are.
        closing: closes what was opened.
        remembers: with the response cache, and ears beside the cloud.
        deadlines: how long the cloud is waited for.
        transcriber: understands any speech on this machine; None: only commands are.
        timers: answers about timers.
        controls: does what is asked of volume and microphone.
        trusted: whether sound may leave the device.
    """
    ears = Ears()
    work: list[Callable[[], Work]] = [ears.run]
    cloud: LanguageModel | None = None
    cache: CacheService | None = None
    answers_breaker: Breaker | None = None
    refresh: IdleRefresh | None = None
    connecting: Connecting | None = None
    spending = Spending()
    rungs: list[Synthesizer] = []
    if settings.cloud.enabled and (key := key_of(keys, "gemini")) is not None:
        gemini = Gemini(key.secret.reveal(), gemini_settings(settings))
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
        cloud = LitModel(cloud, trusted)
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
        spending = Spending(settings.limits.guesses, affordable=lambda: allowance.ample)
        breaker = answers_breaker
        connecting = Connecting(gemini.connect, lambda: breaker.state is State.CLOSED)
        work += [allowance.run, connecting.run, lambda: _warm_up(gemini)]
        if transcriber is None and remembers and hears_beside_cloud(settings.cloud):
            transcriber = ears
    piper = _piper(settings)
    if piper is not None:
        rungs.append(piper)
        work.append(piper.run)
    if cache is not None:
        rungs = [CachedVoice(rung, cache, opus.decode) for rung in rungs]
    espeak = _espeak(settings)
    if espeak is not None:
        rungs.append(espeak)
    answers = LocalAnswers(cloud=cloud is not None, timers=timers, controls=controls)
    mind = Mind(
        cloud,
        LocalModel(ears, answers),
        answers,
        cache,
        transcriber,
        deadlines or Deadlines(),
        spending,
        settings.cloud.language or "en",
    )
    clips = Clips(languages.catalogue(settings.cloud.language))
    return Parts(
        mind=mind,
        voices=rungs,
        ears=ears,
        piper=piper,
        espeak=espeak,
        clips=clips,
        answers_breaker=answers_breaker,
        races=settings.voice.race,
        work=work,
        cache=cache,
        refresh=refresh,
        connecting=connecting,
    )


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


def key_of(keys: KeyStore, name: str) -> Key | None:
    """A key, where there is one that can be used."""
    try:
        return keys.find(name)
    except KeyRefused as error:
        # A state that a person is told about, never the end of the service.
        _log.warning("%s", error)
        return None


def gemini_settings(settings: Settings) -> GeminiSettings:
    """What the cloud's client is told."""
    cloud = settings.cloud.model_dump(exclude={"enabled", "local_commands"})
    return GeminiSettings(**cloud)


async def _warm_up(gemini: Gemini) -> None:
    try:
        await gemini.warm_up()
    except CloudError as error:
        _log.warning("%s", error)
