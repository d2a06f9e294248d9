"""Every check there is, in the order in which a person would look. A new one is added here."""

from __future__ import annotations

from typing import Final

from sena_pi.doctor.body import ButtonCheck, LightCheck
from sena_pi.doctor.cloud import CloudCheck, KeyCheck, ResolverCheck
from sena_pi.doctor.examination import Check
from sena_pi.doctor.machine import CardCheck, ClockCheck, DiskCheck, MemoryCheck, PowerCheck
from sena_pi.doctor.patient import Patient
from sena_pi.doctor.software import ServiceCheck, VersionsCheck, VoiceCheck
from sena_pi.doctor.sound import MicrophoneCheck, SpeakerCheck, WakeCheck

CHECKS: Final[tuple[Check[Patient], ...]] = (
    ServiceCheck(),
    PowerCheck(),
    MicrophoneCheck(),
    WakeCheck(),
    SpeakerCheck(),
    LightCheck(),
    ButtonCheck(),
    VoiceCheck(),
    KeyCheck(),
    ResolverCheck(),
    CloudCheck(),
    ClockCheck(),
    DiskCheck(),
    CardCheck(),
    MemoryCheck(),
    VersionsCheck(),
)
