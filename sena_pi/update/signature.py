"""Ed25519 signatures of manifests: who made a bundle.

A signature is the 64 bytes that OpenSSL makes as well: `openssl pkeyutl -verify -rawin -pubin
-inkey update.pub -in manifest.json -sigfile manifest.sig`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

# It takes 40 ms to load, which only those pay who look at a bundle.
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sena_pi.update.errors import UpdateRefused

PUBLIC_KEY: Final = Path("/usr/share/sena/update.pub")
"""The key that bundles for this machine are signed with."""
SIGNATURE_BYTES: Final = 64
_LONGEST_KEY_FILE: Final = 4096


class Signer:
    """Signs manifests; for whoever publishes bundles, never on a device.

    Args:
        path: of the private key, PEM.

    Raises:
        OSError: it can't be read.
        ValueError: it is no Ed25519 key without a password.
    """

    def __init__(self, path: Path) -> None:
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (TypeError, UnsupportedAlgorithm) as error:
            raise ValueError(f"{path}: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path} is no Ed25519 key")  # noqa: TRY004 - a wrong file, not type
        self._key = key

    def sign(self, manifest: bytes) -> bytes:
        """The signature of these bytes."""
        return self._key.sign(manifest)


class Verifier:
    """Knows the manifests of one key.

    Args:
        path: of the public key, PEM.

    Raises:
        UpdateRefused: there is no such key, so no bundle can be trusted.
    """

    def __init__(self, path: Path = PUBLIC_KEY) -> None:
        try:
            with path.open("rb") as file:
                key = load_pem_public_key(file.read(_LONGEST_KEY_FILE))
        except FileNotFoundError:
            raise UpdateRefused(
                f"updates are off: there is no key in {path} that could tell which to trust"
            ) from None
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise UpdateRefused(f"updates are off: the key {path} can't be read: {error}") from None
        if not isinstance(key, Ed25519PublicKey):
            raise UpdateRefused(f"updates are off: the key {path} is no Ed25519 key")
        self._key = key

    def knows(self, manifest: bytes, signature: bytes) -> bool:
        """Whether the signature of these bytes was made with this key."""
        try:
            self._key.verify(signature, manifest)
        except InvalidSignature:
            return False
        return True


def new_key(path: Path) -> Path:
    """Make a private key in `path` (mode 0600) and its public key beside it.

    Returns:
        The public key's path: the same with `.pub` at the end.

    Raises:
        FileExistsError: there is a file already; no key is ever overwritten.
        OSError: it can't be written.
    """
    key = Ed25519PrivateKey.generate()
    public = path.with_name(f"{path.name}.pub")
    private_text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public_text = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for place, text, mode in ((path, private_text, 0o600), (public, public_text, 0o644)):
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    return public
