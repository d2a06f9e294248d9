"""What is in an image, as CycloneDX lists it: Debian's packages, Python's, and voices."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator, Sequence
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from image.bases import ARCH
from image.models import files_of
from sena_pi.voice_catalogue import BASE_URL, CatalogueVoice

Component = dict[str, Any]
_NAMESPACE: Final = uuid.UUID("5e4a0000-0005-4000-8000-53454e415049")
_INSTALLED: Final = "install ok installed"


def bill_of_materials(
    name: str, version: str, tree: Path, voices: Sequence[CatalogueVoice], epoch_s: int
) -> str:
    """A CycloneDX 1.6 document, the same bytes for the same image.

    Args:
        name: of the image.
        version: of sena-pi.
        tree: its root.
        voices: that are on the data partition.
        epoch_s: when it was made.
    """
    components = [
        *debian_packages((tree / "var/lib/dpkg/status").read_text(encoding="utf-8"), tree),
        *python_packages(tree / "usr/lib/sena"),
        *map(_voice, voices),
    ]
    for number, component in enumerate(components):
        component["bom-ref"] = f"{number}-{component['name']}"
    serial = uuid.uuid5(_NAMESPACE, json.dumps(components, sort_keys=True))
    made = dt.datetime.fromtimestamp(epoch_s, dt.UTC)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "firmware", "name": name, "version": version},
        },
        "components": components,
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def debian_packages(status: str, tree: Path | None = None) -> Iterator[Component]:
    """The packages of a dpkg status file that are installed."""
    for paragraph in status.strip().split("\n\n"):
        fields = HeaderParser().parsestr(paragraph)
        if fields["Status"] not in {None, _INSTALLED}:
            continue
        name, version = fields["Package"], fields["Version"]
        source = (fields["Source"] or name).split(" ")[0]
        yield {
            "type": "application" if fields["Section"] == "sound" else "library",
            "name": name,
            "version": version,
            "purl": f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}"
            f"?arch={fields['Architecture'] or ARCH}",
            "supplier": {"name": fields["Maintainer"] or "unknown"},
            "properties": [{"name": "debian:source", "value": source}, *_copyright(tree, name)],
        }


def _copyright(tree: Path | None, name: str) -> list[dict[str, str]]:
    """Where the licence is, if it is in the image."""
    path = Path("usr/share/doc") / name / "copyright"
    if tree is None or not (tree / path).is_file():
        return []
    return [{"name": "debian:copyright", "value": f"/{path}"}]


def python_packages(folder: Path) -> Iterator[Component]:
    """The wheels that were unpacked below a folder, by name."""
    found = []
    for path in folder.rglob("*.dist-info/METADATA"):
        data = HeaderParser().parsestr(path.read_text(encoding="utf-8", errors="replace"))
        found.append((data["Name"], data["Version"], _licence(data)))
    for name, version, licence in sorted(found):
        yield {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{quote(version, safe='')}",
            **({"licenses": [{"license": {"name": licence}}]} if licence else {}),
        }


def _licence(data: Message) -> str:
    said = data["License-Expression"] or data["License"] or ""
    return said.strip().partition("\n")[0]


def _voice(voice: CatalogueVoice) -> Component:
    return {
        "type": "machine-learning-model",
        "name": voice.name,
        "version": voice.model.sha256[:12],
        "description": voice.about,
        "licenses": [{"license": {"name": voice.licence}}],
        "hashes": [{"alg": "SHA-256", "content": voice.model.sha256}],
        "externalReferences": [{"type": "distribution", "url": f"{BASE_URL}/{voice.path}"}],
        "properties": [
            {"name": f"sha256:{name}", "value": file.sha256}
            for name, file in files_of(voice).items()
        ],
    }
