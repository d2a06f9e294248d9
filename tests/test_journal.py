"""The journal: fields that journalctl finds, prose that people read, and no word of anybody."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sena_pi.errors import SenaError
from sena_pi.journal import JournalHandler, PrivateFormatter, event, plain_handler
from tests.journal import Journal, journal

WORDS = "my secret canary sentence"


@pytest.fixture(scope="module")
def real() -> Iterator[Journal]:
    """A real journal."""
    with journal() as it:
        yield it


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger of the test's own."""
    logger = logging.Logger("sena_pi.test")  # noqa: LOG001 - it must not outlive the test
    yield logger
    for handler in logger.handlers:
        handler.close()


def test_fields_are_found_and_the_message_is_prose(real: Journal, log: logging.Logger) -> None:
    """As journald stores it: by SENA_EVENT, with numbers and texts of several lines."""
    log.addHandler(JournalHandler(real.socket))
    log.info("two %s\nlines", "whole", extra=event("demo", hits=12, rate=0.5, none=None))
    (entry,) = real.entries("SENA_EVENT=demo")
    assert "two whole\nlines" == entry["MESSAGE"]
    assert ("12", "0.5", "6") == (entry["SENA_HITS"], entry["SENA_RATE"], entry["PRIORITY"])
    assert ("sena", "sena_pi.test") == (entry["SYSLOG_IDENTIFIER"], entry["SENA_LOGGER"])
    assert __file__ == entry["CODE_FILE"]
    assert "SENA_NONE" not in entry
    assert "two whole" in real.ask("-t", "sena")


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, "7"), (logging.WARNING, "4"), (logging.ERROR, "3"), (logging.CRITICAL, "2")],
)
def test_levels_are_the_journal_s_priorities(
    real: Journal, log: logging.Logger, level: int, priority: str
) -> None:
    """`journalctl -p warning` finds what it should."""
    log.addHandler(JournalHandler(real.socket))
    log.log(level, "level", extra=event(f"level{level}"))
    assert [priority] == [it["PRIORITY"] for it in real.entries(f"SENA_EVENT=level{level}")]


def test_a_very_long_line_is_cut_not_lost(real: Journal, log: logging.Logger) -> None:
    """Whatever a library has to say."""
    log.addHandler(JournalHandler(real.socket))
    log.info("x" * 1_000_000, extra=event("long"))
    (entry,) = real.entries("SENA_EVENT=long", "--all")
    assert 32 << 10 == len(entry["MESSAGE"])


def test_a_journal_that_does_not_read_is_not_waited_for(
    tmp_path: Path, log: logging.Logger
) -> None:
    """Lines are dropped, and the next one says how many."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as slow:
        slow.bind(str(tmp_path / "socket"))
        slow.settimeout(0)
        log.addHandler(JournalHandler(tmp_path / "socket"))
        for _ in range(1000):
            log.info("line")
        taken = 0
        try:
            while slow.recv(65536):
                taken += 1
        except BlockingIOError:
            pass
        assert 0 < taken < 1000
        log.info("after")
        assert f"SENA_DROPPED={1000 - taken}".encode() in slow.recv(65536)


def test_without_a_journal_lines_go_to_standard_error(
    tmp_path: Path, log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """A journald that is restarted loses nothing of ours."""
    log.addHandler(JournalHandler(tmp_path / "gone"))
    log.info("still told")
    assert "still told\n" == capsys.readouterr().err


@pytest.mark.parametrize("redirected", [False, True])
def test_the_journal_is_used_where_standard_error_is_the_journal(
    tmp_path: Path,
    redirected: bool,  # noqa: FBT001 - a case
) -> None:
    """Only there: JOURNAL_STREAM is inherited by processes whose output somebody redirects."""
    script = (
        "import logging; from sena_pi import journal; journal.set_up();"
        "print(type(logging.getLogger().handlers[0]).__name__)"
    )
    with (tmp_path / "stream").open("wb") as stream:
        status = os.fstat(stream.fileno())
        run = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if redirected else stream,
            text=True,
            check=True,
            timeout=60,
        )
    assert ("StreamHandler" if redirected else "JournalHandler") == run.stdout.strip()


def raised(error: BaseException) -> str:
    """What the log holds of an error that was raised while another one was handled."""
    out = io.StringIO()
    log = logging.Logger("test")  # noqa: LOG001 - as above
    log.addHandler(plain_handler(out))
    try:
        try:
            raise KeyError(WORDS)  # noqa: TRY301 - the chain is the point
        except KeyError:
            raise error  # noqa: B904 - as above
    except BaseException:
        log.exception("something failed")
    return out.getvalue()


def test_a_traceback_tells_the_place_and_not_the_words() -> None:
    """An error's own text may quote a question: neither it nor what it came from is printed."""
    for error in (
        ValueError(WORDS),
        ExceptionGroup(WORDS, [ValueError(WORDS), KeyError(WORDS)]),
        UnicodeDecodeError("ascii", WORDS.encode(), 0, 1, WORDS),
    ):
        text = raised(error)
        assert WORDS not in text
        assert "in raised" in text
        assert "KeyError" in text
        assert type(error).__name__ in text


def test_errors_of_ours_keep_their_words() -> None:
    """They are written for the journal, and hold nothing that was said."""
    assert "SenaError: the card is full" in raised(SenaError("the card is full"))
    assert "No space left" in raised(OSError(28, "No space left on device"))


def test_a_task_that_nobody_awaited_tells_no_words(caplog: pytest.LogCaptureFixture) -> None:
    """The loop's own line quotes the exception; only its first line is kept."""

    async def fail() -> None:
        raise ValueError(WORDS)

    async def main() -> None:
        task = asyncio.get_running_loop().create_task(fail())
        await asyncio.wait([task])

    asyncio.run(main())
    (record,) = [it for it in caplog.records if it.name == "asyncio"]
    assert WORDS in record.getMessage()
    record.exc_text = None
    text = PrivateFormatter().format(record)
    assert text.startswith("Task exception was never retrieved")
    assert WORDS not in text


def test_an_uncaught_exception_tells_no_words() -> None:
    """What ends a process is told like the rest."""
    script = f"from sena_pi import journal; journal.set_up(); raise ValueError({WORDS!r}.upper())"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert 1 == run.returncode
    assert "ended by a bug" in run.stderr
    assert WORDS.upper() not in run.stderr
