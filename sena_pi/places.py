"""Where files lie: what systemd gives a service, the system's folders for root, a user's own.

A service has `$CONFIGURATION_DIRECTORY`, `$STATE_DIRECTORY`, `$CACHE_DIRECTORY` and
`$RUNTIME_DIRECTORY` when its unit asks for `ConfigurationDirectory=sena`, `StateDirectory=sena`,
`CacheDirectory=sena` and `RuntimeDirectory=sena`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SERVICE_RUNTIME_FOLDER: Final = Path("/run/sena")
"""The runtime folder of the service, for those who look for it from outside."""

_SYSTEM: Final = Path("/etc/sena")


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The main file of settings: `/etc/sena/sena.toml`, whoever asks."""
    return (_given(environ, "CONFIGURATION_DIRECTORY") or _SYSTEM) / "sena.toml"


def keys_folder(environ: Mapping[str, str] = os.environ, *, user_id: int | None = None) -> Path:
    """The folder of key files: `/etc/sena/keys`, or `$XDG_CONFIG_HOME/sena/keys` of a user."""
    given = _given(environ, "CONFIGURATION_DIRECTORY")
    if given is None:
        root = _is_root(user_id)
        given = _SYSTEM if root else _user_folder(environ, "XDG_CONFIG_HOME", ".config") / "sena"
    return given / "keys"


def state_folder(environ: Mapping[str, str] = os.environ, *, user_id: int | None = None) -> Path:
    """The folder of what must outlive a restart: `/var/lib/sena`, or `$XDG_STATE_HOME/sena`."""
    given = _given(environ, "STATE_DIRECTORY")
    if given is not None:
        return given
    if _is_root(user_id):
        return Path("/var/lib/sena")
    return _user_folder(environ, "XDG_STATE_HOME", ".local/state") / "sena"


def cache_folder(environ: Mapping[str, str] = os.environ, *, user_id: int | None = None) -> Path:
    """The folder of the response cache: `/var/cache/sena`, or `$XDG_CACHE_HOME/sena`."""
    given = _given(environ, "CACHE_DIRECTORY")
    if given is not None:
        return given
    if _is_root(user_id):
        return Path("/var/cache/sena")
    return _user_folder(environ, "XDG_CACHE_HOME", ".cache") / "sena"


def runtime_folder(environ: Mapping[str, str] = os.environ, *, user_id: int | None = None) -> Path:
    """The folder of the control socket: `/run/sena`, or `$XDG_RUNTIME_DIR/sena` of a user."""
    given = _given(environ, "RUNTIME_DIRECTORY")
    if given is not None:
        return given
    if _is_root(user_id):
        return SERVICE_RUNTIME_FOLDER
    user = Path(environ.get("XDG_RUNTIME_DIR", ""))
    if not user.is_absolute():
        # Where it is for those who log in; this one came another way, as by `sudo -u`.
        user = Path("/run/user") / str(os.geteuid() if user_id is None else user_id)
    return user / "sena"


def _given(environ: Mapping[str, str], variable: str) -> Path | None:
    """The first folder systemd gives; a unit may ask for several."""
    first = environ.get(variable, "").split(":")[0]
    return Path(first) if first else None


def _is_root(user_id: int | None) -> bool:
    return (os.geteuid() if user_id is None else user_id) == 0


def _user_folder(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    given = Path(environ.get(variable, ""))
    if given.is_absolute():  # the XDG rules have relative ones ignored
        return given
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / below_home
