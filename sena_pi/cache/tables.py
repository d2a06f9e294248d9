"""sqlite-utils, loaded when it is first needed: that takes 200 ms, which few starts need."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite_utils


def tables_of(database: sqlite3.Connection | Path) -> sqlite_utils.Database:
    """An open database, or that of a file, as sqlite-utils has it."""
    import sqlite_utils

    return sqlite_utils.Database(database)


def row_not_found() -> type[Exception]:
    """What sqlite-utils raises for a row that is not there."""
    from sqlite_utils.db import NotFoundError

    return NotFoundError
