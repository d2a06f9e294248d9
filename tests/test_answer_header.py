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
    "say": 'Er ist "klein" 😀: ein Viertel der Erde.\nUngefähr.',
    "keep": "always",
    "alone": True,
    "asks": False,
}
HEADER = Header(
    heard="Wie groß ist der Mond?",
    language="de",
    intent=None,
    cacheability=Cacheability.EVERGREEN,
    stands_alone=True,
    expects_reply=False,
)
OPENING = Header(heard="Wie groß ist der Mond?", language="de")
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


tails = st.text(alphabet="\\u\"dDcC089aF' bn,\n}x")
answers = st.builds(
    lambda order, say, ascii_only, indent: json.dumps(
        {key: say if key == "say" else FIELDS[key] for key in order},
        ensure_ascii=ascii_only,
        indent=indent,
    ),
    st.one_of(st.just([*FIELDS]), st.permutations([*FIELDS])),
    st.text(),
    st.booleans(),
    st.sampled_from([None, 2]),
)
broken_answers = st.one_of(
    answers,
    st.text(),
    st.text(alphabet='{}[]",:\\u0123dDeE8`json say\n\tx\ud83d\ude00'),
    st.builds(
        lambda key, words, behind: f'{{"heard":"a",{key}"say":"x {words}{behind}',
        st.sampled_from(["", '"lang":1,', "lang:", '"alone":"yes",', '"keep":null,,']),
        tails,
        st.one_of(tails, st.sampled_from(['","keep":"always","asks":tr', '", "keep":[}x', '"}"'])),
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


@settings(deadline=None)
@given(st.permutations([*FIELDS]), st.data())
def test_the_fields_may_come_in_any_order(order: list[str], data: st.DataObject):
    """In the end all of the header is known, whatever stood where."""
    answer = json.dumps({key: FIELDS[key] for key in order})
    assert (HEADER, FIELDS["say"], True) == read(*data.draw(cut(answer)))


@settings(deadline=None)
@given(st.data())
def test_what_stood_in_front_of_the_words_does_not_depend_on_how_the_answer_is_cut(
    data: st.DataObject,
):
    """An answer in one piece tells no more before its words than one that comes slowly."""
    reader = AnswerReader()
    for piece in data.draw(cut(ANSWER)):
        if reader.feed(piece):
            assert reader.opening == OPENING
            assert reader.header is None


def test_the_opening_is_known_with_the_first_word():
    """The words wait for nothing behind them."""
    reader = AnswerReader()
    begins = ANSWER.index('"say": "') + len('"say": "')
    assert reader.feed(ANSWER[:begins]) == ""
    assert reader.opening is None
    assert reader.feed(ANSWER[begins : begins + 1]) == "E"
    assert reader.opening == OPENING


@pytest.mark.parametrize(
    ("answer", "certain"),
    [
        ('{"heard":"what time is it","local":"time"', '"time"'),
        ('{"heard":"what time is it","lang":"en","local":"time","keep":"never"', '"time"'),
        ('{"local":"time","heard":"what time is it","lang":"en"', '"en"'),
        ('{"local":"time","heard":"what time is it","say":""', '"say":'),
        ('{"heard":"what time is it","say":"","keep":"never","local":"time"', '"time"'),
    ],
)
def test_an_intent_is_known_as_soon_as_it_and_the_question_are(answer: str, certain: str):
    """Our own code answers it: it waits for nothing behind it, and needs the question."""
    reader, end = AnswerReader(), answer.index(certain) + len(certain)
    reader.feed(answer[: end - 1])
    assert reader.opening is None
    reader.feed(answer[end - 1 : end])
    assert Header("what time is it", intent=Intent.TIME) == reader.opening
    reader.feed(answer[end:])
    reader.finish()
    assert Header("what time is it", intent=Intent.TIME) == reader.header


def test_an_answer_that_names_no_language_is_in_the_usual_one():
    """Which the reader is told; so is one whose tag is none, and one that is prose."""
    for answer in ('{"heard":"x","say":"Ja."}', '{"lang":"Deutsch!","say":"Ja."}', "Ja."):
        reader = AnswerReader("de-DE")
        reader.feed(answer)
        reader.finish()
        for known in (reader.asked, reader.opening, reader.header):
            assert known is not None
            assert known.language == "de-DE"


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
        ('{"say": "Paris.", "heard": "x", "keep": "hours"}', "Paris.",
         Header(heard="x", cacheability=Cacheability.HOURS)),
        ('{"heard": "x", "say": "Paris.", "heard": "y", "lang": "fr"}', "Paris.",
         Header(heard="x", language="fr")),
        (ANSWER + " I hope this helps.", FIELDS["say"], HEADER),
        ('{"heard": "x", "say": "It is "good".", "keep": "always", "alone": true}', "It is ",
         Header(heard="x")),
        ('{"heard": "x", "say": "A \\\\", "keep": "hours", "asks": true', "A \\",
         Header(heard="x", cacheability=Cacheability.HOURS, expects_reply=True)),
        ('{"heard": "x", "say": "A.", "keep": "always', "A.", Header(heard="x")),
        ('{"heard": "x", "say": "A.", keep: "always"}', "A.", Header(heard="x")),
        ('{"heard": "did I \\"say\\": no", "say": "Yes."}', "Yes.", Header('did I "say": no')),
        ('{"heard": "x", "say": ["A.", "B."], "keep": "hours"}', "A. B.",
         Header(heard="x", cacheability=Cacheability.HOURS)),
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


def test_the_schema_asks_for_the_words_as_early_as_they_can_come():
    """And both ways of ordering agree; what is usually left out is not required."""
    order = ["heard", "lang", "local", "say", "keep", "alone", "asks"]
    assert order == ANSWER_SCHEMA["property_ordering"] == list(ANSWER_SCHEMA["properties"])
    assert ["heard", "say", "keep", "alone", "asks"] == ANSWER_SCHEMA["required"]


def test_the_words_wait_for_little():
    """For six tokens beside the question itself in the usual answer, and about 13 follow."""
    fields = {key: FIELDS[key] for key in ANSWER_SCHEMA["required"]}
    usual = json.dumps({**fields, "heard": "x", "say": "WORDS"}, separators=(",", ":"))
    tokens = re.findall(r"\w+|[^\w\s]+", usual)
    front, behind = tokens[: tokens.index("WORDS")], tokens[tokens.index("WORDS") + 1 :]
    assert 6 == len(front) - len(["x"])
    assert 13 == len(behind)


def test_what_was_heard_is_known_as_soon_as_it_and_its_language_are_whole():
    """Not a character later: whoever knows the answer already need not wait for the rest."""
    reader = AnswerReader()
    end = ANSWER.index('"de"') + len('"de"')
    reader.feed(ANSWER[: end - 1])
    assert reader.asked is None
    reader.feed(ANSWER[end - 1 : end])
    assert reader.asked == OPENING
    assert reader.opening is None


@pytest.mark.parametrize("begun", ['"say":', '"say" :', '"local":"', '"keep":"', '"alone":f'])
def test_a_question_without_a_language_is_certain_when_another_field_begins(begun: str):
    """A language would have come right behind it."""
    reader = AnswerReader()
    reader.feed('{"heard":"what is python",' + begun[:-1])
    assert reader.asked is None
    reader.feed(begun[-1] + ("alse," if begun.endswith("f") else ""))
    assert Header(heard="what is python") == reader.asked
    assert reader.opening is None


@pytest.mark.parametrize("unsure", ['"heard":"what', '"heard":"what"', '"heard":"what","lang":"d'])
def test_a_question_is_not_certain_before_its_language_is(unsure: str):
    """The same words mean something else in another language."""
    reader = AnswerReader()
    reader.feed("{" + unsure)
    assert reader.asked is None


@settings(deadline=None)
@given(st.text(alphabet='{}[]":, abc\\hearlng', max_size=60))
def test_whatever_comes_asking_what_was_heard_is_no_error(answer: str):
    """It is what the header says, or not known before the header is."""
    reader = AnswerReader()
    for character in answer:
        reader.feed(character)
    reader.finish()
    assert reader.asked is not None
