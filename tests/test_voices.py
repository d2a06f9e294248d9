"""Voices: the catalogue, and how one gets here, against a server of our own."""

from __future__ import annotations

import hashlib
import http.client
import io
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sena_pi.engines.piper import PiperEngine
from sena_pi.errors import DownloadFailed
from sena_pi.voice_catalogue import BASE_URL, VOICES, CatalogueVoice, VoiceFile
from sena_pi.voices import SafeRedirects, install, installed
from tests.tone_voice import tone_hz, write_tone_voice

NAME = "xx_XX-tone-x_low"


class VoiceServer:
    """A server of files on the loopback; `trouble` is what it does to the model.

    Attributes:
        files: path -> content.
        trouble: "", "cut", "stall", "404", "redirect", "no ranges".
        asked: (path, Range header) of each request.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.trouble = ""
        self.asked: list[tuple[str, str | None]] = []
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, self.headers["Range"]))
                server.answer(self, server.trouble if self.path.endswith(".onnx") else "")

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def answer(self, request: BaseHTTPRequestHandler, trouble: str) -> None:
        path = request.path.removeprefix("/elsewhere")
        if trouble == "redirect" and path == request.path:
            request.send_response(302)
            request.send_header("Location", f"{self.url}/elsewhere{path}")
            request.end_headers()
            return
        if trouble == "404" or path not in self.files:
            request.send_error(404)
            return
        content = self.files[path]
        start = 0
        if (wanted := request.headers["Range"]) and trouble != "no ranges":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        half = len(content) // 2 if trouble in ("cut", "stall") else len(content)
        request.wfile.write(content[start:half])
        if trouble == "stall":
            self._ended.wait(30)


@pytest.fixture
def server() -> Iterator[VoiceServer]:
    serving = VoiceServer()
    yield serving
    serving.close()


@pytest.fixture
def voice(server: VoiceServer, tmp_path: Path) -> CatalogueVoice:
    """A voice in a catalogue, on the server."""
    model = write_tone_voice(tmp_path / "made", NAME)
    files = [model.read_bytes(), model.with_name(f"{NAME}.onnx.json").read_bytes()]
    known = [VoiceFile(len(data), hashlib.sha256(data).hexdigest()) for data in files]
    voice = CatalogueVoice(NAME, "a tone", "ours", *known)
    server.files = {f"/{voice.path}": files[0], f"/{voice.path}.json": files[1]}
    return voice


class Installer:
    """Installs the voice into a folder from the server, and keeps the progress."""

    def __init__(self, folder: Path, server: VoiceServer, voice: CatalogueVoice) -> None:
        self.folder = folder
        self.server = server
        self.voice = voice
        self.progress: list[tuple[int, int]] = []

    def __call__(self) -> Path:
        return install(
            NAME,
            self.folder,
            progress=lambda here, whole: self.progress.append((here, whole)),
            voices=[self.voice],
            base_url=self.server.url,
            stall_timeout_s=0.3,
        )

    def fails(self, message: str) -> None:
        with pytest.raises(DownloadFailed, match=message):
            self()
        assert [] == installed(self.folder)


@pytest.fixture
def installer(tmp_path: Path, server: VoiceServer, voice: CatalogueVoice) -> Installer:
    return Installer(tmp_path / "state" / "voices", server, voice)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_installed_voice_speaks(installer: Installer) -> None:
    """Fetched, checked, in its place, listed, and loaded by the real Piper."""
    model = installer()
    assert [f"{NAME}.onnx", f"{NAME}.onnx.json"] == files(installer.folder)
    assert [(NAME, model, None)] == [(v.name, v.model, v.licence) for v in installed(model.parent)]
    assert 440 == pytest.approx(tone_hz(list(PiperEngine(model).synthesis("Yes.").chunks())), abs=3)


def test_progress_rises_to_the_whole(installer: Installer) -> None:
    """Bytes of both files together."""
    installer()
    here = [count for count, _ in installer.progress]
    assert sorted(here) == here
    assert (installer.voice.size_bytes,) * 2 == installer.progress[-1]


def test_a_voice_that_is_here_is_not_fetched_again(installer: Installer) -> None:
    """But one that was damaged is."""
    model = installer()
    installer.server.asked.clear()
    assert model == installer()
    assert [] == installer.server.asked
    model.write_bytes(b"x" * model.stat().st_size)
    installer()
    assert [f"/{installer.voice.path}"] == [path for path, _ in installer.server.asked]
    assert installer.voice.model.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()


def test_a_cut_download_installs_nothing_and_goes_on_from_there(installer: Installer) -> None:
    """The second time only what is missing is asked for."""
    installer.server.trouble = "cut"
    installer.fails("call again to go on")
    installer.server.trouble = ""
    installer.server.asked.clear()
    installer()
    half = installer.voice.model.size_bytes // 2
    assert [(f"/{installer.voice.path}", f"bytes={half}-")] == installer.server.asked
    assert [f"{NAME}.onnx", f"{NAME}.onnx.json"] == files(installer.folder)


def test_a_server_that_knows_no_ranges_starts_again(installer: Installer) -> None:
    """What was here already is not put in front of it."""
    installer.server.trouble = "cut"
    installer.fails("call again to go on")
    installer.server.trouble = "no ranges"
    assert [NAME] == [voice.name for voice in installed(installer().parent)]


def test_a_server_that_stalls_is_given_up(installer: Installer) -> None:
    """Half of it, and then nothing, with the connection open."""
    installer.server.trouble = "stall"
    installer.fails("timed out")


@pytest.mark.parametrize("wrong", ["other bytes", "too long", "too short"])
def test_the_wrong_file_is_refused_and_nothing_of_it_is_left(
    installer: Installer, wrong: str
) -> None:
    """Whoever changed it: it is thrown away, and the right one can be installed afterwards."""
    path = f"/{installer.voice.path}"
    right = installer.server.files[path]
    match wrong:
        case "other bytes":
            installer.server.files[path] = right[:-1] + bytes([right[-1] ^ 1])
            installer.fails("not the file it should be")
            assert [f"{NAME}.onnx.json"] == files(installer.folder)
        case "too long":
            installer.server.files[path] = right + b"x"
            installer.fails("not the file it should be")
            assert [f"{NAME}.onnx.json"] == files(installer.folder)
        case "too short":
            installer.server.files[path] = right[:-1]
            installer.fails("cut off after")
    installer.server.files[path] = right
    assert installer().is_file()


def test_a_file_that_is_not_there_is_named(installer: Installer) -> None:
    """With what the server said."""
    installer.server.trouble = "404"
    installer.fails(rf"{NAME}\.onnx: the server answers 404")


def test_a_redirect_is_followed(installer: Installer) -> None:
    """Big files lie elsewhere."""
    installer.server.trouble = "redirect"
    assert installer().is_file()
    assert f"/elsewhere/{installer.voice.path}" in [path for path, _ in installer.server.asked]


def test_no_redirect_leaves_the_encrypted_connection() -> None:
    """From https only to https."""
    request = urllib.request.Request("https://voices.example/a")
    answer = (request, io.BytesIO(), 302, "Found", http.client.HTTPMessage())
    assert SafeRedirects().redirect_request(*answer, "https://other.example/b") is not None
    with pytest.raises(urllib.error.URLError, match="not encrypted"):
        SafeRedirects().redirect_request(*answer, "http://other.example/b")


def test_no_connection_is_told(installer: Installer) -> None:
    """A server that is not there."""
    installer.server.url = "http://127.0.0.1:1"
    installer.fails("refused")


def test_a_full_disk_is_known_beforehand(installer: Installer) -> None:
    """Nothing is asked of the server."""
    huge = VoiceFile(10**18, installer.voice.model.sha256)
    installer.voice = CatalogueVoice(NAME, "", "", huge, installer.voice.settings)
    installer.fails("MB are free")
    assert [] == installer.server.asked


def test_a_folder_that_can_not_be_made_is_told(installer: Installer, tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "state").write_text("")
    with pytest.raises(DownloadFailed, match="can't be put into"):
        installer()


def test_an_unknown_voice_is_refused_with_a_hint(tmp_path: Path) -> None:
    """Nearly right: the right one; quite wrong: all there are. No name leaves the folder."""
    with pytest.raises(DownloadFailed, match=r"did you mean en_US-kristin-medium\?"):
        install("en_US-kirstin-medium", tmp_path)
    with pytest.raises(DownloadFailed, match="there are en_US-ljspeech-medium, "):
        install("../../etc/passwd", tmp_path)


def test_half_a_voice_is_none(tmp_path: Path) -> None:
    """Only models with their settings are listed, in order; a folder that is absent has none."""
    for name in ("b.onnx", "b.onnx.json", "a.onnx", "c.onnx.json", ".d.onnx", ".d.onnx.json"):
        (tmp_path / name).touch()
    ours = VOICES[0].name
    (tmp_path / f"{ours}.onnx").touch()
    (tmp_path / f"{ours}.onnx.json").touch()
    found = [(voice.name, voice.licence) for voice in installed(tmp_path)]
    assert [("b", None), (ours, VOICES[0].licence)] == found
    assert [] == installed(tmp_path / "none")


def test_the_catalogue_pins_every_byte() -> None:
    """One commit over TLS; for each file a length and a hash; for each voice a licence."""
    assert re.fullmatch(r"https://\S+/resolve/[0-9a-f]{40}", BASE_URL)
    assert len(VOICES) == len({voice.name for voice in VOICES})
    hashes = [file.sha256 for voice in VOICES for file in (voice.model, voice.settings)]
    assert len(hashes) == len(set(hashes))
    for voice in VOICES:
        assert re.fullmatch(r"[a-z]{2}_[A-Z]{2}-\w+-(x_low|low|medium|high)", voice.name)
        assert all(re.fullmatch(r"[0-9a-f]{64}", f.sha256) for f in (voice.model, voice.settings))
        assert 10_000_000 < voice.model.size_bytes < 200_000_000
        assert 1_000 < voice.settings.size_bytes < 50_000
        assert voice.licence
        assert voice.about
    assert "en/en_US/ljspeech/medium/en_US-ljspeech-medium.onnx" == VOICES[0].path
