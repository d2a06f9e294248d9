"""Settings: where they are read from, which one wins, and what is said about a wrong one."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sena_pi.config import Configuration, load, missing_files
from sena_pi.config_problems import _sounds_secret
from sena_pi.config_show import as_json, as_toml
from sena_pi.endpointer import EndpointerSettings
from sena_pi.engines.gemini import GeminiSettings
from sena_pi.errors import ConfigError
from sena_pi.keys import KeyState
from sena_pi.settings import CATALOGUE, Settings, values
from sena_pi.wake import WakeSettings

GOOGLE_LIKE = "AIzaSyCanary0123456789-abcdefghijklmnop"
PICOVOICE_LIKE = "Canary0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL=="


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def problems(file: Path | None, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {})
    return list(caught.value.problems)


def told(file: Path) -> list[str]:
    try:
        load(file, {})
    except ConfigError as error:
        return list(error.problems)
    return []


def problem(folder: Path, text: str) -> str:
    """The one problem of a file, without the file's name."""
    file = write(folder / "sena.toml", text)
    (line,) = problems(file)
    return line.removeprefix(f"{file}:")


# --- where values come from -------------------------------------------------------------------


def test_no_file_means_the_defaults(folder: Path) -> None:
    """Without any file or variable every setting has its default, and that is not an error."""
    found = load(None, {"CONFIGURATION_DIRECTORY": str(folder / "none")})
    assert Configuration(Settings(), {}, ()) == found


def test_empty_file_means_the_defaults(folder: Path) -> None:
    """An empty file is a valid one."""
    assert Settings() == load(write(folder / "sena.toml", ""), {}).settings


def test_later_sources_win_key_by_key(folder: Path) -> None:
    """Drop-ins win over the file, in the order of their names, and the environment over all."""
    file = write(
        folder / "sena.toml",
        "[listening]\nsilence_s = 0.5\nno_speech_s = 5\nlongest_s = 20\n"
        "[conversation]\nturns = 1\n",
    )
    write(folder / "sena.d" / "20-b.toml", "[listening]\nno_speech_s = 7\nlongest_s = 22\n")
    write(folder / "sena.d" / "10-a.toml", "[listening]\nno_speech_s = 6\n")
    found = load(file, {"SENA_LISTENING_LONGEST_S": "30"})

    listening = found.settings.listening
    assert (0.5, 7.0, 30.0) == (listening.silence_s, listening.no_speech_s, listening.longest_s)
    assert 1 == found.settings.conversation.turns
    assert {
        ("listening", "silence_s"): f"{file}:2",
        ("listening", "no_speech_s"): f"{folder}/sena.d/20-b.toml:2",
        ("listening", "longest_s"): "environment variable SENA_LISTENING_LONGEST_S",
        ("conversation", "turns"): f"{file}:6",
    } == found.origins
    drop_ins = [folder / "sena.d" / name for name in ("10-a.toml", "20-b.toml")]
    assert (file, *drop_ins) == found.files


def test_drop_ins_are_read_without_a_main_file(folder: Path) -> None:
    """A drop-in alone is enough: an image may ship no main file."""
    write(folder / "sena.d" / "a.toml", "[voice]\nthreads = 2\n")
    found = load(None, {"CONFIGURATION_DIRECTORY": str(folder)})
    assert 2 == found.settings.voice.threads


def test_drop_ins_are_read_by_name(folder: Path) -> None:
    """The order is that of the names, not that in which a disk lists them."""
    file = write(folder / "sena.toml", "")
    names = [f"{number:02}.toml" for number in (7, 3, 9, 1, 8, 2, 6, 4, 5, 10)]
    for name in names:
        write(folder / "sena.d" / name, "")
    found = load(file, {}).files[1:]
    assert sorted(names) == [path.name for path in found]


def test_files_that_are_no_drop_ins_are_left_alone(folder: Path) -> None:
    """What an editor or a package manager leaves in the folder is not read."""
    file = write(folder / "sena.toml", "")
    for name in (".#a.toml", "a.toml.dpkg-old", "a.toml~", "README"):
        write(folder / "sena.d" / name, "not TOML at all")
    assert Settings() == load(file, {}).settings


@pytest.mark.parametrize(
    ("variable", "text", "section", "key", "expected"),
    [
        ("SENA_WAKE_ENGINE", "porcupine", "wake", "engine", "porcupine"),
        (
            "SENA_WAKE_WORDS",
            '["Computer", "hey_jarvis"]',
            "wake",
            "words",
            ("computer", "hey jarvis"),
        ),
        ("SENA_WAKE_SENSITIVITY", "0.25", "wake", "sensitivity", 0.25),
        ("SENA_LISTENING_ADAPTIVE", "false", "listening", "adaptive", False),
        ("SENA_CLOUD_ENABLED", "false", "cloud", "enabled", False),
        (
            "SENA_CLOUD_BASE_URL",
            "http://127.0.0.1:8000",
            "cloud",
            "base_url",
            "http://127.0.0.1:8000",
        ),
        ("SENA_LIMITS_REQUESTS_PER_DAY", "7", "limits", "requests_per_day", 7),
        ("SENA_VOICE_FOLDER", "/voices", "voice", "folder", Path("/voices")),
        ("SENA_MICROPHONE_DEVICE", "7", "microphone", "device", "7"),
    ],
)
def test_a_variable_sets_a_key(
    folder: Path, variable: str, text: str, section: str, key: str, expected: object
) -> None:
    """Texts stand in variables as they are, everything else as TOML writes it."""
    found = load(write(folder / "sena.toml", ""), {variable: text}).settings
    assert expected == getattr(getattr(found, section), key)


def test_settings_can_not_be_changed() -> None:
    """Settings are read once; nobody changes them on the way."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().wake.sensitivity = 0.9  # type: ignore[misc]


def test_files_of_other_systems_are_read(folder: Path) -> None:
    """A byte order mark and carriage returns, as Windows editors leave them, do no harm."""
    file = folder / "sena.toml"
    file.write_bytes(b"\xef\xbb\xbf[wake]\r\nsensitivity = 0.75\r\n")
    found = load(file, {})
    assert 0.75 == found.settings.wake.sensitivity
    assert f"{file}:2" == found.origins["wake", "sensitivity"]


def test_home_is_resolved_in_paths(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path may start with the home of whoever runs the command."""
    monkeypatch.setenv("HOME", str(folder))
    file = write(folder / "sena.toml", '[wake]\nporcupine_models = ["~/Hey-Sena.ppn"]\n')
    assert (folder / "Hey-Sena.ppn",) == load(file, {}).settings.wake.porcupine_models


# --- what is said about wrong ones ------------------------------------------------------------


def test_every_problem_of_every_source_is_told_at_once(folder: Path) -> None:
    """Nobody has to correct one mistake to be told of the next."""
    file = write(
        folder / "sena.toml",
        'engine = "auto"\n'
        "[wake]\n"
        'engine = "porcupin"\n'
        "sensitivty = 0.5\n"
        "sensitivity = 3\n"
        'words = ["hey, you"]\n'
        "[cloud]\n"
        'base_url = "http://example.com"\n'
        "[wakeword]\n"
        "[conversation]\n"
        "turns = true\n",
    )
    broken = write(folder / "sena.d" / "a.toml", "[wake\n")
    late = write(folder / "sena.d" / "b.toml", "[voice]\nspeed = 9\n")
    environ = {"SENA_LIMITS_REQUESTS_PER_DAY": "lots", "SENA_WAKE_ENGIN": "auto", "PATH": "/bin"}
    assert [
        f"{file}:1: engine stands in no section; it belongs in [wake].",
        f'{file}:3: wake.engine is "porcupin"; it must be auto, porcupine or microwakeword. '
        "Did you mean `porcupine`?",
        f"{file}:4: there is no setting wake.sensitivty. Did you mean `wake.sensitivity`?",
        f"{file}:5: wake.sensitivity is 3; it must be a number from 0 to 1.",
        f'{file}:6: wake.words is ["hey, you"]; it must be a list of words, such as ["jarvis"].',
        f'{file}:8: cloud.base_url is "http://example.com"; it must be an https:// address '
        "without user, ? or #; http:// only on this machine.",
        f"{file}:9: there is no section [wakeword]. Did you mean [wake]?",
        f"{file}:11: conversation.turns is true; it must be a whole number from 0 to 20.",
        f"{broken}:1: is not TOML: Expected ']' at the end of a table declaration",
        f"{late}:2: voice.speed is 9; it must be a number from 0.5 to 2.",
        'environment variable SENA_LIMITS_REQUESTS_PER_DAY: limits.requests_per_day is "lots"; '
        "it must be a whole number from 0 to 100000.",
        "environment variable SENA_WAKE_ENGIN: there is no setting wake.engin. "
        "Did you mean `wake.engine`?",
    ] == problems(file, environ)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[cloud]\npiper = "x"', "2: there is no setting cloud.piper. Did you mean `voice.piper`?"),
        (
            "[microphone]\nzzz = 1",
            "2: there is no setting microphone.zzz. [microphone] has device.",
        ),
        (
            "[leds]",
            "1: there is no section [leds]. There are wake, microphone, speaker, sounds, "
            "listening, cloud, voice, conversation, cache, limits, light, button.",
        ),
        ("wake = 3", "1: wake must be a section: a line [wake], its keys below."),
        (
            "[wake]\nwords = [1]",
            '2: wake.words is [1]; it must be a list of words, such as ["jarvis"].',
        ),
        (
            '[wake]\nsensitivity = "0.5"',
            '2: wake.sensitivity is "0.5"; it must be a number from 0 to 1.',
        ),
        (
            "[wake]\nsensitivity = nan",
            "2: wake.sensitivity is NaN; it must be a number from 0 to 1.",
        ),
        (
            "[voice]\nthreads = 2.0",
            "2: voice.threads is 2.0; it must be a whole number from 1 to 8.",
        ),
        (
            "[voice]\nspeed = 2026-11-23",
            "2: voice.speed is 2026-11-23; it must be a number from 0.5 to 2.",
        ),
        ("[cloud]\nenabled = 1", "2: cloud.enabled is 1; it must be true or false."),
        (
            '[cloud]\napi_version = "beta"',
            '2: cloud.api_version is "beta"; it must be a version such as v1beta or v1.',
        ),
        (
            '[voice]\nfolder = "voices"',
            '2: voice.folder is "voices"; it must be an absolute path of a folder.',
        ),
        (
            '[voice]\npiper = "../../etc/passwd"',
            '2: voice.piper is "../../etc/passwd"; it must be the name of a Piper voice; '
            "`sena voice list` shows them.",
        ),
        (
            '[wake]\nporcupine_models = ["/a/sena.txt"]',
            '2: wake.porcupine_models is ["/a/sena.txt"]; it must be a list of absolute paths of '
            ".ppn files.",
        ),
        (
            '[microphone]\ndevice = "a\\u0007b"',
            '2: microphone.device is "a\\u0007b"; it must be the name of a device; `sena devices` '
            "lists them.",
        ),
        (
            f'[microphone]\ndevice = "{"x" * 300}"',
            f'2: microphone.device is "{"x" * 56}...; it must be the name of a device; '
            "`sena devices` lists them.",
        ),
        (
            '[voice]\nfolder = "/a\\u0000"',
            '2: voice.folder is "/a\\u0000"; it must be an absolute path of a folder.',
        ),
        (
            "[wake]\nengine = 'auto'\n\nengine = 'auto'\n",
            "4: is not TOML: Cannot overwrite a value",
        ),
    ],
)
def test_a_problem_says_where_what_and_what_instead(folder: Path, text: str, expected: str) -> None:
    """The line, the key, the value and what it may be: word for word."""
    assert expected == problem(folder, text)


def test_a_file_that_is_absurdly_nested_is_told(folder: Path) -> None:
    """What the parser of TOML can't follow is a problem, not a crash."""
    assert "is not TOML" in problem(folder, f"a = {'[' * 5000}")


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.2/",
        "https://user:word@example.com",
        "https://example.com/?key=x",
        "https://",
        "ftp://example.com",
        "example.com",
    ],
)
def test_an_address_that_would_show_the_key_is_refused(folder: Path, url: str) -> None:
    """The key travels by https, or not at all; and it is no part of an address."""
    assert "cloud.base_url" in problem(folder, f'[cloud]\nbase_url = "{url}"')


@pytest.mark.parametrize("url", ["", "https://example.com/gemini", "http://localhost:8000"])
def test_an_address_that_keeps_the_key_is_taken(folder: Path, url: str) -> None:
    """Https anywhere, http on this machine."""
    file = write(folder / "sena.toml", f'[cloud]\nbase_url = "{url}"')
    assert url == load(file, {}).settings.cloud.base_url


def test_numbers_are_taken_up_to_their_bounds_and_no_further(folder: Path) -> None:
    """Each number's smallest and largest value are good; a little beyond them is not."""
    tried = 0
    for section, keys in CATALOGUE.items():
        for key, setting in keys.items():
            bounds = re.fullmatch(r"a (?:whole )?number from ([\d.]+) to ([\d.]+)", setting.expects)
            if bounds is None:
                continue
            low, high = map(json.loads, bounds.groups())
            for value, good in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
                file = write(folder / "sena.toml", f"[{section}]\n{key} = {value}\n")
                if good:
                    assert value == getattr(getattr(load(file, {}).settings, section), key)
                else:
                    assert f"from {low} to {high}" in problems(file)[0]
            tried += 1
    assert 26 == tried


def test_a_file_that_was_asked_for_must_be_there(folder: Path) -> None:
    """A wrong --config is told, not passed over."""
    file = folder / "none.toml"
    assert [f"{file}: can't be read: No such file or directory"] == problems(file)


def test_an_unreadable_file_is_told(folder: Path) -> None:
    """What can't be read is a problem, main file or drop-in."""
    (folder / "sena.d" / "a.toml").mkdir(parents=True)
    (folder / "sena.toml").symlink_to(folder / "sena.toml")
    reasons = [line.rpartition(": ")[2] for line in problems(folder / "sena.toml")]
    assert ["Too many levels of symbolic links", "Is a directory"] == reasons


def test_an_unreadable_folder_of_drop_ins_is_told(folder: Path) -> None:
    """A folder that leads nowhere is not the same as no folder."""
    (folder / "sena.d").symlink_to(folder / "sena.d")
    file = write(folder / "sena.toml", "")
    assert [f"{folder}/sena.d: can't be read: Too many levels of symbolic links"] == problems(file)


def test_a_file_in_another_encoding_is_told(folder: Path) -> None:
    """Latin-1 is not UTF-8, and is not guessed at."""
    file = folder / "sena.toml"
    file.write_bytes("[microphone]\ndevice = 'Gerät'\n".encode("latin-1"))
    assert [f"{file}: is not a text in UTF-8; save it as such"] == problems(file)


@pytest.mark.parametrize(
    "text",
    ["lots", "", "1\nother = 2", "1 2", "[" * 5000],
    ids=["word", "none", "two", "pair", "deep"],
)
def test_a_variable_that_is_no_toml_value_is_told(folder: Path, text: str) -> None:
    """Anything that is not one value of TOML is a problem of that variable."""
    (line,) = problems(write(folder / "sena.toml", ""), {"SENA_VOICE_THREADS": text})
    assert line.startswith("environment variable SENA_VOICE_THREADS: voice.threads is ")
    assert line.endswith("; it must be a whole number from 1 to 8.")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.text(alphabet=st.characters(codec="utf-8"), max_size=60),
    table=st.sampled_from(["", *CATALOGUE]),
)
def test_any_text_gives_settings_or_problems(tmp_path: Path, text: str, table: str) -> None:
    """Whatever stands in a file, a person gets settings or an error meant for people."""
    file = tmp_path / "sena.toml"
    file.write_bytes(f"[{table}]\n{text}".encode() if table else text.encode())
    assert all(line.startswith(str(file)) for line in told(file))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    place=st.sampled_from([(section, key) for section, keys in CATALOGUE.items() for key in keys]),
    value=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    ).filter(lambda value: "null" not in json.dumps(value)),
)
def test_any_value_is_taken_or_refused_by_name(
    tmp_path: Path, place: tuple[str, str], value: object
) -> None:
    """A value of any type either is the setting's value or is a problem that names the key."""
    section, key = place
    toml = json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")
    file = tmp_path / "sena.toml"
    file.write_bytes(
        re.sub(r"\\ud[89ab]..\\ud[c-f]..", "x", f"[{section}]\n{key} = {toml}\n").encode()
    )
    beginnings = (f"{file}:2: {section}.{key} is ", f"{file}:2: is not TOML: ")
    assert all(line.startswith(beginnings) for line in told(file))


# --- keys do not belong here ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where", "name"),
    [
        ("[cloud]\napi_key = 'canary-1'", "2: cloud.api_key", "gemini"),
        ("[wake]\naccess_key = 'canary-1'", "2: wake.access_key", "porcupine"),
        ("[keys]\ngemini = 'canary-1'", "2: keys.gemini", "gemini"),
        ("[keys]\nporcupine = 'canary-1'", "2: keys.porcupine", "porcupine"),
        ("gemini_key = 'canary-1'", "1: gemini_key", "gemini"),
        ("[keys]", "1: keys", "gemini"),
        (f"[cloud]\nmodel = '{GOOGLE_LIKE}'", "2: cloud.model", "gemini"),
        (f"[wake]\nwords = ['{PICOVOICE_LIKE}']", "2: wake.words", "porcupine"),
    ],
)
def test_a_key_in_the_file_is_refused_and_not_repeated(
    folder: Path, text: str, where: str, name: str
) -> None:
    """A key under any name, or anything that looks like one: refused, with the way to do it."""
    expected = f"{where}: keys do not belong in the TOML; run `sena key set {name}`."
    assert expected == problem(folder, text)


@pytest.mark.parametrize(
    "text",
    [
        f"{GOOGLE_LIKE} = 1",
        f"[{GOOGLE_LIKE}]",
        f"[wake]\n{GOOGLE_LIKE} = 1",
        f"[wake]\nsensitivity = '{PICOVOICE_LIKE}'",
        f"[nothing]\nx = [['{GOOGLE_LIKE}']]",
        f"['{GOOGLE_LIKE}']\n['{GOOGLE_LIKE}']",
    ],
)
def test_a_key_in_the_wrong_place_is_not_repeated(folder: Path, text: str) -> None:
    """Wherever a key was pasted to, no message holds it."""
    lines = problems(write(folder / "sena.toml", text))
    assert "canary" not in "\n".join(lines).lower()


def test_a_key_in_a_variable_is_refused_and_not_repeated(folder: Path) -> None:
    """Variables are seen by every child process: keys do not belong there either."""
    file = write(folder / "sena.toml", "")
    environ = {
        "SENA_CLOUD_API_KEY": "canary-1",
        "SENA_CLOUD_MODEL": GOOGLE_LIKE,
        "SENA_VOICE_THREADS": f"{GOOGLE_LIKE} or so",
        "SENA_VOICE_SPEED": f"it is {PICOVOICE_LIKE} or so",
    }
    lines = problems(file, environ)
    assert (
        "environment variable SENA_CLOUD_API_KEY: cloud.api_key: keys do not belong in the "
        "environment as SENA_*; run `sena key set gemini`."
    ) == lines[0]
    assert 4 == len(lines)
    assert "canary" not in "\n".join(lines).lower()


# --- what there is ----------------------------------------------------------------------------


def test_the_catalogue_is_fit_to_be_read() -> None:
    """Each setting says what it means; no name breaks the rules that messages rely on."""
    for section, keys in CATALOGUE.items():
        assert "_" not in section, "the first _ of SENA_<SECTION>_<KEY> ends the section"
        assert not _sounds_secret(section)
        for key, setting in keys.items():
            assert not _sounds_secret(key), f"{key} would be refused as a key"
            assert setting.description.endswith("."), f"{section}.{key} is not described"
            assert not key.endswith("_s") or "econd" in setting.description, f"{key} has no unit"


def test_shown_settings_can_be_read_back(folder: Path) -> None:
    """`config show` prints TOML that means the same, with the origin of each value."""
    file = write(
        folder / "sena.toml",
        '[microphone]\ndevice = "Gerät \\"1\\" \\\\ #"\n[voice]\nfolder = "/v"\n'
        '[wake]\nwords = ["a", "b"]\n',
    )
    first = load(file, {"SENA_CLOUD_ENABLED": "false"})
    for describe in (False, True):
        shown = as_toml(first, [], describe=describe)
        again = load(write(folder / "again.toml", shown), {})
        assert first.settings == again.settings
    assert f'words = ["a", "b"]  # {file}:6' in shown
    assert "enabled = false  # environment variable SENA_CLOUD_ENABLED" in shown
    assert "silence_s = 0.7  # default" in shown


def test_every_key_is_shown_with_its_description() -> None:
    """The reference is complete."""
    shown = as_toml(Configuration(Settings(), {}, ()), [], describe=True)
    prose = " ".join(shown.replace("# ", " ").split())
    tables = tomllib.loads(shown)
    for section, keys in CATALOGUE.items():
        assert list(keys) == list(tables[section])
        for setting in keys.values():
            assert (
                " ".join(f"{setting.description} ({setting.expects})".replace("# ", " ").split())
                in prose
            )


def test_shown_json_holds_values_origins_and_keys() -> None:
    """The same for machines."""
    origins = {("voice", "threads"): "/f:2"}
    configuration = Configuration(Settings(), origins, ())
    shown = json.loads(as_json(configuration, [KeyState("gemini", origin="/k")]))
    assert values(Settings()) == shown["settings"]
    assert "/f:2" == shown["origins"]["voice.threads"]
    assert "default" == shown["origins"]["voice.speed"]
    assert [{"name": "gemini", "set": True, "origin": "/k", "problem": None}] == shown["keys"]


def test_sections_fit_the_parts_that_take_them() -> None:
    """The defaults and names here are those of the engines: neither drifts from the other."""
    tables = values(Settings())
    assert WakeSettings() == WakeSettings.from_dict(tables["wake"])
    assert EndpointerSettings() == EndpointerSettings.from_dict(tables["listening"])
    ours = {"enabled", "local_commands"}
    cloud = {key: value for key, value in tables["cloud"].items() if key not in ours}
    assert GeminiSettings(language="en-US") == GeminiSettings(**cloud)  # type: ignore[arg-type]


def test_files_that_are_named_must_exist(folder: Path) -> None:
    """`config check` looks whether models are there, and says which setting names them."""
    here = write(folder / "here.ppn", "")
    file = write(
        folder / "sena.toml",
        "[wake]\n"
        f'porcupine_models = ["{here}", "{folder}/gone.ppn"]\n'
        f'microwakeword_models = ["{folder}", "{here}/x.json"]\n'
        f'[voice]\nfolder = "{here}"\n',
    )
    assert [
        f"{file}:2: wake.porcupine_models: {folder}/gone.ppn: there is no such file",
        f"{file}:3: wake.microwakeword_models: {here}/x.json: can't be read: Not a directory",
        f"{file}:5: {here} is not a folder",
    ] == missing_files(load(file, {}))
