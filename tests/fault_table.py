"""The thirty faults this appliance is made for: what is expected, what handles it, what shows it.

Each handling names the tests that show it, and its removal: an edit of the source after which
every one of these tests fails. `tests/test_fault_table.py` keeps the names true; `scripts/prove
faults` runs the tests with each handling and without it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """A text that stands once in a file, and what takes its place.

    Attributes:
        file: below the repository.
        old: the text.
        new: in its place.
    """

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Handling:
    """Something that was made for a fault.

    Attributes:
        where: module and function.
        tests: pytest's names of the tests that show it; parameters may be left out.
        removal: takes it away, and nothing else.
    """

    where: str
    tests: tuple[str, ...]
    removal: tuple[Edit, ...]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        happens: what.
        expected: of the appliance.
        handlings: what was made for it.
    """

    happens: str
    expected: str
    handlings: tuple[Handling, ...]


def handled(where: str, removal: tuple[str, str], *tests: str, file: str = "") -> Handling:
    """A handling whose removal is one edit of the module it is in ("sena_pi.turn:Turn.run")."""
    module = where.partition(":")[0]
    path = file or f"{module.replace('.', '/')}.py"
    return Handling(where, tests, (Edit(path, *removal),))


def fingerprint(root: Path, handling: Handling) -> str:
    """Changes with the tests, the removal, and the file it is in."""
    files = {edit.file for edit in handling.removal}
    files |= {test.partition("::")[0] for test in handling.tests}
    digest = hashlib.sha256(repr(handling).encode())
    for file in sorted(files):
        digest.update((root / file).read_bytes())
    return digest.hexdigest()[:16]


FAULTS = {
    "F1": Fault(
        "there is no network when it starts",
        "it listens all the same, says why there is no answer, and answers once there is one",
        (
            handled(
                "sena_pi.thinking:_Thinking.run",
                (
                    "except (CloudError, AllowanceSpent) as error:",
                    "except AllowanceSpent as error:",
                ),
                "tests/test_without_network.py::test_it_listens_explains_and_recovers_by_itself",
            ),
            handled(
                "sena_pi.breaker:Breaker.network_changed",
                ("            self._until_s = self._monotonic()\n", ""),
                "tests/test_network.py::test_the_cloud_is_asked_as_soon_as_there_is_a_network",
            ),
            handled(
                "sena_pi.network:NetworkWatch.look",
                ("        if self._known - before:\n", "        if False:\n"),
                "tests/test_network.py::test_a_network_that_comes_is_told_once",
            ),
            handled(
                "sena_pi.care:Care.work",
                (
                    "watches.append(NetworkWatch(self._breaker.network_changed).run())",
                    "pass",
                ),
                "tests/test_watches_run.py::test_every_watch_is_started",
            ),
        ),
    ),
    "F2": Fault(
        "the network dies in the middle of an answer",
        "whole sentences are spoken, then why the rest is missing; nothing of it is kept",
        (
            handled(
                "sena_pi.thinking:_Thinking.run",
                ("await self._explain(Reason.CUT)", "pass"),
                "tests/turns/test_faults.py::test_whatever_the_cloud_does_a_person_hears_why[cut]",
                "tests/turns/test_answers.py::test_an_answer_that_is_cut_keeps_its_whole_sentences",
                "tests/turns/test_cut_anywhere.py"
                "::test_only_whole_sentences_are_spoken_and_then_the_reason",
            ),
            handled(
                "sena_pi.turn:Turn._remember",
                (
                    "whole = self._outcome is Outcome.ANSWERED and answer.complete\n",
                    "whole = self._outcome is Outcome.ANSWERED\n",
                ),
                "tests/turns/test_memory.py::test_an_answer_that_broke_off_is_not_whole",
            ),
        ),
    ),
    "F3": Fault(
        "the cloud takes the question and never answers",
        "a filler, then a reason within three seconds; it is given up in time",
        (
            handled(
                "sena_pi.company:keep_company",
                (
                    "    if not await missed(sounded, deadlines.reason_s):\n        return\n",
                    "    return\n",
                ),
                "tests/turns/test_faults.py::test_whatever_the_cloud_does_a_person_hears_why[hang]",
                "tests/turns/test_deadlines.py"
                "::test_who_waits_longer_hears_that_it_is_slow_and_then_the_late_answer",
            ),
            handled(
                "sena_pi.cloud_patience:CloudPatience.until_answer",
                (
                    "left_s = deadline_s - (time.monotonic() - self._began_s)",
                    "left_s = 1e6",
                ),
                "tests/turns/test_deadlines.py"
                "::test_a_cloud_that_never_begins_is_followed_by_the_rules",
                "tests/turns/test_deadlines.py::test_a_cloud_that_never_begins_is_explained",
            ),
        ),
    ),
    "F4": Fault(
        "the answer trickles, a token a second",
        "the first sentence must come in time, and so must every next piece",
        (
            handled(
                "sena_pi.cloud_patience:CloudPatience.until_more",
                ("return self.until_answer() if left_s < gap_s else more", "return more"),
                "tests/turns/test_deadlines.py"
                "::test_an_answer_whose_first_sentence_never_ends_is_no_answer",
            ),
            handled(
                "sena_pi.cloud_patience:CloudPatience.until_more",
                (
                    "        gap_s = self._deadlines.gap_s\n",
                    "        gap_s = 100 * self._deadlines.gap_s\n",
                ),
                "tests/turns/test_deadlines.py"
                "::test_an_answer_that_stops_in_the_middle_counts_as_cut",
            ),
        ),
    ),
    "F5": Fault(
        "the quota is used up (429), and the cloud says for how long",
        "one request, then none for that time; what the device understands and knows is answered,"
        " and otherwise the person is told",
        (
            handled(
                "sena_pi.breaker:Breaker._failed",
                ("self._open(error, min(told_s, self._rules.longest_busy_s))", "pass"),
                "tests/test_breaker.py::test_a_spent_quota_opens_it_at_once_for_as_long_as_was_told",
                "tests/turns/test_faults.py::test_a_cloud_that_is_broken_is_not_stormed[quota]",
            ),
            handled(
                "sena_pi.engines.gemini_errors:_retry_after_s",
                (
                    'asked = [_DELAY.fullmatch(str(detail.get("retryDelay", "")))'
                    " for detail in details]",
                    'asked = [_DELAY.fullmatch("") for detail in details]',
                ),
                "tests/gemini/test_faults.py::test_over_quota_carries_when_to_ask_again",
            ),
            handled(
                "sena_pi.thinking:_Thinking._ask_both",
                ("if self.answer.first_sentence_ns is not None or await here is None:", "if True:"),
                "tests/turns/test_guesses.py"
                "::test_a_cloud_that_fails_first_waits_for_what_the_device_knows",
            ),
        ),
    ),
    "F6": Fault(
        "the key is refused (401, 403)",
        "it is not asked with again until its file changes, and the person is told",
        (
            handled(
                "sena_pi.breaker:Breaker._failed",
                ("                self._open(error, 0.0)\n", "                pass\n"),
                "tests/test_guarded.py"
                "::test_a_refused_key_is_not_asked_with_until_its_file_changes",
                "tests/turns/test_faults.py::test_a_cloud_that_is_broken_is_not_stormed[key]",
            ),
            handled(
                "sena_pi.guarded:Guard.attempt",
                ("                self._breaker.key_changed()\n", "                pass\n"),
                "tests/test_guarded.py"
                "::test_a_refused_key_is_not_asked_with_until_its_file_changes",
            ),
        ),
    ),
    "F7": Fault(
        "there is no key at all",
        "it starts, and answers what it can by itself",
        (
            handled(
                "sena_pi.parts:make_parts",
                (
                    'if settings.cloud.enabled and (key := key_of(keys, "gemini")) is not None:',
                    "if settings.cloud.enabled:\n"
                    '        key = key_of(keys, "gemini")\n'
                    "        assert key is not None",
                ),
                "tests/test_run.py::test_a_typed_question_is_answered_in_text",
                "tests/test_run.py::test_a_spoken_question_is_answered_without_key_or_network[slt]",
            ),
        ),
    ),
    "F8": Fault(
        "the cloud's answer is malformed, endless or packed to burst",
        "it is read up to a bound, whatever it is, and told as an error of ours",
        (
            handled(
                "sena_pi.engines.gemini:_translated",
                (
                    "except Exception as error:  # noqa: BLE001 - the library",
                    "except ZeroDivisionError as error:  # the library",
                ),
                "tests/gemini/test_faults.py::test_no_bytes_of_a_server_raise_anything_else",
                "tests/gemini/test_answer.py"
                "::test_an_answer_that_is_cut_is_spoken_as_far_as_it_came",
            ),
            handled(
                "sena_pi.engines.gemini_model:GeminiResponse._advance",
                ("if self._reader.too_long:", "if False:"),
                "tests/gemini/test_bounds.py::test_words_without_end_are_given_up",
            ),
            handled(
                "sena_pi.engines.gemini:_bound",
                ("if self._left_bytes < 0:", "if False:"),
                "tests/gemini/test_bounds.py::test_a_body_without_end_is_given_up",
            ),
            handled(
                "sena_pi.engines.gemini:_bound",
                ("if packed:", "if False:"),
                "tests/gemini/test_bounds.py::test_a_packed_body_is_not_unpacked",
            ),
            handled(
                "sena_pi.pcm_stream:PcmStream.feed",
                ("if self._seconds > self._longest_s:", "if False:"),
                "tests/test_pcm_stream.py::test_an_endless_sentence_is_given_up",
            ),
        ),
    ),
    "F9": Fault(
        "no name server answers",
        "a question is bounded by the time to connect, and so is the end of the process",
        (
            handled(
                "sena_pi.engines.gemini:_new_client",
                (
                    "connect=settings.connect_timeout_s).as_dict()",
                    "connect=None).as_dict()",
                ),
                "tests/turns/test_faults.py"
                "::test_whatever_the_cloud_does_a_person_hears_why[black-hole]",
                "tests/turns/test_faults.py"
                "::test_whatever_the_cloud_does_a_person_hears_why[tls-stall]",
            ),
            handled(
                "sena_pi.foreground:until_terminated",
                ("            leaving.start()\n", "            pass\n"),
                "tests/test_without_network.py"
                "::test_a_name_that_is_still_looked_up_does_not_hold_up_the_end",
            ),
        ),
    ),
    "F10": Fault(
        "a captive portal answers in the cloud's place",
        "it is told as one, gets no key, and nobody's certificate is taken for the cloud's",
        (
            handled(
                "sena_pi.engines.gemini:_new_client",
                ("        if portal is not None:\n", "        if False:\n"),
                "tests/turns/test_faults.py"
                "::test_whatever_the_cloud_does_a_person_hears_why[portal]",
                "tests/turns/test_faults.py"
                "::test_whatever_the_cloud_does_a_person_hears_why[portal-redirect]",
            ),
            handled(
                "sena_pi.engines.gemini:_translated",
                ("raise distrust(error) or unreachable from None", "raise unreachable from None"),
                "tests/gemini/test_tls.py::test_a_server_nobody_vouches_for_gets_no_key",
            ),
            handled(
                "sena_pi.engines.gemini:GeminiSettings",
                (
                    '        if url.scheme != "https" and not',
                    '        if url.scheme == "gopher" and not',
                ),
                "tests/gemini/test_request.py"
                "::test_settings_that_would_leak_the_key_or_be_refused_are_a_mistake",
            ),
        ),
    ),
    "F11": Fault(
        "the clock is wrong at the start: 1970, or months behind",
        "that is what is told; the cloud is not blamed for it, and nothing expires by it",
        (
            handled(
                "sena_pi.engines.gemini_errors:distrust",
                ("    if cause.verify_code in _DATES:\n", "    if False:\n"),
                "tests/gemini/test_tls.py::test_a_trusted_certificate_that_does_not_fit_tells_why",
            ),
            handled(
                "sena_pi.breaker:Breaker._failed",
                (
                    "case CaptivePortal() | ClockWrong() | CloudResting():",
                    "case CaptivePortal() | CloudResting():",
                ),
                "tests/test_breaker.py::test_what_says_nothing_about_the_cloud_does_not_count",
            ),
            handled(
                "sena_pi.clock:is_trusted",
                (
                    'return not (root / "proc/device-tree/model").exists()',
                    "return True",
                ),
                "tests/test_clock.py::test_a_board_without_network_does_not_know_the_time",
            ),
            handled(
                "sena_pi.cache.responses:ResponseCache._state",
                (
                    '            if now is None:\n                return "clock not set"\n',
                    '            if now is None:\n                return "kept"\n',
                ),
                "tests/cache/test_responses.py"
                "::test_until_the_clock_is_set_only_what_never_changes_is_served",
            ),
        ),
    ),
    "F12": Fault(
        "the wall clock jumps by years while it runs",
        "no timer and no deadline moves, and nothing is deleted for it",
        (
            handled(
                "sena_pi.timers.entries:Entry.left",
                ("        if self.boot == now.boot:\n", "        if False:\n"),
                "tests/timers/test_service.py::test_a_jump_of_the_wall_clock_moves_no_timer",
            ),
            handled(
                "sena_pi.allowance:Allowance._current",
                ("over = count.age_s >= _DAY_S", "over = False"),
                "tests/test_allowance.py::test_a_clock_that_leapt_ahead_does_not_lock_for_years",
            ),
            handled(
                # What looks too old is hidden; this would delete it.
                "sena_pi.cache.responses:ResponseCache._served",
                (
                    '!= "kept":\n            return None\n',
                    '!= "kept":\n            self._store.forget([key.digest])\n'
                    "            return None\n",
                ),
                "tests/cache/test_responses.py"
                "::test_a_clock_that_jumps_and_comes_back_has_deleted_nothing",
            ),
            handled(
                "sena_pi.cloud_patience:CloudPatience.__init__",
                ("self._began_s = time.monotonic()", "self._began_s = time.time()"),
                "tests/test_wall_clock.py::test_no_duration_is_measured_by_the_wall_clock",
            ),
        ),
    ),
    "F13": Fault(
        "the microphone is pulled, hangs, or delivers nothing but zeros",
        "the process that has it is replaced, the light says so, and a press is answered",
        (
            handled(
                "sena_pi.devices.worker:Supervisor._serve",
                (
                    "                    tasks.create_task("
                    "self._guard(worker, self.spec.silence_timeout_s))\n",
                    "                    pass\n",
                ),
                "tests/test_worker_supervisor.py::test_a_silent_worker_is_replaced",
            ),
            handled(
                "sena_pi.devices.worker:Supervisor.run",
                (
                    "            except WorkerError as error:\n",
                    "            except OSError as error:\n",
                ),
                "tests/test_worker_supervisor.py::test_a_worker_that_dies_is_replaced",
            ),
            handled(
                "sena_pi.workers.audio:AudioWorker._hear",
                (
                    "            if now_s - last_frame_s > STALLED_AFTER_S:\n",
                    "            if False:\n",
                ),
                "tests/test_microphone_lost.py::test_a_microphone_that_gives_nothing_is_lost",
            ),
            handled(
                "sena_pi.lifeline:Lifeline.look",
                ("            await self._audio.supervisor.replace()\n", "            pass\n"),
                "tests/test_lifeline.py::test_zeros_have_the_worker_replaced_and_a_person_told",
            ),
            handled(
                "sena_pi.assistant:Assistant.hearing",
                ("        if self._idle.is_set():\n            self._show_idle()\n", ""),
                "tests/turns/test_lights.py::test_a_lost_microphone_is_shown_while_idle",
            ),
            handled(
                "sena_pi.devices.audio:Audio.hear",
                ("        if not self.health.capturing:\n", "        if False:\n"),
                "tests/test_audio_client.py::test_a_deaf_microphone_is_not_asked",
            ),
        ),
    ),
    "F14": Fault(
        "the microphone is plugged in again, under another card number",
        "it is found by what it is, and heard again by itself",
        (
            handled(
                "sena_pi.sound_choice:_fitting",
                ("    if identity is not None:\n", "    if False:\n"),
                "tests/test_plugs.py::test_another_microphone_is_used_until_the_chosen_one_is_back",
            ),
            handled(
                "sena_pi.workers.audio:AudioWorker._hear",
                ("if self._stands_in and idle and watch.changed():", "if False:"),
                "tests/test_plugs.py::test_another_microphone_is_used_until_the_chosen_one_is_back",
            ),
            handled(
                "sena_pi.engines.portaudio:stable_name",
                ('return _CARD_NUMBER.sub("", portaudio_name)', "return portaudio_name"),
                "tests/test_plugs.py::test_the_card_number_is_no_part_of_a_name",
            ),
        ),
    ),
    "F15": Fault(
        "the microphone loses sound, or knows no 16 kHz",
        "a gap is counted and costs nothing else; what it has is resampled",
        (
            handled(
                "sena_pi.engines.portaudio:PortAudioCapture.read",
                (
                    "self._stream.read(samples, exception_on_overflow=False)",
                    "self._stream.read(samples, exception_on_overflow=True)",
                ),
                "tests/test_portaudio.py::test_lost_sound_closes_no_microphone",
            ),
            handled(
                "sena_pi.engines.portaudio:_native_format",
                ("for rate_hz in (wanted_hz, own_hz):", "for rate_hz in (wanted_hz,):"),
                "tests/test_portaudio.py::test_a_microphone_without_16_khz_is_resampled",
            ),
            handled(
                "sena_pi.workers.ear:Ear",
                ("self._lost_frames += max(0, missing - 1)", "pass"),
                "tests/test_ear.py::test_heartbeat_counts_frames_that_never_came",
            ),
        ),
    ),
    "F16": Fault(
        "the speaker is busy or gone",
        "it is looked for again; no turn waits for it for long, and the light tells the failure",
        (
            handled(
                "sena_pi.workers.audio:AudioWorker._play",
                (
                    "                self._stopping.wait(REOPEN_SPEAKER_EVERY_S)\n",
                    "                return\n",
                ),
                "tests/test_speaker_lost.py::test_a_busy_speaker_is_tried_again",
            ),
            handled(
                "sena_pi.devices.speaker:WorkerSpeaker._rate",
                (
                    "            async with asyncio.timeout(STUCK_AFTER_S):\n"
                    "                await self.ready",
                    "            async with asyncio.timeout(None):\n"
                    "                await self.ready",
                ),
                "tests/test_speaker_lost.py::test_a_turn_without_a_speaker_ends_and_is_shown",
            ),
        ),
    ),
    "F17": Fault(
        "the speaker hangs while it plays",
        "its process is replaced after three seconds without progress, and the turn ends",
        (
            handled(
                "sena_pi.devices.speaker:WorkerSpeaker._progress",
                (
                    "            async with asyncio.timeout(STUCK_AFTER_S):\n                while",
                    "            async with asyncio.timeout(None):\n                while",
                ),
                "tests/test_audio_client.py"
                "::test_a_stuck_speaker_is_an_error_and_its_worker_is_replaced",
            ),
        ),
    ),
    "F18": Fault(
        "there are no pins, or their library is missing",
        "it runs without light and button, says so once, and looks for them again",
        (
            handled(
                "sena_pi.body.light:Light._run",
                (
                    "            except LampsLost as error:\n",
                    "            except ZeroDivisionError as error:\n",
                ),
                "tests/body/test_light.py::test_lamps_that_were_never_there_are_looked_for",
                "tests/body/test_light.py"
                "::test_lamps_that_fail_are_opened_again_and_show_what_is_so_now",
            ),
            handled(
                "sena_pi.body.wiring:Body",
                (
                    "        except SwitchLost as error:\n",
                    "        except ZeroDivisionError as error:\n",
                ),
                "tests/body/test_wiring.py::test_a_button_that_is_not_there_is_no_reason_to_stop",
            ),
            handled(
                "sena_pi.body.gpio:open_switch",
                (
                    "    except Exception as error:  # as above; and no lgpio at all\n",
                    "    except ZeroDivisionError as error:\n",
                ),
                "tests/body/test_gpio.py"
                "::test_without_the_library_there_is_neither_light_nor_button",
            ),
        ),
    ),
    "F19": Fault(
        "the disk is full",
        "answers are served and spoken all the same; one line in the journal",
        (
            handled(
                "sena_pi.cache.log:SegmentLog._reserve",
                ("os.posix_fallocate(self._fd, 0, size)", "os.ftruncate(self._fd, size)"),
                "tests/cache/test_mounts.py"
                "::test_a_disk_that_others_fill_up_serves_all_and_is_still_written",
            ),
            handled(
                "sena_pi.cache.store:Store._open",
                (
                    "        except OSError as error:\n"
                    "            self._in_trouble(f\"the cache can't be opened",
                    "        except ZeroDivisionError as error:\n"
                    "            self._in_trouble(f\"the cache can't be opened",
                ),
                "tests/cache/test_mounts.py"
                "::test_a_disk_that_is_full_from_the_beginning_leaves_a_cache_in_memory",
            ),
            handled(
                "sena_pi.timers.service:Timers._save",
                (
                    "        except OSError as error:\n",
                    "        except ZeroDivisionError as error:\n",
                ),
                "tests/timers/test_service.py::test_a_card_that_refuses_stops_no_timer",
            ),
            handled(
                "sena_pi.allowance:Allowance.save",
                (
                    "            except OSError as error:\n                self._unsaved",
                    "            except ZeroDivisionError as error:\n                self._unsaved",
                ),
                "tests/test_allowance.py::test_a_disk_that_refuses_is_told_once_and_tried_again",
            ),
        ),
    ),
    "F20": Fault(
        "the disk becomes read-only",
        "what is there is served, what is new stays in memory, and is written when it can be",
        (
            handled(
                "sena_pi.cache.store:Store._open",
                (
                    "self.card = Card(self._folder, self._settings.card, writable=False)",
                    "pass",
                ),
                "tests/cache/test_mounts.py::test_a_disk_that_is_mounted_read_only_serves_all",
            ),
        ),
    ),
    "F21": Fault(
        "the disk fails at a read, a write or a sync",
        "a sync is not asked for again, what it left counts as not written; the rest is served",
        (
            handled(
                "sena_pi.cache.log:SegmentLog.sync",
                ("            self.offset = self._synced\n            raise", "            raise"),
                "tests/cache/test_failing_card.py::test_a_sync_that_fails_has_all_written_again",
            ),
            handled(
                "sena_pi.cache.store:Store._written",
                (
                    "        except OSError as error:\n"
                    "            self._in_trouble(f\"the cache can't be written",
                    "        except ZeroDivisionError as error:\n"
                    "            self._in_trouble(f\"the cache can't be written",
                ),
                "tests/cache/test_failing_card.py::test_every_failing_call_costs_no_answer",
            ),
            handled(
                "sena_pi.cache.store:Store._found",
                (
                    "        except OSError as error:\n            if asked",
                    "        except ZeroDivisionError as error:\n            if asked",
                ),
                "tests/cache/test_failing_card.py::test_a_card_that_cannot_be_read_is_a_miss",
            ),
        ),
    ),
    "F22": Fault(
        "the index is damaged, empty, or no index at all",
        "it is set aside and made anew from the log; nothing is lost",
        (
            handled(
                "sena_pi.cache.catalogue:Catalogue._failed",
                ("        if not _is_broken(error, path):\n", "        if True:\n"),
                "tests/cache/test_index.py::test_an_index_that_is_none_is_set_aside_and_made_anew",
            ),
        ),
    ),
    "F23": Fault(
        "stored sound or words are damaged",
        "that is a miss, and never played",
        (
            handled(
                "sena_pi.cache.records:payload_of",
                ("        and crc32(payload) == checksum\n", ""),
                "tests/cache/test_damage.py::test_bit_flips_in_the_log_are_caught_or_harmless",
                "tests/cache/test_damage.py::test_a_damaged_record_is_told_and_counted",
            ),
            handled(
                "sena_pi.cache.service:CacheService.speech",
                (
                    "            except (ValueError, OSError, SenaError) as error:\n"
                    '                _log.warning("a sentence in',
                    "            except ZeroDivisionError as error:\n"
                    '                _log.warning("a sentence in',
                ),
                "tests/cache/test_service.py::test_damaged_sound_is_spoken_anew",
            ),
        ),
    ),
    "F24": Fault(
        "the power is cut at any write",
        "what was said to be written is there, whole",
        (
            handled(
                "sena_pi.cache.log:SegmentLog.sync",
                ("            os.fdatasync(self._fd)\n", "            pass\n"),
                "tests/cache/test_power_cut.py::test_a_power_cut_loses_nothing_that_was_committed",
            ),
            handled(
                "sena_pi.replace:replace_file",
                ("            os.fsync(file.fileno())\n", ""),
                "tests/body/test_kept.py::test_it_is_on_the_card_before_saving_returns",
            ),
        ),
    ),
    "F25": Fault(
        "the process is killed at any moment",
        "what was said to be written is there after the next start",
        (
            handled(
                "sena_pi.cache.card:Card._recover",
                ("self._learn(self._log.follow(known.segment, known.offset))", "pass"),
                "tests/cache/test_power_cut.py::test_a_kill_loses_nothing_that_was_committed",
            ),
            handled(
                "sena_pi.cache.card:Card._learn",
                (
                    "            self._log.sync()\n\n\ndef exists",
                    "            pass\n\n\ndef exists",
                ),
                "tests/cache/test_power_cut.py"
                "::test_what_a_start_finds_in_the_log_is_synced_before_the_index_knows_it",
            ),
        ),
    ),
    "F26": Fault(
        "memory runs out",
        "the voice worker is bounded and the first to go; the next voice speaks its sentence",
        (
            handled(
                "sena_pi.workers.voice:limit_self",
                (
                    "    resource.setrlimit(resource.RLIMIT_AS, "
                    "(MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))\n",
                    "",
                ),
                "tests/test_local_voice.py::test_the_worker_limits_itself",
            ),
            handled(
                "sena_pi.workers.voice:limit_self",
                ("    _go_first()\n", ""),
                "tests/test_voice_worker_memory.py::test_the_kernel_ends_the_voice_first",
                "tests/test_voice_worker_memory.py::test_where_memory_runs_out_the_brain_lives_on",
            ),
        ),
    ),
    "F27": Fault(
        "the board has too little voltage, or is throttled",
        "the journal tells it once a day, and `sena doctor` with what to do",
        (
            handled(
                "sena_pi.power:PowerWatch.look",
                ("        if news:\n", "        if False:\n"),
                "tests/test_power.py::test_what_the_firmware_tells_is_in_the_journal",
            ),
            handled(
                "sena_pi.power:PowerWatch._is_due",
                ("return told_s is None or now_s - told_s >= TELL_EVERY_S", "return True"),
                "tests/test_power.py::test_undervoltage_is_told_once_a_day",
            ),
            handled(
                "sena_pi.doctor.machine:_power",
                ("    if bits & NOW:\n", "    if False:\n"),
                "tests/doctor/test_machine.py::test_power_is_what_the_firmware_tells",
            ),
            handled(
                "sena_pi.care:Care.work",
                (", PowerWatch().run()]", "]"),
                "tests/test_watches_run.py::test_every_watch_is_started",
            ),
        ),
    ),
    "F28": Fault(
        "Porcupine refuses its key, or hangs when it is opened",
        "the next engine listens, and without any there is the button; a key that could not be"
        " checked is looked at again every hour",
        (
            handled(
                "sena_pi.wake:_Choosing._open",
                (
                    "        except EngineUnavailable as error:\n            self.key_refused",
                    "        except ZeroDivisionError as error:\n            self.key_refused",
                ),
                "tests/test_wake_choice.py::test_a_refused_key_is_a_state",
                "tests/test_wake_choice.py::test_a_key_that_could_not_be_checked_is_not_refused",
            ),
            handled(
                "sena_pi.engines.porcupine:_within",
                ("results.get(timeout=seconds)", "results.get()"),
                "tests/test_porcupine.py::test_a_library_that_hangs_is_given_up",
            ),
            handled(
                "sena_pi.engines.porcupine:_explained",
                ("    if kind in _REFUSALS:\n", "    if False:\n"),
                "tests/test_porcupine.py::test_each_failure_says_what_to_do",
            ),
            handled(
                "sena_pi.wake_retry:WakeRetry.run",
                ("                self._restart()\n", "                pass\n"),
                "tests/test_wake_retry.py::test_a_key_that_could_not_be_checked_is_looked_at_again",
            ),
            handled(
                "sena_pi.app:running",
                ("*care.work(), retry.run()]", "*care.work()]"),
                "tests/test_watches_run.py::test_every_watch_is_started",
            ),
        ),
    ),
    "F29": Fault(
        "a text kills Piper's phonemiser",
        "it is made harmless before; a worker that dies is replaced, its sentence is spoken"
        " by the next voice, and a deadly one is not sent again",
        (
            handled(
                "sena_pi.speakable:_clean",
                (
                    '    text = " ".join(piece for token in text.split()'
                    " for piece in _short_tokens(token))\n",
                    "",
                ),
                "tests/test_speakable.py::test_what_kills_the_phonemiser_no_longer_does",
            ),
            handled(
                "sena_pi.thinking:_Thinking._say_safely",
                ("filter(None, map(speakable, sentences))", "sentences"),
                "tests/turns/test_answers.py::test_no_voice_gets_what_is_not_safe_to_speak",
            ),
            handled(
                "sena_pi.devices.voice:LocalVoice._accept",
                ("if self._deaths.get(sentence.fingerprint, 0) >= MOST_DEATHS:", "if False:"),
                "tests/test_local_voice.py"
                "::test_text_that_kills_the_worker_costs_two_workers_at_most",
            ),
            handled(
                "sena_pi.devices.voice:LocalVoice._down",
                ("        self._fail_all(str(error))\n", ""),
                "tests/test_local_voice.py"
                "::test_the_death_of_the_worker_fails_what_it_had_and_it_is_replaced",
                "tests/test_local_voice.py"
                "::test_when_the_worker_dies_on_a_sentence_the_next_rung_speaks_it",
            ),
        ),
    ),
    "F30": Fault(
        "a storm of presses, or an answer without end",
        "one turn at a time; an answer is cut at a length that can be listened to",
        (
            handled(
                "sena_pi.turns:_Running.give_up",
                ("            self.task.cancel()\n", "            pass\n"),
                "tests/turns/test_barge_in.py::test_a_storm_of_presses_is_one_turn_at_a_time",
            ),
            handled(
                "sena_pi.body.presses:Presses.edge",
                ("if self._settling and at_s < self._settled_s:", "if False:"),
                "tests/body/test_presses.py::test_bounces_are_one_press",
            ),
            handled(
                "sena_pi.speakable:_capped",
                ("    if len(text) <= MAX_CHARS:\n        return text\n", "    return text\n"),
                "tests/test_speakable.py::test_a_long_answer_ends_with_a_whole_sentence",
            ),
        ),
    ),
}
