"""What an answer needs, seen in files of the kernel and by the devices that are open."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sena_pi.keys import KeyStore
from sena_pi.needs import Need, Needs

HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys", environ={})


def a_board(root: Path) -> Path:
    """A Raspberry Pi that has just started: no battery for its clock, no network."""
    (root / "proc/device-tree").mkdir(parents=True)
    (root / "proc/device-tree/model").write_text("Raspberry Pi 4")
    (root / "proc/net").mkdir()
    return root


def test_a_board_without_anything_misses_all(tmp_path: Path, keys: KeyStore) -> None:
    """Whether this machine's own clock is synchronised is its own affair."""
    needs = Needs(lambda: False, lambda: False, keys, a_board(tmp_path))
    assert set(Need) - {Need.CLOCK} == needs.missing() - {Need.CLOCK}


def test_a_board_with_everything_misses_nothing(tmp_path: Path, keys: KeyStore) -> None:
    """A way out, a clock with a battery, a key, and both devices."""
    root = a_board(tmp_path)
    (root / "proc/net/route").write_text(
        f"{HEAD}wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    )
    (root / "sys/class/rtc/rtc0").mkdir(parents=True)
    (root / "sys/class/rtc/rtc0/since_epoch").write_text(f"{int(time.time())}\n")
    keys.save("gemini", "AIzaSy" + "x" * 33)
    assert frozenset() == Needs(lambda: True, lambda: True, keys, root).missing()


def test_a_route_to_a_neighbour_is_no_way_out(tmp_path: Path, keys: KeyStore) -> None:
    """Nor is what the loopback has under IPv6."""
    root = a_board(tmp_path)
    (root / "proc/net/route").write_text(
        f"{HEAD}wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
    )
    zeros = "0" * 32
    (root / "proc/net/ipv6_route").write_text(
        f"{zeros} 00 {zeros} 00 {zeros} ffffffff 1 0 200 lo\n"
    )
    assert Need.NETWORK in Needs(lambda: True, lambda: True, keys, root).missing()


def test_without_the_cloud_neither_key_nor_network_is_missed(tmp_path: Path) -> None:
    """A person who switched it off is not told to set it up."""
    needs = Needs(lambda: True, lambda: True, None, a_board(tmp_path))
    assert frozenset() == needs.missing() - {Need.CLOCK}
