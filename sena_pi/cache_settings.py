"""`[cache]` in the settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sena_pi.setting_values import Section


class Cache(Section):
    """`[cache]`: answers and their speech, kept on the card."""

    enabled: Annotated[
        bool,
        Field(description="false: no answer is kept, and none that was kept is given."),
    ] = True
    size_mb: Annotated[
        int,
        Field(
            ge=8,
            le=4096,
            description="Bound of the cache on the card, in megabytes, all of it included; it is "
            "reserved at once. Another size begins with an empty cache.",
        ),
    ] = 64
    memory_mb: Annotated[
        int,
        Field(ge=1, le=64, description="Bound of the part of the cache in memory, in megabytes."),
    ] = 8
    keep_hours_s: Annotated[
        int,
        Field(
            ge=60,
            le=604_800,
            description="Seconds for which an answer that changes within days is given again: "
            "300 is cautious, 3600 an hour, 86400 a day. What never changes is not bound by it.",
        ),
    ] = 3600
    delete_after_days: Annotated[
        int,
        Field(
            ge=0,
            le=3650,
            description="Days after which every answer is deleted; 0 keeps those that never "
            "change as long as there is room.",
        ),
    ] = 0
    refresh_per_day: Annotated[
        int,
        Field(
            ge=0,
            le=200,
            description="Questions to the cloud a day that renew answers before they are asked "
            "for, where the same is asked at the same time day after day; they count against "
            "limits.requests_per_day. 0: none.",
        ),
    ] = 0
    promote: Annotated[
        bool,
        Field(
            description="true: an answer is written to the card when it is asked for the second "
            "time; the card is written far less, and answers asked once are lost at a restart."
        ),
    ] = False
    write_mb_per_day: Annotated[
        int,
        Field(
            ge=1,
            le=4096,
            description="Megabytes written to the card a day; beyond them new answers stay in "
            "memory until tomorrow.",
        ),
    ] = 64
    group_kb: Annotated[
        int,
        Field(
            ge=16,
            le=4096,
            description="Answers are written to the card when there are so many kilobytes.",
        ),
    ] = 256
    group_turns: Annotated[
        int,
        Field(ge=1, le=1000, description="They are written after so many questions, too."),
    ] = 120
    group_minutes: Annotated[
        int,
        Field(
            ge=1,
            le=1440,
            description="They are written when they have waited for so many minutes, too; a power "
            "cut loses what was not written.",
        ),
    ] = 60
