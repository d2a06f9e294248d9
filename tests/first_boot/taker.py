"""Takes the file over once: `python -m tests.first_boot.taker FOLDER`; `boot` and `etc` lie there.

`after_a_cut` says what must be so, sooner or later, wherever that was interrupted.
"""

from __future__ import annotations

import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sena_pi.first_boot.boot_partition import BootPartition
from sena_pi.first_boot.taking import Device, Outcome, take_over

GEMINI = "AIzaSyCanary0123456789-abcdefghijklmnop"
PORCUPINE = "Qm9va3dvcm0tY2FuYXJ5LW9mLXRoZS1jYXJkLTAxMjM0NTY3ODkwMTIz=="
_FILL = "# " + "a comment of a person, kept byte for byte; " * 11

CARD = (
    f"# Sena\r\n{_FILL[:470]}\r\n[keys]\r\n"
    f'gemini = "{GEMINI}"  # spans two sectors\r\n{_FILL[:500]}\r\n'
    f"porcupine = ' {PORCUPINE} '\r\n[wake]\r\nwords = [\"Jarvis\"]\r\n"
    f'[cloud]\r\nlanguage = "de-DE"\r\n{_FILL}'
).encode()
REDACTED = CARD.replace(GEMINI.encode(), b"moved to the device".ljust(len(GEMINI))).replace(
    PORCUPINE.encode(), b"moved to the device".ljust(len(PORCUPINE))
)


@dataclass(frozen=True, slots=True)
class Card:
    """A boot partition and a data partition, in folders."""

    place: Path

    @property
    def boot(self) -> Path:
        return self.place / "boot"

    @property
    def etc(self) -> Path:
        return self.place / "etc"

    @property
    def file(self) -> Path:
        return self.boot / "sena.toml"

    @property
    def errors(self) -> Path:
        return self.boot / "sena-errors.txt"

    def key(self, name: str) -> str | None:
        path = self.etc / "keys" / name
        return path.read_text() if path.exists() else None

    def starts(self) -> Outcome:
        """The device is switched on."""
        return take_over(BootPartition(self.boot), Device(self.etc, self.etc / "keys"))

    def bytes_of_all(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.place)): path.read_bytes()
            for path in sorted(self.place.rglob("*"))
            if path.is_file()
        }

    def faults(self) -> list[str]:
        """What is not as it must be once `CARD` was taken over."""
        found = []
        for name, key in (("gemini", GEMINI), ("porcupine", PORCUPINE)):
            if self.key(name) != f"{key}\n":
                found.append(f"the {name} key is lost")
            elif stat.S_IMODE((self.etc / "keys" / name).stat().st_mode) != 0o600:
                found.append(f"the {name} key can be read")
        if self.file.read_bytes() != REDACTED:
            found.append("the file on the boot partition is not as it was, or holds a key")
        drop_in = self.etc / "sena.d" / "50-card.toml"
        if not drop_in.exists() or b'language = "de-DE"' not in drop_in.read_bytes():
            found.append("the settings are lost")
        if (self.etc / "card" / "changing").exists():
            found.append("keys are kept twice")
        if [name for name in self.bytes_of_all() if Path(name).name.startswith(".")]:
            found.append("something unfinished is left")
        if self.errors.exists():
            found.append("errors are told")
        return found


def card(place: Path, contents: Mapping[str, bytes]) -> Card:
    """A card that holds these files, by name."""
    for folder in ("boot", "etc"):
        (place / folder).mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o600 if name.startswith("etc/keys/") else 0o644)
    return Card(place)


if __name__ == "__main__":
    outcome = Card(Path(sys.argv[1])).starts()
    sys.exit(0 if not outcome.problems else 1)
