"""The answer's header and words, however they arrive."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sena_pi.answer_header import ANSWER_SCHEMA, MAX_ANSWER_BYTES, AnswerReader
from sena_pi.stages import Cacheability, Header, Intent

FIELDS = {
    "heard": "Wie groß ist der Mond?",
    "lang": "de",
    "local": "none",
    "keep": "always",
    "alone": True,
    "asks": False,
    "say": 'Er ist "klein" 😀: ein Viertel der Erde.\nUngefähr.',
}
HEADER = Header(
    heard="Wie groß ist der Mond?",
    language="de",
    intent=None,
    cacheability=Cacheability.EVERGREEN,
    stands_alone=True,
    expects_reply=False,
)
ANSWER = json.dumps(FIELDS)
PROSE_HEADER = Header()


def read(*pieces: str) -> tuple[Header | None, str, bool]:
    """Header, all words, and whether the answer was whole."""
    reader = AnswerReader()
    words = "".join([reader.feed(piece) for piece in pieces]) + reader.finish()
    return reader.header, words, reader.whole


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    """The text in pieces, as a server may send them."""
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


answers = st.builds(
    lambda fields, ascii_only, indent: json.dumps(fields, ensure_ascii=ascii_only, indent=indent),
    st.fixed_dictionaries({**{key: st.just(FIELDS[key]) for key in FIELDS}, "say": st.text()}),
    st.booleans(),
    st.sampled_from([None, 2]),
)
broken_answers = st.one_of(
    answers,
    st.text(),
    st.text(alphabet='{}[]",:\\u0123dDeE8`json say\n\tx\ud83d\ude00'),
    st.builds(
        lambda key, tail: f'{{"heard":"a",{key}"say":"x {tail}',
        st.sampled_from(["", '"lang":1,', "lang:", '"alone":"yes",', '"keep":null,,']),
        st.text(alphabet="\\u\"dDcC089aF' bn\n}x"),
    ),
)


def test_a_whole_answer_gives_its_header_its_words_and_says_it_is_whole():
    """An answer as asked for is read as it was meant."""
    assert (HEADER, FIELDS["say"], True) == read(ANSWER)


@settings(deadline=None)
@given(st.data())
def test_words_and_header_do_not_depend_on_how_the_answer_is_cut(data: st.DataObject):
    """Every chunking of every answer, sound or broken, gives the same header and words."""
    answer = data.draw(broken_answers)
    assert read(answer) == read(*data.draw(cut(answer)))


@settings(deadline=None)
@given(broken_answers)
def test_every_prefix_is_read_without_an_error_and_its_words_stay(answer: str):
    """No prefix raises, and no word once given is taken back."""
    reader, words, final = AnswerReader(), "", read(answer)[1]
    for end, character in enumerate(answer):
        read(answer[:end])
        words += reader.feed(character)
        assert final.startswith(words)


@settings(deadline=None)
@given(answers, st.data())
def test_a_cut_answer_speaks_the_words_that_came_and_no_json(answer: str, data: st.DataObject):
    """Wherever an answer ends, what is spoken of it is the beginning of its words."""
    end = data.draw(st.integers(0, len(answer)))
    assert json.loads(answer)["say"].startswith(read(answer[:end])[1])


@settings(deadline=None)
@given(answers)
def test_the_words_are_the_say_field_exactly(answer: str):
    """Escapes, quotes and characters outside the basic plane arrive as they were meant."""
    assert json.loads(answer)["say"] == read(*answer)[1]


def test_the_header_is_known_before_the_first_word():
    """The header is there as soon as `say` has begun, and not before."""
    reader = AnswerReader()
    begins = ANSWER.index('"say":') + len('"say":')
    reader.feed(ANSWER[: begins - 1])
    assert reader.header is None
    assert reader.feed(ANSWER[begins - 1 : begins]) == ""
    assert reader.header == HEADER


def test_words_come_while_the_answer_is_still_arriving():
    """Each piece gives its own words at once."""
    reader = AnswerReader()
    assert [reader.feed(piece) for piece in ['{"heard":"x","say":"One', " two", " three"]] == [
        "One",
        " two",
        " three",
    ]


@pytest.mark.parametrize(
    ("answer", "words", "header"),
    [
        ("Paris is the capital.", "Paris is the capital.", PROSE_HEADER),
        ("```json\n" + ANSWER + "\n```", FIELDS["say"], HEADER),
        ("```\nParis.\n```", "Paris.\n", PROSE_HEADER),
        ("Here you are: " + ANSWER, "Here you are: " + FIELDS["say"], PROSE_HEADER),
        ("[" + ANSWER + "]", FIELDS["say"], HEADER),
        ('"Hamlet" was written by Shakespeare.', '"Hamlet" was written by Shakespeare.', Header()),
        ('"Paris."', "Paris.", PROSE_HEADER),
        ('["Paris.", "In France."]', "Paris. In France.", PROSE_HEADER),
        ('{"say": "Paris.", "heard": "x", "keep": "always"}', "Paris.", PROSE_HEADER),
        ('{"heard": "x", "say": "Paris."', "Paris.", Header(heard="x")),
        ('{"heard": "x", "say": "Par', "Par", Header(heard="x")),
        ('{"heard": "x", "answer": "Paris."}', "Paris.", Header(heard="x")),
        ('{"heard": "x", "say": 42}', "42", Header(heard="x")),
        ('{"heard": "x", "say": null}', "", Header(heard="x")),
        ('{"heard": 1, "lang": [], "local": {}, "keep": 2, "alone": "true", "say": "Yes."}', "Yes.",
         PROSE_HEADER),
        ('{"heard": "x", "local": "dance", "keep": "forever", "lang": "English!", "say": "Yes."}',
         "Yes.", Header(heard="x")),
        ('{heard: "x", "keep": "always", "say": "Yes."}', "Yes.", PROSE_HEADER),
        ('{"say": "One\ntwo \\x three \\ud83d four \\u12 five"}',
         "One two x three \ufffd four u12 five", PROSE_HEADER),
        ('{"say": "First.", "say": "Second."}', "First.", PROSE_HEADER),
        ('{"heard": "what ti', "", Header(heard="what ti")),
        ('\ufeff  {"say": "Yes."}', "Yes.", PROSE_HEADER),
        ("", "", PROSE_HEADER),
    ],
)  # fmt: skip
def test_a_broken_answer_is_spoken_with_a_safe_header(answer: str, words: str, header: Header):
    """Whatever holds words is spoken; what the header did not say takes the safe default."""
    assert (header, words) == read(answer)[:2]
    assert (header, words) == read(*answer)[:2]


@pytest.mark.parametrize("answer", [ANSWER[:-1], "Paris.", ANSWER + "x", '{"say":"a","say":"b"}'])
def test_a_broken_answer_is_not_whole(answer: str):
    """Only one complete object with its words may be kept as complete."""
    assert read(answer)[2] is False


@pytest.mark.parametrize("value", [intent.value for intent in Intent])
def test_what_the_device_does_itself_is_recognised(value: str):
    """Every intent has its word in the schema, and it is read back as that intent."""
    assert value in ANSWER_SCHEMA["properties"]["local"]["enum"]
    header = read(json.dumps({**FIELDS, "local": value, "say": ""}))[0]
    assert header is not None
    assert Intent(value) == header.intent


def test_a_character_cut_in_half_by_the_pieces_is_put_together():
    """Halves of a surrogate pair may come in two pieces; a lone one does no harm."""
    assert read('{"say":"a\ud83d', '\ude00b"}')[1] == "a😀b"
    assert read('{"say":"a\ud83d', 'b"}')[1] == "a\ufffdb"


def test_an_endless_answer_is_cut():
    """At most 8 kB are read, whatever comes; what was read is spoken, and is not whole."""
    reader = AnswerReader()
    words = reader.feed('{"say":"')
    for _ in range(3000):
        words += reader.feed("äbc ")
    words += reader.finish()
    assert reader.too_long
    assert not reader.whole
    assert MAX_ANSWER_BYTES - 16 < len(words.encode()) <= MAX_ANSWER_BYTES


def test_the_schema_asks_for_the_words_last():
    """The words wait for the header, so they come last, and both ways of ordering agree."""
    assert ANSWER_SCHEMA["property_ordering"][-1] == "say"
    assert ANSWER_SCHEMA["property_ordering"] == ANSWER_SCHEMA["required"]
    assert ANSWER_SCHEMA["property_ordering"] == list(ANSWER_SCHEMA["properties"])


def test_the_header_is_short():
    """The words wait for about 25 tokens beside the question itself, and no more."""
    overhead = json.dumps({**FIELDS, "heard": "", "say": ""}, separators=(",", ":"))
    assert len(re.findall(r"\w+|[^\w\s]+", overhead)) <= 26


def test_what_was_heard_is_known_as_soon_as_it_and_its_language_are_whole():
    """Not a character later: whoever knows the answer already need not wait for the rest."""
    reader = AnswerReader()
    end = ANSWER.index('"de"') + len('"de"')
    reader.feed(ANSWER[: end - 1])
    assert reader.asked is None
    reader.feed(ANSWER[end - 1 : end])
    assert Header(heard=FIELDS["heard"], language="de") == reader.asked
    assert reader.header is None


@settings(deadline=None)
@given(st.text(alphabet='{}[]":, abc\\hearlng', max_size=60))
def test_whatever_comes_asking_what_was_heard_is_no_error(answer: str):
    """It is what the header says, or not known before the header is."""
    reader = AnswerReader()
    for character in answer:
        reader.feed(character)
    reader.finish()
    assert reader.asked is not None
