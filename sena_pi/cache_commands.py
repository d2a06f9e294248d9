"""`sena cache`: what is kept, and how to be rid of it.

The assistant that runs is asked, for it knows what the card does not have yet, and no other process
may write its cache. Where none runs the card itself is read.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sena_pi import cache_prose, control
from sena_pi.cache.administration import WRITES, Asked, CacheProblem, answer
from sena_pi.cache.card import LOG_NAME, exists
from sena_pi.cache.clock import TrustedTime
from sena_pi.places import SERVICE_RUNTIME_FOLDER, cache_folder, runtime_folder

if TYPE_CHECKING:
    from sena_pi.cache.card import CardSettings
    from sena_pi.cache.responses import ResponseCache
    from sena_pi.settings import Settings

EXIT_OK: Final = 0
EXIT_PROBLEM: Final = 1


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back.

    Attributes:
        running: the assistant that runs said it; else it is read from the card.
        data: the answer.
    """

    running: bool
    data: dict[str, Any]


def run(args: argparse.Namespace, settings: Callable[[], Settings]) -> int:
    """One `sena cache` command.

    Args:
        args: action, json, and the action's own.
        settings: reads them; only asked when no assistant runs.

    Raises:
        SenaError: it can't be done; says why, and what to do.
    """
    if args.action == "clear" and not (args.yes or _confirmed(args, settings)):
        sys.stderr.write("nothing was deleted\n")
        return EXIT_PROBLEM
    answered = request(args.action, _arguments(args), settings)
    if args.json:
        sys.stdout.write(f"{json.dumps({'running': answered.running, **answered.data})}\n")
    else:
        prose = cache_prose.PROSE[args.action](answered.data, running=answered.running)
        sys.stdout.write("".join(f"{line}\n" for line in prose))
    return EXIT_OK if _done(args.action, answered.data) else EXIT_PROBLEM


def request(
    name: str,
    arguments: Mapping[str, Any],
    settings: Callable[[], Settings],
    *,
    service: Path = SERVICE_RUNTIME_FOLDER,
) -> Answered:
    """Ask the assistant that runs, or the card where none does; blocks.

    Args:
        name: of `administration.REQUESTS`.
        arguments: of the request.
        settings: reads them.
        service: where the socket of the system's service would be.

    Raises:
        SenaError: it can't be done.
    """
    folder = cache_folder()
    here = _exists(folder)
    # Someone who has no cache of their own means the service's.
    sockets = [runtime_folder()] if here else [runtime_folder(), service]
    for place in sockets:
        with suppress(control.NobodyAnswers):
            return Answered(running=True, data=control.ask(place, f"cache.{name}", arguments))
    if not here:
        raise CacheProblem(
            f"there is no cache in {folder} yet; if sena runs as another user, ask as that user, "
            "and as root (sudo) about the service's"
        )
    with _opened(folder, settings(), name) as (cache, words):
        asked = Asked(cache, arguments, TrustedTime()(), words)
        return Answered(running=False, data=answer(name, asked))


def _exists(folder: Path) -> bool:
    try:
        return exists(folder)
    except PermissionError as error:
        raise CacheProblem(f"{folder} is another user's; ask as that user, or with sudo") from error


@contextmanager
def _opened(
    folder: Path, settings: Settings, name: str
) -> Iterator[tuple[ResponseCache, tuple[str, ...]]]:
    from sena_pi.cached import cache_settings, open_cache, wake_words

    if name != "clear":
        _check_size(folder, cache_settings(settings).store.card)
    # What the journal would be told is said in one sentence below.
    logging.getLogger("sena_pi.cache").addHandler(logging.NullHandler())
    try:
        with closing(open_cache(settings, writable=name in WRITES)) as cache:
            if cache.trouble is not None:
                raise CacheProblem(_refusal(cache.trouble, folder))
            yield cache, wake_words(settings)
    finally:
        if name in WRITES:
            _give_back(folder)


def _check_size(folder: Path, card: CardSettings) -> None:
    """A log of another size lies otherwise: read with these settings it would seem damaged."""
    with suppress(PermissionError):  # told when it is opened
        if (folder / LOG_NAME).stat().st_size != card.segments * card.segment_bytes:
            raise CacheProblem(
                f"the cache in {folder} has another size than `[cache] size_mb` says; sena begins "
                "it anew at its next start, `sena cache clear` does now"
            )


def _refusal(trouble: str, folder: Path) -> str:
    if "another process" in trouble:
        return (
            f"a sena that can't be asked has {folder} open; stop it and try again "
            "(systemctl stop sena)"
        )
    if not os.access(folder / LOG_NAME, os.R_OK, effective_ids=True):
        return f"{folder} is another user's; ask as that user, or with sudo"
    return f"{trouble} ({folder}); if the card can still be written, `sena cache clear` begins anew"


def _give_back(folder: Path) -> None:
    """What root made in the folder of the service's user is that user's, who must write it."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _confirmed(args: argparse.Namespace, settings: Callable[[], Settings]) -> bool:
    if not sys.stdin.isatty():
        return True
    what = "everything"
    with suppress(CacheProblem):  # one that can't be read may still be cleared
        what = f"{request('stats', {}, settings).data['entries']:,} entries"
    if args.expired:
        what = f"what has expired of {what}"
    sys.stderr.write(f"Delete {what} for good? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _arguments(args: argparse.Namespace) -> dict[str, Any]:
    match args.action:
        case "list":
            return {"kind": args.kind}
        case "show" | "forget":
            return {"text": " ".join(args.text)}
        case "clear":
            return {"expired": args.expired}
        case _:
            return {}


def _done(action: str, data: Mapping[str, Any]) -> bool:
    """Whether there was what was asked for, and all is well with it."""
    match action:
        case "show":
            return bool(data["answers"])
        case "forget":
            return bool(data["forgotten"])
        case "verify":
            return bool(data["ok"])
        case _:
            return True
