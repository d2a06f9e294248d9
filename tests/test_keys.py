"""Keys: where they are found, how they are kept, and that they are never shown."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import resource
import stat
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PosixPath

import pytest

from sena_pi.errors import ConfigError, KeyRefused, SenaError
from sena_pi.keys import Key, KeyState, KeyStore, Secret, looks_like_key, mask_keys
from sena_pi.places import config_file, keys_folder, state_folder
from sena_pi.replace import replace_file

CANARY = "AIzaSyCanary0123456789-abcdefghijklmnop"
ODD = "holds a character that no key has (a space, a quote, a second line)"
OLDER = "AIzaSyOlder00123456789-abcdefghijklmnop"


@dataclass(frozen=True)
class Places:
    """A keys folder and a credentials folder."""

    folder: Path
    credentials: Path

    def store(self, **environ: str) -> KeyStore:
        return KeyStore(self.folder, credentials=self.credentials, environ=environ)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = Places(tmp_path / "keys", tmp_path / "credentials")
    found.folder.mkdir()
    found.credentials.mkdir()
    return found


def put(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def value(key: Key | None) -> str | None:
    return key.secret.reveal() if key else None


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow: each write fails with EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- finding ----------------------------------------------------------------------------------


def test_no_key_is_no_error(places: Places) -> None:
    """Without any key nothing is raised: it is a state."""
    store = places.store()
    assert store.find("gemini") is None
    assert [KeyState("gemini"), KeyState("porcupine")] == store.states()


def test_places_are_looked_at_in_order(places: Places) -> None:
    """Credentials, then the file, then the environment: the first that has the key."""
    environ = {"GOOGLE_API_KEY": "from-google-name", "GEMINI_API_KEY": "from-gemini-name"}
    layers = [
        (places.credentials / "keys_gemini", "credential keys_gemini"),
        (places.credentials / "gemini", "credential gemini"),
        (places.folder / "gemini", str(places.folder / "gemini")),
    ]
    for path, _ in layers:
        put(path, f"from-{path.name}-of-{path.parent.name}\n")
    for path, origin in layers:
        expected = Key("gemini", Secret(f"from-{path.name}-of-{path.parent.name}"), origin)
        assert expected == places.store(**environ).find("gemini")
        path.unlink()
    assert "from-gemini-name" == value(places.store(**environ).find("gemini"))
    del environ["GEMINI_API_KEY"]
    found = places.store(**environ).find("gemini")
    assert Key("gemini", Secret("from-google-name"), "environment variable GOOGLE_API_KEY") == found


def test_names_are_kept_apart(places: Places) -> None:
    """One service's key is never sent to the other."""
    put(places.folder / "gemini", "key-of-gemini")
    store = places.store(GEMINI_API_KEY="key-of-gemini", PORCUPINE_API_KEY="nobody-reads-this")
    assert store.find("porcupine") is None


def test_an_empty_file_counts_as_none(places: Places) -> None:
    """A placeholder that an image ships does not hide the key in the next place."""
    put(places.credentials / "keys_gemini", " \n")
    put(places.folder / "gemini", "")
    assert "from-environment" == value(
        places.store(GEMINI_API_KEY="from-environment").find("gemini")
    )


def test_a_key_is_trimmed(places: Places) -> None:
    """White space around a key, as editors and pastes leave it, is not part of it."""
    put(places.folder / "gemini", f"  {CANARY}\r\n\n")
    assert value(places.store().find("gemini")) == CANARY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_a_file_open_to_others_is_refused(places: Places, mode: int) -> None:
    """The key is not used, and the way to mend it is told."""
    path = put(places.folder / "gemini", CANARY, mode)
    with pytest.raises(KeyRefused) as refused:
        places.store().find("gemini")
    assert f"{path} is open to others (mode {mode:04o}); run: chmod 600 {path}" == str(
        refused.value
    )
    assert KeyState("gemini", problem=str(refused.value)) == places.store().states()[0]


def test_a_credential_may_show_the_bits_of_a_group(places: Places) -> None:
    """Systemd lets the service's user in by an access list: 0440 there is not open to others."""
    put(places.credentials / "keys_gemini", CANARY, 0o440)
    assert value(places.store().find("gemini")) == CANARY


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("two words", ODD),
        (f'"{CANARY}"', ODD),
        (f"GEMINI_API_KEY={CANARY}", ODD),
        (f"{CANARY}\n{CANARY}", ODD),
        ("schlüssel", ODD),
        ("x" * 513, "is longer than 512 characters"),
        ("x" * 100_000, "is longer than 512 characters"),
    ],
)
def test_what_has_not_the_shape_of_a_key_is_refused(
    places: Places, text: str, trouble: str
) -> None:
    """A bad paste is told when it is read and when it is kept, without repeating it."""
    path = put(places.folder / "gemini", text)
    with pytest.raises(KeyRefused) as read:
        places.store().find("gemini")
    assert f"the gemini key ({path}) {trouble}; set it again: sena key set gemini" == str(
        read.value
    )
    with pytest.raises(KeyRefused) as kept:
        places.store().save("gemini", text)
    assert (f"the gemini key (what was given) {trouble}; set it again: sena key set gemini") == str(
        kept.value
    )
    assert text == path.read_text(), "a refused key replaced the old one"


def test_what_is_no_file_is_refused(places: Places) -> None:
    """A folder or a pipe in the place of a key neither hangs nor crashes."""
    os.mkfifo(places.folder / "gemini", 0o600)
    with pytest.raises(KeyRefused, match="is not a file; remove it"):
        places.store().find("gemini")
    (places.folder / "porcupine").symlink_to(places.folder / "porcupine")
    with pytest.raises(KeyRefused, match=r"can't read .*/porcupine: Too many levels"):
        places.store().find("porcupine")


# --- keeping ----------------------------------------------------------------------------------


def test_a_kept_key_is_found_again(tmp_path: Path) -> None:
    """The folder is made, private; the file is private whatever the umask; the new key wins."""
    store = KeyStore(tmp_path / "sena" / "keys")
    mask = os.umask(0)
    try:
        store.save("gemini", OLDER)
        path = store.save("gemini", f" {CANARY}\n")
    finally:
        os.umask(mask)
    assert tmp_path / "sena" / "keys" / "gemini" == path
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)
    assert [path] == list(path.parent.iterdir())
    assert value(store.find("gemini")) == CANARY


def test_a_full_disk_leaves_the_old_key(places: Places) -> None:
    """What can't be written whole is not written at all, and leaves nothing lying about."""
    path = put(places.folder / "gemini", OLDER)
    with full_disk(), pytest.raises(ConfigError) as error:
        places.store().save("gemini", CANARY)
    assert f"can't write {path}: File too large" == str(error.value)
    assert value(places.store().find("gemini")) == OLDER
    assert [path] == list(places.folder.iterdir())


def test_an_unfinished_file_is_hidden_and_private(tmp_path: Path) -> None:
    """While it is written the file has a dot in front, where systemd skips it, and its mode."""
    seen = []

    class Watched(PosixPath):
        """A path that looks at its folder at the moment of the rename."""

        def replace(self, target: str | Path) -> Path:
            seen.extend((p.name, stat.S_IMODE(p.stat().st_mode)) for p in tmp_path.iterdir())
            return super().replace(target)

    replace_file(Watched(tmp_path / "gemini"), b"x", mode=0o600)
    ((name, mode),) = seen
    assert name.startswith(".gemini.")
    assert 0o600 == mode


def test_a_removed_key_is_gone(places: Places) -> None:
    """Removing deletes the file, once."""
    path = put(places.folder / "gemini", CANARY)
    assert path == places.store().remove("gemini")
    assert places.store().remove("gemini") is None
    assert places.store().find("gemini") is None


def test_removing_from_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    """What can't be deleted is told with its reason."""
    folder = put(tmp_path / "keys", "")
    with pytest.raises(ConfigError, match=r"can't delete .*/gemini: Not a directory"):
        KeyStore(folder).remove("gemini")


# --- never showing ----------------------------------------------------------------------------


def test_a_secret_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Printed, formatted, logged, in a traceback, in a dataclass: never the value."""
    caplog.set_level(logging.DEBUG)
    secret = Secret(CANARY)
    key = Key("gemini", secret, "somewhere")
    logging.getLogger("test").warning("%s %r", secret, key)
    trace = "".join(traceback.format_exception(SenaError(f"{secret} {key}")))
    shown = [str(secret), repr(secret), f"{secret}", f"{key}", caplog.text, trace, str(dir(secret))]
    assert "Canary" not in "".join(shown)
    assert "Secret(***)" == repr(secret)
    assert not hasattr(secret, "__dict__")
    assert secret.reveal() == CANARY


@pytest.mark.parametrize("escape", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_a_secret_does_not_leave_by_accident(escape: object) -> None:
    """Serialising a key, to a file or another process, takes `reveal`."""
    with pytest.raises(TypeError):
        escape(Secret(CANARY))  # type: ignore[operator]
    with pytest.raises(TypeError):
        asdict(Key("gemini", Secret(CANARY), "somewhere"))


def test_secrets_are_compared_by_value() -> None:
    """Whether a key has changed can be told without showing either."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert 1 == len({Secret("a"), Secret("a")})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"key={CANARY}!", "key=(hidden)!"),
        ("AQ.Ab8RN6canary0123456789-abcdefghijklmnop", "(hidden)"),
        ("canary0123456789abcdefghijklmnopqrstuvwxyz+/ABCDEFGHIJKL==", "(hidden)"),
        ("/etc/sena/keys/gemini has no key", "/etc/sena/keys/gemini has no key"),
        ("/home/someone/.local/state/sena/voices/en_US-ljspeech-medium.onnx.json", None),
        ("gemini-3.8-flash-lite-tts", None),
        ("4f9c3d0e9b1a4f9c3d0e9b1a4f9c3d0e9b1a4f9c3d0e9b1a4f9c3d0e9b1a4f9c", None),
    ],
)
def test_what_looks_like_a_key_is_hidden(text: str, expected: str | None) -> None:
    """Google's and Picovoice's forms are; paths, models and checksums are not."""
    assert (expected or text) == mask_keys(text)
    assert (mask_keys(text) != text) == looks_like_key(text)


# --- places -----------------------------------------------------------------------------------


def test_root_and_services_use_the_systems_folders() -> None:
    """Root has /etc and /var; a service has what systemd gives it."""
    assert Path("/etc/sena/sena.toml") == config_file({})
    assert Path("/etc/sena/keys") == keys_folder({}, user_id=0)
    assert Path("/var/lib/sena") == state_folder({}, user_id=0)
    service = {"CONFIGURATION_DIRECTORY": "/c/sena", "STATE_DIRECTORY": "/s/sena:/s/other"}
    assert Path("/c/sena/sena.toml") == config_file(service)
    assert Path("/c/sena/keys") == keys_folder(service, user_id=999)
    assert Path("/s/sena") == state_folder(service, user_id=999)


def test_a_user_has_folders_of_their_own() -> None:
    """Where the XDG rules say; relative values there are ignored, as these rules ask."""
    given = {"HOME": "/home/u", "XDG_CONFIG_HOME": "/x/config", "XDG_STATE_HOME": "/x/state"}
    assert Path("/x/config/sena/keys") == keys_folder(given, user_id=1000)
    assert Path("/x/state/sena") == state_folder(given, user_id=1000)
    plain = {"HOME": "/home/u", "XDG_CONFIG_HOME": "relative"}
    assert Path("/home/u/.config/sena/keys") == keys_folder(plain, user_id=1000)
    assert Path("/home/u/.local/state/sena") == state_folder(plain, user_id=1000)


def test_this_process_finds_its_keys_by_its_environment(places: Places) -> None:
    """Credentials, folder and variables are those the environment names."""
    environ = {
        "CREDENTIALS_DIRECTORY": str(places.credentials),
        "CONFIGURATION_DIRECTORY": str(places.folder.parent),
        "GEMINI_API_KEY": "from-environment",
    }
    put(places.folder / "porcupine", "from-the-file")
    store = KeyStore.from_environment(environ)
    assert "from-environment" == value(store.find("gemini"))
    assert "from-the-file" == value(store.find("porcupine"))
    put(places.credentials / "keys_porcupine", "from-systemd")
    assert "from-systemd" == value(store.find("porcupine"))
