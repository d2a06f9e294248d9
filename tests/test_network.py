"""A network that comes is noticed, and the cloud that could not be reached is asked again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sena_pi.breaker import Breaker, State
from sena_pi.errors import CloudBusy, CloudError, CloudKeyRefused, CloudResting, CloudUnreachable
from sena_pi.network import NetworkWatch, default_routes

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
HERE = "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
OUT = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
NOWHERE_6 = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo\n"
OUT_6 = (
    f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 27}1 00000400 00000001 00000000 00450003    wlan0\n"
)


def tables(root: Path, ipv4: str, ipv6: str = NOWHERE_6) -> Path:
    folder = root / "proc/net"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "route").write_text(HEAD + ipv4)
    (folder / "ipv6_route").write_text(ipv6)
    return root


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "ways"),
    [
        ("", NOWHERE_6, 0),
        (HERE, NOWHERE_6, 0),
        (HERE + OUT, NOWHERE_6, 1),
        (HERE, NOWHERE_6 + OUT_6, 1),
        (OUT + HERE, OUT_6, 2),
    ],
)
def test_a_way_out_is_a_route_to_anywhere(tmp_path: Path, ipv4: str, ipv6: str, ways: int) -> None:
    """Not one to the neighbours, nor the one of IPv6 that rejects."""
    assert ways == len(default_routes(tables(tmp_path, ipv4, ipv6)))


def test_this_machine_s_tables_can_be_read() -> None:
    """Whatever they hold."""
    assert isinstance(default_routes(), frozenset)


def test_without_tables_there_is_no_way(tmp_path: Path) -> None:
    """As in a sandbox that hides them."""
    assert frozenset() == default_routes(tmp_path)


def test_a_network_that_comes_is_told_once(tmp_path: Path) -> None:
    """One that goes is not: the next question finds out."""
    told: list[bool] = []
    watch = NetworkWatch(lambda: told.append(True), lambda: default_routes(tmp_path))
    tables(tmp_path, HERE)
    watch.look()
    assert [] == told
    tables(tmp_path, HERE + OUT)
    watch.look()
    watch.look()
    assert [True] == told
    tables(tmp_path, "")
    watch.look()
    assert [True] == told
    tables(tmp_path, OUT.replace("0101A8C0", "0201A8C0"))
    watch.look()
    assert [True, True] == told


def resting(error: CloudError) -> Breaker:
    """One whose clock stands still: it would rest for ever."""
    breaker = Breaker("cloud", monotonic=lambda: 1000.0)
    for _ in range(3):
        try:
            with breaker.attempt() as attempt:
                attempt.failed(error)
        except CloudResting:
            break
    assert breaker.state in (State.OPEN, State.REFUSED)
    return breaker


def test_the_cloud_is_asked_as_soon_as_there_is_a_network(tmp_path: Path) -> None:
    """It has been down for long, and would have rested for minutes more."""
    breaker = resting(CloudUnreachable("can't connect"))
    tables(tmp_path, "")
    watch = NetworkWatch(breaker.network_changed, lambda: default_routes(tmp_path))
    tables(tmp_path, OUT)

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(watch.run())
            async with asyncio.timeout(20):
                while breaker.state is not State.HALF_OPEN:  # noqa: ASYNC110 - a clock decides
                    await asyncio.sleep(0.02)
            running.cancel()

    asyncio.run(main())
    with breaker.attempt() as attempt:
        attempt.worked()
    assert State.CLOSED is breaker.state


@pytest.mark.parametrize("error", [CloudBusy("429", 60.0), CloudKeyRefused("401")])
def test_a_network_changes_no_quota_and_no_key(error: CloudError) -> None:
    """They were told by the cloud itself."""
    breaker = resting(error)
    before = breaker.state
    breaker.network_changed()
    assert before is breaker.state
