"""Phrases heard by pocketsphinx and its bundled US English model: no download, no network.

Three decoders hear the same sound while it arrives: one knows only the grammar's phrases, one all
of English, one only phonemes. `sena_pi.agreement` tells whether the phrase was really said.
"""

from __future__ import annotations

import math
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sena_pi.agreement import Agreement, HeardWord, Reading, agreement
from sena_pi.errors import EngineUnavailable
from sena_pi.phrases import understand
from sena_pi.speech_gate import SpeechGate

_PIECE_BYTES: Final = 3200
"""Sound decoded at a time, 100 ms: pocketsphinx holds Python's lock meanwhile."""

_SCALED_DOWN: Final = 1024.0
"""pocketsphinx divides scores by 2 to the 10th, but not those that come from a word lattice."""

# What its cepstral means start from: the model's own, at the level of speech it fits best.
_MEAN_TILT: Final = (3.0, -1.0) + (0.0,) * 10
_MEAN_LEVEL: Final = 40.0
_MEAN_LEVEL_DB: Final = 64.0
_MEAN_PER_DB: Final = 1.077
"""Measured: what the first cepstral mean gains when the sound gets a decibel louder."""

_NO_AGREEMENT: Final = Agreement(0.0, 0.0, same_numbers=False, fit_nats=0.0, short=False)

_Decoder = Any
"""pocketsphinx has no types."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was made of an utterance.

    Attributes:
        text: the phrase that was said; empty when none was.
        phrase: the best of the grammar's phrases, said or not.
        free: the words found without the grammar.
        agreement: how far the two agree.
    """

    text: str = ""
    phrase: str = ""
    free: str = ""
    agreement: Agreement = field(default=_NO_AGREEMENT)


class SphinxEars:
    """Hears phrases. Not thread-safe: one owner. `feed` and `finish` block while they decode.

    It gets used to its microphone: how a room and a microphone colour speech is learnt from each
    utterance for the next. How loud a speaker is, it finds out in each utterance.
    """

    def __init__(self, grammar: str) -> None:
        """Load the model, about 0.4 s and 110 MB.

        Args:
            grammar: in JSGF; lower case.

        Raises:
            EngineUnavailable: pocketsphinx is missing or can't load its model or the grammar.
        """
        try:
            # Not at the top: half a second of loading.
            import pocketsphinx
        except ImportError as error:
            raise EngineUnavailable(f"pocketsphinx can't be loaded: {error}") from error
        try:
            # All acoustic scores at every frame: else those of different searches can't be
            # compared. Fewer candidates a frame than usual: a third faster, and measured no worse.
            self._free = pocketsphinx.Decoder(loglevel="FATAL", compallsen=True, maxhmmpf=5000)
            with self._dictionary(grammar) as dictionary:
                small = {"loglevel": "FATAL", "compallsen": True, "lm": None, "dict": dictionary}
                self._phrases = pocketsphinx.Decoder(**small, bestpath=False)
                self._phonemes = pocketsphinx.Decoder(**small, allphone_ci=True)
            self._phrases.add_jsgf_string("phrases", grammar)
            self._phrases.activate_search("phrases")
            self._phonemes.add_allphone_file("phonemes", None)
            self._phonemes.activate_search("phonemes")
        except RuntimeError as error:
            raise EngineUnavailable(f"pocketsphinx can't start: {error}") from error
        self._gate = SpeechGate()
        self._decoding = False
        self._tilt: tuple[float, ...] = _MEAN_TILT

    def forget_channel(self) -> None:
        """As if the microphone were a new one."""
        self._tilt = _MEAN_TILT

    def begin(self) -> None:
        """A new utterance; one that was not finished is dropped."""
        if self._decoding:
            self._end()
        self._gate = SpeechGate()

    def feed(self, pcm: bytes) -> None:
        """The next sound of the utterance, 16 kHz mono."""
        self._decode(self._gate.take(pcm))

    def finish(self) -> Hearing:
        """The utterance is over: what was said?"""
        self._decode(self._gate.end())
        if not self._decoding:
            return Hearing()
        self._end()
        self._tilt = self._learnt_tilt()
        phrase = self._reading(self._phrases, _SCALED_DOWN)
        free = self._reading(self._free)
        if not phrase.text:
            return Hearing(free=free.text)
        agreed = agreement(phrase, free, self._reading(self._phonemes, _SCALED_DOWN))
        said = phrase.text if agreed.believed and understand(phrase.text) else ""
        return Hearing(said, phrase.text, free.text, agreed)

    @contextmanager
    def _dictionary(self, grammar: str) -> Iterator[str]:
        """A file with the pronunciations of the grammar's words alone: saves 20 MB a decoder."""
        with tempfile.NamedTemporaryFile("w", suffix=".dict") as file:
            for word in sorted(_words(grammar)):
                file.writelines(f"{form} {phones}\n" for form, phones in self._forms(word))
            file.flush()
            yield file.name

    def _forms(self, word: str) -> list[tuple[str, str]]:
        """The pronunciations of a word, as dictionary entries: "a", "a(2)"."""
        forms: list[tuple[str, str]] = []
        while True:
            form = f"{word}({len(forms) + 1})" if forms else word
            phones = self._free.lookup_word(form)
            if not phones:
                break
            forms.append((form, phones))
        if not forms:
            raise EngineUnavailable(f"pocketsphinx does not know the grammar's word {word!r}")
        return forms

    def _decode(self, pcm: bytes) -> None:
        for at in range(0, len(pcm), _PIECE_BYTES):
            if not self._decoding:
                self._start()
            for decoder in self._decoders():
                decoder.process_raw(pcm[at : at + _PIECE_BYTES], False, False)  # noqa: FBT003

    def _start(self) -> None:
        """Begin to decode, with the means of a speaker so loud at this microphone."""
        speech_db = self._gate.speech_db
        assert speech_db is not None  # noqa: S101 - the gate is open, since sound has passed
        mean = _MEAN_LEVEL + _MEAN_PER_DB * (speech_db - _MEAN_LEVEL_DB)
        means = ",".join(f"{value:g}" for value in (mean, *self._tilt))
        for decoder in self._decoders():
            decoder.set_cmn(means)
            decoder.start_utt()
        self._decoding = True

    def _end(self) -> None:
        for decoder in self._decoders():
            decoder.end_utt()
        self._decoding = False

    def _decoders(self) -> tuple[_Decoder, ...]:
        return self._phrases, self._free, self._phonemes

    def _learnt_tilt(self) -> tuple[float, ...]:
        """All cepstral means but the first, which is the level."""
        return tuple(float(value) for value in self._free.get_cmn().split(",")[1:])

    def _reading(self, decoder: _Decoder, scale: float = 1.0) -> Reading:
        if decoder.hyp() is None:
            return Reading()
        words = []
        for segment in decoder.seg():
            if segment.start_frame < 0 or segment.word == "(NULL)":
                continue
            # The score comes as a probability; a hopeless one is rounded to nothing.
            likelihood = math.log(max(segment.ascore, sys.float_info.min)) * scale
            # Silence and noise have names in brackets, phonemes names in upper case.
            is_word = segment.word[0] not in "<[+" and not segment.word.isupper()
            phones = self._free.lookup_word(segment.word) if is_word else ""
            words.append(
                HeardWord(
                    text=segment.word.partition("(")[0] if is_word else "",
                    phones=tuple(phones.split()),
                    start_frame=segment.start_frame,
                    end_frame=segment.end_frame + 1,
                    log_likelihood=likelihood,
                )
            )
        return Reading(tuple(words))


def _words(grammar: str) -> set[str]:
    """The words in the right-hand sides of a JSGF grammar's rules."""
    return {
        word
        for line in re.sub(r"<\w+>", " ", grammar).splitlines()
        if not line.startswith(("#", "grammar"))
        for word in re.findall(r"[\w']+", line.removeprefix("public"))
    }
