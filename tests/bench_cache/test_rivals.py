"""One contract for every design that is measured; the yardsticks of the look-ups too."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from sena_pi.bench.cache.design import DesignFactory, fill
from sena_pi.bench.cache.lookups import RawSqlite
from sena_pi.bench.cache.registry import UNBOUNDED, chosen, designs
from sena_pi.errors import ConfigError
from tests.bench_cache.designs_under_test import entries, on_disk_bytes

MIB = 1024 * 1024
BUDGET_BYTES = 2 * MIB
ENTRY_BYTES = 36_000
"""Large, so that few of them fill a bound: a put that is fsynced takes milliseconds."""
WAL_BYTES = 6 * MIB
"""What a write-ahead log may add to a bound: 1,000 pages before a checkpoint, and some."""

RIVALS = ["diskcache-lru", "diskcache-lrs", "sqlite-utils", "file-per-entry", "prototype-json"]


@pytest.fixture(params=[*RIVALS, "sqlite3"])
def factory(request: pytest.FixtureRequest) -> DesignFactory:
    return {**designs(), "sqlite3": RawSqlite}[request.param]


@pytest.fixture(params=RIVALS)
def rival(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_was_put_is_got(factory: DesignFactory, tmp_path: Path) -> None:
    """Values short and long, and the last one of a key that is put twice."""
    short, long = *entries(1, 300), *entries(2, 50_000)[1:]
    with closing(factory(tmp_path, BUDGET_BYTES)) as design:
        assert design.get(short.key) is None
        design.put(short.key, b"an older one")
        for entry in (short, long):
            design.put(entry.key, entry.payload())
        design.after_turn()
        for entry in (short, long):
            assert entry.payload() == design.get(entry.key)


def test_what_was_put_survives_reopening(factory: DesignFactory, tmp_path: Path) -> None:
    """Closed and opened again, all is there."""
    kept = [*entries(10, 3000), *entries(20, 400)[10:]]
    with closing(factory(tmp_path, BUDGET_BYTES)) as design:
        for entry in kept:
            design.put(entry.key, entry.payload())
            design.after_turn()
    with closing(factory(tmp_path, BUDGET_BYTES)) as design:
        assert [entry.payload() for entry in kept] == [design.get(entry.key) for entry in kept]


def test_filling_in_bulk_is_the_same_as_putting(factory: DesignFactory, tmp_path: Path) -> None:
    """The quick way leads to the same table."""
    kept = entries(30, 2000)
    with closing(factory(tmp_path, BUDGET_BYTES)) as design:
        fill(design, ((entry.key, entry.payload()) for entry in kept))
    with closing(factory(tmp_path, BUDGET_BYTES)) as design:
        assert [entry.payload() for entry in kept] == [design.get(entry.key) for entry in kept]


def test_the_bound_holds_on_disk(rival: str, tmp_path: Path) -> None:
    """Six times the bound is put: what lies on the disk stays within it, the newest kept.

    The prototype, which has no bound, shows that the test would see it.
    """
    put = entries(6 * BUDGET_BYTES // ENTRY_BYTES, ENTRY_BYTES)
    most = 0
    with closing(designs()[rival](tmp_path, BUDGET_BYTES)) as design:
        for number, entry in enumerate(put):
            design.put(entry.key, entry.payload())
            design.after_turn()
            if number % 10 == 0:
                most = max(most, on_disk_bytes(tmp_path))
        assert put[-1].payload() == design.get(put[-1].key)
        kept = sum(design.get(entry.key) is not None for entry in put)
    if rival in UNBOUNDED:
        assert len(put) == kept
        assert most > BUDGET_BYTES + WAL_BYTES
    else:
        assert most <= BUDGET_BYTES + WAL_BYTES
        assert 0.5 < kept * ENTRY_BYTES / BUDGET_BYTES <= 1


@pytest.mark.parametrize("rival", sorted(set(RIVALS) - UNBOUNDED))
def test_the_bound_holds_after_reopening(rival: str, tmp_path: Path) -> None:
    """What lay there before counts."""
    put = entries(2 * BUDGET_BYTES // ENTRY_BYTES, ENTRY_BYTES)
    for entry in put[:: len(put) // 4]:
        with closing(designs()[rival](tmp_path, BUDGET_BYTES)) as design:
            start = put.index(entry)
            for one in put[start : start + len(put) // 4]:
                design.put(one.key, one.payload())
    with closing(designs()[rival](tmp_path, BUDGET_BYTES)) as design:
        kept = sum(design.get(entry.key) is not None for entry in put)
    assert 0.5 < kept * ENTRY_BYTES / BUDGET_BYTES <= 1


def test_a_design_nobody_has_is_named() -> None:
    """The message says which there are."""
    with pytest.raises(ConfigError, match=r"'abacus'.*file-per-entry"):
        chosen(["file-per-entry", "abacus"])
