"""What Raspberry Pi Imager was asked for, in short tests: the files that cloud-init is given."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image.customised import EXAMPLES, OVERLAY, PACKAGES, REPOSITORY, example

PROGRAMS = OVERLAY / "usr" / "libexec" / "sena-card"
TOOLS = ("cloud-init", "networkctl", "systemctl")


@dataclass(frozen=True)
class Ran:
    """What came of a run of `customise`."""

    status: int
    called: list[str]
    seed: dict[str, str]


def customise(tmp_path: Path, files: dict[str, str], *, cloud_init_status: int = 0,
              wpa: bool = False) -> Ran:  # fmt: skip
    """Run it with stand-ins for what it calls, which only note how they were called."""
    places = {name: tmp_path / name for name in ("boot", "seed", "bin", "units")}
    for place in places.values():
        place.mkdir(exist_ok=True)
    for name, text in files.items():
        (places["boot"] / name).write_text(text, encoding="utf-8")
    if wpa:
        (places["units"] / "netplan-wpa-wlan0.service").touch()
    notes = tmp_path / "notes"
    for name in TOOLS:
        tool = places["bin"] / name
        status = cloud_init_status if name == "cloud-init" else 0
        tool.write_text(f'#!/bin/sh\necho "{name} $*" >>{notes}\nexit {status}\n')
        tool.chmod(0o755)
    run = subprocess.run(
        [str(PROGRAMS / "customise")],
        env={
            "PATH": f"{places['bin']}:{os.environ['PATH']}",
            "SENA_BOOT": str(places["boot"]),
            "SENA_SEED": str(places["seed"]),
            "SENA_UNITS": str(places["units"]),
        },
        check=False,
    )
    seed = {path.name: path.read_text(encoding="utf-8") for path in places["seed"].iterdir()}
    return Ran(run.returncode, notes.read_text().splitlines(), seed)


@pytest.fixture(autouse=True)
def _python_of_the_image() -> None:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("there is no /usr/bin/python3")


def test_what_imager_left_out_is_filled_in(tmp_path: Path) -> None:
    """cloud-init wants three files, and Imager writes those that it needs."""
    ran = customise(tmp_path, example("wifi_only"))
    assert set(ran.seed) == {"user-data", "meta-data", "network-config"}
    assert ran.seed["user-data"] == "#cloud-config\n"
    assert "guests" in ran.seed["network-config"]


def test_without_a_network_none_is_made_up(tmp_path: Path) -> None:
    """cloud-init would write one for the first device that it sees; the image has its own."""
    assert customise(tmp_path, example("keys_only")).seed["network-config"] == "config: disabled\n"


def test_it_is_all_one_stage(tmp_path: Path) -> None:
    """One start of Python instead of four, and none that waits for a network."""
    ran = customise(tmp_path, example("full"), wpa=True)
    assert ran.called == [
        "cloud-init init --local",
        "networkctl reload",
        "systemctl start --no-block netplan-wpa-wlan0.service",
    ]
    assert ran.seed["meta-data"].splitlines()[0] == example("full")["meta-data"].strip()
    assert ran.seed["meta-data"].splitlines()[-1] == "dsmode: local"


def test_a_second_start_begins_anew(tmp_path: Path) -> None:
    """What the first one left does not add up, nor stay when its file is gone."""
    customise(tmp_path, example("full"))
    (tmp_path / "boot" / "network-config").unlink()
    ran = customise(tmp_path, {"meta-data": "instance-id: another"})
    assert ran.seed["meta-data"] == "instance-id: another\ndsmode: local\n"
    assert ran.seed["network-config"] == "config: disabled\n"


def test_a_failure_is_told_and_the_network_comes_all_the_same(tmp_path: Path) -> None:
    """A key that is refused must not cost the Wi-Fi."""
    ran = customise(tmp_path, example("full"), cloud_init_status=1, wpa=True)
    assert (ran.status, ran.called[-1]) == (
        1,
        "systemctl start --no-block netplan-wpa-wlan0.service",
    )


def test_secrets_are_for_root_alone(tmp_path: Path) -> None:
    """The seed has a password of the Wi-Fi in it."""
    customise(tmp_path, example("full"))
    assert {(path.stat().st_mode & 0o777) for path in (tmp_path / "seed").iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r'"Caf\xc3\xa9":', '"Café":'),
        (r'"\xe7\x8c\xab \xf0\x9f\x90\x88":', '"猫 🐈":'),
        (r'"back\\xc3\\xa9slash":', r'"back\\xc3\\xa9slash":'),
        (r'"odd\xe9":', r'"odd\xe9":'),
        (r'"tab\x09 and \"quotes\"":', r'"tab\x09 and \"quotes\"":'),
        ('"plain":', '"plain":'),
    ],
)
def test_names_of_networks_are_as_they_were_meant(written: str, meant: str) -> None:
    """Imager writes each byte that is not ASCII by itself; YAML would take each for a letter."""
    run = subprocess.run(
        [str(PROGRAMS / "plain-names")], input=written.encode(), capture_output=True, check=True
    )
    assert run.stdout.decode() == meant


@pytest.fixture
def host_key(tmp_path: Path) -> Path:
    """Where the key is to be."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed: apt install openssh-client")
    return tmp_path / "ssh" / "ssh_host_ed25519_key"


def _make_host_key(key: Path) -> bytes:
    environment = {"PATH": os.environ["PATH"], "SENA_SSH": str(key.parent)}
    subprocess.run([str(PROGRAMS / "host-keys")], env=environment, check=True)
    return key.read_bytes()


def test_a_device_keeps_its_host_key(host_key: Path) -> None:
    """Made once; nobody is warned of a stranger after the next start."""
    first = _make_host_key(host_key)
    assert (_make_host_key(host_key), host_key.stat().st_mode & 0o777) == (first, 0o600)


@pytest.mark.parametrize("left", ["ssh_host_ed25519_key.new", "ssh_host_ed25519_key.pub"])
def test_a_power_cut_leaves_no_half_key(host_key: Path, left: str) -> None:
    """What an interrupted start left is made anew, and ssh starts."""
    host_key.parent.mkdir()
    (host_key.parent / left).write_text("")
    _make_host_key(host_key)
    assert sorted(path.name for path in host_key.parent.iterdir()) == [
        "ssh_host_ed25519_key",
        "ssh_host_ed25519_key.pub",
    ]


def test_the_machine_of_the_tests_is_made_of_the_images_packages() -> None:
    """A package that the image lost is not tested in its place."""
    lines = (REPOSITORY / "packaging/image/packages.list").read_text().splitlines()
    listed = {line.strip() for line in lines if line and not line.startswith("#")}
    assert set(PACKAGES) - listed == set()


def test_the_examples_are_what_imager_writes() -> None:
    """Its first line, its meta-data, and its names of devices."""
    for folder in EXAMPLES.iterdir():
        files = example(folder.name)
        assert files["meta-data"].startswith("instance-id: rpi-imager-")
        assert files.get("user-data", "#cloud-config\n").startswith("#cloud-config\n")
        assert "wlan0:" in files.get("network-config", "wlan0:")
