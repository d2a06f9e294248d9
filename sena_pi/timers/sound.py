"""The sound of a ringing timer: made by arithmetic, repeated, and quiet while a turn is taken."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.errors import CloudError, SynthesisFailed, WorkerError
from sena_pi.stages import Speaker
from sena_pi.timers.ringing import Ringing

Speak = Callable[[str], AbstractAsyncContextManager[AsyncIterator[AudioChunk]]]
"""As `Synthesizer.synthesize`."""

PAUSE_S: Final = 1.5
"""Between two rings: long enough for the wake word, or "stop", to be heard in it."""
FIRST_LEVEL: Final = 0.25
LEVEL_STEP: Final = 0.1
LOUDEST: Final = 0.85
"""A ring begins softly and grows, to this part of full scale."""

_RATE_HZ: Final = 24_000
_NOTE_S: Final = 0.18
_TAIL_S: Final = 0.5
_DECAY_S: Final = 0.16
_NOTES_HZ: Final = (784.0, 988.0, 1175.0, 1568.0)
_OVERTONES: Final = ((1.0, 1.0), (2.0, 0.35), (3.01, 0.12))
_CHUNK_S: Final = 0.1

_log = logging.getLogger(__name__)


def ring_sound(level: float) -> AudioChunk:
    """Four rising notes, each dying away like a struck bell; 24 kHz mono.

    Args:
        level: of the loudest sample, 0 to 1 of full scale.
    """
    return AudioChunk(AudioFormat(_RATE_HZ), (level * 32_767 * _notes()).astype("<i2").tobytes())


@lru_cache(maxsize=1)
def _notes() -> NDArray[np.float64]:
    """The ring, its loudest sample 1."""
    sound = np.zeros(int((len(_NOTES_HZ) * _NOTE_S + _TAIL_S) * _RATE_HZ))
    for place, hz in enumerate(_NOTES_HZ):
        start = int(place * _NOTE_S * _RATE_HZ)
        seconds = np.arange(len(sound) - start) / _RATE_HZ
        # Five milliseconds to full strength: a sound that begins at once clicks.
        strength = np.exp(-seconds / _DECAY_S) * np.minimum(1.0, seconds / 0.005)
        for harmonic, part in _OVERTONES:
            sound[start:] += part * strength * np.sin(2 * np.pi * hz * harmonic * seconds)
    normal: NDArray[np.float64] = sound / np.abs(sound).max()
    return normal


class SoundRinger:
    """A `Ringer` that sounds through the speaker whenever no turn is taken. Belongs to the loop."""

    def __init__(
        self,
        speaker: Speaker,
        idle: Callable[[], Awaitable[None]],
        *,
        speak: Speak | None = None,
        announcement: Callable[[Ringing], str] = lambda _ringing: "",
        pause_s: float = PAUSE_S,
    ) -> None:
        """`idle` waits until no turn is going on; `speak` says once what rings, if it can."""
        self._speaker = speaker
        self._idle = idle
        self._speak = speak
        self._announcement = announcement
        self._pause_s = pause_s
        self._ringing: tuple[Ringing, ...] = ()
        self._announced: set[int] = set()
        self._rounds = 0
        self._news = asyncio.Event()
        self._sounding: asyncio.Task[None] | None = None

    def ring(self, ringing: Sequence[Ringing]) -> None:
        """These ring from now on, as `Ringer.ring`."""
        self._ringing = tuple(ringing)
        self._news.set()

    def silence(self) -> None:
        """Nothing rings, as `Ringer.silence`."""
        self._ringing = ()
        self._rounds = 0
        self._announced.clear()
        self._news.set()
        self._hush()

    def turn_began(self) -> None:
        """Somebody speaks to the assistant: quiet until `idle` says that is over."""
        self._hush()

    async def run(self) -> None:
        """Sound until cancelled."""
        while True:
            while not self._ringing:
                self._news.clear()
                await self._news.wait()
            await self._idle()
            if self._ringing:
                await self._one_round()
                await self._pause()

    async def _one_round(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._sounding = tasks.create_task(self._sound(), name="ring")
            # That it is cancelled, by `_hush`, is no error of the group's.
            await asyncio.wait({self._sounding})
        self._sounding = None

    async def _pause(self) -> None:
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pause_s):
                await self._news.wait()

    def _hush(self) -> None:
        if self._sounding is not None:
            self._sounding.cancel()

    async def _sound(self) -> None:
        """One ring, and what rings where that was not said yet. Cancelled: silent at once."""
        level = min(LOUDEST, FIRST_LEVEL + LEVEL_STEP * self._rounds)
        self._rounds += 1
        self._speaker.begin()
        try:
            for chunk in ring_sound(level).pieces(_CHUNK_S):
                await self._speaker.play(chunk)
            await self._announce()
            await self._speaker.drain()
        except asyncio.CancelledError:
            await self._speaker.flush()
            raise
        except WorkerError as error:
            # The light goes on, and the next round tries again.
            if self._rounds == 1:
                _log.warning("timers: the ring can't be heard: %s", error)

    async def _announce(self) -> None:
        if self._speak is None:
            return
        for one in self._ringing:
            text = self._announcement(one)
            if one.entry.number in self._announced or not text:
                continue
            try:
                async with self._speak(text) as chunks:
                    async for chunk in chunks:
                        await self._speaker.play(chunk)
            except (SynthesisFailed, CloudError):
                pass  # The ring itself says enough.
            self._announced.add(one.entry.number)
