"""Gets a bundle from an address: encrypted all the way, and never more than a bundle may be."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.request
from typing import IO, Final
from urllib.parse import urlsplit

from sena_pi.update.bundle import LARGEST_BUNDLE_BYTES
from sena_pi.update.errors import UpdateFailed, UpdateRefused
from sena_pi.voices import SafeRedirects

_BLOCK_BYTES: Final = 64 * 1024


def is_address(text: str) -> bool:
    """It is for `download`, and no file."""
    return "://" in text


def download(
    url: str,
    out: IO[bytes],
    *,
    trust: ssl.SSLContext | None = None,
    largest_bytes: int = LARGEST_BUNDLE_BYTES,
    stall_timeout_s: float = 30.0,
    within_s: float = 3600.0,
) -> None:
    """Write what is at an address to a file; blocks.

    Args:
        url: https://, and so is everything it redirects to.
        out: where it goes.
        trust: whose certificates are believed; those that the system does.
        largest_bytes: more does not come.
        stall_timeout_s: longest wait for the server to send something.
        within_s: longest wait for all of it.

    Raises:
        UpdateRefused: the address is not encrypted, or the file too large.
        UpdateFailed: it did not come.
        OSError: it can't be written.
    """
    if urlsplit(url).scheme != "https":
        raise UpdateRefused(f"updates come from https:// addresses and files, not from {url}")
    opener = urllib.request.build_opener(
        SafeRedirects,
        urllib.request.HTTPSHandler(context=trust or ssl.create_default_context()),
        urllib.request.ProxyHandler({}),
    )
    deadline_s = time.monotonic() + within_s
    try:
        with opener.open(url, timeout=stall_timeout_s) as response:
            expected = response.headers.get("Content-Length", "")
            here = 0
            while block := response.read(_BLOCK_BYTES):
                here += len(block)
                if here > largest_bytes:
                    raise UpdateRefused(f"{url} is larger than any update")
                if time.monotonic() > deadline_s:
                    raise UpdateFailed(f"{url} did not come within {within_s / 60:.0f} minutes")
                out.write(block)
    except urllib.error.HTTPError as error:
        error.close()
        raise UpdateFailed(f"{url}: the server answers {error.code} {error.reason}") from None
    except (
        urllib.error.URLError,
        http.client.HTTPException,
        TimeoutError,
        ConnectionError,
        ssl.SSLError,
    ) as error:
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise UpdateFailed(f"{url} did not come: {reason}") from error
    if expected.isdecimal() and here < int(expected):
        raise UpdateFailed(f"{url} was cut off after {here} of {expected} bytes")
