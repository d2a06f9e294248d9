"""One turn, from the trigger to the last word: hear, think, speak.

Answers are begun at each pause of the person (`Guesses`), made by tasks that hand on through
bounded queues (`Attempt`), and played here. So a cancelled turn ends all of it, and a slow speaker
slows the rest. One task more keeps the person company while nothing comes (`keep_company`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sena_pi.answer import Answer
from sena_pi.attempt import Attempt, Stages, first_of
from sena_pi.company import keep_company
from sena_pi.errors import SenaError
from sena_pi.guesses import Guesses, Overhearer
from sena_pi.phases import Phase
from sena_pi.playback import FILLER, Playback
from sena_pi.reasons import Reason
from sena_pi.report import Outcome, Timeline, TurnReport
from sena_pi.resumption import Resumable
from sena_pi.stages import EndedTurn, Exchange, Heard, Since


@dataclass(frozen=True, slots=True)
class Trigger:
    """What started a turn.

    Attributes:
        by: the wake word, "press" or "follow-up".
        since: from where on audio is asked for.
        no_speech_s: how long the first word is waited for, None as in the settings.
        deliberate: somebody wants something for certain; False: it may have been a noise.
    """

    by: str
    since: Since
    no_speech_s: float | None = None
    deliberate: bool = True


class Turn:
    """One turn. `run` it once; it may be cancelled at any await, and `report` then tells."""

    def __init__(
        self,
        name: str,
        trigger: Trigger,
        stages: Stages,
        conversation: Sequence[Exchange],
        *,
        overhearer: Overhearer | None = None,
        on_speech: Callable[[], None] = lambda: None,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Make a turn.

        Args:
            name: its id.
            trigger: what started it.
            stages: what it is made with.
            conversation: earlier exchanges, oldest first.
            overhearer: gets the question's sound as it comes.
            on_speech: called when somebody has spoken, each time before anything is done about it.
            now_ns: the monotonic clock.
        """
        self.name = name
        self.trigger = trigger
        self.answer = Answer()
        self._stages = stages
        self._conversation = conversation
        self._overhearer = overhearer
        self._on_speech = on_speech
        self._now_ns = now_ns
        self._timeline = Timeline()
        self._heard: Heard | None = None
        self._guesses: Guesses | None = None
        self._attempt: Attempt | None = None
        self._playback = Playback(stages.speaker, stages.light)
        self._speaking: Resumable | None = None
        self._all_came = False
        self._outcome = Outcome.FAILED

    async def run(self) -> None:
        """Hear, think and speak.

        Raises:
            WorkerError: the microphone or the speaker is lost.
            SynthesisFailed: no voice can speak.
        """
        try:
            await self._run()
        except asyncio.CancelledError:
            self._outcome = Outcome.INTERRUPTED
            raise
        finally:
            self._timeline.end = self._now_ns()
            self._remember()

    @property
    def listening(self) -> bool:
        """The question is still being heard."""
        return self._heard is None

    @property
    def spoken(self) -> str:
        """The sentences that were really heard, as far as the speaker has told."""
        return self._playback.spoken

    @property
    def sounding(self) -> bool:
        """Something of it is being heard, or was."""
        return self._playback.sounding

    @property
    def answering(self) -> bool:
        """Its answer is being heard, or was."""
        return self._playback.answering

    def hold(self) -> None:
        """Be silent until `resume`, as soon as the speaker is flushed; the making goes on.

        It goes on as far as its queues reach, and then waits. Only while `answering`.
        """
        if self._speaking is not None:
            self._speaking.hold()

    def resume(self) -> None:
        """Go on with the sentence that was cut, from its beginning."""
        if self._speaking is not None:
            self._speaking.resume()

    def will_not_resume(self) -> None:
        """The speaker is about to be another's: what was heard up to now is all that was."""
        self._playback.end()

    def report(self) -> TurnReport:
        """How the turn went; complete once `run` has ended."""
        answer, attempt, playback = self.answer, self._attempt, self._playback
        voices = attempt.voice.spoken_by if attempt is not None else ()
        voices = voices or tuple(dict.fromkeys(notice.clip.voice for notice in playback.told))
        self._note_times()
        return TurnReport(
            turn=self.name,
            trigger=self.trigger.by,
            outcome=self._outcome,
            heard=answer.header.heard,
            answered=self.spoken,
            told=tuple(notice.name for notice in playback.told),
            source=answer.source,
            tier=answer.known.tier if answer.known else "",
            model=answer.model,
            voice=", ".join(filter(None, voices)),
            ms=self._timeline.milliseconds(),
            problems=tuple(answer.problems),
            speech_end_sample=self._heard.speech_end_sample if self._heard else None,
            guesses=self._guesses.begun if self._guesses else 0,
            wasted_requests=self._wasted_requests(),
            resumed=self._speaking.resumptions if self._speaking else 0,
        )

    async def _run(self) -> None:
        failure: SenaError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._take(tasks)
        except* SenaError as group:
            # Raised below: what is raised in here comes out as a group before Python 3.11.4.
            failure = first_of(group)
        if failure is not None:
            raise failure

    async def _take(self, tasks: asyncio.TaskGroup) -> None:
        stages = self._stages
        guesses = Guesses(
            self.name, tasks, stages, self._conversation, self._overhearer, self._on_speech
        )
        self._guesses = guesses
        stages.light.show(Phase.LISTENING)
        heard = await stages.microphone.hear(
            self.name, self.trigger.since, guesses, no_speech_s=self.trigger.no_speech_s
        )
        self._heard = heard
        self._timeline.speech_end = heard.speech_end_ns
        self._timeline.endpoint = heard.endpoint_ns
        if heard.utterance is None:
            guesses.drop()
            self._outcome = Outcome.NOTHING_HEARD
            return
        attempt, guessed = guesses.settle(heard.utterance)
        self._attempt, self.answer = attempt, attempt.answer
        if guessed:
            self._timeline.guess = attempt.began_ns
        await self._answer(attempt, tasks)
        self._outcome = Outcome.ANSWERED

    async def _answer(self, attempt: Attempt, tasks: asyncio.TaskGroup) -> None:
        stages, deadlines = self._stages, self._stages.mind.deadlines
        stages.light.show(Phase.THINKING)
        failing = tasks.create_task(attempt.failure())
        company = tasks.create_task(
            keep_company(attempt, stages.clips, deadlines, self._since_endpoint_s)
        )
        self._speaking = Resumable(lambda: self._speak(attempt, company))
        await self._speaking.run(tasks)
        failing.cancel()

    async def _speak(self, attempt: Attempt, company: asyncio.Task[None]) -> None:
        """Play what was cut, if anything was, and all that comes, to its end."""
        playback = self._playback
        await playback.begin()
        if not self._all_came:
            in_time = await self._play(attempt)
            self._all_came = True
            attempt.drop()
            company.cancel()
            if not in_time:
                seconds = self._stages.mind.deadlines.turn_s
                attempt.answer.problems.append(f"the turn took longer than {seconds:g} s")
                await playback.play(await attempt.notice(Reason.TOO_LONG, ends=True))
        await self._stages.speaker.drain()

    async def _play(self, attempt: Attempt) -> bool:
        """Play all that comes; False when the turn's time was over and nothing could be heard."""
        while True:
            try:
                async with asyncio.timeout(self._longest_wait_s()):
                    sound = await attempt.sounds.get()
            except TimeoutError:
                return False
            if sound is None:
                return True
            await self._playback.play(sound)

    def _longest_wait_s(self) -> float:
        """For more sound: what is left of the turn, and what is still being heard.

        Between two sentences of a long answer there may be a pause.
        """
        deadlines = self._stages.mind.deadlines
        left_s = deadlines.turn_s - self._since_endpoint_s()
        pause_s = deadlines.filler_s if self._playback.answering else 0.0
        return max(left_s, self._playback.left_s + pause_s)

    def _since_endpoint_s(self) -> float:
        endpoint_ns = self._timeline.endpoint
        return (self._now_ns() - endpoint_ns) / 1e9 if endpoint_ns is not None else 0.0

    def _note_times(self) -> None:
        timeline, answer, passed_ns = self._timeline, self.answer, self._playback.passed_ns
        timeline.transcript = answer.transcript_ns
        timeline.lookup = answer.looked_up_ns
        timeline.first_text = answer.first_text_ns
        timeline.first_sentence = answer.first_sentence_ns
        timeline.first_sound = self._attempt.first_sound_ns if self._attempt else None
        timeline.filler = passed_ns(FILLER)
        timeline.reason = passed_ns("reason")
        timeline.first_audio = passed_ns("answer")

    def _wasted_requests(self) -> int:
        asked = self._guesses.requests if self._guesses else 0
        kept = self._attempt is not None and self._attempt.guess.asked
        return asked - kept

    def _remember(self) -> None:
        memory, attempt = self._stages.mind.memory, self._attempt
        if memory is None:
            return
        answer, endpoint = self.answer, self._timeline.endpoint
        whole = self._outcome is Outcome.ANSWERED and answer.complete
        whole = whole and attempt is not None and attempt.voice.whole
        sounded = self._playback.passed_ns("answer")
        memory.turn_ended(
            EndedTurn(
                header=answer.header,
                conversation=self._conversation,
                sentences=tuple(answer.sentences),
                model=answer.model,
                known=answer.known,
                whole=whole,
                first_audio_ms=(sounded - endpoint) / 1e6 if sounded and endpoint else None,
            )
        )
