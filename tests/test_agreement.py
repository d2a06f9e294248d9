"""When a phrase that a grammar found is believed."""

from __future__ import annotations

from sena_pi.agreement import (
    LEAST_FIT_NATS,
    LEAST_FIT_OF_SHORT_NATS,
    Agreement,
    HeardWord,
    Reading,
    agreement,
)

PHONES = {
    "set": "S EH T",
    "a": "AH",
    "the": "DH AH",
    "timer": "T AY M ER",
    "diner": "D AY N ER",
    "for": "F AO R",
    "four": "F AO R",
    "to": "T UW",
    "two": "T UW",
    "too": "T UW",
    "ten": "T EH N",
    "fifteen": "F IH F T IY N",
    "minutes": "M IH N AH T S",
    "what's": "W AH T S",
    "date": "D EY T",
    "weather": "W EH DH ER",
    "today": "T AH D EY",
    "stop": "S T AA P",
    "tall": "T AO L",
}


def reading(sentence: str, **nats: float) -> Reading:
    """A reading with 10 frames a phone and 20 of silence at both ends; `nats` below the others."""
    words, at = [HeardWord("", (), 0, 20, -20.0)], 20
    for text in sentence.split():
        phones = tuple(PHONES[text].split())
        end = at + 10 * len(phones)
        likelihood = -float(end - at) - nats.get(text.replace("'", ""), 0.0)
        words.append(HeardWord(text, phones, at, end, likelihood))
        at = end
    words.append(HeardWord("", (), at, at + 20, -20.0))
    return Reading(tuple(words))


def compared(phrase: Reading, free: Reading, *, fit_nats: float = 0.0) -> Agreement:
    """Compare two readings of a sound whose phonemes explain it `fit_nats` a frame worse."""
    said = [word for word in phrase.words if word.text]
    frames = said[-1].end_frame - said[0].start_frame
    likelihood = sum(word.log_likelihood for word in said) - fit_nats * frames
    # Any phonemes, in two parts of which the first begins before the phrase.
    middle = said[0].start_frame + frames // 2
    each = likelihood / frames
    phonemes = Reading(
        (
            HeardWord("", (), 0, middle, each * middle),
            HeardWord("", (), middle, said[-1].end_frame, each * (frames - frames // 2)),
        )
    )
    return agreement(phrase, free, phonemes)


def test_the_same_words_agree_fully():
    """The best evidence there is."""
    found = compared(reading("set a timer for ten minutes"), reading("set a timer for ten minutes"))
    assert 1.0 == found.score
    assert found.believed


def test_words_that_sound_alike_agree_fully():
    """Spelling is not heard, not even that of a number."""
    found = compared(reading("set the timer to ten"), reading("set the timer two ten"))
    assert 1.0 == found.score
    assert found.believed


def test_a_slip_of_the_free_reading_is_forgiven_where_the_sound_bears_the_phrase_out():
    """A general model prefers its frequent words; the sound does not."""
    phrase = reading("set a timer for ten minutes")
    slip = reading("set a diner for ten minutes", diner=-2.0)
    found = compared(phrase, slip)
    assert abs(found.deficit_nats - 2.0) < 1e-9
    assert found.believed


def test_the_same_slip_is_not_forgiven_where_the_sound_contradicts():
    """As alike in its phonemes, but far more likely than the phrase."""
    phrase = reading("set a timer for ten minutes")
    assert not compared(phrase, reading("set a diner for ten minutes", diner=-80.0)).believed


def test_where_the_phrase_fits_better_nothing_is_gained():
    """A stretch that fits well does not make up for one that does not."""
    phrase = reading("set a timer for ten minutes", timer=-500.0)
    found = compared(phrase, reading("set a diner for ten minutes"))
    assert 0.0 == found.deficit_nats
    assert found.score < 1.0


def test_one_other_word_in_a_long_phrase_is_not_believed():
    """A near miss has most words right and one quite different, which the sound tells."""
    phrase = reading("what's the date today", date=40.0)
    assert not compared(phrase, reading("what's the weather today", weather=-40.0)).believed


def test_another_number_is_never_believed():
    """However well everything else agrees."""
    found = compared(
        reading("set a timer for ten minutes"), reading("set a timer for fifteen minutes")
    )
    assert not found.same_numbers
    assert not found.believed


def test_a_number_that_only_one_of_them_heard_is_not_believed():
    """More or fewer numbers are other numbers."""
    long = "set a timer for ten minutes to ten minutes to ten minutes to ten"
    assert not compared(reading(long), reading(long.replace("to ten", "to tall", 1))).believed


def test_other_words_are_not_believed():
    """A grammar finds a phrase in anything."""
    assert not compared(reading("stop"), reading("what's the weather today")).believed


def test_silence_does_not_count():
    """However it is cut up."""
    silent = HeardWord("", (), 0, 20, -900.0)
    phrase = Reading((silent, *reading("stop").words[1:-1]))
    free = reading("stop")
    assert 0.0 == compared(phrase, free).deficit_nats
    assert compared(phrase, free, fit_nats=LEAST_FIT_OF_SHORT_NATS + 0.1).believed


def test_nothing_does_not_agree_with_something():
    """An empty reading bears nothing out."""
    assert not compared(reading("stop"), Reading()).believed


def test_a_sound_that_fits_other_phonemes_better_is_not_believed():
    """Both readings may fall for the same words, where neither knows what was said."""
    phrase = reading("what's the date today")
    assert compared(phrase, phrase, fit_nats=LEAST_FIT_NATS + 0.01).believed
    assert not compared(phrase, phrase, fit_nats=LEAST_FIT_NATS - 0.01).believed


def test_a_short_word_must_fit_better_than_a_long_phrase():
    """It is like many other words."""
    phrase = reading("stop")
    assert compared(phrase, phrase, fit_nats=LEAST_FIT_OF_SHORT_NATS + 0.01).believed
    assert not compared(phrase, phrase, fit_nats=LEAST_FIT_OF_SHORT_NATS - 0.01).believed
