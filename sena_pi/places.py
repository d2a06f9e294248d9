"""Where files lie: the system's folders for root and services, a user's own for anyone else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

CONFIG_FILE: Final = Path("/etc/sena/sena.toml")


def keys_folder(environ: Mapping[str, str] = os.environ, *, user_id: int | None = None) -> Path:
    """The folder of key files: `/etc/sena/keys`, or `$XDG_CONFIG_HOME/sena/keys` of a user."""
    if _is_root(user_id):
        return Path("/etc/sena/keys")
    return _user_folder(environ, "XDG_CONFIG_HOME", ".config") / "sena" / "keys"


def state_folder(environ: Mapping[str, str] = os.environ, *, user_id: int | None = None) -> Path:
    """The folder of what must outlive a restart.

    What systemd gives a service (`StateDirectory=`), `/var/lib/sena`, or a user's own
    `$XDG_STATE_HOME/sena`.
    """
    given = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    if _is_root(user_id):
        return Path("/var/lib/sena")
    return _user_folder(environ, "XDG_STATE_HOME", ".local/state") / "sena"


def _is_root(user_id: int | None) -> bool:
    return (os.geteuid() if user_id is None else user_id) == 0


def _user_folder(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    given = Path(environ.get(variable, ""))
    if given.is_absolute():  # the XDG rules have relative ones ignored
        return given
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / below_home
