"""`sena cache ...`: asked of the assistant that runs, or of the card where none does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pty
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sena_pi import cache_commands, control
from sena_pi.cache.administration import CacheProblem
from sena_pi.cache.responses import ResponseCache
from sena_pi.cache.service import CacheService
from sena_pi.cached import cache_requests, cache_service, open_cache
from sena_pi.cli import main
from sena_pi.control import NobodyAnswers, NotAllowed
from sena_pi.settings import Settings, validated
from tests.cache.kept import MODEL, VOICE, keep
from tests.gemini_replies import answer_json, sound_answer, text_answer
from tests.gemini_server import GeminiServerThread
from tests.house import tone
from tests.test_run import SENA, environment, spoken

BOUND_S = 40.0
"""No figure, only an end."""
NOBODY = 65534
RUNS = "daemon"
FRANCE = "What is the capital of France?"
TALL = "How tall is the Eiffel Tower?"

TALLY = {
    *("hits", "misses", "hit_rate", "answered", "bypasses", "speech_hits", "speech_misses"),
    *("saved_ms", "refreshes", "evicted", "damaged", "written_bytes", "syncs"),
}
STATS = {
    *("running", "day", "today", "total", "entries", "memory_bytes", "card_entries"),
    *("card_payload_bytes", "card_bytes", "budget_bytes", "trouble"),
}
ENTRY = {"kind", "text", "language", "age_s", "size_bytes", "tier", "state"}
ANSWER = {
    *("question", "text", "language", "keep", "alone", "model", "cost_ms"),
    *("age_s", "size_bytes", "tier", "state", "sentences"),
}
SENTENCE = {"sentence", "voice", "language", "age_s", "size_bytes", "tier", "state"}

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


def settings() -> Settings:
    """A small cache, as `SENA_CACHE_SIZE_MB` makes it for the commands."""
    return validated({"cache": {"size_mb": 8}})


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything lies in folders of this test's own."""
    for name, value in environment(tmp_path).items():
        if name.endswith("_DIRECTORY"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("SENA_CACHE_SIZE_MB", "8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


class Daemon:
    """What `sena run` has beside its turns: the real cache service and the control socket."""

    def __init__(self) -> None:
        self._service = cache_service(settings(), model=MODEL)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> ResponseCache:
        self._thread.start()
        assert self._ready.wait(BOUND_S)
        assert self._service.cache is not None
        return self._service.cache

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(BOUND_S)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        folder = Path(os.environ["RUNTIME_DIRECTORY"])
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(self._service.run()),
                tasks.create_task(control.serve(folder, cache_requests(self._service, settings()))),
            ]
            await self._answers(folder)
            self._ready.set()
            await self._end.wait()
            for task in work:
                task.cancel()
        await self._service.aclose()

    async def _answers(self, folder: Path) -> None:
        async with asyncio.timeout(BOUND_S):
            while True:
                with contextlib.suppress(NobodyAnswers, control.RequestFailed):
                    await asyncio.to_thread(control.ask, folder, "cache.stats")
                    return


@contextlib.contextmanager
def on_the_card() -> Iterator[ResponseCache]:
    """A cache that is closed when the commands come."""
    cache = open_cache(settings())
    yield cache
    cache.close()


def filled(cache: ResponseCache) -> None:
    now = time.time()
    key = keep(cache, FRANCE, "Paris.", "It lies on the Seine.", kept_at=now - 7200)
    keep(cache, TALL, "330 metres.", kept_at=now - 60)
    cache.get(key)


@pytest.fixture(params=[RUNS, "card"])
def kept(request: pytest.FixtureRequest) -> Iterator[str]:
    """Two answers with their speech, in an assistant that runs or on the card of none."""
    if request.param == "card":
        with on_the_card() as cache:
            filled(cache)
        yield request.param
    else:
        with Daemon() as cache:
            filled(cache)
            yield request.param


Capture = pytest.CaptureFixture[str]


def asked(capsys: Capture, *argv: str) -> tuple[int, dict[str, Any]]:
    """Exit status and JSON."""
    status = main(["cache", *argv, "--json"])
    return status, json.loads(capsys.readouterr().out)


def told(capsys: Capture, *argv: str) -> tuple[int, str, str]:
    """Exit status, and what stands on standard output and on standard error."""
    status = main(["cache", *argv])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


# --- JSON -------------------------------------------------------------------------------------


def test_stats_as_json(kept: str, capsys: Capture) -> None:
    """All that is counted, today and in all."""
    status, data = asked(capsys, "stats")
    assert (0, kept == RUNS) == (status, data["running"])
    assert data.keys() == STATS
    assert TALLY == data["today"].keys() == data["total"].keys()
    assert (5, 1) == (data["entries"], data["today"]["answered"])


def test_list_as_json(kept: str, capsys: Capture) -> None:
    """Every entry, the newest first, with where it is: memory is only known to who runs."""
    status, data = asked(capsys, "list")
    assert (0, 5) == (status, data["count"])
    assert data.keys() == {"running", "count", "entries"}
    assert all(entry.keys() == ENTRY for entry in data["entries"])
    assert TALL == data["entries"][0]["text"]
    assert {"memory" if kept == RUNS else "card"} == {entry["tier"] for entry in data["entries"]}
    _, data = asked(capsys, "list", "--kind", "answers")
    assert [TALL, FRANCE] == [entry["text"] for entry in data["entries"]]


def test_show_as_json(kept: str, capsys: Capture) -> None:
    """An answer and the speech of its sentences."""
    status, data = asked(capsys, "show", "what's", "the", "capital", "of", "france")
    assert 0 == status
    assert data.keys() == {"running", "question", "answers"}
    (answer,) = data["answers"]
    assert answer.keys() == ANSWER
    assert all(sentence.keys() == SENTENCE for sentence in answer["sentences"])
    assert "Paris.\nIt lies on the Seine." == answer["text"]
    assert ["Paris.", "It lies on the Seine."] == [one["sentence"] for one in answer["sentences"]]


def test_forget_as_json(kept: str, capsys: Capture) -> None:
    """The answer and its speech are gone, from the card too; the second time there is nothing."""
    assert (0, {"running": kept == RUNS, "forgotten": 1}) == asked(capsys, "forget", FRANCE)
    assert (1, {"running": kept == RUNS, "forgotten": 0}) == asked(capsys, "forget", FRANCE)
    _, data = asked(capsys, "list")
    assert [TALL, "330 metres."] == [entry["text"] for entry in data["entries"]]


def test_clear_as_json(kept: str, capsys: Capture) -> None:
    """Nothing is asked where nobody can answer."""
    assert (0, {"running": kept == RUNS, "forgotten": 0}) == asked(capsys, "clear", "--expired")
    assert (0, {"running": kept == RUNS, "forgotten": 5}) == asked(capsys, "clear")
    assert 0 == asked(capsys, "list")[1]["count"]


def test_verify_as_json(kept: str, capsys: Capture) -> None:
    """All is well."""
    expected = {"running": kept == RUNS, "ok": True, "problems": [], "entries": 5}
    assert (0, expected) == asked(capsys, "verify")


def test_what_the_running_assistant_kept_is_there_after_its_end(capsys: Capture) -> None:
    """The commands go from asking it to reading the card, and find the same."""
    with Daemon() as cache:
        filled(cache)
        _, before = asked(capsys, "list")
    _, after = asked(capsys, "list")
    assert (True, False) == (before["running"], after["running"])
    assert [e["text"] for e in before["entries"]] == [e["text"] for e in after["entries"]]


# --- prose ------------------------------------------------------------------------------------


def test_stats_in_prose(kept: str, capsys: Capture) -> None:
    """Rates with their counts, bytes with their bound, and whether memory is included."""
    status, out, err = told(capsys, "stats")
    assert (0, "") == (status, err)
    assert out.startswith(
        "sena is running\n" if kept == RUNS else "sena is not running: this is what"
    )
    assert "\ntoday" in out
    assert "  answers      1 of 1, 100 % (1 from memory)\n" in out
    assert "\nin all\n" in out
    assert " of 8.0 MB are reserved" in out
    assert "trouble      none" in out


def test_list_in_prose(kept: str, capsys: Capture) -> None:
    """One line an entry."""
    status, out, _ = told(capsys, "list", "--kind", "answers")
    first, second = out.splitlines()
    assert 0 == status
    assert ["answer", "1", "min"] == first.split()[:3]
    assert first.endswith(f"kept           {TALL}")
    assert ["answer", "2", "h"] == second.split()[:3]


def test_show_in_prose(kept: str, capsys: Capture) -> None:
    """Question, answer, sentences, and what is known of them."""
    status, out, _ = told(capsys, "show", FRANCE)
    assert 0 == status
    assert out.startswith(f"{FRANCE}\n  Paris.\n  It lies on the Seine.\n  stays true   always\n")
    assert f": It lies on the Seine. ({VOICE})\n" in out


def test_what_was_deleted_is_counted_in_prose(kept: str, capsys: Capture) -> None:
    """Answers for `forget`, entries for `clear`; an empty cache is no problem."""
    assert (0, "1 answer forgotten, speech included\n", "") == told(capsys, "forget", FRANCE)
    assert (0, "2 entries deleted\n", "") == told(capsys, "clear")
    assert (0, "0 entries deleted\n", "") == told(capsys, "clear")


def test_nothing_found_is_said_and_is_a_problem(kept: str, capsys: Capture) -> None:
    """Exit 1 and a sentence that helps."""
    for action in ("show", "forget"):
        status, out, _ = told(capsys, action, "who was nobody")
        assert 1 == status
        assert out.endswith(
            "`sena cache list` tells what is\n" if action == "show" else "is kept\n"
        )


def test_what_could_steer_a_terminal_is_not_printed(capsys: Capture) -> None:
    """An answer is printed without its control characters; JSON escapes them."""
    with on_the_card() as cache:
        keep(cache, "Who was\x1b[2J Bach?", "A \x07composer.\x9b31m", kept_at=None)
    for argv in (["list"], ["show", "Who was\x1b[2J Bach?"], ["list", "--json"]):
        out = told(capsys, *argv)[1]
        assert "composer" in out
        assert all(char.isprintable() or char == "\n" for char in out)


# --- on a terminal ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "typed", "expected", "left"),
    [
        ([], b"n\n", 1, 5),
        ([], b"\n", 1, 5),
        ([], b"y\n", 0, 0),
        (["--expired"], b"y\n", 0, 5),
        (["--yes"], b"", 0, 0),
    ],
)
def test_clear_asks_on_a_terminal(
    capsys: Capture, options: list[str], typed: bytes, expected: int, left: int
) -> None:
    """Only a yes deletes, and --yes does not ask."""
    with on_the_card() as cache:
        filled(cache)
    terminal, slave = pty.openpty()
    with subprocess.Popen([*SENA, "cache", "clear", *options], stdin=slave, stderr=slave) as sena:
        os.close(slave)
        if typed:
            shown = b""
            while b"[y/N] " not in shown:
                shown += os.read(terminal, 1024)
            assert b"5 entries" in shown
            os.write(terminal, typed)
        assert expected == sena.wait(BOUND_S)
    os.close(terminal)
    assert left == asked(capsys, "list")[1]["count"]


# --- what can be in the way -------------------------------------------------------------------

ACTIONS = [["stats"], ["list"], ["show", "x"], ["forget", "x"], ["clear"], ["verify"]]


@pytest.mark.parametrize("argv", ACTIONS, ids=lambda argv: argv[0])
def test_before_the_first_answer_there_is_no_cache(
    argv: list[str], folder: Path, capsys: Capture
) -> None:
    """A sentence, and none is made."""
    status, out, err = told(capsys, *argv)
    assert (1, "") == (status, out)
    assert err.startswith(f"there is no cache in {folder} yet; ")
    assert 1 == err.count("\n")
    assert not folder.exists()


def test_a_damaged_entry_is_found(folder: Path, capsys: Capture) -> None:
    """`verify` exits with 1, names it without its words, and the rest is still listed."""
    with on_the_card() as cache:
        filled(cache)
    log = folder / "responses.log"
    log.write_bytes(log.read_bytes().replace(b"330 metres.", b"331 metres."))
    status, out, _ = told(capsys, "verify")
    assert 1 == status
    assert "is damaged" in out
    assert "metres" not in out
    assert 3 == asked(capsys, "list")[1]["count"]


@pytest.mark.parametrize("argv", ACTIONS, ids=lambda argv: argv[0])
def test_a_cache_of_another_size_is_only_cleared(
    argv: list[str], folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would seem damaged; nothing of it is deleted by looking at it."""
    with on_the_card() as cache:
        filled(cache)
    before = (folder / "responses.log").read_bytes()
    monkeypatch.setenv("SENA_CACHE_SIZE_MB", "16")
    status, out, err = told(capsys, *argv)
    if argv == ["clear"]:
        assert (0, "") == (status, err)
    else:
        assert (1, "") == (status, out)
        assert "another size than `[cache] size_mb` says" in err
        assert before == (folder / "responses.log").read_bytes()


@pytest.mark.parametrize("argv", ACTIONS, ids=lambda argv: argv[0])
def test_a_cache_that_another_holds_is_read_but_not_changed(
    argv: list[str], capsys: Capture
) -> None:
    """An assistant without a socket: what it has on the card can be seen."""
    with on_the_card() as cache:
        filled(cache)
        cache.turn_ended()
    holder = open_cache(settings())
    status, out, err = told(capsys, *argv)
    if argv[0] in ("forget", "clear"):
        assert (1, "") == (status, out)
        assert "a sena that can't be asked has " in err
        assert 1 == err.count("\n")
    elif argv[0] != "show":
        assert (0, "") == (status, err)
    assert 5 == holder.stats()["entries"]
    holder.close()


def test_settings_that_are_wrong_do_not_keep_from_asking(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not read while an assistant runs; they are where the card itself is opened."""
    with Daemon() as cache:
        filled(cache)
        monkeypatch.setenv("SENA_CACHE_SIZE_MB", "many")
        assert 0 == told(capsys, "stats")[0]
    status, _, err = told(capsys, "stats")
    assert 1 == status
    assert "size_mb" in err.lower()


@pytest.mark.parametrize(
    "argv", ["cache", "cache show", "cache list --kind x", "cache stats --yes", "cache clear all"]
)
def test_wrong_usage(argv: str) -> None:
    """Exit 2, before anything is looked at."""
    with pytest.raises(SystemExit) as stop:
        main(argv.split())
    assert 2 == stop.value.code


@only_root
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_a_cache_of_another_user_is_told_to_be_one(
    mode: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """No permission is no damage, whether the folder may be looked into or not."""
    place = tempfile.TemporaryDirectory()
    request.addfinalizer(place.cleanup)
    folder = Path(place.name) / "cache"
    for name, value in environment(folder.parent).items():
        if name.endswith("_DIRECTORY"):
            monkeypatch.setenv(name, value)
    with on_the_card() as cache:
        filled(cache)
    for path in (folder.parent, folder):
        path.chmod(mode)
    os.seteuid(NOBODY)
    try:
        status, out, err = told(capsys, "stats")
    finally:
        os.seteuid(0)
    assert (1, "") == (status, out)
    assert f"{folder} is another user's; ask as that user, or with sudo\n" == err


@only_root
def test_who_has_no_cache_is_sent_to_the_service_s(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ordinary user beside the service is told to use sudo; root is answered."""
    with Daemon() as cache:
        filled(cache)
        service = Path(os.environ["RUNTIME_DIRECTORY"])
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "mine"))
        monkeypatch.setenv("CACHE_DIRECTORY", "/nonexistent/sena")
        request: Callable[[], object] = lambda: cache_commands.request(  # noqa: E731
            "stats", {}, settings, service=service
        )
        assert request() is not None
        os.seteuid(NOBODY)
        try:
            with pytest.raises(
                NotAllowed, match=r"another user's .*; ask as that user, or with sudo"
            ):
                request()
        finally:
            os.seteuid(0)
    with pytest.raises(CacheProblem, match="there is no cache"):
        request()


@only_root
@pytest.mark.parametrize("argv", [["forget", FRANCE], ["clear"]], ids=lambda argv: argv[0])
def test_what_root_writes_stays_its_owner_s(argv: list[str], folder: Path, capsys: Capture) -> None:
    """The service's user can write its cache afterwards."""
    with on_the_card() as cache:
        filled(cache)
    for path in (folder, *folder.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    assert 0 == told(capsys, *argv)[0]
    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in folder.iterdir()}
    assert {"responses.log", "index.db"} <= owners.keys()
    assert {(NOBODY, NOBODY)} == set(owners.values())


def test_what_was_asked_is_never_in_the_journal(
    capsys: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a question that is found nor one that is not."""
    caplog.set_level(logging.DEBUG)
    with Daemon() as cache:
        filled(cache)
        for argv in ACTIONS[:-2]:
            told(capsys, *argv)
        for action in ("show", "forget"):
            told(capsys, action, FRANCE)
            told(capsys, action, "my secret")
    assert "cache today: " in caplog.text  # its end is told
    for word in ("secret", "capital", "Seine", "Eiffel", "metres"):
        assert word not in caplog.text


def test_a_cache_that_is_not_open_yet_is_waited_for(tmp_path: Path) -> None:
    """Who asks too early is told to try again."""
    service = cache_service(settings(), model=MODEL)
    handler = cache_requests(service, settings())["cache.stats"]

    async def story(service: CacheService) -> None:
        with pytest.raises(CacheProblem, match="try again in a moment"):
            await handler({})
        await service.aclose()

    asyncio.run(story(service))


# --- the whole appliance ----------------------------------------------------------------------


def test_a_running_appliance_is_asked_and_tells_its_journal(tmp_path: Path) -> None:
    """`sena run` keeps an answer; `sena cache` beside it lists it; SIGUSR1; and an end in order."""
    question = spoken(tmp_path, "hey jarvis, what is the capital of france")
    with GeminiServerThread() as gemini:
        reply = answer_json(heard="what is the capital of france", say="Paris.")
        gemini.will_answer(*(text_answer(reply) for _ in range(9)))
        gemini.will_speak(*(sound_answer(tone(600)) for _ in range(9)))
        place = {
            **environment(tmp_path),
            "GEMINI_API_KEY": gemini.key,
            "SENA_CLOUD_BASE_URL": gemini.url,
            "SENA_CACHE_SIZE_MB": "8",
        }
        with subprocess.Popen(
            [*SENA, "run", "--json", "--simulate", *[str(question)] * 9],
            env=place,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as sena:
            assert sena.stdout is not None
            assert sena.stderr is not None
            try:
                assert "cloud" == json.loads(sena.stdout.readline())["source"]
                assert "cache" == json.loads(sena.stdout.readline())["source"]
                listed = subprocess.run(
                    [*SENA, "cache", "list", "--kind", "answers", "--json"],
                    env=place,
                    capture_output=True,
                    text=True,
                    check=True,
                    timeout=BOUND_S,
                )
                sena.send_signal(signal.SIGUSR1)
                journal = []
                while not journal or "answers found" not in journal[-1]:
                    journal.append(sena.stderr.readline())
                sena.send_signal(signal.SIGTERM)
                rest = sena.communicate(timeout=BOUND_S)[1]
            finally:
                sena.kill()
    found = json.loads(listed.stdout)
    (entry,) = found["entries"]
    assert (True, "what is the capital of france", "memory") == (
        found["running"],
        entry["text"],
        entry["tier"],
    )
    assert 0 == sena.returncode
    assert not (tmp_path / "run" / control.SOCKET_NAME).exists()
    assert "france" not in "".join(journal) + rest


def test_sigusr1_is_no_harm_where_nothing_is_kept(tmp_path: Path) -> None:
    """Without a key there is no cache: that is told, and the appliance goes on."""
    question = spoken(tmp_path, "hey jarvis, what time is it")
    with subprocess.Popen(
        [*SENA, "run", "--simulate", *[str(question)] * 5],
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    ) as sena:
        assert sena.stderr is not None
        try:
            lines = iter(sena.stderr.readline, "")
            next(line for line in lines if "light: " in line)
            sena.send_signal(signal.SIGUSR1)
            assert next(line for line in lines if line == "cache: there is none\n")
            sena.send_signal(signal.SIGTERM)
            sena.stderr.read()
        finally:
            sena.terminate()
    assert 0 == sena.returncode


# --- the benchmark ----------------------------------------------------------------------------


def test_the_benchmark_is_run_by_its_command(tmp_path: Path) -> None:
    """One part of one design: a table on standard output, and a report in the folder."""
    pytest.importorskip("matplotlib")
    options = ["--designs", "file-per-entry", "--parts", "open", "--open-entries", "20"]
    done = subprocess.run(
        [*SENA, "bench", "cache", *options, "--openings", "1", "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    assert "file" in done.stdout
    assert [*(tmp_path / "out").glob("*.json")]


def test_a_benchmark_without_its_libraries_says_how_to_get_them() -> None:
    """One sentence, before anything is measured."""
    code = (
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"
        "from sena_pi.cli import main\n"
        "sys.exit(main(['bench', 'cache']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("matplotlib is missing; ")
    assert 1 == done.stderr.count("\n")
