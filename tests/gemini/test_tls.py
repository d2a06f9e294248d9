"""The key travels to a server with a trusted certificate only."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sena_pi.engines.gemini import Gemini
from sena_pi.errors import CloudUnreachable
from tests.gemini.asking import ANSWER, answered, settings
from tests.gemini_replies import text_answer
from tests.gemini_server import GeminiServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a certificate for 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
async def server(certificate: Path) -> AsyncIterator[GeminiServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with GeminiServer(tls=context) as server:
        yield server


async def test_a_server_nobody_vouches_for_gets_no_key(server: GeminiServer, gemini: Gemini):
    """The connection ends before anything is sent, and the message names the likely causes."""
    with pytest.raises(CloudUnreachable, match="clock"):
        await answered(gemini)
    assert [] == server.requests


async def test_a_server_of_a_trusted_authority_is_asked(
    server: GeminiServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    """It was the missing trust that refused it, and nothing else about it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    gemini = Gemini(server.key, settings(server))
    server.will_answer(text_answer(ANSWER))
    assert (await answered(gemini))[1] == "Paris."
    await gemini.aclose()
