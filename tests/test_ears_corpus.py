"""The local ears on speech: phrases are accepted, and nothing else is.

A part of the corpus, spread over three voices, since decoding takes a second a sentence on a busy
machine; `scripts/prove ears` does all of it, with every voice.
"""

from __future__ import annotations

import pytest

from sena_pi.engines.sphinx import SphinxEars
from sena_pi.phrases import jsgf_grammar, understand
from sena_pi.timers.requests import parse
from tests.ears_corpus import (
    NEW_OTHERS,
    NEW_PHRASES,
    OTHERS,
    PHRASES,
    TIMER_OTHERS,
    TIMER_PHRASES,
)
from tests.prove.ears import Circumstances, hear
from tests.recordings import recording
from tests.speech import pcm_of, say

VOICES = ("slt", "rms", "awb")
PEOPLE = (
    "speech/leopard_test.wav",
    "speech/cobra_sample.wav",
    "speech/silero_speech.wav",
    "speech/silence.wav",
    "porcupine/porcupine.wav",
    "microwakeword/alexa_1.wav",
    "microwakeword/computer.wav",
    "microwakeword/hey_jarvis_1.wav",
    "microwakeword/hey_mycroft_1.wav",
    "microwakeword/okay_nabu_1.wav",
)


@pytest.fixture(scope="module")
def ears() -> SphinxEars:
    return SphinxEars(jsgf_grammar())


@pytest.fixture(autouse=True)
def _a_new_microphone(ears: SphinxEars) -> None:
    ears.forget_channel()


def share(sentences: tuple[str, ...], voice: str, of: int) -> tuple[str, ...]:
    """This voice's share of some sentences, when there are shares for `of` voices."""
    return sentences[VOICES.index(voice) :: of]


@pytest.mark.timeout(400)
def test_four_in_five_phrases_are_accepted_and_none_is_misheard(ears: SphinxEars):
    """Each voice speaks seven phrases and more, the numbers of timers among them."""
    sentences = accepted = 0
    misheard = []
    for voice in VOICES:
        ears.forget_channel()
        for sentence in share((*NEW_PHRASES, *PHRASES), voice, of=16):
            text = hear(ears, Circumstances().heard(say(sentence, voice))).text
            sentences += 1
            accepted += bool(text)
            if text and understand(text) != understand(sentence):
                misheard.append((voice, sentence, text))
    assert sentences > 21
    assert [] == misheard
    assert accepted >= 0.8 * sentences


@pytest.mark.timeout(400)
def test_no_timer_is_set_to_a_time_that_nobody_said(ears: SphinxEars):
    """Two in three of a third of them are accepted; name, length and hour are right."""
    sentences = accepted = 0
    misheard, false = [], []
    for voice in VOICES:
        ears.forget_channel()
        for sentence in share(TIMER_PHRASES, voice, of=9):
            text = hear(ears, Circumstances().heard(say(sentence, voice))).text
            sentences += 1
            accepted += bool(text)
            if text and parse(text) != parse(sentence):
                misheard.append((voice, sentence, text))
        false += [
            (voice, sentence)
            for sentence in share(TIMER_OTHERS, voice, of=9)
            if hear(ears, Circumstances().heard(say(sentence, voice))).text
        ]
    assert [] == misheard
    assert [] == false
    assert accepted >= sentences * 2 / 3 > 0


@pytest.mark.parametrize("voice", VOICES)
def test_no_other_sentence_is_accepted(ears: SphinxEars, voice: str):
    """Near misses, everyday questions and wake words; each voice speaks its share."""
    sentences = share((*NEW_OTHERS, *OTHERS), voice, of=36)
    heard = {
        sentence: hear(ears, Circumstances().heard(say(sentence, voice))).text
        for sentence in sentences
    }
    assert len(heard) > 4
    assert {} == {sentence: text for sentence, text in heard.items() if text}


@pytest.mark.parametrize("name", PEOPLE)
def test_no_recording_is_accepted(ears: SphinxEars, name: str):
    """Nobody says one of our phrases in them; a grammar alone finds one in nearly all."""
    assert hear(ears, pcm_of(recording(name))).text == ""


def test_a_grammar_alone_would_be_fooled(ears: SphinxEars):
    """The free reading is what rejects read speech: the grammar finds a phrase in it."""
    hearing = hear(ears, pcm_of(recording("speech/leopard_test.wav")))
    assert understand(hearing.phrase) is not None
    assert not hearing.agreement.believed


def test_a_faint_voice_is_understood(ears: SphinxEars):
    """How far away somebody speaks is found out anew in each utterance."""
    for gain_db in (0.0, -30.0):
        sound = Circumstances(gain_db=gain_db).heard(say("what time is it"))
        assert hear(ears, sound).text == "what time is it"


def test_an_utterance_that_was_dropped_leaves_nothing_behind(ears: SphinxEars):
    """Begun again in the middle of a phrase: only the second phrase is heard."""
    ears.begin()
    ears.feed(Circumstances().heard(say("set a timer for ten minutes"))[:50_000])
    assert hear(ears, Circumstances().heard(say("thank you very much"))).text == (
        "thank you very much"
    )
