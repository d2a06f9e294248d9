"""What a refusal of the API means."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sena_pi.engines.gemini_errors import is_about_thinking, refusal
from sena_pi.errors import CloudBusy, CloudError, CloudKeyRefused

KEY = "key-zq81-of-mine"
words = st.sampled_from(
    [KEY, "error", "status", "message", "details", "reason", "retryDelay", "violations", "quotaId"]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.integers() | json_values, json_values, st.dictionaries(st.text(), st.text()))
def test_every_body_is_an_error_of_ours_that_quotes_nothing(
    code: object, body: object, headers: dict[str, str]
):
    """Whatever a server answers is understood or refused, and its words stay out of ours."""
    error = refusal(code, body, headers, model="m")
    assert isinstance(error, CloudError)
    assert KEY not in str(error)
    assert is_about_thinking(code, body) in {True, False}


def test_the_longer_delay_counts():
    """The body's delay and the header's may differ."""
    body = {"error": {"code": 429, "details": [{"retryDelay": "3.5s"}, {"retryDelay": "soon"}]}}
    for after, delay_s in (("2", 3.5), ("9", 9.0)):
        error = refusal(429, body, {"retry-after": after})
        assert isinstance(error, CloudBusy)
        assert delay_s == error.retry_after_s


def test_a_key_that_may_not_use_the_service_is_a_refused_key():
    """All reasons about keys mean the same to a person, whatever the status."""
    for reason in ("API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED"):
        body = {"error": {"code": 400, "details": [{"reason": reason}]}}
        assert isinstance(refusal(400, body, {}), CloudKeyRefused)
