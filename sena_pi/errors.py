"""Every error this package raises on purpose.

    SenaError
     +-- ConfigError              settings or keys a person must correct (all of them at once)
     +-- WorkerError              a worker process is gone, silent or does not read
     +-- EngineUnavailable        an engine can't run here: missing library, model, CPU or key
     |    +-- KeyRefused          the engine's key is missing, malformed or refused
     |    +-- KeyUnchecked        nobody could be asked about the engine's key; later perhaps
     +-- CloudError               the cloud did not do what was asked
     |    +-- CloudUnreachable    no connection, or a cut one
     |    |    +-- CloudSilent    a connection, and no answer in time
     |    +-- CloudBusy           429: over quota; carries when to ask again
     |    +-- CloudKeyRefused     401 or 403: the key is missing or refused
     |    +-- CaptivePortal       somebody else answers in its place: the network wants a login
     |    +-- ClockWrong          its certificate is not valid yet, or not any more, by our clock
     |    +-- CloudFailed         any other refusal or a server error
     |    |    +-- CloudDeclined  it works, and has no answer to this question
     |    +-- CloudResting        it failed before and is not asked; carries why
     |    +-- LightOut            the light can't be lit, so no sound is sent away
     +-- SynthesisFailed          a voice could not speak this sentence
     +-- AllowanceSpent           the daily cap on requests or speech is reached
     +-- DownloadFailed           a file did not come, or is not the one that was asked for

Messages are written for the person who reads the journal: what happened and what to do.
No message holds a key or what a person said.
"""

from __future__ import annotations

from collections.abc import Sequence


class SenaError(Exception):
    """Base of every error raised on purpose by this package."""


class ConfigError(SenaError):
    """Settings or keys that a person must correct.

    Attributes:
        problems: one line for each problem found, in the order of the file.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class WorkerError(SenaError):
    """A worker process is gone, silent or does not read; its supervisor replaces it."""


class EngineUnavailable(SenaError):
    """An engine can't run here: its library, model or CPU is missing; the next one is tried."""


class KeyRefused(EngineUnavailable):
    """An engine's key is missing, malformed or refused: a state a person is told about."""


class KeyUnchecked(EngineUnavailable):
    """Nobody could be asked whether an engine's key is good: worth another attempt later."""


class CloudError(SenaError):
    """The cloud did not do what was asked; the next rung answers."""


class CloudUnreachable(CloudError):
    """No connection, or a cut one."""


class CloudSilent(CloudUnreachable):
    """There is a connection, and no answer came in time."""


class CloudBusy(CloudError):
    """Over quota (HTTP 429).

    Attributes:
        retry_after_s: seconds until asking again makes sense, None when not told.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class CloudKeyRefused(CloudError):
    """The cloud's key is missing or refused (HTTP 401, 403, or 400 for a malformed key)."""


class CaptivePortal(CloudError):
    """Somebody else answers in the cloud's place: as a rule the network wants a login first."""


class ClockWrong(CloudError):
    """By our clock the cloud's certificate is not valid yet, or not any more."""


class CloudFailed(CloudError):
    """Any other refusal, a server error, or an answer that can't be read."""


class CloudDeclined(CloudFailed):
    """The cloud works; it gives no answer to this question, or none that can be used."""


class CloudResting(CloudError):
    """The cloud failed before, and is not asked until it has rested.

    Attributes:
        reason: what it failed of.
    """

    def __init__(self, message: str, reason: CloudError) -> None:
        self.reason = reason
        super().__init__(message)


class LightOut(CloudError):
    """The light can't be lit: nobody could see that they are heard, so no sound is sent away."""


class SynthesisFailed(SenaError):
    """A voice could not speak this sentence; the next rung speaks it."""


class AllowanceSpent(SenaError):
    """The daily cap on cloud requests or speech seconds is reached."""


class DownloadFailed(SenaError):
    """A file could not be fetched and put in its place, or is not the one that was asked for."""
