"""The response cache as the settings want it."""

from __future__ import annotations

import logging
from typing import Any, Final

from sena_pi.cache import administration
from sena_pi.cache.budget import CardSettings
from sena_pi.cache.clock import TrustedTime
from sena_pi.cache.refresh import Refresher, RefreshSettings
from sena_pi.cache.refreshing import IdleRefresh
from sena_pi.cache.responses import CacheSettings, ResponseCache
from sena_pi.cache.service import CacheService
from sena_pi.cache.store import StoreSettings
from sena_pi.cache.told import day_event, day_line
from sena_pi.control import Handler
from sena_pi.engines import opus
from sena_pi.places import cache_folder
from sena_pi.priority import lower_this_thread
from sena_pi.settings import Settings
from sena_pi.stages import LanguageModel

WAKE_WORDS = ("hey sena", "sena", "hey jarvis", "jarvis")
"""May precede a question in a transcript, whatever the words are that wake."""

_now: Final = TrustedTime()
_log = logging.getLogger(__name__)

_MB = 1 << 20
_DAY_S = 24 * 3600.0


def cache_settings(settings: Settings) -> CacheSettings:
    """What the cache is told."""
    cache = settings.cache
    return CacheSettings(
        store=StoreSettings(
            card=CardSettings.of(cache.size_mb * _MB),
            memory_bytes=cache.memory_mb * _MB,
            promote=cache.promote,
            group_bytes=cache.group_kb << 10,
            group_turns=cache.group_turns,
            group_age_s=cache.group_minutes * 60.0,
            written_bytes_a_day=cache.write_mb_per_day * _MB,
        ),
        hours_s=float(cache.keep_hours_s),
        longest_s=cache.delete_after_days * _DAY_S or None,
    )


def open_cache(settings: Settings, *, writable: bool = True) -> ResponseCache:
    """Open the cache; blocks for the card."""
    return ResponseCache(cache_folder(), cache_settings(settings), now=_now, writable=writable)


def wake_words(settings: Settings) -> tuple[str, ...]:
    """What may precede a question."""
    return (*WAKE_WORDS, *settings.wake.words)


def refresher(settings: Settings) -> Refresher:
    """What learns which aged answers to ask for again; by default it learns nothing."""
    told = cache_settings(settings)
    fresh_s = min(told.hours_s, told.longest_s or told.hours_s)
    return Refresher(RefreshSettings(per_day=settings.cache.refresh_per_day, fresh_s=fresh_s))


def cache_service(
    settings: Settings, *, model: str, learns: Refresher | None = None
) -> CacheService:
    """The cache beside the turns."""
    return CacheService(
        lambda: open_cache(settings),
        model=model,
        encode=opus.encode,
        wake_words=wake_words(settings),
        lower_priority=lower_this_thread,
        now=_now,
        on_day=lambda tally: _log.info("%s", day_line(tally), extra=day_event(tally)),
        refresher=learns,
    )


def idle_refresh(service: CacheService, learned: Refresher, model: LanguageModel) -> IdleRefresh:
    """What asks for aged answers while nobody asks for anything."""
    return IdleRefresh(service, learned, model, now=_now)


def cache_requests(service: CacheService, settings: Settings) -> dict[str, Handler]:
    """What the control socket answers about the cache that is in use."""
    words = wake_words(settings)

    def handler(request: str) -> Handler:
        async def handle(arguments: dict[str, Any]) -> dict[str, Any]:
            if service.cache is None:
                raise administration.CacheProblem(
                    "sena has just started and is opening its cache; try again in a moment"
                )
            if request in administration.WRITES:
                service.unlearn()
            return await service.ask(
                lambda cache: administration.answer(
                    request, administration.Asked(cache, arguments, _now(), words)
                )
            )

        return handle

    return {f"cache.{request}": handler(request) for request in administration.REQUESTS}
