"""Asking for aged answers on idle: within every bound, and never in the way of a turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sena_pi.allowance import Allowance
from sena_pi.cache.budget import CardSettings
from sena_pi.cache.refresh import QUIET_S, Refresher, RefreshSettings
from sena_pi.cache.refreshing import REST_S, IdleRefresh
from sena_pi.cache.responses import CacheSettings, ResponseCache
from sena_pi.cache.service import CacheService
from sena_pi.cache.store import StoreSettings
from sena_pi.cached import cache_requests, refresher
from sena_pi.capped import CappedModel
from sena_pi.engines import opus
from sena_pi.errors import CloudError, CloudFailed
from sena_pi.settings import Settings
from sena_pi.simulated.cloudless import Ending, ScriptedAnswer, ScriptedLanguageModel
from sena_pi.stages import Cacheability, EndedTurn, Exchange, Header, Intent
from tests.turns.bench import until

DAY_S = 24 * 3600.0
MORNING = 1_790_000_000.0
STORE = StoreSettings(CardSettings(4 << 20, segment_bytes=64 << 10))
BUSY = Header(heard="How busy is Main Street in Springfield?", stands_alone=True)
HEADER = replace(
    BUSY, heard="how busy is main street in springfield", cacheability=Cacheability.HOURS
)
ANEW = ScriptedAnswer(("It is quite ", "full. Go later."), HEADER)


class Home:
    """An appliance with a clock that is moved by hand, and a household with one habit.

    Attributes:
        now: the wall clock, None while it can't be believed.
        idle_s: the monotonic clock.
    """

    def __init__(self, folder: Path, per_day: int = 5, cloud_per_day: int = 100) -> None:
        self.now: float | None = MORNING
        self.idle_s = 0.0
        self.model = ScriptedLanguageModel()
        self.refresher = Refresher(RefreshSettings(per_day=per_day))
        self.cache = ResponseCache(folder / "cache", CacheSettings(STORE), now=lambda: self.now)
        self.service = CacheService(
            lambda: self.cache,
            model=self.model.name,
            patience_s=20.0,
            encode=opus.encode,
            now=lambda: self.now,
            refresher=self.refresher,
        )
        allowance = Allowance(
            folder / "allowance.json", requests_per_day=cloud_per_day, speech_seconds_per_day=0
        )
        self.refresh = IdleRefresh(
            self.service,
            self.refresher,
            CappedModel(self.model, allowance),
            now=lambda: self.now,
            monotonic=lambda: self.idle_s,
        )

    async def lives(self, days: int = 4, turn: EndedTurn | None = None) -> None:
        """Ask at the same time every day; then a new day, shortly before that time."""
        for day in range(days):
            self.now = MORNING + day * DAY_S
            assert await self.recalled() is None
            self.service.turn_ended(turn or turn_of(self.model.name))
            await self.service.settled()
        self.now = MORNING + days * DAY_S - 120
        self.idle_s += QUIET_S

    async def recalled(self) -> tuple[str, ...] | None:
        await self.service.settled()
        known = await self.service.recall(BUSY, ())
        return None if known is None else known.sentences

    @property
    def counted(self) -> dict[str, int]:
        counts: dict[str, int] = self.cache.stats()["total"]["refreshes"]
        return counts


def turn_of(model: str, header: Header = HEADER, said: tuple[Exchange, ...] = ()) -> EndedTurn:
    header = replace(header, heard=BUSY.heard)
    return EndedTurn(header, said, ("Not yet.",), model, None, whole=True, first_audio_ms=1800)


def tell(folder: Path, story: Callable[[Home], Awaitable[None]], **options: Any) -> None:
    """Run a story with a cache that is open."""

    @asynccontextmanager
    async def running() -> AsyncIterator[Home]:
        home = Home(folder, **options)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(home.service.run())
            await home.service.ready.wait()
            try:
                yield home
            finally:
                task.cancel()
                await home.service.aclose()

    async def main() -> None:
        async with running() as home:
            await story(home)

    asyncio.run(main())


def test_the_answer_is_there_before_it_is_asked_for(tmp_path: Path) -> None:
    """Asked as it was heard, kept as if it had been spoken, with what people waited for it."""

    async def story(home: Home) -> None:
        await home.lives()
        assert await home.recalled() is None
        home.model.will_answer(ANEW)
        await home.refresh.look()
        await home.service.settled()
        known = await home.service.recall(BUSY, (Exchange("how are you", "Fine."),))
        assert known is not None
        assert (("It is quite full.", "Go later."), 1800.0) == (known.sentences, known.cost_ms)
        assert [BUSY.heard] == [question.text for question in home.model.questions]
        assert {"kept": 1} == home.counted
        await home.refresh.look()
        assert 1 == len(home.model.questions)

    tell(tmp_path, story)


def test_nothing_is_asked_unless_it_is_switched_on(tmp_path: Path) -> None:
    """Off is the default: no request, and nothing learned."""

    async def story(home: Home) -> None:
        await home.lives()
        await home.refresh.look()
        assert (0, []) == (len(home.refresher), home.model.questions)

    tell(tmp_path, story, per_day=RefreshSettings().per_day)


def test_no_word_of_it_is_in_the_journal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line that says what came of it."""
    caplog.set_level(logging.INFO)

    async def story(home: Home) -> None:
        await home.lives()
        home.model.will_answer(ANEW)
        await home.refresh.look()

    tell(tmp_path, story)
    assert "asked for anew: kept; 4 left" in caplog.text
    assert "springfield" not in caplog.text.lower()
    assert "full" not in caplog.text


# --- never in the way ------------------------------------------------------------------------


def test_a_turn_stops_it_at_once(tmp_path: Path) -> None:
    """The stream is closed, nothing of it is kept, and the next one waits for quiet again."""

    async def story(home: Home) -> None:
        await home.lives()
        home.model.will_answer(replace(ANEW, ending=Ending.HANGS))
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(home.refresh.look())
            await until(lambda: bool(home.model.open_answers))
            assert not looking.done()
            home.refresh.turn_began()
        assert 0 == home.model.open_answers
        assert {"stopped": 1} == home.counted
        assert await home.recalled() is None
        await home.refresh.look()
        assert 1 == len(home.model.questions)
        home.idle_s += QUIET_S
        home.model.will_answer(ANEW)
        await home.refresh.look()
        assert {"stopped": 1, "kept": 1} == home.counted

    tell(tmp_path, story)


def test_a_shutdown_is_not_taken_for_a_turn(tmp_path: Path) -> None:
    """Who waits for the request is cancelled with it."""

    async def story(home: Home) -> None:
        await home.lives()
        home.model.will_answer(replace(ANEW, ending=Ending.HANGS))

        async def idle() -> None:
            pass

        running = asyncio.ensure_future(home.refresh.run(idle, every_s=0))
        await until(lambda: bool(home.model.open_answers))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert 0 == home.model.open_answers

    tell(tmp_path, story)


def test_it_waits_for_the_end_of_a_turn(tmp_path: Path) -> None:
    """However long a turn takes, nothing is asked beside it."""

    async def story(home: Home) -> None:
        await home.lives()
        home.model.will_answer(ANEW)
        turn_is_over = asyncio.Event()

        async def idle() -> None:
            await turn_is_over.wait()

        running = asyncio.ensure_future(home.refresh.run(idle, every_s=0))
        for _ in range(20):
            await asyncio.sleep(0)
        assert [] == home.model.questions
        turn_is_over.set()
        await until(lambda: bool(home.counted))
        running.cancel()
        assert 1 == len(home.model.questions)

    tell(tmp_path, story)


def test_nothing_is_asked_until_it_has_been_quiet_for_some_minutes(tmp_path: Path) -> None:
    """After the start, and after each turn."""

    async def story(home: Home) -> None:
        await home.lives()
        home.model.will_answer(ANEW)
        home.refresh.turn_began()
        home.idle_s += QUIET_S - 1
        await home.refresh.look()
        assert [] == home.model.questions
        home.idle_s += 1
        await home.refresh.look()
        assert 1 == len(home.model.questions)

    tell(tmp_path, story)


# --- bounds ----------------------------------------------------------------------------------


def test_the_clouds_allowance_ends_it_for_an_hour(tmp_path: Path) -> None:
    """People come first: what is spent is not asked for again and again, nor counted as asked."""

    async def story(home: Home) -> None:
        await home.lives()
        for _ in range(3):
            await home.refresh.look()
        assert ([], {}) == (home.model.questions, home.counted)
        assert home.now is not None
        assert 5 == home.refresher.requests_left(home.now)

    tell(tmp_path, story, cloud_per_day=0)


@pytest.mark.parametrize("ending", [CloudFailed("no"), CloudError("no")])
@pytest.mark.parametrize("header_comes", [True, False])
def test_a_cloud_that_fails_is_left_alone_for_an_hour(
    tmp_path: Path,
    ending: CloudError,
    header_comes: bool,  # noqa: FBT001 - a parameter
) -> None:
    """The request counts; half an answer is not kept; after the hour it is asked again."""

    async def story(home: Home) -> None:
        await home.lives()
        home.model.will_answer(replace(ANEW, ending=ending, header_comes=header_comes))
        home.model.will_answer(ANEW)
        await home.refresh.look()
        home.idle_s += REST_S - 1
        await home.refresh.look()
        assert {"failed": 1} == home.counted
        assert await home.recalled() is None
        home.idle_s += 1
        await home.refresh.look()
        assert {"failed": 1, "kept": 1} == home.counted
        assert home.now is not None
        assert 3 == home.refresher.requests_left(home.now)

    tell(tmp_path, story)


def test_the_days_bound_holds_for_what_was_stopped_too(tmp_path: Path) -> None:
    """A household that always comes back at the wrong moment costs no more than the bound."""

    async def story(home: Home) -> None:
        await home.lives()
        for _ in range(5):
            home.model.will_answer(replace(ANEW, ending=Ending.HANGS))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(home.refresh.look())
                for _ in range(20):
                    await asyncio.sleep(0)
                home.refresh.turn_began()
            home.idle_s += QUIET_S
        assert 2 == len(home.model.questions)
        assert {"stopped": 2} == home.counted

    tell(tmp_path, story, per_day=2)


def test_a_clock_that_is_not_trusted_asks_nothing(tmp_path: Path) -> None:
    """The answer could not be kept either."""

    async def story(home: Home) -> None:
        await home.lives()
        home.now = None
        await home.refresh.look()
        assert [] == home.model.questions

    tell(tmp_path, story)


def test_a_card_in_trouble_asks_nothing(tmp_path: Path) -> None:
    """Requests are not spent on what may not outlive the next start."""

    async def story(home: Home) -> None:
        await home.lives()
        home.cache._store.trouble = "the card is full"
        await home.refresh.look()
        assert [] == home.model.questions
        home.cache._store.trouble = None
        home.model.will_answer(ANEW)
        await home.refresh.look()
        assert {"kept": 1} == home.counted

    tell(tmp_path, story)


# --- policy ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "anew",
    [
        replace(ANEW, words=("I'm sorry, I can't tell.",)),
        replace(ANEW, words=("Which bakery do you mean?",)),
        replace(ANEW, words=()),
        replace(ANEW, header=replace(HEADER, cacheability=Cacheability.NEVER)),
        replace(ANEW, header=replace(HEADER, intent=Intent.HELP)),
        replace(ANEW, header=replace(HEADER, stands_alone=False)),
        replace(ANEW, header=replace(HEADER, language="fr")),
    ],
)
def test_what_may_not_be_kept_is_not_and_not_asked_again(
    tmp_path: Path, anew: ScriptedAnswer
) -> None:
    """The rules of every other answer; a question that is answered so is no habit any more."""

    async def story(home: Home) -> None:
        await home.lives()
        home.model.will_answer(anew)
        await home.refresh.look()
        await home.refresh.look()
        assert {"not kept": 1} == home.counted
        assert await home.recalled() is None
        assert (1, 0) == (len(home.model.questions), len(home.refresher))

    tell(tmp_path, story)


def test_a_question_that_needs_its_context_is_never_asked(tmp_path: Path) -> None:
    """Without the conversation it is another question."""

    async def story(home: Home) -> None:
        header = replace(HEADER, stands_alone=False)
        await home.lives(turn=turn_of(home.model.name, header, (Exchange("hi", "Hello."),)))
        await home.refresh.look()
        assert (0, []) == (len(home.refresher), home.model.questions)

    tell(tmp_path, story)


def test_what_may_not_be_kept_is_not_learned(tmp_path: Path) -> None:
    """A refusal that comes every morning is no habit."""

    async def story(home: Home) -> None:
        refusal = replace(turn_of(home.model.name), sentences=("I'm sorry, I don't know.",))
        await home.lives(turn=refusal)
        assert 0 == len(home.refresher)

    tell(tmp_path, story)


def test_what_is_answered_from_the_cache_is_learned_too(tmp_path: Path) -> None:
    """A refresh that somebody hears is an asking like any other."""

    async def story(home: Home) -> None:
        await home.lives()
        for day in range(4, 24):
            home.now = MORNING + day * DAY_S - 120
            home.model.will_answer(ANEW)
            await home.refresh.look()
            home.now += 120
            assert await home.recalled() is not None
        assert {"kept": 20} == home.counted

    tell(tmp_path, story)


def test_a_wrong_answer_does_not_come_back_by_itself(tmp_path: Path) -> None:
    """Forgotten by voice while it was being asked for anew: it is not kept."""

    async def story(home: Home) -> None:
        await home.lives()
        home.model.will_answer(ANEW)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(home.refresh.look())
            await until(lambda: bool(home.model.open_answers))
            await home.service.forget_last()
        assert await home.recalled() is None
        assert {"not kept": 1} == home.counted

    tell(tmp_path, story)


@pytest.mark.parametrize("request_", ["forget", "clear"])
def test_who_has_answers_forgotten_has_habits_forgotten(tmp_path: Path, request_: str) -> None:
    """From outside, too: else what was deleted would be asked for again."""

    async def story(home: Home) -> None:
        await home.lives()
        requests = cache_requests(home.service, settings())
        await requests["cache.stats"]({})
        assert 1 == len(home.refresher)
        await requests[f"cache.{request_}"]({"text": BUSY.heard})
        await home.refresh.look()
        assert (0, []) == (len(home.refresher), home.model.questions)

    tell(tmp_path, story)


def test_the_settings_say_how_often_and_how_old() -> None:
    """None a day unless asked for; an answer is renewed when it is too old to be served."""
    assert not refresher(settings()).enabled
    told = refresher(settings(refresh_per_day=3, keep_hours_s=1800))
    assert (3, 1800.0) == (told.settings.per_day, told.settings.fresh_s)
    bound = refresher(settings(refresh_per_day=3, keep_hours_s=604_800, delete_after_days=1))
    assert DAY_S == bound.settings.fresh_s


def settings(**cache: int) -> Settings:
    return Settings.model_validate({"cache": cache})
