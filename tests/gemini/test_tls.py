"""The key travels to a server with a trusted certificate only."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.errors import CaptivePortal, ClockWrong, CloudError, CloudUnreachable
from tests.gemini.asking import ANSWER, answered, settings
from tests.gemini_replies import text_answer
from tests.gemini_server import GeminiServer

pytestmark = pytest.mark.anyio


DAY = dt.timedelta(days=1)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that is valid today."""
    return write_certificate(tmp_path / "certificate.pem")


def write_certificate(path: Path, age: dt.timedelta = DAY, host: str = "127.0.0.1") -> Path:
    """A file with a certificate that is signed by itself and valid for two days, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    here = x509.IPAddress(ipaddress.ip_address(host))
    begin = dt.datetime.now(dt.UTC) - age
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + 2 * DAY)
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .sign(key, hashes.SHA256())
    )
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
    async with GeminiServer(tls=tls(certificate)) as server:
        yield server


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_server_nobody_vouches_for_gets_no_key(server: GeminiServer, gemini: Gemini):
    """The connection ends before anything is sent, and the message names the likely cause."""
    with pytest.raises(CaptivePortal, match="login"):
        await answered(gemini)
    assert [] == server.requests


@pytest.mark.parametrize(
    ("age", "host", "error"),
    [
        (-DAY, "127.0.0.1", ClockWrong),
        (3 * DAY, "127.0.0.1", ClockWrong),
        (DAY, "127.0.0.2", CaptivePortal),
    ],
    ids=["not-yet", "no-more", "another-name"],
)
async def test_a_trusted_certificate_that_does_not_fit_tells_why(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    age: dt.timedelta,
    host: str,
    error: type[CloudError],
):
    """Dates are our clock's fault, another name is somebody else's server; no key leaves."""
    path = write_certificate(tmp_path / "other.pem", age, host)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with GeminiServer(tls=tls(path)) as server:
        gemini = Gemini(server.key, settings(server))
        with pytest.raises(error):
            await answered(gemini)
        await gemini.aclose()
        assert [] == server.requests


async def test_a_handshake_that_stalls_is_given_up():
    """A server that accepts the connection and says nothing."""
    nothing_is_sent = asyncio.Event()

    async def stall(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await nothing_is_sent.wait()
        writer.close()

    server = await asyncio.start_server(stall, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    gemini = Gemini("key", GeminiSettings(base_url=url, connect_timeout_s=0.2))
    with pytest.raises(CloudUnreachable, match="connect"):
        await answered(gemini)
    await gemini.aclose()
    nothing_is_sent.set()
    server.close()
    await server.wait_closed()


async def test_a_server_of_a_trusted_authority_is_asked(
    server: GeminiServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    """It was the missing trust that refused it, and nothing else about it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    gemini = Gemini(server.key, settings(server))
    server.will_answer(text_answer(ANSWER))
    assert (await answered(gemini))[1] == "Paris."
    await gemini.aclose()
