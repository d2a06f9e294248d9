"""What the card's image is made of: packages, bases, the servers it asks later."""

from pathlib import Path

import pytest
from image import bases
from image.bases import Base

REPOSITORY = Path(__file__).resolve().parents[2]


def test_what_the_package_depends_on_is_in_the_list() -> None:
    """So dpkg can install it in the tree, and nothing is fetched a second time."""
    control = (REPOSITORY / "packaging/debian/control").read_text()
    line = next(it for it in control.splitlines() if it.startswith("Depends: "))
    names = {part.split(" ")[0] for part in line.removeprefix("Depends: ").split(", ")}
    brought_anyway = {"libc6", "systemd", "@FROM_DEBIAN@"}  # the last: the next test's
    assert names - brought_anyway - set(bases.shared_packages()) == set()


def test_modules_without_wheels_are_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package leaves them to Debian."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "packaging"))
    import build_deb

    assert set(build_deb.FROM_DEBIAN.values()) - set(bases.shared_packages()) == set()


def test_a_base_repeats_nothing_of_the_shared_list() -> None:
    """What both have is written down once."""
    shared = set(bases.shared_packages())
    repeated = {name: shared & set(Base.load(name).packages) for name in bases.NAMES}
    assert repeated == {"debian": set(), "raspios": set()}


def test_the_bases_differ_in_kernel_firmware_and_gpio_only() -> None:
    """Whatever is tested on the one holds for the other but for these."""
    debian, raspios = (set(Base.load(name).packages) for name in bases.NAMES)
    assert debian - raspios == {"linux-image-arm64"}
    assert raspios - debian == {"linux-image-rpi-v8", "linux-image-rpi-2712", "python3-lgpio"}


def test_every_difference_is_told() -> None:
    """Packages, archive, kernels and suite are in the lines."""
    this = Base("a", "", "trixie", ("kernel-a", "firmware"), {"8": "*-a"})
    that = Base("b", "", "forky", ("kernel-b", "firmware"), {"8": "*-b"}, "main", ("kernel-*",))
    assert bases.differences(this, that) == [
        "only a: kernel-a",
        "only b: kernel-b",
        "of another archive: firmware",
        "kernels of a: kernel8.img (*-a)",
        "kernels of b: kernel8.img (*-b)",
        "archive of b: Debian's, and a second one that is given",
        "suites: a trixie, b forky",
    ]


def test_what_comes_from_the_second_archive_is_named() -> None:
    """All that the base adds is taken from there, whatever Debian has of it."""
    raspios = Base.load("raspios")
    fits = {
        name: any(Path(name).match(pattern) for pattern in raspios.preferred)
        for name in raspios.packages
    }
    assert [name for name, it in fits.items() if not it] == []


def test_a_base_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    """A typing error must not silently leave something out."""
    text = 'about = ""\nsuite = "trixie"\npackages = []\npackage = ["x"]\n[kernels]\n'
    (tmp_path / "base.odd.toml").write_text(text)
    with pytest.raises(ValueError, match="unknown keys: package"):
        Base.load("odd", tmp_path)


def test_a_base_without_packages_is_refused(tmp_path: Path) -> None:
    """The message names what is missing."""
    (tmp_path / "base.odd.toml").write_text('about = ""\nsuite = "trixie"\n[kernels]\n')
    with pytest.raises(ValueError, match=r"base\.odd\.toml has no 'packages'"):
        Base.load("odd", tmp_path)


def test_a_package_is_listed_once(tmp_path: Path) -> None:
    """Comments and empty lines do not count."""
    (tmp_path / "packages.list").write_text("# a\na\n\nb # why\na\n")
    with pytest.raises(ValueError, match="twice: a"):
        bases.shared_packages(tmp_path)


def test_the_image_asks_the_servers_that_were_named() -> None:
    """With the second archive last, signed by its own key, and only where there is one."""
    mirror = "http://mirror.example/debian"
    debian = bases.sources(Base.load("debian"), f"{mirror}/")
    raspios = bases.sources(Base.load("raspios"), mirror, "https://archive.example/debian")
    assert debian in raspios
    assert [line for line in raspios.splitlines() if line.startswith("URIs")] == [
        "URIs: http://mirror.example/debian",
        "URIs: http://mirror.example/debian-security",
        "URIs: https://archive.example/debian",
    ]
    assert raspios.rstrip().endswith(bases.ARCHIVE_KEYRING)


def test_the_image_asks_nobody_where_nobody_was_named() -> None:
    """Least of all the server that it was made from."""
    assert "URIs" not in bases.sources(Base.load("debian"))


def test_apt_takes_nothing_else_from_the_second_archive() -> None:
    """Below Debian's 500 for all, above it for what was named."""
    text = bases.preferences(Base.load("raspios"), "archive.example")
    all_others, named = text.strip().split("\n\n")
    assert all_others.splitlines() == [
        "Package: *", 'Pin: origin "archive.example"', "Pin-Priority: 100"
    ]  # fmt: skip
    assert "linux-image-*" in named
    assert named.endswith("Pin-Priority: 990")
