"""The assistant's own voice in its own microphone: told from a person's, whatever it says.

The audio worker knows each sample that it plays. So what its microphone hears can be compared with
it: a wake word that is the echo of an answer is not a call, and sound no louder than the echo to
be expected is not a question.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from sena_pi.audio import FRAME_S, FRAME_SAMPLES, MICROPHONE_FORMAT, AudioFormat, Frame
from sena_pi.echo import EARLIEST_S, LATEST_S, echo_share, played_samples
from sena_pi.resampling import Resampler
from sena_pi.sound_track import SoundTrack

OWN_SHARE: Final = 0.55
"""What is explained by the echo to at least this part is the echo. Measured by
`scripts/prove own_voice`: wake words of its own have more, those of a person less."""
WORD_S: Final = 1.2
"""How far back a word that was just heard may have begun."""
TAIL_S: Final = LATEST_S
"""How long after its last sound the echo of an answer may still be heard."""

_RATE_HZ: Final = MICROPHONE_FORMAT.rate_hz
_LONGEST_WAIT_S: Final = 2.0
_LONGEST_LEAD_S: Final = 0.5
"""Played sound that is further ahead of the microphone than any queue is misplaced."""
_AUDIBLE_PEAK: Final = 33
"""60 dB below full scale."""
_USUAL: Final = 0.9
"""The part of the frames of an answer whose echo is no louder than the usual echo."""
_MARGIN: Final = 2.0
"""How much louder than the usual echo (6 dB) sound must be to be somebody else's."""
_LEARNT_FRAMES: Final = round(3.0 / FRAME_S)
_FEWEST_FRAMES: Final = round(0.5 / FRAME_S)


class OwnVoice:
    """What was played beside what was heard.

    `played` belongs to the playback thread and returns at once; the rest to the capture thread.
    """

    def __init__(self) -> None:
        # In 10 ms pieces. Where nobody hears, the oldest are lost, and not missed.
        self._waiting: deque[tuple[int, bytes]] = deque(maxlen=round(_LONGEST_WAIT_S * 100))
        self._resampler: Resampler | None = None
        self._heard = SoundTrack()
        self._played = SoundTrack()
        self._audible_until = 0
        self._echoes: deque[tuple[int, float]] = deque(maxlen=_LEARNT_FRAMES)

    @property
    def sounds(self) -> bool:
        """Something we played may still be heard."""
        return self._heard.end < self._audible_until

    def prepare(self, rate_hz: int) -> None:
        """Load what all this needs, 0.2 s, before there is anything to hear."""
        import numpy as np

        Resampler(AudioFormat(rate_hz), _RATE_HZ).convert(bytes(2 * rate_hz // 100))
        length = round(WORD_S * _RATE_HZ)
        echo_share(np.ones(length, np.int16), np.ones(played_samples(length), np.int16))

    def played(self, pcm: bytes, rate_hz: int) -> None:
        """These samples were handed to the speaker."""
        self._waiting.append((rate_hz, pcm))

    def hear(self, frame: Frame) -> bool:
        """Take the next frame of the microphone; whether it may be nothing but our own voice."""
        while self._waiting:
            self._take(*self._waiting.popleft(), now=frame.start_sample)
        self._heard.add(frame.pcm, frame.start_sample)
        if frame.start_sample >= self._audible_until:
            return False
        return self._is_expected(frame)

    def said(self, end_sample: int) -> bool:
        """The word that was heard up to here is our own. 5 ms, and nothing while we are silent."""
        length = round(WORD_S * _RATE_HZ)
        if end_sample - length >= self._audible_until:
            return False
        wanted = played_samples(length)
        played = self._played.window(end_sample - round(EARLIEST_S * _RATE_HZ), wanted)
        return echo_share(self._heard.window(end_sample, length), played) >= OWN_SHARE

    def overheard(self, end_sample: int) -> None:
        """A person said a word up to here: how loud that was is no measure of our echo."""
        started = end_sample - round(WORD_S * _RATE_HZ)
        while self._echoes and self._echoes[-1][0] > started:
            self._echoes.pop()

    def _take(self, rate_hz: int, pcm: bytes, *, now: int) -> None:
        if self._resampler is None or self._resampler.source.rate_hz != rate_hz:
            self._resampler = Resampler(AudioFormat(rate_hz), _RATE_HZ)
        start = self._played.end
        if not now <= start <= now + round(_LONGEST_LEAD_S * _RATE_HZ):
            # Sound is handed over before it is heard: what is late began anew.
            start = now
        self._played.add(self._resampler.convert(pcm), start)
        if self._played.peak(self._played.end - start) > _AUDIBLE_PEAK:
            self._audible_until = self._played.end + round(TAIL_S * _RATE_HZ)

    def _is_expected(self, frame: Frame) -> bool:
        """As loud as the loudest echo that may arrive now; until that is known, anything is."""
        loudest = self._played.loudest(frame.end_sample, round(TAIL_S * _RATE_HZ))
        heard = self._heard.loudest(frame.end_sample, FRAME_SAMPLES)
        known = len(self._echoes) >= _FEWEST_FRAMES
        ratios = sorted(ratio for _, ratio in self._echoes)
        usual = ratios[int(_USUAL * len(ratios))] if known else 0.0
        # Whoever silenced us speaks into the tail, which is learnt from no more.
        if loudest > _AUDIBLE_PEAK and frame.start_sample < self._played.end:
            self._echoes.append((frame.end_sample, heard / loudest))
        return not known or heard <= _MARGIN * usual * loudest
