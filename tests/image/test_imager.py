"""The manifest for Raspberry Pi Imager, held against Imager's own schema."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from image.imager import Facts, manifest

SCHEMA = Path(__file__).parent / "schema" / "os-list-schema.json"
FACTS = Facts(
    name="sena-pi 1.2.3",
    version="1.2.3",
    release_date="2026-11-23",
    url="https://example.org/sena-pi.img.xz",
    extract_size=1_500_000_000,
    extract_sha256="a" * 64,
    image_download_size=400_000_000,
    image_download_sha256="b" * 64,
    base="raspios",
)


def judged(document: object) -> list[str]:
    """What Imager's schema says against a manifest."""
    jsonschema = pytest.importorskip("jsonschema", reason="pip install jsonschema")
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return [error.message for error in validator.iter_errors(document)]


def image(**changes: Any) -> dict[str, Any]:
    """The one entry of the list."""
    (entry,) = manifest(dataclasses.replace(FACTS, **changes))["os_list"]  # type: ignore[misc]
    return entry  # type: ignore[no-any-return]


@pytest.mark.parametrize("base", ["debian", "raspios"])
def test_the_manifest_fits_imagers_schema(base: str) -> None:
    """Imager's own schema has nothing against it, for each base, once it has been JSON."""
    document = json.loads(json.dumps(manifest(dataclasses.replace(FACTS, base=base))))
    assert judged(document) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda entry: entry.pop("extract_sha256"),
        lambda entry: entry.update(init_format="cloud-init"),
        lambda entry: entry.update(extract_size="1 GB"),
        lambda entry: entry.update(capabilities=["wifi"]),
    ],
)
def test_the_schema_would_tell(spoil: Any) -> None:
    """The check above is one: a manifest that lacks or misspells something is refused."""
    document = json.loads(json.dumps(manifest(FACTS)))
    spoil(document["os_list"][0])
    assert judged(document) != []


def test_imager_offers_customisation_by_debians_cloud_init() -> None:
    """Without the format Imager asks nothing; with Raspberry Pi's own, Debian's would not do it."""
    assert image()["init_format"] == "cloudinit"


def test_what_the_image_holds_is_told_as_it_was_measured() -> None:
    """Sizes and checksums of the packed and of the plain image are not mixed up."""
    told = image()
    assert (told["extract_size"], told["extract_sha256"]) == (1_500_000_000, "a" * 64)
    assert (told["image_download_size"], told["image_download_sha256"]) == (400_000_000, "b" * 64)


@pytest.mark.parametrize(("base", "has_pi5"), [("debian", False), ("raspios", True)])
def test_a_pi_5_is_offered_only_where_it_starts(base: str, has_pi5: bool) -> None:  # noqa: FBT001
    """Debian's kernel can't use a Pi 5, so its image is not offered for one."""
    document: Any = manifest(dataclasses.replace(FACTS, base=base))
    boards = {tag for board in document["imager"]["devices"] for tag in board["tags"]}
    assert ("pi5-64bit" in document["os_list"][0]["devices"], "pi5-64bit" in boards) == (
        has_pi5,
        has_pi5,
    )


def test_each_board_of_the_list_finds_the_image() -> None:
    """Imager shows an image only for boards with a tag that it has, too."""
    document: Any = manifest(FACTS)
    offered = set(document["os_list"][0]["devices"])
    assert [
        board["name"] for board in document["imager"]["devices"] if not offered & set(board["tags"])
    ] == []


def test_an_image_on_this_machine_is_named_by_its_path() -> None:
    """One's own image, with a blank in its path, is a file: address, which Imager opens."""
    path = Path("/home/anna/my images/sena-pi.img.xz")
    assert image(url=path.as_uri())["url"] == "file:///home/anna/my%20images/sena-pi.img.xz"


@pytest.mark.parametrize(
    "wrong",
    [
        {"extract_sha256": "A" * 64},
        {"image_download_sha256": ""},
        {"extract_size": 0},
        {"url": "/tmp/sena-pi.img.xz"},
        {"release_date": "23.11.2026"},
        {"base": "ubuntu"},
    ],
)
def test_a_fact_that_imager_would_stumble_over_is_refused(wrong: dict[str, Any]) -> None:
    """The build stops, not Imager in the middle of a card."""
    with pytest.raises(ValueError, match=r"."):
        dataclasses.replace(FACTS, **wrong)
