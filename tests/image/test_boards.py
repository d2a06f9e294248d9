"""What the boards are told: the example of settings, the light's bus, the watchdog, the units."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from sena_pi.body_settings import Light
from sena_pi.first_boot import card_file
from sena_pi.keys import KEY_NAMES
from sena_pi.settings import CATALOGUE, Settings

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGE = REPOSITORY / "packaging" / "image"
OVERLAY = IMAGE / "overlay"
SYSTEM = OVERLAY / "etc" / "systemd" / "system"
EXAMPLE = (IMAGE / "boot" / "sena.toml.example").read_text(encoding="utf-8")
NOT_DEFAULTS = {
    ("wake", "words"), ("microphone", "device"), ("speaker", "device"), ("light", "driver"),
    ("light", "gpios"), ("button", "gpio"),
}  # fmt: skip
"""What the example has to be an example of; everything else shows the default."""


def uncommented() -> card_file.CardFile:
    """The example with all that it offers in force."""
    text = re.sub(r"(?m)^#(\w+ = )", r"\1", EXAMPLE)
    return card_file.read(text.replace('= ""', f'= "{"k" * 39}"').encode())


def test_the_example_is_taken_over_as_it_is() -> None:
    """Somebody who only renames it has changed nothing, and gets no error."""
    found = card_file.read(EXAMPLE.encode())
    assert (found.drop_in(), found.keys) == (b"", {})


def test_all_that_the_example_offers_can_be_taken_over() -> None:
    """Each line is valid once its "#" is gone: names, kinds and ranges are those of today."""
    assert (
        sum(map(len, uncommented().settings.values()))
        == len(re.findall(r"(?m)^#\w+ = ", EXAMPLE)) - 2
    )


def test_the_example_shows_todays_defaults() -> None:
    """A default that changes changes here, too."""
    shown = uncommented().settings
    defaults = {section: dict(table) for section, table in Settings()}
    drifted = [
        (section, key)
        for section, table in shown.items()
        for key, value in table.items()
        if (section, key) not in NOT_DEFAULTS and value != defaults[section][key]
    ]
    assert drifted == []


def test_the_example_offers_every_key_and_every_light() -> None:
    """Keys and kinds of light that there are stand in it, and no others."""
    assert set(uncommented().keys) == set(KEY_NAMES)
    light = EXAMPLE[EXAMPLE.index("[light]") : EXAMPLE.index("[button]")]
    drivers = set(get_args(Light.model_fields["driver"].annotation))
    assert set(re.findall(r'"(\w+)"', light)) == drivers
    for driver in drivers:
        assert card_file.read(f'[light]\ndriver = "{driver}"\n'.encode()).settings["light"]


def test_the_hardware_of_a_person_stands_in_the_example() -> None:
    """Every setting of light and button: what is soldered differs from house to house."""
    shown = uncommented().settings
    assert {name: set(shown[name]) for name in ("light", "button")} == {
        name: set(CATALOGUE[name]) for name in ("light", "button")
    }


BASE = """\
/dts-v1/;
/ { compatible = "brcm,bcm2837"; #address-cells = <1>; #size-cells = <1>;
    soc { #address-cells = <1>; #size-cells = <1>;
        gpio: gpio@7e200000 { reg = <0x7e200000 0xb4>; gpio-controller; #gpio-cells = <2>; };
        spi: spi@7e204000 { reg = <0x7e204000 0x200>; status = "disabled";
            #address-cells = <1>; #size-cells = <0>; }; }; };
"""


def test_the_overlay_switches_the_lights_bus_on(tmp_path: Path) -> None:
    """On a device tree like that of the upstream kernel: both chip selects, and the right pins."""
    for program in ("dtc", "fdtoverlay", "fdtget"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt install device-tree-compiler")
    source = IMAGE / "boot" / "overlays" / "sena-spi.dts"
    (tmp_path / "base.dts").write_text(BASE)
    compiled = ["dtc", "-q", "-@", "-I", "dts", "-O", "dtb", "-o"]
    for argv in (
        [*compiled, "base.dtb", "base.dts"],
        [*compiled, "sena-spi.dtbo", str(source)],
        ["fdtoverlay", "-i", "base.dtb", "-o", "merged.dtb", "sena-spi.dtbo"],
    ):
        subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True)

    def got(node: str, name: str) -> str:
        argv = ["fdtget", "merged.dtb", node, name]
        run = subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True, text=True)
        return run.stdout.strip()

    spi = "/soc/spi@7e204000"
    assert got(spi, "status") == "okay"
    assert [got(f"{spi}/spidev@{select}", "reg") for select in (0, 1)] == ["0", "1"]
    assert got("/soc/gpio@7e200000/sena-spi-pins", "brcm,pins") == "9 10 11"
    assert got("/soc/gpio@7e200000/sena-spi-selects", "brcm,pins") == "8 7"


def _unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def test_the_watchdog_is_within_what_a_board_has() -> None:
    """More than 15 s switches it off on a Pi, without a word."""
    manager = _unit(OVERLAY / "etc/systemd/system.conf.d/sena-watchdog.conf")["Manager"]
    assert {key: int(value) <= 15 for key, value in manager.items()} == {
        "RuntimeWatchdogSec": True,
        "RebootWatchdogSec": True,
    }


def test_sena_waits_for_nothing_that_imager_was_asked_for() -> None:
    """The customisation is wanted by the end of the start, and before nothing."""
    unit = _unit(OVERLAY / "usr/lib/systemd/system/sena-customise.service")["Unit"]
    sena = (REPOSITORY / "systemd" / "sena.service").read_text(encoding="utf-8")
    assert "Before" not in unit
    assert "DefaultDependencies" not in unit
    assert "customise" not in sena


@pytest.mark.parametrize("stage", ["main", "local", "network"])
def test_cloud_init_does_not_start_by_itself(stage: str) -> None:
    """Its own units stand before sysinit.target, and all of the machine would wait for them."""
    assert (SYSTEM / f"cloud-init-{stage}.service").readlink() == Path("/dev/null")


def test_nothing_waits_to_be_online() -> None:
    """A house without a network has an assistant, too."""
    assert (SYSTEM / "systemd-networkd-wait-online.service").readlink() == Path("/dev/null")


def test_ssh_is_off_until_it_is_asked_for() -> None:
    """Nothing here starts it, by no way that systemd has."""
    links = [path for path in OVERLAY.rglob("*.wants/*") if path.name.startswith("ssh")]
    generator = OVERLAY / "etc/systemd/system-generators/systemd-ssh-generator"
    assert (links, generator.readlink()) == ([], Path("/dev/null"))


def test_the_units_are_known_to_systemd(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say; an unknown key is only a line on stderr."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed: apt install systemd")
    folder = tmp_path / "usr/lib/systemd/system"
    folder.mkdir(parents=True)
    shutil.copy(OVERLAY / "usr/lib/systemd/system/sena-customise.service", folder)
    for target in ("sysinit", "basic", "shutdown"):
        (folder / f"{target}.target").write_text("[Unit]\nDescription=A target\n")
    program = tmp_path / "usr/libexec/sena-card/customise"
    program.parent.mkdir(parents=True)
    shutil.copy(OVERLAY / "usr/libexec/sena-card/customise", program)
    run = subprocess.run(
        [analyze, "verify", "--man=no", f"--root={tmp_path}",
         str(folder / "sena-customise.service")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = [line for line in run.stderr.splitlines() if "systemd-networkd" not in line]
    assert (run.returncode, said) == (0, [])
