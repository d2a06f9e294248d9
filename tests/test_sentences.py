"""Text deltas to sentences."""
# ruff: noqa: RUF001 - the scripts and look-alikes are what is tested

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sena_pi.sentences import SentenceSplitter


def sentences(text: str, **options: object) -> list[str]:
    splitter = SentenceSplitter(**options)  # type: ignore[arg-type]
    return splitter.feed(text) + splitter.flush()


@pytest.mark.parametrize(
    "expected",
    [
        ["Hello.", "It is noon!", "Really?", "Yes."],
        ["It costs $29.95 or 3.14 euros.", "Pay."],
        ["Mr. Smith met Dr. Jones, e.g. at St. Paul's.", "Nice."],
        ["J. K. Rowling was in the U.S. Navy.", "So am I.", "Good."],
        ["It is 4 p.m. now.", "No.", "See No. 5.", "Then 6."],
        ["Wait... what?!", "Well...", "Fine… really.", "Yes…", "No."],
        ['"Stop!" he said.', '"Why?"', "(Because.)", "“Oh.”", "OK."],
        ["See example.com or v2.0.", "It is approx. the same, vs. Ann."],
        ["He scored 3.", "Then he left.", "In 1990.", "Later."],
        ["你好。", "今天天气好吗？", "“很好！”", "他说。"],
        ["안녕하세요.", "날씨가 좋네요!", "정말요?"],
        ["كيف حالك؟", "بخير."],
        ["नमस्ते।", "कैसे हैं?"],
        ["**Bold.**", "Next_one."],
    ],
)
def test_sentences_end_where_a_person_would_pause(expected: list[str]) -> None:
    """Numbers, titles, initials, quotes and ellipses do not end one; every script's stops do."""
    separator = "" if expected[0][0] == "你" else " "
    assert expected == sentences(separator.join(expected))


def test_every_line_is_a_sentence() -> None:
    """List items have no full stop; a number before one is not a sentence."""
    expected = ["Buy:", "1. milk", "2. Eggs and 3 ducks", "- tea", "Done."]
    assert expected == sentences("Buy:\n1. milk\n2. Eggs and 3 ducks\n\n- tea  \n Done.")


def test_ordinals_end_no_sentence_in_languages_that_write_them() -> None:
    """German dates: "am 3. Mai"."""
    text = "Am 3. Mai 1990. Dann Ruhe."
    assert ["Am 3. Mai 1990.", "Dann Ruhe."] == sentences(text, language="de-DE")
    assert ["Am 3.", "Mai 1990.", "Dann Ruhe."] == sentences(text, language="en-US")


def test_a_sentence_comes_as_soon_as_it_is_certain() -> None:
    """A question or exclamation with the space behind it, a full stop with the next word."""
    splitter = SentenceSplitter()
    assert [] == splitter.feed("Really?")
    assert ["Really?"] == splitter.feed(" ")
    assert [] == splitter.feed("It is 3.")
    assert [] == splitter.feed("14 today. ")
    assert ["It is 3.14 today."] == splitter.feed("S")
    assert ["So."] == splitter.feed("o.\n")
    assert ["Bye"] == splitter.feed("Bye") + splitter.flush()
    assert [] == splitter.flush()


def test_a_long_sentence_is_cut_at_a_clause_border() -> None:
    """Nothing longer than the cap comes out: clause, else space, else anywhere."""
    clause = "when the rain had stopped at last, "
    expected = [(clause * 5).strip(), (clause * 3).strip()]
    assert expected == sentences(clause * 8)
    assert ["word " * 39 + "word", "word"] == sentences("word " * 41, max_chars=200)
    assert ["x" * 50, "x" * 50, "x"] == sentences("x" * 101, max_chars=50)


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        ("Well, the capital of France,", "as you know, is Paris, I say."),
        ("Sure, here is a short joke:", "why did the chicken cross the road?"),
        ("The sky looks blue to us;", "at sunset it turns red."),
        ("The tower is in Paris -", "the capital of France."),
        ("The tower is in Paris —", "the capital of France."),
        ("The sky looks blue during the day", "because air scatters blue light."),
        ("Water usually boils at a hundred degrees", "but up there it boils sooner."),
        ("It weighs about 1,000 tons in all,", "or 2,200 pounds each."),
        ("It happened on July 4, 1776,", "in Philadelphia."),
        ("The tower (which is in Paris, France),", "is very tall."),
        ('He said "yes, of course I do",', "and then he left."),
        ("Die Hauptstadt von Frankreich,", "die an der Seine liegt, ist Paris."),
        ("Das Brot kostet etwa 1,50 Euro,", "also nicht viel."),
        ("Er rief „nein, danke“ und ging,", "weil es regnete."),
        ("프랑스의 수도는 파리이며,", "인구는 약 210만 명입니다."),
        ("에펠탑은 프랑스 파리에 있지만", "설계는 다른 곳에서 했습니다."),
        ("비가 많이 오기 때문에", "오늘은 집에 있겠습니다."),
        ("法国的首都是美丽的巴黎，", "人口大约有两百万。"),
        ("フランスの首都はパリで、", "人口は約二百万人です。"),
    ],
)
def test_the_first_sentence_is_cut_where_a_reader_takes_breath(first: str, rest: str) -> None:
    """The first clause is a piece of its own; the rest, and what follows, is not cut."""
    again = f"{first} {rest}"
    spaced = f"{again} {again}"
    found = sentences(spaced, first_clause=True, language="de" if "ist" in rest.split() else "en")
    assert [first, rest] == found[:2]
    assert again == " ".join(found[2:])


@pytest.mark.parametrize(
    "sentence",
    [
        "Yes, of course, I do.",
        "The capital of France is Paris, really.",
        "It weighs about 12,345,678 tons in all today.",
        "The first three of them are 10, 20 and 30.",
        "Use some fruit, e.g., lemons or limes now.",
        "We heard the Reverend Martin Luther King, Jr. speak.",
        'He asked me "well, what is the point, my friend" again.',
        "The tall tower (in Paris, the capital of France) is old.",
        "She said “well, that is how it goes, my friend” to me.",
        "Er sagte „nun, so ist es, mein Freund“ zu mir.",
        "The train arrives today at 10:45 or 11:30 in the morning.",
        "It was open from 1990 to 1995 with well-known guests.",
        "He wants to stay with us here for a while longer.",
        "There is no way for any of us to know if it rains.",
        "It is far too cold for us to swim when snowing.",
        "네, 그렇습니다, 맞아요.",
        "你好，我是森娜。",
        "오늘은 날씨가 아주 좋을 것 같아요, 정말로.",
    ],
)
def test_the_first_sentence_stays_whole_where_nobody_would_take_breath(sentence: str) -> None:
    """Short pieces, a last word, numbers, abbreviations, names, quotes and parentheses."""
    assert [sentence] == sentences(sentence, first_clause=True)


def test_conjunctions_are_those_of_the_language() -> None:
    """A "but" is French for an aim."""
    text = "Il a marqué hier soir son premier but dans ce grand stade."
    assert [text] == sentences(text, first_clause=True, language="fr")
    assert 2 == len(sentences(text, first_clause=True, language="en"))


def test_the_first_clause_comes_with_the_second_word_behind_it() -> None:
    """No later: it is there to be early."""
    splitter = SentenceSplitter(first_clause=True)
    assert [] == splitter.feed("The capital of France, as ")
    assert ["The capital of France,"] == splitter.feed("y")
    assert ["as you know, is Paris."] == splitter.feed("ou know, is Paris. ") + splitter.flush()


def test_an_answer_that_begins_with_a_short_sentence_is_not_cut() -> None:
    """It is early as it is."""
    expected = ["Sure.", "The capital of France, as you know, is Paris."]
    assert expected == sentences(" ".join(expected), first_clause=True)


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *".!?…。！？,;:、\n \t'\")”*1aAé\u0301中", "...", ". ", "? ", "! ", ", ", "e.g. ",
                "Mr. ", "No. ", "U.S. ", "3.14", "I. ", "p.m. ", "Hello", " world", "word " * 9,
                "x" * 30, " " * 9, "." * 9, " because ", " - ", "(", '"', "은데 ", "，", " Jr. ",
                "12, ", "five words of it here", " and so on",
            ]
        ),
        st.text(max_size=5),
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(text=TEXTS, data=st.data(), first_clause=st.booleans())
def test_how_the_text_is_cut_up_makes_no_difference(
    *, text: str, data: st.DataObject, first_clause: bool
) -> None:
    """Any deltas of the same text give the same sentences."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    splitter = SentenceSplitter(max_chars=40, first_clause=first_clause)
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    streamed = [sentence for piece in pieces for sentence in splitter.feed(piece)]
    streamed += splitter.flush()
    by_character = SentenceSplitter(max_chars=40, first_clause=first_clause)
    slowly = [sentence for char in text for sentence in by_character.feed(char)]
    slowly += by_character.flush()
    assert sentences(text, max_chars=40, first_clause=first_clause) == streamed == slowly


def test_a_first_clause_at_the_longest_sentence_depends_on_no_delta() -> None:
    """What lies behind the cap is not looked at: it would not have been there yet."""
    text = "aaaa bbbb cccc dddd eeee ffff, sixteens, and then a lot more words"
    splitter = SentenceSplitter(max_chars=40, first_clause=True)
    slowly = [sentence for char in text for sentence in splitter.feed(char)] + splitter.flush()
    assert "aaaa bbbb cccc dddd eeee ffff, sixteens," == slowly[0]
    assert slowly == sentences(text, max_chars=40, first_clause=True)


@given(text=TEXTS, first_clause=st.booleans())
def test_nothing_is_lost_and_nothing_is_too_long(*, text: str, first_clause: bool) -> None:
    """The sentences are the text but for the spaces between them."""
    found = sentences(text, max_chars=40, first_clause=first_clause)
    assert "".join(text.split()) == "".join("".join(found).split())
    assert all(0 < len(sentence) <= 40 for sentence in found)
    assert [sentence.strip() for sentence in found] == found


@given(TEXTS)
def test_only_the_first_sentence_is_cut(text: str) -> None:
    """The piece begins what would else be the first sentence, and leaves more than a word of it."""
    whole, cut = sentences(text), sentences(text, first_clause=True)
    if whole[:1] != cut[:1]:
        rest = whole[0].removeprefix(cut[0])
        assert rest != whole[0]
        assert len(rest.split()) >= 2 or "中" in rest
