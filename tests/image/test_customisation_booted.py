"""What Raspberry Pi Imager writes, applied by the real cloud-init, netplan, sshd and systemd."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.image.customised import REPOSITORY, example, started
from tests.service.machine import CannotRun, Machine

NICS = """\
[NetDev]
Name=eth0
Kind=veth
[Peer]
Name=wlan0
"""
"""Two devices that are called as those of a board."""
KERNEL = """\
[Service]
Environment="DEBUG_PROC_CMDLINE=cfg80211.ieee80211_regdom=DE ds=nocloud;i=rpi-imager-1795390000000"
"""
"""What Imager puts behind the kernel's command line, by cloud-init's own way to try one."""


@contextmanager
def machine(files: Mapping[str, str]) -> Iterator[Machine]:
    """Started and settled, with a stand-in for Sena that starts when Sena would."""
    unit = (REPOSITORY / "systemd" / "sena.service").read_text(encoding="utf-8")
    order = unit[: unit.index("[Service]")].replace("OnFailure=", "#")
    extra = {
        "etc/systemd/network/10-nics.netdev": NICS,
        "etc/systemd/system/sena-customise.service.d/kernel.conf": KERNEL,
        "etc/systemd/system/sena.service": f"{order}[Service]\nExecStart=/bin/sleep infinity\n",
    }
    try:
        with started(files, extra, ["sena.service"]) as found:
            found.until(
                lambda: found.active("sena-customise.service") != "activating", 90, "customised"
            )
            yield found
    except CannotRun as error:
        pytest.skip(str(error))


def people(found: Machine) -> list[str]:
    """Accounts of persons, with what stands for their password."""
    shadow = dict(line.split(":")[:2] for line in found.out("cat", "/etc/shadow").splitlines())
    rows = [line.split(":") for line in found.out("getent", "passwd").splitlines()]
    return [f"{row[0]} {shadow[row[0]]}" for row in rows if 1000 <= int(row[2]) < 60000]


def listening(found: Machine) -> set[str]:
    """Ports that somebody waits at, but for mDNS."""
    lines = found.out("ss", "--no-header", "-lntu").splitlines()
    return {line.split()[4].rsplit(":", 1)[1] for line in lines} - {"5353"}


@pytest.fixture(scope="module")
def full() -> Iterator[Machine]:
    """A machine of somebody who filled in all that Imager asks."""
    with machine(example("full")) as found:
        yield found


def test_all_that_imager_asks_can_be_had_in_one_start(full: Machine) -> None:
    """Name, time zone, a user with a password, and a name for others on the network."""
    password = example("full")["user-data"].split('passwd: "')[1].split('"')[0]
    assert full.active("sena-customise.service") == "active", full.messages("-b")[-2000:]
    assert full.out("hostname").strip() == "kitchen"
    assert full.out("readlink", "-f", "/etc/localtime").strip().endswith("Europe/Berlin")
    assert people(full) == [f"anna {password}"]
    assert "sudo" in full.out("id", "-nG", "anna").split()
    assert "NOPASSWD" not in full.out("sudo", "-l", "-U", "anna")
    assert "eth0): yes" in full.out("resolvectl", "mdns")
    assert full.out("systemctl", "--failed", "--no-legend", "--plain").split() == []


def test_ssh_is_there_when_it_is_asked_for(full: Machine) -> None:
    """With the password, as it was asked for; and nothing else listens."""
    assert "passwordauthentication yes" in full.out("sshd", "-T").splitlines()
    assert listening(full) == {"22"}


def test_a_hidden_network_with_an_accent_in_its_name_is_looked_for(full: Machine) -> None:
    """What wpa_supplicant and networkd are told."""
    wireless = full.out("cat", "/run/netplan/wpa-wlan0.conf")
    assert 'ssid=P"Café am Eck"' in wireless
    assert {"country=DE", "  scan_ssid=1"} <= set(wireless.splitlines())
    assert "DHCP=yes" in full.out("cat", "/run/systemd/network/10-netplan-eth0.network")


def test_cloud_inits_own_check_accepts_what_imager_writes(full: Machine) -> None:
    """`cloud-init schema`, on the very files."""
    for kind, name in (("cloud-config", "user-data"), ("network-config", "network-config")):
        checked = full.run("cloud-init", "schema", "-t", kind, "-c", f"/boot/firmware/{name}")
        assert (checked.status, "Valid schema" in checked.out) == (0, True), checked.err


def test_sena_does_not_wait(full: Machine) -> None:
    """It runs before the customisation is done."""
    began, done = (
        int(full.shown(unit, "ActiveEnterTimestampMonotonic")["ActiveEnterTimestampMonotonic"])
        for unit in ("sena.service", "sena-customise.service")
    )
    assert 0 < began < done


def test_a_key_opens_the_door_and_nothing_else_does(tmp_path: Path) -> None:
    """With a key: a real login; no password counts, root is not let in."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    files = example("keys_only")
    lines = files["user-data"].splitlines()
    at = next(number for number, line in enumerate(lines) if "ssh-ed25519" in line)
    lines[at] = f'    - "{key.with_suffix(".pub").read_text().strip()}"'
    with machine({**files, "user-data": "\n".join(lines) + "\n"}) as found:
        found.put("/root/key", key.read_text(), mode=0o600)
        login = ["ssh", "-i", "/root/key", "-o", "BatchMode=yes", "-o",
                 "StrictHostKeyChecking=accept-new"]  # fmt: skip
        assert found.out(*login, "pi@127.0.0.1", "sudo -n id -un").strip() == "root"
        assert found.run(*login, "root@127.0.0.1", "true").status != 0
        assert "passwordauthentication no" in found.out("sshd", "-T").splitlines()
        assert [line[:4] for line in people(found)] == ["pi !"]


def test_a_network_alone_changes_nothing_else() -> None:
    """The name stays; nobody gets an account, and nothing listens."""
    with machine(example("wifi_only")) as found:
        assert found.active("sena-customise.service") == "active", found.messages("-b")[-2000:]
        assert found.out("hostname").strip() == "sena"
        assert (people(found), listening(found)) == ([], set())
        assert "key_mgmt=NONE" in found.out("cat", "/run/netplan/wpa-wlan0.conf")


def test_a_name_and_a_cable_are_enough() -> None:
    """Imager then has the Wi-Fi unblocked that nobody has; no unit fails for it."""
    with machine(example("wired")) as found:
        assert found.active("sena-customise.service") == "active", found.messages("-b")[-2000:]
        assert found.out("hostname").strip() == "study"
        assert found.out("date", "+%Z").strip() == "IST"
        assert (people(found), listening(found)) == ([], set())
        assert "80-sena-wired.network" in found.out("networkctl", "status", "eth0")


def test_a_card_without_any_wish_starts_as_well() -> None:
    """cloud-init does not run at all; the cable works, and the name is sena."""
    with machine({}) as found:
        assert found.active("sena-customise.service") == "inactive"
        assert found.out("hostname").strip() == "sena"
        assert (people(found), listening(found)) == ([], set())
        network = found.out("networkctl", "status", "eth0")
        assert "80-sena-wired.network" in network
        assert "eth0): yes" in found.out("resolvectl", "mdns")
        assert found.out("systemctl", "--failed", "--no-legend", "--plain").split() == []


def test_the_name_that_was_asked_for_wins_over_a_file_that_is_broken() -> None:
    """A wish that can't be met is a failed unit; the rest of them are met, and Sena runs."""
    files = example("full")
    broken = files["user-data"].replace("Europe/Berlin", "Europe/Atlantis")
    with machine({**files, "user-data": broken}) as found:
        assert found.out("hostname").strip() == "kitchen"
        assert found.active("sena.service") == "active"
        assert people(found)[0].startswith("anna $6$")
