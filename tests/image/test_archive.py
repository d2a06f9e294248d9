"""The second archive is believed for its key only, and nothing is fetched before."""

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from image import archive
from image.bases import ARCHIVE_KEYRING, Base
from image.steps import BuildFailed

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="needs gpg")

ADDRESS = "https://archive.example/debian"


@dataclass
class Key:
    """A key pair that signs a made-up archive."""

    home: Path
    fingerprint: str

    def public(self, place: Path, *, armoured: bool) -> Path:
        """Its public half in a file."""
        options = ["--armor"] if armoured else []
        data = self.gpg(*options, "--export", self.fingerprint)
        place.write_bytes(data)
        return place

    def gpg(self, *arguments: str) -> bytes:
        return subprocess.run(
            ["gpg", "--batch", "--homedir", self.home, *arguments],
            capture_output=True, check=True, timeout=60,
        ).stdout  # fmt: skip


@pytest.fixture(scope="module")
def keys() -> Iterator[tuple[Key, Key]]:
    """Two of them. Their folders have short names: gpg-agent's socket lies there."""
    with tempfile.TemporaryDirectory() as folder:
        made = []
        for name in ("a", "b"):
            key = Key(Path(folder) / name, "")
            key.home.mkdir(mode=0o700)
            key.gpg("--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", "never")
            listing = key.gpg("--with-colons", "--list-keys").decode()
            line = next(it for it in listing.splitlines() if it.startswith("fpr:"))
            key.fingerprint = line.split(":")[9]
            made.append(key)
        yield made[0], made[1]
        for key in made:
            subprocess.run(
                ["gpgconf", "--homedir", key.home, "--kill", "all"],
                env={**os.environ, "GNUPGHOME": str(key.home)}, check=True,
            )  # fmt: skip


@pytest.mark.parametrize("armoured", [True, False])
def test_the_pinned_key_is_taken(keys: tuple[Key, Key], tmp_path: Path, armoured: bool) -> None:  # noqa: FBT001
    """In either of its forms, and with a fingerprint as people write it."""
    path = keys[0].public(tmp_path / "key", armoured=armoured)
    digits = keys[0].fingerprint.lower()
    archive.check_key(path, " ".join(digits[at : at + 4] for at in range(0, 40, 4)))


def test_another_key_is_refused(keys: tuple[Key, Key], tmp_path: Path) -> None:
    """And the message has both fingerprints."""
    path = keys[1].public(tmp_path / "key", armoured=True)
    with pytest.raises(BuildFailed) as caught:
        archive.apt_files(Base.load("raspios"), ADDRESS, path, keys[0].fingerprint)
    assert "nothing was fetched" in str(caught.value)
    assert keys[0].fingerprint in str(caught.value)
    assert keys[1].fingerprint in str(caught.value)


def test_a_second_key_in_the_file_is_refused(keys: tuple[Key, Key], tmp_path: Path) -> None:
    """Otherwise apt would believe either of them."""
    both = [key.public(tmp_path / "one", armoured=False).read_bytes() for key in keys]
    (tmp_path / "key").write_bytes(b"".join(both))
    with pytest.raises(BuildFailed, match="not the pinned key"):
        archive.check_key(tmp_path / "key", keys[0].fingerprint)


@pytest.mark.parametrize("fingerprint", ["", "8D33A3D2", "x" * 40])
def test_a_short_fingerprint_is_refused(
    keys: tuple[Key, Key], tmp_path: Path, fingerprint: str
) -> None:
    """Another key with the same eight digits takes minutes to make."""
    path = keys[0].public(tmp_path / "key", armoured=False)
    with pytest.raises(BuildFailed, match="40 hexadecimal digits"):
        archive.check_key(path, fingerprint)


def test_a_file_that_is_no_key_is_refused(keys: tuple[Key, Key], tmp_path: Path) -> None:
    """The words of gpg are in the message."""
    (tmp_path / "key").write_text("<html>404</html>")
    with pytest.raises(BuildFailed, match="public key"):
        archive.check_key(tmp_path / "key", keys[0].fingerprint)


def test_an_address_that_is_none_is_refused(keys: tuple[Key, Key], tmp_path: Path) -> None:
    """Before the key is looked at."""
    path = keys[0].public(tmp_path / "key", armoured=False)
    with pytest.raises(BuildFailed, match="an address such as"):
        archive.apt_files(Base.load("raspios"), "archive.example", path, keys[0].fingerprint)


def test_apt_is_given_the_archive_and_its_key(keys: tuple[Key, Key], tmp_path: Path) -> None:
    """That key for that archive, and no other."""
    path = keys[0].public(tmp_path / "key", armoured=False)
    files = archive.apt_files(Base.load("raspios"), ADDRESS, path, keys[0].fingerprint)
    stanza = files["sources.list.d/raspberrypi.sources"].decode().splitlines()
    assert f"URIs: {ADDRESS}" in stanza
    assert f"Signed-By: {path}" in stanza


def test_the_image_has_the_key_without_its_armour(keys: tuple[Key, Key], tmp_path: Path) -> None:
    """The same bytes, however it came."""
    plain = keys[0].public(tmp_path / "plain", armoured=False)
    armoured = keys[0].public(tmp_path / "armoured", armoured=True)
    assert archive.keyring(armoured) == (ARCHIVE_KEYRING, plain.read_bytes())
    assert archive.keyring(plain) == (ARCHIVE_KEYRING, plain.read_bytes())


def test_armour_that_is_broken_is_told(tmp_path: Path) -> None:
    """With the name of the file."""
    path = tmp_path / "key.asc"
    body = base64.b64encode(b"key").decode()[:-1]
    path.write_text(f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{body}\n-----END PGP-----\n")
    with pytest.raises(BuildFailed, match=r"key\.asc has armour"):
        archive.keyring(path)
