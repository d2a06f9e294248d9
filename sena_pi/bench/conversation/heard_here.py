"""The appliance's turns with a transcriber on this machine, for answers that are in the cache.

The transcriber knows the script, and takes no time: what is measured is the rest. The parts are
those of the appliance; only what guards the real cloud is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sena_pi.assistant import Assistant
from sena_pi.attempt import Stages
from sena_pi.audio import Utterance
from sena_pi.bench.conversation.one_by_one import audio_settings
from sena_pi.bench.conversation.ways import Dark, Home, Way, own_folders, warm_gemini
from sena_pi.cache.voice import CachedVoice
from sena_pi.cached import cache_service
from sena_pi.conversation import Conversation
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.engines import opus
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.engines.gemini_voice import GeminiVoice
from sena_pi.local_answers import LocalAnswers, LocalModel
from sena_pi.simulated.session import Session
from sena_pi.stages import Transcript
from sena_pi.thinking import Mind
from sena_pi.voice_ladder import VoiceLadder


class Prompter:
    """A `Transcriber` that is told what is being said.

    Attributes:
        said: what was said last.
    """

    def __init__(self) -> None:
        self.said = ""

    async def transcribe(self, utterance: Utterance) -> Transcript:  # noqa: ARG002 - it is told
        """What was said last, as `Transcriber.transcribe`; at once."""
        return Transcript(self.said)


@asynccontextmanager
async def heard_here(home: Home, ears: Prompter) -> AsyncIterator[Way]:
    """An assistant with these ears and the cache of `home`, listening.

    Raises:
        ConfigError: there is no key.
    """
    settings, session, listening = home.settings, Session(), asyncio.Event()

    def hearing(on: bool) -> None:  # noqa: FBT001 - a listener
        assistant.hearing(on=on)
        if on:
            listening.set()

    with own_folders(home.folder):
        async with warm_gemini(home) as gemini:
            model, answers = GeminiModel(gemini), LocalAnswers(cloud=True)
            cache = cache_service(settings, model=model.name)
            audio = Audio(
                audio_settings(settings),
                AudioListeners(
                    detection=lambda wake: assistant.woken(wake),
                    hearing=hearing,
                    spoken=session.spoken,
                ),
            )
            mind = Mind(
                model,
                LocalModel(ears, answers),
                answers,
                cache,
                transcriber=ears,
                deadlines=home.deadlines,
            )
            voice = VoiceLadder([CachedVoice(GeminiVoice(gemini), cache, opus.decode)])
            assistant = Assistant(
                Stages(audio, audio.speaker, Dark(), mind, voice),
                Conversation(settings.conversation.turns, settings.conversation.forget_after_s),
                on_report=session.report,
            )
            async with asyncio.TaskGroup() as tasks:
                work = [
                    tasks.create_task(one) for one in (audio.run(), assistant.run(), cache.run())
                ]
                try:
                    await listening.wait()
                    await cache.ready.wait()
                    yield Way(audio, assistant, session, cache)
                finally:
                    for task in work:
                        task.cancel()
                    await asyncio.wait(work)
                    await cache.aclose()
