"""What this machine is: its processor, its Python, and the base that came with the system."""

from __future__ import annotations

import platform
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from sena_pi import __version__
from sena_pi.update.errors import UpdateRefused
from sena_pi.update.manifest import NAME
from sena_pi.update.rules import Target
from sena_pi.update.version import Version

BASE_FOLDER: Final = Path("/usr/lib/sena")


def this_machine() -> Target:
    """What releases must be for."""
    # The kernel may be of 64 bits where the system is of 32: what Python was built for counts.
    built_for = sysconfig.get_config_var("MULTIARCH") or ""
    arch = built_for.partition("-")[0] or platform.machine()
    return Target(arch, f"{sys.version_info.major}.{sys.version_info.minor}")


def base_version(base: Path = BASE_FOLDER) -> Version:
    """The version that came with the system; where nothing is installed, that of this code.

    Raises:
        UpdateRefused: it can't be compared with any other.
    """
    folders = [str(path) for path in base.glob("lib/python3.*/site-packages")]
    try:
        return version_in(folders) or Version.parse(__version__)
    except ValueError as error:
        raise UpdateRefused(f"what came with the system has no version: {error}") from error


def version_in(folders: Iterable[str]) -> Version | None:
    """The version of this project among the distributions in some folders; None: it is not there.

    Raises:
        ValueError: it has a version that no release has.
    """
    for found in distributions(name=NAME, path=list(folders)):
        return Version.parse(found.version)
    return None


def python_of_the_system() -> Path:
    """The Python that this one's environment was made from; it outlives every release."""
    return Path(sys.base_prefix) / f"bin/python{sys.version_info.major}.{sys.version_info.minor}"
