"""What a turn lets be heard, in order, and what of it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sena_pi.audio import AudioChunk
from sena_pi.clips import Clip
from sena_pi.phases import Phase
from sena_pi.stages import Mark, Speaker, StatusLight

FILLER: Final = "filler"
"""How a report calls one."""

_LATE_REPORT_S = 0.15
"""The speaker tells its position every tenth of a second."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A filler or a reason, on its way to the speaker.

    Attributes:
        name: as the report calls it.
        clip: what is heard.
        ends: nothing else is waited for; while something is, the light goes on showing that.
    """

    name: str
    clip: Clip
    ends: bool


Sound = AudioChunk | str | Notice
"""Chunks of a sentence and then the sentence itself; notices between them."""


class Playback:
    """One run of sound on the speaker.

    Attributes:
        told: notices that were played, in order; each is said once.
    """

    def __init__(self, speaker: Speaker, light: StatusLight) -> None:
        self.told: list[Notice] = []
        self._speaker = speaker
        self._light = light
        self._spoken: list[tuple[str, float]] = []
        self._sentence_start_s = 0.0
        self._marks: dict[str, Mark] = {}

    @property
    def answering(self) -> bool:
        """Some of the answer was played."""
        return "answer" in self._marks

    @property
    def spoken(self) -> str:
        """The sentences that were really heard, as far as the speaker has told."""
        played_s = self._speaker.played_s
        return " ".join(
            sentence for sentence, end_s in self._spoken if end_s <= played_s + _LATE_REPORT_S
        )

    @property
    def left_s(self) -> float:
        """Seconds of sound that were handed over and not played yet."""
        return self._speaker.queued_s - self._speaker.played_s

    def passed_ns(self, mark: str) -> int | None:
        """When the first sample of the "answer", a "filler" or a "reason" was with the device."""
        return self._marks[mark].passed_ns if mark in self._marks else None

    async def play(self, sound: Sound) -> None:
        """Play this next; waits as `Speaker.play`, and raises what it raises."""
        match sound:
            case Notice():
                await self._play_notice(sound)
            case AudioChunk():
                await self._play_answer(sound)
            case _:
                self._sentence_ended(sound)

    async def _play_answer(self, chunk: AudioChunk) -> None:
        if not self.answering:
            self._marks["answer"] = self._speaker.mark()
            self._light.show(Phase.SPEAKING)
        await self._speaker.play(chunk)

    async def _play_notice(self, notice: Notice) -> None:
        if any(told.name == notice.name for told in self.told):
            return
        self.told.append(notice)
        self._marks.setdefault(FILLER if notice.name == FILLER else "reason", self._speaker.mark())
        if notice.ends:
            self._light.show(Phase.SPEAKING)
        for chunk in notice.clip.sound:
            await self._speaker.play(chunk)
        self._sentence_start_s = self._speaker.queued_s

    def _sentence_ended(self, sentence: str) -> None:
        # A run that was flushed takes no more sound: what was dropped was not said.
        queued_s = self._speaker.queued_s
        if queued_s > self._sentence_start_s:
            self._spoken.append((sentence, queued_s))
        self._sentence_start_s = queued_s
