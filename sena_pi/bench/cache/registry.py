"""Every design that can be measured, by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sena_pi.bench.cache.design import DesignFactory
from sena_pi.bench.cache.ours import Ours
from sena_pi.bench.cache.rivals import DiskCache, FilePerEntry, JsonIndex, SqliteUtils
from sena_pi.errors import ConfigError

UNBOUNDED = frozenset({"prototype-json"})
"""These obey no bound: a hit ratio within one can't be asked of them."""


def designs() -> dict[str, DesignFactory]:
    """Name -> what opens it."""
    return {
        "sena": Ours,
        "sena-promoting": partial(Ours, promote=True),
        "diskcache-lru": partial(DiskCache, policy="least-recently-used", name="diskcache LRU"),
        "diskcache-lrs": partial(
            DiskCache, policy="least-recently-stored", name="diskcache default"
        ),
        "sqlite-utils": SqliteUtils,
        "file-per-entry": FilePerEntry,
        "prototype-json": JsonIndex,
    }


def chosen(names: Sequence[str]) -> dict[str, DesignFactory]:
    """The named designs, all of them when none is named.

    Raises:
        ConfigError: a name that nobody has.
    """
    known = designs()
    unknown = [name for name in names if name not in known]
    if unknown:
        there = f"there are {', '.join(known)}"
        raise ConfigError([f"no cache design is called {name!r}; {there}" for name in unknown])
    return {name: known[name] for name in names or known}
