"""The Gemini key in use: a person may replace it while the appliance runs."""

from __future__ import annotations

import asyncio
import logging

from sena_pi.engines.gemini import Gemini
from sena_pi.errors import KeyRefused
from sena_pi.keys import Key, KeyStore

_log = logging.getLogger(__name__)


class GeminiKey:
    """A `Credential`.

    Args:
        keys: where a new key is looked for.
        gemini: what asks with it.
        key: the one it asks with now.
    """

    def __init__(self, keys: KeyStore, gemini: Gemini, key: Key) -> None:
        self._keys = keys
        self._gemini = gemini
        self._secret = key.secret
        self._version = 0

    async def version(self) -> int:
        """How often the key was replaced; one that is new is used from now on."""
        try:
            key = await asyncio.to_thread(self._keys.find, "gemini")
        except KeyRefused as error:
            _log.warning("%s", error)
            return self._version
        if key is not None and key.secret != self._secret:
            # Told before anything is awaited: who asks meanwhile must not replace it again.
            self._secret = key.secret
            self._version += 1
            _log.info("there is another Gemini key (%s)", key.origin)
            await self._gemini.use_key(key.secret.reveal())
        return self._version
