"""Answer text before it is spoken."""
# ruff: noqa: RUF001 - the scripts and look-alikes are what is tested

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sena_pi.bench.phonemes import run, run_texts
from sena_pi.speakable import MAX_CHARS, MAX_TOKEN_CHARS, speakable, without_wake_words

ORDINARY = [
    "The time is 4:40 p.m.",
    "It costs $29.95, says Dr. Smith of the U.S. Navy.",
    "Is it 20–30 %? Yes — it's fine!",
    "She said: “It’s (nearly) done; wait...”",
    "In C# and F#, 5 < 6 and 7 > 3.",
    "10² m² is ½ of it at 21.5 °C.",
    "Ça va ? « Très bien », dit-il à l’école.",
    "Größe, Ärger, smörgåsbord, naïve, Łódź.",
    "안녕하세요! 오늘 날씨는 맑고 기온은 21°C입니다.",
    "مرحبا، كيف حالك؟",
    "می\u200cخواهم بروم.",
    "नमस्ते, आप कैसे हैं?",
    "今日はとても良い天気ですね。散歩に行きましょう！",
    "สวัสดีครับ วันนี้อากาศดีมาก",
    "Привет, как дела?",
    "Mail bob@example.com or ask at the A/B desk & wait.",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_comes_out_as_it_went_in(text: str) -> None:
    """Numbers, abbreviations, accents and every script are left alone."""
    assert text == speakable(text)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**Paris** is the _capital_ of `France`.", "Paris is the capital of France."),
        ("# Shopping\n\n* milk\n- eggs\n\n---\nDone", "Shopping. milk. eggs. Done"),
        ("```python\nprint\n```", "print"),
        ("Read [the manual](https://a.example/b_(c)) first.", "Read the manual first."),
        ("It is so [1], really [2, 3].", "It is so, really."),
        ("See https://bob:pw@www.example.com:8080/a?b=c#d.", "See example.com."),
        ("See <https://example.com/a>, or www.example.org/b!", "See example.com, or example.org!"),
        ("Say <speak><prosody rate='fast'>hi</prosody></speak><br/>now", "Say hi now"),
        ("Fish &amp;amp; chips&nbsp;now", "Fish & chips now"),
        ("[[h@l'oU]] there", "h@l'oU there"),
        ("snake_case and __init__", "snake case and init"),
        ("3*4=12 and 5<6 but a<b", "3 × 4=12 and 5 < 6 but a b"),
        ("Hi 😀👍🏽 there ❤️", "Hi there"),
        ("ﬁne １２ 𝐛𝐨𝐥𝐝™", "fine 12 bold"),
        ("pay\u202e me\u200b now\x00\x1b\ud800\ue000", "pay me now"),
        ("Really?????? Wow!!!!! No........", "Really? Wow! No..."),
        ("Card 12345678901234", "Card 1 2 3 4 5 6 7 8 9 0 1 2 3 4"),
        ("Pi is 3.14159265358979", "Pi is 3.141592653589"),
        ("é\u0301\u0302\u0303\u0304\u0305\u0306\u0307", "é\u0301\u0302\u0303\u0304"),
        ("rock'n'roll's a'b's'", "rock'n'roll's a'b's'"),
        ("a'b'c'd'e’f", "a'b'c'def"),
        ("i.e. " * 20, "i.e. " * 12 + "i e " * 7 + "i e"),
        ("?! ... 😀 ---", ""),
        ("", ""),
    ],
)
def test_markup_and_hidden_characters_leave_only_words(text: str, spoken: str) -> None:
    """What would be read out as noise, or obeyed as a command, is gone; the words stay."""
    assert spoken == speakable(text)


def test_a_word_without_end_is_cut() -> None:
    """64 KiB without a space are at most two tokens."""
    two_tokens = ["a" * MAX_TOKEN_CHARS] * 2
    assert two_tokens == speakable("a" * 65_536).split()


def test_a_long_word_is_split_and_kept_whole() -> None:
    """German can be longer than a token; none of it is lost."""
    word = "Donaudampfschifffahrtsgesellschaftskapitän"
    assert word == speakable(word).replace(" ", "")


def test_text_without_spaces_is_kept_whole() -> None:
    """Chinese writes no spaces: a long sentence is split behind its punctuation, not cut."""
    text = "今天天气很好我们去公园散步然后吃午饭，" * 5
    assert text == speakable(text).replace(" ", "")
    assert all(len(token) <= MAX_TOKEN_CHARS for token in speakable(text).split())


def test_a_long_answer_ends_with_a_whole_sentence() -> None:
    """The cap never cuts a sentence in two when there is one to end with."""
    spoken = speakable("This sentence has thirty-nine characters. " * 50)
    assert spoken.endswith("characters.")
    assert MAX_CHARS - 50 < len(spoken) <= MAX_CHARS


HOSTILE = st.sampled_from(
    [
        *"'’\"[](){}<>*_`~#|\\^-=+.,;:!?&/@$%0129aSséß한م中か \n\r\t",
        "s'", "'s", "i.e.", "[[", "]]", "<speak>", "</", "&amp;", "&lt;", "amp;", "https://",
        "www.", "![", "](", "```", "\n- ", "\n# ", "\n---\n", "12345678901234567890", "x" * 50,
        "\u0301", "\u200d", "\u200c", "\u202e", "\ufeff", "\ufe0f", "\x00", "\x1b", "\ud800",
        "😀", "🏽", "½", "²", "ﷺ", "…", "⁇", "™", "℃", "＜", "［", "\u1100\u1161", "ㅋ",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(HOSTILE, max_size=60).map("".join))


@given(TEXTS)
@example("&" + "amp;" * 40)
@example("- " * 200 + "a")
@example("<" * 50 + "b" + ">" * 50)
@example("[" * 30 + "a" + "](b)" * 30)
def test_what_came_out_once_comes_out_unchanged_again(text: str) -> None:
    """speakable(speakable(x)) == speakable(x), for any x."""
    once = speakable(text)
    assert once == speakable(once)


@given(TEXTS, st.integers(1, 40))
def test_what_comes_out_is_bounded_and_plain(text: str, times: int) -> None:
    """Whatever goes in: short tokens, short text, no markup, nothing hidden, or nothing at all."""
    spoken = speakable(text * times)
    assert len(spoken) <= MAX_CHARS
    assert all(len(token) <= MAX_TOKEN_CHARS for token in spoken.split(" "))
    assert not set("[]{}`*_\\\n\t") & set(spoken)
    assert not [c for c in spoken if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn")]
    assert spoken == spoken.strip()
    assert spoken == "" or any(map(str.isalnum, spoken))


@pytest.mark.parametrize("text", ["s'" * 75, "'s" * 80, "i.e." * 300, "i.e. " * 150])
def test_what_kills_the_phonemiser_no_longer_does(text: str) -> None:
    """The known killers, each sent alone."""
    assert [] == run_texts([("en-us", speakable(text))]).crashes


def test_hostile_texts_do_not_kill_the_phonemiser() -> None:
    """Hundreds of hostile texts through Piper's real phonemiser: none crashes or hangs it."""
    report = run(600, seed=20_261_123)
    assert ([], [], 600) == (report.crashes, report.hangs, report.inputs)


def test_the_same_texts_do_kill_it_as_they_are() -> None:
    """The control: what is tried above is really dangerous."""
    assert 3 == len(run(600, seed=20_261_123, raw=True, most_crashes=3).crashes)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Say Hey, Sena! to wake me.", "Say Sena! to wake me."),
        ("hey hey sena sena", "sena sena"),
        ("HEY-SENA's name", "SENA's name"),
        ("Just say Porcupine.", "Just say the wake word."),
        ("Hey Jarvis, or Jarvis.", "the wake word, or the wake word."),
        ("They senate porcupines", "They senate porcupines"),
    ],
)
def test_the_assistant_never_says_its_wake_words(text: str, spoken: str) -> None:
    """The phrase is broken up or replaced; words that only look alike stay."""
    assert spoken == without_wake_words(text, ["hey sena", "porcupine", "", "jarvis", "hey jarvis"])


@given(st.lists(st.sampled_from(["hey", "Sena", "wake", "word", ", ", " ", "-", "x"])))
def test_no_wake_word_is_left_however_it_is_nested(pieces: list[str]) -> None:
    """Taking one away never puts another together."""
    words = ["hey sena", "wake"]
    spoken = without_wake_words("".join(pieces), words)
    assert spoken == without_wake_words(spoken, words)
