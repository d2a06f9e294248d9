"""Timers and alarms as the appliance has them: where they are kept, what rings, who may ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from sena_pi.cached import wake_words
from sena_pi.control import Handler
from sena_pi.places import state_folder
from sena_pi.settings import Settings
from sena_pi.stages import Speaker, Synthesizer
from sena_pi.timer_commands import REQUEST
from sena_pi.timers import prose
from sena_pi.timers.answers import TimerAnswers
from sena_pi.timers.service import Timers
from sena_pi.timers.sound import SoundRinger
from sena_pi.timers.store import FILE_NAME, TimerStore
from sena_pi.voice_ladder import VoiceLadder


class Timekeeping:
    """All of it, opened; belongs to the event loop.

    Attributes:
        timers: what is set; `stop_ringing` is the button's.
        answers: does and says what people ask of them.
    """

    def __init__(self, settings: Settings, *, keeps: bool = True) -> None:
        """Reads what was set before this start; blocks for the card.

        `keeps`: what is set outlives the process. A simulation's must not ring afterwards.
        """
        self.timers = Timers(TimerStore(state_folder() / FILE_NAME if keeps else None))
        self.answers = TimerAnswers(self.timers, wake_words(settings))
        self._sound: SoundRinger | None = None

    def sounds(
        self,
        speaker: Speaker,
        idle: Callable[[], Awaitable[None]],
        voices: Sequence[Synthesizer | None],
    ) -> None:
        """What rings is to be heard.

        Args:
            speaker: sounds.
            idle: waits until no turn is going on.
            voices: of this machine, best first; a ring waits for no network.
        """
        here = [voice for voice in voices if voice is not None]
        speak = VoiceLadder(here).synthesize if here else None
        self._sound = SoundRinger(speaker, idle, speak=speak, announcement=prose.rings)
        self.timers.add_ringer(self._sound)

    def turn_began(self) -> None:
        """Somebody speaks to the assistant: what rings is quiet until that is over."""
        if self._sound is not None:
            self._sound.turn_began()

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """What must run beside the rest."""
        return [self.timers.run(), *([self._sound.run()] if self._sound is not None else [])]

    def requests(self) -> dict[str, Handler]:
        """What the control socket answers."""

        async def overview(_arguments: dict[str, Any]) -> dict[str, Any]:
            return self.timers.overview()

        return {REQUEST: overview}
