"""What a turn lets be heard, in order, and what of it was."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from sena_pi.audio import AudioChunk
from sena_pi.clips import Clip
from sena_pi.phases import Phase
from sena_pi.stages import Mark, Speaker, StatusLight

FILLER: Final = "filler"
"""How a report calls one."""

_ANSWER: Final = "answer"
_REASON: Final = "reason"
_LATE_REPORT_S = 0.15
"""The speaker tells its position every tenth of a second."""
_KEPT_BACK_S = 0.1
"""More than a resampler keeps back of what it was given."""


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


@dataclass(slots=True)
class _Piece:
    """A sentence or a notice that may not have been heard to its end.

    Attributes:
        mark: which of the marks its first sample passes.
        chunks: its sound, as far as it has come.
        text: the sentence; empty while it is not whole, and of a notice.
        whole: no more sound of it comes.
        start_s: its place in this run.
        end_s: likewise; infinite until all of it was queued in this run.
    """

    mark: str
    chunks: list[AudioChunk] = field(default_factory=list)
    text: str = ""
    whole: bool = False
    start_s: float = 0.0
    end_s: float = math.inf

    def queued(self, queued_s: float) -> None:
        """All of its sound was given to a speaker that has queued so much in this run.

        A run that was flushed takes no more sound: what was dropped was not said.
        """
        taken_s = queued_s - self.start_s
        seconds = sum(chunk.seconds for chunk in self.chunks)
        if not self.text or 0 < taken_s >= seconds - _KEPT_BACK_S:
            self.end_s = queued_s


class Playback:
    """What one turn plays: one run of sound on the speaker, or several when it was cut.

    What was not heard to its end is kept, and `begin` plays it again. Its methods may be
    cancelled at any await.

    Attributes:
        told: notices that were played, in order; each is said once.
    """

    def __init__(self, speaker: Speaker, light: StatusLight) -> None:
        self.told: list[Notice] = []
        self._speaker = speaker
        self._light = light
        self._heard: list[str] = []
        self._pieces: deque[_Piece] = deque()
        self._coming: _Piece | None = None
        self._marks: dict[str, Mark] = {}
        self._over = False

    @property
    def sounding(self) -> bool:
        """There is something to be heard, or was."""
        return bool(self._marks)

    @property
    def answering(self) -> bool:
        """Some of the answer was played."""
        return _ANSWER in self._marks

    @property
    def spoken(self) -> str:
        """The sentences that were really heard, as far as the speaker has told."""
        self._note_heard()
        return " ".join(self._heard)

    @property
    def left_s(self) -> float:
        """Seconds of sound that were handed over and not played yet."""
        return self._speaker.queued_s - self._speaker.played_s

    def passed_ns(self, mark: str) -> int | None:
        """When the first sample of the "answer", a "filler" or a "reason" was with the device."""
        return self._marks[mark].passed_ns if mark in self._marks else None

    async def begin(self) -> None:
        """Begin a run of sound; where one was cut, with the sentence that was, from its start.

        Waits as `Speaker.play` while that is played, and raises what it raises.
        """
        self._note_heard()
        # A mark that nothing has passed was dropped with its run.
        self._marks = {name: mark for name, mark in self._marks.items() if mark.passed_ns}
        self._speaker.begin()
        for piece in self._pieces:
            piece.end_s = math.inf
        if self._marks or self._pieces:
            self._light.show(Phase.SPEAKING)
        for piece in tuple(self._pieces):
            piece.start_s = self._speaker.queued_s
            for chunk in tuple(piece.chunks):
                await self._hand_over(chunk, piece.mark)
            if piece.whole:
                piece.queued(self._speaker.queued_s)

    def end(self) -> None:
        """The speaker is about to be another's: nothing more of this is heard."""
        self._note_heard()
        self._over = True

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
        if self._coming is None:
            self._coming = _Piece(_ANSWER, start_s=self._speaker.queued_s)
            self._pieces.append(self._coming)
        self._coming.chunks.append(chunk)
        await self._hand_over(chunk, _ANSWER)

    async def _play_notice(self, notice: Notice) -> None:
        if any(told.name == notice.name for told in self.told):
            return
        self.told.append(notice)
        if notice.ends:
            self._light.show(Phase.SPEAKING)
        piece = _Piece(
            FILLER if notice.name == FILLER else _REASON,
            list(notice.clip.sound),
            whole=True,
            start_s=self._speaker.queued_s,
        )
        self._pieces.append(piece)
        for chunk in notice.clip.sound:
            await self._hand_over(chunk, piece.mark)
        piece.queued(self._speaker.queued_s)

    async def _hand_over(self, chunk: AudioChunk, mark: str) -> None:
        if mark not in self._marks:
            self._marks[mark] = self._speaker.mark()
            if mark == _ANSWER:
                self._light.show(Phase.SPEAKING)
        await self._speaker.play(chunk)

    def _sentence_ended(self, sentence: str) -> None:
        if (piece := self._coming) is not None:
            self._coming = None
            piece.text, piece.whole = sentence, True
            piece.queued(self._speaker.queued_s)
        self._note_heard()

    def _note_heard(self) -> None:
        """Keep only what is still to be heard, and the words of what was."""
        if self._over:
            return
        played_s = self._speaker.played_s + _LATE_REPORT_S
        while self._pieces and self._pieces[0].end_s <= played_s:
            if text := self._pieces.popleft().text:
                self._heard.append(text)
