"""Bundles from an address: encrypted all the way, bounded, whole."""

from __future__ import annotations

import datetime as dt
import io
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sena_pi.update.errors import UpdateFailed, UpdateRefused
from sena_pi.update.fetch import download, is_address

CONTENT = bytes(range(256)) * 1000


class Handler(BaseHTTPRequestHandler):
    """Serves by path what may happen."""

    def do_GET(self) -> None:
        if self.path == "/absent":
            self.send_error(404)
            return
        if self.path in {"/elsewhere", "/unencrypted"}:
            scheme = "https" if self.path == "/elsewhere" else "http"
            self.send_response(302)
            self.send_header("Location", f"{scheme}://localhost:{self.server.server_port}/update")
            self.end_headers()
            return
        self.send_response(200)
        if self.path != "/no-length":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000] if self.path == "/cut" else CONTENT)

    def log_message(self, *_: object) -> None:
        pass


def certificate(folder: Path) -> Path:
    """A certificate of "localhost" and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


class Quiet(ThreadingHTTPServer):
    """A handshake that fails is no trouble of the server's."""

    def handle_error(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """Its address, and what believes its certificate."""
    pem = certificate(tmp_path)
    it = Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    it.socket = context.wrap_socket(it.socket, server_side=True)
    thread = threading.Thread(target=it.serve_forever, args=(0.01,))
    thread.start()
    yield f"https://localhost:{it.server_port}", ssl.create_default_context(cafile=str(pem))
    it.shutdown()
    thread.join()
    it.server_close()


@pytest.mark.parametrize("path", ["/update", "/elsewhere", "/no-length"])
def test_what_the_server_has_is_what_comes(server: tuple[str, ssl.SSLContext], path: str) -> None:
    """Directly, or over an encrypted redirect."""
    out = io.BytesIO()
    download(server[0] + path, out, trust=server[1])
    assert CONTENT == out.getvalue()


@pytest.mark.parametrize(
    ("path", "why"),
    [("/absent", "404"), ("/cut", "cut off|did not come"), ("/unencrypted", "not encrypted")],
)
def test_what_does_not_come_is_told(
    server: tuple[str, ssl.SSLContext], path: str, why: str
) -> None:
    """With the address and the reason."""
    with pytest.raises(UpdateFailed, match=why):
        download(server[0] + path, io.BytesIO(), trust=server[1])


def test_more_than_a_bundle_may_be_is_not_taken(server: tuple[str, ssl.SSLContext]) -> None:
    """It stops at the first byte too many, whatever the server announced."""
    out = io.BytesIO()
    with pytest.raises(UpdateRefused, match="larger than any update"):
        download(f"{server[0]}/no-length", out, trust=server[1], largest_bytes=1000)
    assert 1000 >= len(out.getvalue())


def test_an_unknown_certificate_is_not_believed(server: tuple[str, ssl.SSLContext]) -> None:
    """As the system has it by default."""
    with pytest.raises(UpdateFailed, match="CERTIFICATE_VERIFY_FAILED"):
        download(f"{server[0]}/update", io.BytesIO())


@pytest.mark.parametrize("url", ["http://localhost/x", "ftp://localhost/x", "file:///etc/passwd"])
def test_an_address_that_is_not_encrypted_is_refused(url: str) -> None:
    """Before anything is asked."""
    assert is_address(url)
    with pytest.raises(UpdateRefused, match="https"):
        download(url, io.BytesIO())


def test_a_path_is_no_address() -> None:
    """Also one that looks odd."""
    assert not is_address("/media/stick/sena:1.2.0.sena")
