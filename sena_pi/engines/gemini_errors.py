"""What a refusal of the Gemini API means, as an error of ours.

The server's own words are read and never passed on: its details can hold the key in clear text
(`DebugInfo`), and nothing that a person said may reach the journal.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sena_pi.errors import (
    CaptivePortal,
    ClockWrong,
    CloudBusy,
    CloudError,
    CloudFailed,
    CloudKeyRefused,
    CloudSilent,
)

NEW_KEY: Final = "set a new one with `sena key set gemini`"
_DELAY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")
_SECONDS = re.compile(r"\d{1,9}")
_NETWORK_LOGIN: Final = 511
_REDIRECTS: Final = range(300, 400)
# OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED. It tells of dates only
# where it trusts the signer, so this is the cloud's own certificate.
_DATES: Final = {9: "not valid yet", 10: "not valid any more"}
_STATUS = re.compile(r"[A-Z][A-Z_]{1,60}")


def refusal(
    code: object, body: object, headers: Mapping[str, str], *, model: str = ""
) -> CloudError:
    """The error for a response that is not an answer.

    Args:
        code: HTTP status, or the code of an error object inside a stream.
        body: the decoded JSON of the response, whatever it is.
        headers: of the response; `Retry-After` in seconds is read.
        model: the model that was asked.
    """
    error = _error_object(body)
    status = str(error.get("status", ""))
    status = f" {status}" if _STATUS.fullmatch(status) else ""
    details = [detail for detail in _list(error.get("details")) if isinstance(detail, dict)]
    reasons = {str(detail.get("reason", "")) for detail in details}
    code = code if isinstance(code, int) else 0
    if code in {401, 403} or any(reason.startswith("API_KEY_") for reason in reasons):
        return CloudKeyRefused(f"Gemini refused the key ({code}{status}); {NEW_KEY}")
    if code == 429:
        spent = "of today " if _is_daily(details) else ""
        return CloudBusy(
            f"the Gemini quota {spent}is used up (429)", _retry_after_s(details, headers)
        )
    if code == 404:
        return CloudFailed(f"Gemini knows no model {model!r}; correct its name in the settings")
    if code in {408, 504}:
        return CloudSilent(f"Gemini gave no answer in time ({code}{status})")
    if code >= 500:
        return CloudFailed(f"Gemini has trouble of its own ({code}{status})")
    return CloudFailed(f"Gemini refused the request ({code or 'no code'}{status})")


def impostor(status: int, content_type: str) -> CaptivePortal | None:
    """The error for a response that the API never gives; None where it may be its own.

    Args:
        status: HTTP status.
        content_type: of the response; "" without one.
    """
    if status in _REDIRECTS or status == _NETWORK_LOGIN:
        how = f"a redirect ({status})" if status in _REDIRECTS else "a demand for a login"
    elif status == 200 and content_type.partition(";")[0].strip().lower() == "text/html":
        how = "a web page"
    else:
        # Google's own servers tell of their trouble in HTML, too.
        return None
    return CaptivePortal(f"{how} came instead of Gemini's answer; the network may want a login")


def distrust(error: BaseException) -> CloudError | None:
    """What a certificate that was refused means; None where no certificate was.

    Args:
        error: what the HTTP library raised; what it was raised from is looked into.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    if cause.verify_code in _DATES:
        return ClockWrong(
            f"Gemini's certificate is {_DATES[cause.verify_code]} by this clock; check the time"
        )
    return CaptivePortal(
        "the server that answered for Gemini is not to be trusted; the network may want a login"
    )


def is_about_thinking(code: object, body: object) -> bool:
    """Whether a refusal says that this model does not take the thinking level asked for."""
    return code == 400 and "thinking" in str(_error_object(body).get("message", "")).lower()


def _error_object(body: object) -> Mapping[str, Any]:
    """The error inside a body, which may be a list of one or the error itself."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return {}
    inner = body.get("error", body)
    return inner if isinstance(inner, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_daily(details: list[dict[str, Any]]) -> bool:
    return any("PerDay" in quota for quota in _quotas(details))


def _quotas(details: list[dict[str, Any]]) -> Iterator[str]:
    for detail in details:
        for violation in _list(detail.get("violations")):
            if isinstance(violation, dict):
                yield str(violation.get("quotaId", ""))


def _retry_after_s(details: list[dict[str, Any]], headers: Mapping[str, str]) -> float | None:
    """The longer of what the body and the header ask for; None when neither says."""
    asked = [_DELAY.fullmatch(str(detail.get("retryDelay", ""))) for detail in details]
    delays_s = [float(delay[1]) for delay in asked if delay]
    after = next((value for key, value in headers.items() if key.lower() == "retry-after"), "")
    if _SECONDS.fullmatch(after.strip()):
        delays_s.append(float(after))
    return max(delays_s, default=None)
