"""The `/etc/sena/sena.toml` of the package: every setting, described, commented out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_HEAD = """\
# Settings of Sena. A line that begins with "#" and a name shows the default: take the "#" away to
# change it, then `sena config check` and `systemctl restart sena`. What is set in files of
# /etc/sena/sena.d wins over this file. Keys are kept elsewhere: `sena key set gemini`.

"""
_SETTING = re.compile(r"(\w+ = .*?)  # default$")


def commented(source: Path) -> str:
    """The text, from what the settings of this source say of themselves."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "sena.toml"
        empty.touch()
        shown = subprocess.run(
            [
                sys.executable, "-P", "-m", "sena_pi",
                "config", "show", "--describe", "--config", str(empty),
            ],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(source), "HOME": folder},
            capture_output=True,
            text=True,
            check=True,
        ).stdout  # fmt: skip
    return _HEAD + "".join(f"{line}\n" for line in _lines(shown)).rstrip("\n") + "\n"


def _lines(shown: str) -> Iterator[str]:
    for line in shown.splitlines():
        if line.startswith("# Keys are kept"):
            return
        setting = _SETTING.fullmatch(line)
        yield f"#{setting[1]}" if setting else line
