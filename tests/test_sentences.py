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


def test_the_first_sentence_may_be_cut_at_a_clause() -> None:
    """For the first sound: only the first, only at a border, only behind so many characters."""
    text = "Well, the capital of France, as you know, is Paris, I say. Yes, it is, really."
    expected = [
        "Well, the capital of France,",
        "as you know, is Paris, I say.",
        "Yes, it is, really.",
    ]
    assert expected == sentences(text, first_at_clause_chars=10)


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *".!?…。！？,;:、\n \t'\")”*1aAé\u0301中", "...", ". ", "? ", "! ", ", ", "e.g. ",
                "Mr. ", "No. ", "U.S. ", "3.14", "I. ", "p.m. ", "Hello", " world", "word " * 9,
                "x" * 30, " " * 9, "." * 9,
            ]
        ),
        st.text(max_size=5),
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(TEXTS, st.data(), st.sampled_from([None, 5, 20]))
def test_how_the_text_is_cut_up_makes_no_difference(
    text: str, data: st.DataObject, first_at: int | None
) -> None:
    """Any deltas of the same text give the same sentences."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    splitter = SentenceSplitter(max_chars=40, first_at_clause_chars=first_at)
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    streamed = [sentence for piece in pieces for sentence in splitter.feed(piece)]
    streamed += splitter.flush()
    by_character = SentenceSplitter(max_chars=40, first_at_clause_chars=first_at)
    slowly = [sentence for char in text for sentence in by_character.feed(char)]
    slowly += by_character.flush()
    assert sentences(text, max_chars=40, first_at_clause_chars=first_at) == streamed == slowly


@given(TEXTS)
def test_nothing_is_lost_and_nothing_is_too_long(text: str) -> None:
    """The sentences are the text but for the spaces between them."""
    found = sentences(text, max_chars=40)
    assert "".join(text.split()) == "".join("".join(found).split())
    assert all(0 < len(sentence) <= 40 for sentence in found)
    assert [sentence.strip() for sentence in found] == found
