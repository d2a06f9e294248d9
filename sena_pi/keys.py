"""Keys of the services: where they are looked for, how they are kept, and never shown.

A key is looked for in this order; an empty file counts as none:

1. `$CREDENTIALS_DIRECTORY`, where systemd puts `LoadCredential=keys:/etc/sena/keys`: the files
   of that folder, as `keys_gemini` and so on (or a credential named `gemini`);
2. the file `gemini` in the keys folder (`/etc/sena/keys`, or a user's own), mode 0600;
3. for development, the environment variables Google's own tools read.
"""

from __future__ import annotations

import hmac
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Never

from sena_pi.errors import ConfigError, KeyRefused
from sena_pi.places import keys_folder
from sena_pi.replace import replace_file, sync_folder

KEY_NAMES: Final = ("gemini", "porcupine")
_VARIABLES: Final = {"gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY")}

_LONGEST = 512
# What may stand in an HTTP header as a token: a key with anything else was pasted wrongly.
_SHAPE = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_KEY_LIKE = re.compile(
    r"(?:AIza|AQ\.)[\w-]{30,}"  # Google
    r"|[A-Za-z0-9+/]{50,}={1,2}"  # Picovoice
)


class Secret:
    """A value that is shown nowhere: not by `print`, a log line, a traceback or a pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the library that needs it and nobody else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Never:
        raise TypeError("a key is not pickled or copied")


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was found.

    Attributes:
        name: one of `KEY_NAMES`.
        secret: its value.
        origin: where it was found, for people.
    """

    name: str
    secret: Secret
    origin: str


@dataclass(frozen=True, slots=True)
class KeyState:
    """What can be told about a key.

    Attributes:
        name: one of `KEY_NAMES`.
        origin: where it was found, None when it is not set.
        problem: why what was found can't be used.
    """

    name: str
    origin: str | None = None
    problem: str | None = None


class KeyStore:
    """Finds keys, and keeps them in one folder. Blocking, but only for small files."""

    def __init__(
        self,
        folder: Path,
        *,
        credentials: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._credentials = credentials
        self._environ = environ or {}

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> KeyStore:
        """The keys of this process: its credentials, its user's folder, its environment."""
        given = environ.get("CREDENTIALS_DIRECTORY")
        credentials = Path(given) if given else None
        return cls(keys_folder(environ), credentials=credentials, environ=environ)

    def find(self, name: str) -> Key | None:
        """The key of this name, None when it is not set.

        Raises:
            KeyRefused: there is one that can't be used: others can read it, it can't be read,
                or it has not the shape of a key.
        """
        for origin, text in self._places(name):
            if text.strip():
                return Key(name, Secret(_checked(name, text, origin)), origin)
        return None

    def states(self) -> list[KeyState]:
        """What can be told about each key, in the order of `KEY_NAMES`."""
        return [self._state(name) for name in KEY_NAMES]

    def save(self, name: str, text: str) -> Path:
        """Keep a key in the folder, mode 0600, in the place of an older one.

        Raises:
            KeyRefused: it has not the shape of a key.
            ConfigError: it can't be written.
        """
        path = self._folder / name
        value = _checked(name, text, "what was given")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(self._folder.parent)
            replace_file(path, f"{value}\n".encode(), mode=0o600)
        except OSError as error:
            raise ConfigError([_hint(f"can't write {path}", error)]) from None
        return path

    def remove(self, name: str) -> Path | None:
        """Delete a key's file; its path, None when there was none.

        Raises:
            ConfigError: it can't be deleted.
        """
        path = self._folder / name
        try:
            path.unlink()
            sync_folder(self._folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError([_hint(f"can't delete {path}", error)]) from None
        return path

    def _state(self, name: str) -> KeyState:
        try:
            key = self.find(name)
        except KeyRefused as refused:
            return KeyState(name, problem=str(refused))
        return KeyState(name, origin=key.origin if key else None)

    def _places(self, name: str) -> Iterator[tuple[str, str]]:
        """(where, text) of each place that holds something, the first one first."""
        if self._credentials is not None:
            for credential in (f"keys_{name}", name):
                # No look at the mode: systemd guards the folder, and lets the service's user in
                # by an access list, which shows as the bits of a group.
                text = _read(self._credentials / credential, others_may_read=True)
                if text is not None:
                    yield f"credential {credential}", text
        text = _read(self._folder / name, others_may_read=False)
        if text is not None:
            yield str(self._folder / name), text
        for variable in _VARIABLES.get(name, ()):
            yield f"environment variable {variable}", self._environ.get(variable, "")


def looks_like_key(text: str) -> bool:
    """True when some part of `text` has the form of a Google or Picovoice key."""
    return _KEY_LIKE.search(text) is not None


def mask_keys(text: str) -> str:
    """`text` with everything hidden that `looks_like_key`."""
    return _KEY_LIKE.sub("(hidden)", text)


def trouble_of(value: str) -> str:
    """Why this is no key, after "it"; empty when it may be one."""
    if not value:
        return "is empty"
    if len(value) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if not _SHAPE.fullmatch(value):
        return "holds a character that no key has (a space, a quote, a second line)"
    return ""


def _checked(name: str, text: str, origin: str) -> str:
    value = text.strip()
    if trouble := trouble_of(value):
        raise KeyRefused(f"the {name} key ({origin}) {trouble}; set it again: sena key set {name}")
    return value


def _read(path: Path, *, others_may_read: bool) -> str | None:
    """The text of a key file, cut at what no key reaches; None when there is no file."""
    try:
        # Not blocking: a named pipe in its place would hang us.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise KeyRefused(_hint(f"can't read {path}", error)) from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyRefused(f"{path} is not a file; remove it")
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077 and not others_may_read:
            raise KeyRefused(f"{path} is open to others (mode {mode:04o}); run: chmod 600 {path}")
        return file.read(4 * _LONGEST).decode("ascii", errors="replace")


def _hint(what: str, error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    root = "; run this as root (sudo)" if isinstance(error, PermissionError) else ""
    return f"{what}: {reason}{root}"
