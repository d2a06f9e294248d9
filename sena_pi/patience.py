"""How much silence ends a question, by what was heard so far. Pure; words are not known here.

People stop in the middle of a sentence, mostly near its beginning, and who has stopped once stops
again. So: wait long while little has been said, less after as much as a whole question holds, and
no less than the pauses made before. An answer is begun as soon as a pause is told and can be heard
about a second later, so that what is waited for up to then delays nothing but cuts nobody off.

The numbers were tuned on synthetic speech (`scripts/prove endpointing`: one half of its sentences
and voices, judged by the other). Tried and left out: the fall of the voice's pitch, which tells
nothing of flite's voices; longer waits after what sounds like dictation, and later telling of a
second pause, which cost those who have finished as much as they gave to those who have not.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from typing import Final

LITTLE_SPEECH_S: Final = 1.0
"""Up to so much speech the longest silence is waited for ..."""
ENOUGH_SPEECH_S: Final = 1.6
"""... and from here on the shortest."""
LONG_SILENCE_S: Final = 1.3
SHORT_SILENCE_S: Final = 0.9
PAUSE_S: Final = 0.2
"""A silence this long is a pause; a shorter one, as of a consonant, is a part of speech."""
HOVERING_S: Final = 0.3
"""More silence where the detector takes all of it for speech, and only its level says otherwise."""
CAP_S: Final = 1.5
"""No silence longer than this is waited for."""
ONSET_S: Final = 0.1
"""More silence where the last of it is loud: the detector needs so long to tell speech."""
COMPLETE_S: Final = 0.42
"""What is waited for after words that are a whole phrase: more may follow ("what is python ... used
for"), and does in as many cases as this is shorter than people's pauses."""


class Patience:
    """The silence to wait for in one utterance. Not thread-safe: one owner."""

    def __init__(self) -> None:
        self._speech_s = 0.0
        self._longest_pause_s = 0.0

    def spoke(self, speech_s: float, silence_s: float = 0.0) -> None:
        """There was speech, after so much silence since the speech before it."""
        self._speech_s += speech_s
        if silence_s < PAUSE_S:
            self._speech_s += silence_s
        else:
            self._longest_pause_s = max(self._longest_pause_s, silence_s)

    def silence_s(self, hovering: float) -> float:
        """How much silence ends the utterance.

        Args:
            hovering: the part (0 to 1) of the frames since speech that the detector took for
                speech although they were faint.
        """
        said = (self._speech_s - LITTLE_SPEECH_S) / (ENOUGH_SPEECH_S - LITTLE_SPEECH_S)
        least_s = LONG_SILENCE_S + (SHORT_SILENCE_S - LONG_SILENCE_S) * min(max(said, 0.0), 1.0)
        return min(max(least_s, self._longest_pause_s) + HOVERING_S * hovering, CAP_S)


class Foreground:
    """Tells the person who speaks from people behind, whom the detector takes for speech too.

    The room is as loud as the quietest eighth of a second of the last three; the person as
    loud as all but a fifth of the frames of speech are at most. Faint is what is near the
    room and far from the person.
    """

    KEPT_FRAMES = 96
    SMOOTHED_FRAMES = 4
    PERSON_FRAMES = 6
    """Frames of speech to hear before the person is known."""
    ABOVE_ROOM = 2.5
    BELOW_PERSON = 0.6
    PERSON_QUANTILE = 0.8
    PAUSE_S = ((30.0, 0.14), (12.0, 0.17), (0.0, 0.25))
    """A pause is told after so much silence where the person is so many times as loud as the room.

    In noise the detector takes soft sounds for silence, and lets go of the last ones early."""
    QUIET_PAUSE_S = 0.07
    """The same where the room is quiet, and no sound fades away: the detector is late there."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque([0] * self.SMOOTHED_FRAMES, self.SMOOTHED_FRAMES)
        self._room: deque[int] = deque(maxlen=self.KEPT_FRAMES)
        self._person: list[int] = []
        self._heard = 0

    def add(self, level: int) -> None:
        """Take the next frame's level, the sum of its samples without their signs."""
        self._recent.append(level)
        self._heard += 1
        if self._heard >= self.SMOOTHED_FRAMES:
            self._room.append(sum(self._recent))

    def spoke(self) -> None:
        """The detector takes the last frame for speech."""
        insort(self._person, self._recent[-1])

    @property
    def faint(self) -> bool:
        """The last two frames are no louder than the room."""
        if not self._known:
            return False
        level = (self._recent[-1] + self._recent[-2]) / 2
        return level < min(self.ABOVE_ROOM * self._room_level, self.BELOW_PERSON * self._loudness)

    @property
    def rising(self) -> bool:
        """The last frame is louder than the room: somebody may be going on."""
        return self._known and self._recent[-1] > self.ABOVE_ROOM * self._room_level

    @property
    def pause_s(self) -> float:
        """The silence after which it is told that the person has paused."""
        times_room = self._loudness / max(1, self._room_level) if self._known else 0.0
        if times_room >= self.PAUSE_S[0][0] and self.faint:
            return self.QUIET_PAUSE_S
        return next(silence_s for times, silence_s in self.PAUSE_S if times_room >= times)

    @property
    def _known(self) -> bool:
        return len(self._person) >= self.PERSON_FRAMES and bool(self._room)

    @property
    def _room_level(self) -> float:
        return min(self._room) / self.SMOOTHED_FRAMES

    @property
    def _loudness(self) -> int:
        """Of the person."""
        return self._person[int(len(self._person) * self.PERSON_QUANTILE)]
