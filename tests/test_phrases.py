"""The phrase table: what means what, and what means something else."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

from sena_pi.phrases import PHRASES, Understood, jsgf_grammar, understand
from sena_pi.stages import Intent
from tests.ears_corpus import NEW_OTHERS, NEW_PHRASES, OTHERS, TIMER_OTHERS, TIMER_PHRASES
from tests.ears_corpus import PHRASES as SPOKEN_PHRASES

SLOTS = {
    "<number>": ("ten", "forty five"),
    "<unit>": ("minute", "seconds"),
    "<duration>": ("ten minutes", "an hour and a half"),
    "<thing>": ("pasta", "laundry"),
    "<clock>": ("seven", "quarter to six"),
    "<day>": ("tomorrow", "today"),
}


def sentences(pattern: str) -> Iterator[str]:
    """Every sentence of a pattern, with two fillings for each slot."""
    tokens = re.findall(r"<\w+>|[\w']+|[\[\]()|]", pattern)
    alternatives, rest = _alternatives(tokens)
    assert rest == []
    yield from (" ".join(sentence.split()) for sentence in alternatives)


def _alternatives(tokens: list[str]) -> tuple[list[str], list[str]]:
    done: list[str] = []
    current = [""]
    while tokens and tokens[0] not in ")]":
        token, *tokens = tokens
        if token == "|":
            done, current = done + current, [""]
            continue
        if token in "([":
            choices, (_, *tokens) = _alternatives(tokens)
            if token == "[":
                choices = [*choices, ""]
        else:
            choices = list(SLOTS.get(token, (token,)))
        current = [f"{before} {after}" for before, after in itertools.product(current, choices)]
    return done + current, tokens


ALL_SENTENCES = [
    (intent, sentence) for intent, pattern in PHRASES for sentence in sentences(pattern)
]


def test_the_table_holds_at_least_forty_phrases():
    """Forty without counting what differs only in optional words."""
    assert len(PHRASES) >= 40
    assert len(ALL_SENTENCES) > 2 * len(PHRASES)


def test_every_intent_can_be_asked_for():
    """No intent is without a phrase."""
    assert set(Intent) == {intent for intent, _ in PHRASES}


def test_every_sentence_of_the_table_means_its_own_intent():
    """All that the grammar can hear is understood, and as one thing only."""
    wrong = [
        (sentence, understood)
        for intent, sentence in ALL_SENTENCES
        if (understood := understand(sentence)) is None or understood.intent is not intent
    ]
    assert [] == wrong


def test_no_two_phrases_share_a_sentence():
    """A sentence stands once, so that it can't come to mean two things."""
    all_sentences = [sentence for _, sentence in ALL_SENTENCES]
    assert len(set(all_sentences)) == len(all_sentences)


def test_the_grammar_holds_every_phrase():
    """The recogniser gets the table as it is."""
    grammar = jsgf_grammar()
    assert grammar.startswith("#JSGF V1.0;\n")
    assert [] == [pattern for _, pattern in PHRASES if pattern not in grammar]


@pytest.mark.parametrize("sentence", [*SPOKEN_PHRASES, *NEW_PHRASES, *TIMER_PHRASES])
def test_what_the_ears_are_tested_with_is_understood_as_text(sentence: str):
    """The corpus inside the grammar is in the table."""
    assert understand(sentence) is not None


@pytest.mark.parametrize("sentence", [*OTHERS, *NEW_OTHERS, *TIMER_OTHERS])
def test_another_question_is_never_understood_as_ours(sentence: str):
    """Near misses: one word more or less is another question."""
    assert understand(sentence) is None


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("What time is it?", Intent.TIME),
        ("WHAT'S THE TIME", Intent.TIME),
        ("what\u2019s the time?", Intent.TIME),
        ("whats the time", Intent.TIME),
        ("Could you tell me what time it is, please?", Intent.TIME),
        ("Um, what time is it?", Intent.TIME),
        ("Okay, so what day is it today?", Intent.DATE),
        ("Good-bye!", Intent.GOODBYE),
        ("Good bye.", Intent.GOODBYE),
        ("Thank you, Sena.", Intent.THANKS),
        ("thank you", Intent.THANKS),
        ("Please, stop!", Intent.STOP),
        ("Can you please repeat that?", Intent.REPEAT),
        ("Hey Sena, hello", Intent.GREETING),
    ],
)
def test_writing_and_politeness_do_not_matter(text: str, intent: Intent):
    """Case, punctuation, apostrophes, fillers and polite words are overlooked."""
    assert Understood(intent) == understand(text)


def test_a_wake_word_in_front_is_overlooked():
    """As a cloud transcribes it, with a comma; only the words that were configured."""
    text = "Hey Jarvis, what time is it?"
    assert Understood(Intent.TIME) == understand(text, wake_words=["alexa", "hey jarvis"])
    assert understand(text, wake_words=["alexa"]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "please",
        "hey sena",
        "?!",
        "what time is it in Tokyo",
        "what is a timer",
        "set a timer for ten minutes ago",
        "set a timer for ten",
        "set a timer for zero minutes",
        "set a timer for ever",
        "set the volume to eleven hundred",
        "set the volume to 101%",
        "what time is it and what day is it",
    ],
)
def test_what_is_not_wholly_ours_is_not_understood(text: str):
    """Nothing, half a phrase, a phrase and more, and slots that hold something else."""
    assert understand(text) is None


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [
        ("Set a timer for 10 minutes.", 600),
        ("set a timer for ten minutes", 600),
        ("start a timer for an hour and a half", 5400),
        ("please set a 90-second timer", 90),
        ("set a forty five minute timer", 2700),
        ("set a timer", None),
        ("cancel the timer", None),
    ],
)
def test_a_timer_carries_its_seconds(text: str, duration_s: int | None):
    """The length asked for, in words or digits; none where none was named."""
    assert Understood(Intent.TIMER, duration_s=duration_s) == understand(text)


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("set the volume to fifty percent", 50),
        ("Set the volume to 50%", 50),
        ("set the volume to a hundred percent", 100),
        ("volume up", None),
    ],
)
def test_a_volume_carries_its_percent(text: str, percent: int | None):
    """The volume asked for; none where only a direction was named."""
    assert Understood(Intent.VOLUME, percent=percent) == understand(text)
