"""What is understood of a file that was written on a PC, and how mistakes are told."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sena_pi.config import load
from sena_pi.errors import ConfigError
from sena_pi.first_boot.boot_partition import MOST_BYTES
from sena_pi.first_boot.card_file import MARK, read
from tests.first_boot.taker import CARD, GEMINI, PORCUPINE, REDACTED, Card

SECRET = "not-of-any-known-form-0123456789"


def problems(text: str | bytes) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(text.encode() if isinstance(text, str) else text)
    return caught.value.problems


def test_keys_and_settings_are_told_apart() -> None:
    """Blanks around a key are not part of it, and the other line ends change nothing."""
    file = read(CARD)
    assert {"gemini": GEMINI, "porcupine": PORCUPINE} == {
        name: key.reveal() for name, key in file.keys.items()
    }
    assert {"wake": {"words": ["Jarvis"]}, "cloud": {"language": "de-DE"}} == file.settings


def test_only_the_keys_are_replaced_and_nothing_moves() -> None:
    """Comments, line ends and the length of the file stay as they were."""
    file = read(CARD)
    assert REDACTED == file.redacted
    assert len(CARD) == len(file.redacted)
    assert MARK == tomllib.loads(file.redacted.decode())["keys"]["porcupine"].strip()


def test_a_redacted_file_is_a_good_one_without_new_keys() -> None:
    """It can be edited and saved again."""
    file = read(REDACTED)
    assert ({}, ("gemini", "porcupine")) == (file.keys, file.moved)
    assert REDACTED == file.redacted


@pytest.mark.parametrize(
    "text",
    [
        f'keys.gemini = "{GEMINI}"',
        f"keys = {{ gemini = '{GEMINI}' }}",
        f'[keys]\ngemini = """\n{GEMINI}"""',
        f'\ufeff[keys]\r\n"gemini" = "{GEMINI}"\r\n',
        f'# old: {GEMINI}\n[keys]\ngemini = "{GEMINI}"\nporcupine = ""\n',
    ],
)
def test_a_key_is_gone_however_toml_lets_it_be_written(text: str) -> None:
    """Also from a comment that holds the same one."""
    file = read(text.encode())
    assert GEMINI == file.keys["gemini"].reveal()
    assert GEMINI.encode() not in file.redacted
    assert MARK == tomllib.loads(file.redacted.decode("utf-8-sig"))["keys"]["gemini"].strip()


def test_another_key_in_a_comment_is_told_and_stays() -> None:
    """It may be somebody's note; whoever takes the card can read it."""
    file = read(f"# mine was {GEMINI}\n".encode())
    assert ("sena.toml:1: something like a key stands in a comment, and stays there",) == (
        file.remarks
    )


def test_the_settings_can_be_read_back(card: Card) -> None:
    """As a drop-in they mean the same."""
    text = (
        '[wake]\nwords = ["Jarvis", "computer"]\nsensitivity = 0.75\n[light]\ncount = 3\n'
        '[microphone]\ndevice = "a \\"quoted\\" \\\\ name \\u00e4"\n[cloud]\nenabled = false\n'
    )
    place = card.etc / "sena.d" / "50-card.toml"
    place.parent.mkdir()
    place.write_bytes(read(text.encode()).drop_in())
    plain = card.etc / "plain.toml"
    plain.write_text(text)
    environment = {"CONFIGURATION_DIRECTORY": str(card.etc)}
    assert load(plain, {}).settings == load(None, environment).settings


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"gemini = {GEMINI}", 'keys.gemini needs straight quotes: gemini = "..."'),
        (f"gemini = \u201c{GEMINI}\u201d", 'keys.gemini needs straight quotes: gemini = "..."'),
        (f'gemini = "{GEMINI}', 'keys.gemini needs straight quotes: gemini = "..."'),
        (f"gemini = {SECRET}", 'keys.gemini needs straight quotes: gemini = "..."'),
        ('gemini = "two words of a key and more"', "keys.gemini holds a character that no key has"),
        ('gemini = "AIzaSyShort"', "keys.gemini is too short for a key; copy the whole of it"),
        ("gemini = 3", 'keys.gemini must be a text between quotes: gemini = "..."'),
        (f'gemini = "\\u0041{SECRET}"', "keys.gemini is written with a backslash"),
        ('gemnii = ""', "there is no key gemnii; there are gemini and porcupine."),
        (f'gemnii = "{SECRET}"', "there is no key gemnii; there are gemini and porcupine."),
    ],
)
def test_a_key_that_is_written_wrongly_is_told_by_its_line(line: str, told: str) -> None:
    """By its name, and never as it was written."""
    (problem,) = problems(f"# mine\n[keys]\n{line}\n")
    assert problem.startswith(f"sena.toml:3: {told}")
    assert not any(secret in problem for secret in (GEMINI, SECRET))


def test_every_mistake_is_told_at_once_and_no_value() -> None:
    """By section, key and line."""
    found = problems(
        f'[keys]\ngemnii = "{SECRET}"\n[wake]\nengine = "porcupin"\nsensitivity = 31.5\n'
        f'porcupine_models = ["/nowhere/a.ppn"]\n[cloud]\nlanguage = "{SECRET}"\n'
        f'voice = "{GEMINI}"\n[sound]\nchimes = true\n'
    )
    starts = zip(found, _STARTS, strict=True)
    assert [*_STARTS] == [problem[: len(start)] for problem, start in starts]
    assert not any(
        value in problem for problem in found for value in (SECRET, GEMINI, "31.5", 'porcupin"')
    )


_STARTS = [
    "sena.toml:2: there is no key gemnii",
    "sena.toml:4: wake.engine must be auto, porcupine or microwakeword",
    "sena.toml:5: wake.sensitivity must be a number from 0 to 1.",
    "sena.toml:8: cloud.language must be a language tag",
    "sena.toml:9: cloud.voice is no place for a key; it belongs there: [keys] gemini",
    "sena.toml:10: there is no section [sound]",
]


def test_a_file_that_is_named_and_not_there_is_told() -> None:
    """Without its path."""
    assert (
        "sena.toml:2: wake.porcupine_models names a file or folder that is not on the device",
    ) == problems('[wake]\nporcupine_models = ["/nowhere/a.ppn"]\n')


def test_a_key_among_the_settings_is_refused() -> None:
    """The settings can be read by all; it would stay there."""
    text = f'[keys]\ngemini = "{SECRET}"\n[microphone]\ndevice = "{SECRET}"\n'
    assert (
        "sena.toml: a key stands in [microphone] as well; it belongs in [keys] only",
    ) == problems(text)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_notepads_unicode_is_told_with_what_to_click(encoding: str) -> None:
    """With and without the mark that begins it."""
    (problem,) = problems(f'[keys]\ngemini = "{GEMINI}"\n'.encode(encoding))
    assert "UTF-16" in problem
    assert "Save as" in problem


def test_what_can_not_be_the_right_file_is_not_read() -> None:
    """A film by the name of it."""
    assert ("sena.toml: is longer than 64 KB; it can't be the right file",) == problems(
        b"#" * (MOST_BYTES + 1)
    )


def test_nothing_shows_a_key() -> None:
    """Not the file's own description in a traceback, either."""
    assert GEMINI not in repr(read(CARD))


_PIECES = st.sampled_from(
    [
        *("[keys]", "[wake]", "keys", "gemini", "porcupine", "words", "=", ".", "#", "\n", "\r\n"),
        *('"', "'", '"""', "[", "]", "{", "}", ",", " ", "\\", "3", "\ufeff", "\u2028", "\x00"),
        *(f'"{GEMINI}"', GEMINI, SECRET, f'"{SECRET}"', MARK, f'gemini = "{SECRET}"\n'),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=24).map("".join) | st.binary(max_size=60))
@example(f'[keys]\ngemini = "{SECRET}"\n[{SECRET}]\n')
@example(f'[keys]\ngemini = "{SECRET}"\n{SECRET} = ""\n')
@example(f'[wake]\nwords = []\n[keys]\ngemini = "{SECRET}"\n[cloud]\n{SECRET} = 1\n')
def test_any_file_is_either_bad_or_without_keys_afterwards(text: str | bytes) -> None:
    """No other error, no key that stays, and nothing but keys that changes its length."""
    data = text.encode() if isinstance(text, str) else text
    try:
        file = read(data)
    except ConfigError:
        return
    assert len(data) == len(file.redacted)
    for key in file.keys.values():
        assert key.reveal().encode() not in file.redacted
    again = read(file.redacted)
    assert ({}, file.settings) == (again.keys, again.settings)
