"""Assistants that are asked: the prototype's way, and the appliance."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sena_pi.app import Simulation, running
from sena_pi.bench.conversation.one_by_one import OneByOne
from sena_pi.cache.service import CacheService
from sena_pi.deadlines import Deadlines
from sena_pi.devices.audio import Audio
from sena_pi.engines.gemini import Gemini
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.engines.gemini_voice import GeminiVoice
from sena_pi.errors import ConfigError
from sena_pi.keys import KeyStore
from sena_pi.parts import gemini_settings
from sena_pi.phases import Phase
from sena_pi.settings import Settings
from sena_pi.simulated.session import Idles, Session
from sena_pi.stages import Transcriber

_FOLDERS = {
    "STATE_DIRECTORY": "state",
    "CACHE_DIRECTORY": "cache",
    "RUNTIME_DIRECTORY": "run",
}


@dataclass(frozen=True, slots=True)
class Home:
    """What an assistant is opened with.

    Attributes:
        settings: of the appliance; for the prototype as far as they concern it.
        keys: where the cloud's key is.
        folder: of its own, for state and cache.
        deadlines: of the appliance.
    """

    settings: Settings
    keys: KeyStore
    folder: Path
    deadlines: Deadlines


@dataclass(frozen=True, slots=True)
class Way:
    """An assistant that listens.

    Attributes:
        audio: its microphone and speaker.
        assistant: takes its turns.
        session: hears of them.
        cache: remembers answers, None where nothing is remembered.
    """

    audio: Audio
    assistant: Idles
    session: Session
    cache: CacheService | None = None


class Dark:
    """A status light that nobody looks at."""

    def show(self, phase: Phase) -> None:
        """Nothing to be seen."""


@asynccontextmanager
async def one_by_one(home: Home) -> AsyncIterator[Way]:
    """The prototype's way, listening.

    Raises:
        ConfigError: there is no key.
    """
    session = Session()
    async with warm_gemini(home) as gemini:
        prototype = OneByOne(
            home.settings,
            GeminiModel(gemini),
            GeminiVoice(gemini),
            on_report=session.report,
            on_spoken=session.spoken,
        )
        with own_folders(home.folder):
            async with prototype.running():
                await prototype.listening.wait()
                yield Way(prototype.audio, prototype, session)


@asynccontextmanager
async def ours(home: Home, ears: Transcriber | None = None) -> AsyncIterator[Way]:
    """The appliance, listening, its cache open; with ears that understand any speech, or without.

    Raises:
        ConfigError: there is no key.
    """
    _key(home)
    session = Session()
    with own_folders(home.folder):
        async with running(
            home.settings,
            home.keys,
            Dark(),
            simulation=Simulation(),
            deadlines=home.deadlines,
            transcriber=ears,
            on_report=session.report,
            on_spoken=session.spoken,
        ) as appliance:
            await appliance.listening.wait()
            if appliance.cache is not None:
                await appliance.cache.ready.wait()
            yield Way(appliance.audio, appliance.assistant, session, appliance.cache)


@asynccontextmanager
async def warm_gemini(home: Home) -> AsyncIterator[Gemini]:
    """The cloud's client, built: no question waits for that.

    Raises:
        ConfigError: there is no key.
    """
    gemini = Gemini(_key(home), gemini_settings(home.settings))
    try:
        await gemini.warm_up()
        yield gemini
    finally:
        await gemini.aclose()


def _key(home: Home) -> str:
    key = home.keys.find("gemini")
    if key is None:
        raise ConfigError(["there is no Gemini key; fix: sena key set gemini"])
    return key.secret.reveal()


@contextlib.contextmanager
def own_folders(folder: Path) -> Iterator[None]:
    """Whatever asks for the service's folders gets these: what was cached before does not count."""
    before = {name: os.environ.get(name) for name in _FOLDERS}
    for name, below in _FOLDERS.items():
        path = folder / below
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ[name] = str(path)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
