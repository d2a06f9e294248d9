"""The control socket: who may ask, what is answered, and that nobody can disturb the assistant."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sena_pi import control
from sena_pi.control import Handler, NobodyAnswers, NotAllowed, RequestFailed
from sena_pi.errors import SenaError
from sena_pi.places import runtime_folder

BOUND_S = 20.0
"""No figure, only an end."""
NOBODY = 65534


async def echo(arguments: dict[str, Any]) -> dict[str, Any]:
    return arguments


async def ask(folder: Path, request: str = "echo", **arguments: object) -> object:
    """As a command asks, from a process of its own."""
    return await asyncio.to_thread(control.ask, folder, request, arguments)


async def up(folder: Path) -> None:
    """Wait until somebody answers."""
    async with asyncio.timeout(BOUND_S):
        while True:
            with contextlib.suppress(NobodyAnswers):
                await ask(folder)
                return


@contextlib.asynccontextmanager
async def serving(
    folder: Path, handlers: Mapping[str, Handler] | None = None, deadline_s: float = 5.0
) -> AsyncIterator[None]:
    """A server that answers."""
    async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as tasks:
        all_handlers = {"echo": echo, **(handlers or {})}
        task = tasks.create_task(control.serve(folder, all_handlers, deadline_s=deadline_s))
        await up(folder)
        try:
            yield
        finally:
            task.cancel()


def says(folder: Path, data: bytes) -> dict[str, Any]:
    """The answer to whatever a client may send."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(BOUND_S)
        client.connect(str(folder / control.SOCKET_NAME))
        with contextlib.suppress(ConnectionError):
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as answer:
            found: dict[str, Any] = json.loads(answer.readline())
            return found


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


# --- asking -----------------------------------------------------------------------------------


def test_a_request_gets_its_answer(folder: Path) -> None:
    """Arguments go there and values come back as they were, whatever the language."""

    async def story() -> None:
        async with serving(folder):
            assert {"text": "où est\n“Köln”?"} == await ask(folder, text="où est\n“Köln”?")

    asyncio.run(story())


def test_only_the_user_can_reach_the_socket(folder: Path) -> None:
    """0600 in a folder of 0700 that was made for it; both whatever the umask is."""

    async def story() -> None:
        async with serving(folder):
            assert (0o700, 0o600) == (mode(folder), mode(folder / control.SOCKET_NAME))

    before = os.umask(0)
    try:
        asyncio.run(story())
    finally:
        os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_is_told_whose_it_is(folder: Path) -> None:
    """Who may not connect is told to ask as the right user."""

    async def story() -> None:
        async with serving(folder):
            os.seteuid(NOBODY)
            try:
                with pytest.raises(NotAllowed, match="ask as that user, or with sudo"):
                    await ask(folder)
            finally:
                os.seteuid(0)

    asyncio.run(story())


@pytest.mark.parametrize("depth", [0, 1, 60])
def test_where_no_socket_is_nobody_answers(folder: Path, depth: int) -> None:
    """No file, no folder, or a path that is too long for a socket."""
    with pytest.raises(NobodyAnswers):
        control.ask(folder.joinpath(*["deeper"] * depth), "echo")


def test_what_a_handler_refuses_is_told(folder: Path) -> None:
    """Its sentence reaches who asked."""

    async def refuse(_arguments: dict[str, Any]) -> None:
        raise SenaError("the card is full; delete something")

    async def story() -> None:
        async with serving(folder, {"refuse": refuse}):
            with pytest.raises(RequestFailed, match=r"^the card is full; delete something$"):
                await ask(folder, "refuse")

    asyncio.run(story())


def test_a_bug_ends_nothing_and_tells_no_words(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The journal says where it happened, not what was asked."""

    async def break_down(arguments: dict[str, Any]) -> None:
        raise KeyError(arguments["text"])

    async def story() -> None:
        async with serving(folder, {"break": break_down}):
            with pytest.raises(RequestFailed, match="that is a bug"):
                await ask(folder, "break", text="my secret")
            assert {"still": "here"} == await ask(folder, still="here")

    asyncio.run(story())
    assert "break failed (a bug): KeyError" in caplog.text
    assert "in break_down" in caplog.text
    assert "my secret" not in caplog.text


def test_a_request_from_the_future_is_not_known(folder: Path) -> None:
    """A newer command is told to have the assistant restarted."""

    async def story() -> None:
        async with serving(folder):
            with pytest.raises(RequestFailed, match="does not know 'fly'; restart it"):
                await ask(folder, "fly")

    asyncio.run(story())


def test_a_request_that_is_too_long_is_not_sent(folder: Path) -> None:
    """Who asks is told at once."""

    async def story() -> None:
        async with serving(folder):
            with pytest.raises(RequestFailed, match="too long"):
                await ask(folder, text="x" * control.LONGEST_REQUEST)

    asyncio.run(story())


# --- those who would disturb ------------------------------------------------------------------


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"\n",
        b"hello?\n",
        b"\xff\xfe\x00\n",
        b"[]\n",
        b"7\n",
        b"{}\n",
        b'{"request": 7}\n',
        b'{"request": "echo", "arguments": []}\n',
        b'{"request": "echo", "arguments": null}\n',
        b'{"request": ["echo"]}\n',
        b'{"request": "echo"',
        b"[" * 60_000 + b"\n",
        b"9" * 60_000 + b"\n",
        b"x" * (control.LONGEST_REQUEST + 1) + b"\n",
        b"x" * (8 * control.LONGEST_REQUEST),
    ],
    ids=lambda data: repr(data[:24]),
)
def test_rubbish_is_answered_with_a_problem(
    folder: Path, rubbish: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """One sentence for who sent it, nothing in the journal, and the next one is answered."""
    caplog.set_level(logging.DEBUG, "sena_pi")

    async def story() -> None:
        async with serving(folder):
            answer = await asyncio.to_thread(says, folder, rubbish)
            assert ["problem"] == list(answer)
            assert {"well": True} == await ask(folder, well=True)

    asyncio.run(story())
    assert "" == caplog.text


def test_a_client_that_sends_nothing_is_sent_away(folder: Path) -> None:
    """After the deadline, with a reason."""

    async def story() -> None:
        async with serving(folder, deadline_s=0.05):
            reader, writer = await asyncio.open_unix_connection(folder / control.SOCKET_NAME)
            assert {"problem": "no request came within 0.05 s"} == json.loads(await reader.read())
            writer.close()

    asyncio.run(story())


def test_silent_clients_keep_a_few_places_only(folder: Path) -> None:
    """One more than there are places is told to try again, and can when they have left."""

    async def story() -> None:
        async with serving(folder, deadline_s=BOUND_S):
            silent = [
                await asyncio.open_unix_connection(folder / control.SOCKET_NAME)
                for _ in range(control.MOST_CLIENTS)
            ]
            with pytest.raises(RequestFailed, match="sena answers others now; try again"):
                await ask(folder)
            for _, writer in silent:
                writer.close()
            async with asyncio.timeout(BOUND_S):
                while True:
                    with contextlib.suppress(RequestFailed):
                        assert {"room": 1} == await ask(folder, room=1)
                        return

    asyncio.run(story())


def test_a_client_that_does_not_read_loses_its_answer(folder: Path) -> None:
    """It is cut off, and its place is free again."""

    async def much(_arguments: dict[str, Any]) -> str:
        return "x" * (8 << 20)

    async def story() -> None:
        async with serving(folder, {"much": much}, deadline_s=0.1):
            for _ in range(2 * control.MOST_CLIENTS):
                with socket.socket(socket.AF_UNIX) as client:
                    client.settimeout(0)
                    client.connect(str(folder / control.SOCKET_NAME))
                    client.send(b'{"request": "much"}\n')
                    gone = asyncio.Event()
                    asyncio.get_running_loop().add_reader(client, gone.set)
                    await gone.wait()  # the answer has begun to come
                    asyncio.get_running_loop().remove_reader(client)
                    await until_idle()
                    assert {"place": 1} == await ask(folder, place=1)

    asyncio.run(story())


async def until_idle() -> None:
    """Wait until no client is being answered."""
    while visits := [it for it in asyncio.all_tasks() if it.get_name() == "control client"]:
        await asyncio.wait(visits)


def test_a_client_that_leaves_is_no_matter(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One that hangs up before its answer came disturbs nobody."""
    caplog.set_level(logging.DEBUG, "sena_pi")
    asked, gone = asyncio.Event(), asyncio.Event()

    async def slowly(_arguments: dict[str, Any]) -> str:
        asked.set()
        await gone.wait()
        return "x" * (1 << 20)

    async def story() -> None:
        async with serving(folder, {"slowly": slowly}):
            _, writer = await asyncio.open_unix_connection(folder / control.SOCKET_NAME)
            writer.write(b'{"request": "slowly"}\n')
            await asked.wait()
            writer.transport.abort()
            gone.set()
            await until_idle()
            assert {"next": 1} == await ask(folder, next=1)

    asyncio.run(story())
    assert "" == caplog.text


# --- its life ---------------------------------------------------------------------------------


def test_it_is_removed_at_the_end_and_who_waits_is_told(folder: Path) -> None:
    """A request that is being worked on ends with its assistant."""
    asked = asyncio.Event()

    async def for_ever(_arguments: dict[str, Any]) -> None:
        asked.set()
        await asyncio.get_running_loop().create_future()

    async def story() -> None:
        async with serving(folder, {"for ever": for_ever}):
            waiting = asyncio.create_task(ask(folder, "for ever"))
            await asked.wait()
        with pytest.raises(RequestFailed, match=r"does not answer|ended before it had answered"):
            await waiting
        assert not (folder / control.SOCKET_NAME).exists()

    asyncio.run(story())


SERVER = """
import asyncio, sys
from pathlib import Path
from sena_pi import control

async def echo(arguments):
    print("asked", flush=True)
    return arguments

asyncio.run(control.serve(Path(sys.argv[1]), {"echo": echo}))
"""


@pytest.fixture
def another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that serves this folder."""
    command = [sys.executable, "-c", SERVER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            asyncio.run(up(folder))
            yield process
        finally:
            process.kill()


def test_what_a_crash_left_behind_is_replaced(folder: Path, another: subprocess.Popen[str]) -> None:
    """The next one has its socket though the last one was killed."""
    another.send_signal(signal.SIGKILL)
    another.wait(BOUND_S)
    assert (folder / control.SOCKET_NAME).is_socket()

    async def story() -> None:
        with pytest.raises(NobodyAnswers):
            await ask(folder)
        async with serving(folder):
            assert {"new": True} == await ask(folder, new=True)

    asyncio.run(story())


def test_a_socket_in_use_is_left_alone(
    folder: Path, another: subprocess.Popen[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A second assistant runs without, says so once, and the first goes on answering."""

    async def story() -> None:
        async with asyncio.timeout(BOUND_S):
            await control.serve(folder, {})
            assert {"first": True} == await ask(folder, first=True)

    asyncio.run(story())
    (line,) = caplog.messages
    assert line.endswith("another sena runs and has it; commands can't ask this process")


def a_file(folder: Path) -> Path:
    folder.write_bytes(b"")
    return folder


def open_to_others(folder: Path) -> Path:
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def too_deep(folder: Path) -> Path:
    deep = folder.joinpath(*["deeper"] * 20)
    deep.mkdir(parents=True)
    return deep


def without_parent(folder: Path) -> Path:
    return folder / "deeper"


def with_a_file_in_its_place(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    (folder / control.SOCKET_NAME).write_text("precious")
    return folder


@pytest.mark.parametrize(
    ("prepared", "reason"),
    [
        (a_file, "Not a directory"),
        (open_to_others, "others may write to this folder"),
        (too_deep, "AF_UNIX path too long"),
        (without_parent, "No such file or directory"),
        (with_a_file_in_its_place, "is no socket"),
    ],
)
def test_without_a_socket_it_goes_on(
    folder: Path, prepared: Any, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One line that says why; no error, and nothing of others is deleted."""
    place = prepared(folder)
    before = sorted(folder.rglob("*.sock"))
    asyncio.run(control.serve(place, {}))
    (line,) = caplog.messages
    assert reason in line
    assert before == sorted(folder.rglob("*.sock"))


# --- where it is ------------------------------------------------------------------------------


def test_the_runtime_folder_is_systemd_s_the_user_s_or_root_s() -> None:
    """Who serves and who asks find the same folder."""
    service = {"RUNTIME_DIRECTORY": "/run/sena:/run/other", "XDG_RUNTIME_DIR": "/run/user/7"}
    assert Path("/run/sena") == runtime_folder(service, user_id=999)
    user = {"XDG_RUNTIME_DIR": "/run/user/7"}
    assert Path("/run/user/7/sena") == runtime_folder(user, user_id=7)
    assert Path("/run/sena") == runtime_folder(user, user_id=0)
    assert Path("/run/user/7/sena") == runtime_folder({"XDG_RUNTIME_DIR": "no/path"}, user_id=7)
