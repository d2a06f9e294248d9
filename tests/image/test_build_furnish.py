"""A tree of Debian becomes the card's root: what is laid in, switched off, and refused."""

import os
import shutil
import stat
from pathlib import Path

import pytest
from image import furnish
from image.steps import BuildFailed

EPOCH_S = 1_700_000_000
UNITS = "etc/systemd/system"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """As the packages leave it."""
    root = tmp_path / "root"
    files = {
        "etc/shadow": "root:*:20000:0:99999:7:::\n_sena:!:20000::::::\n",
        "etc/passwd": "root:x:0:0::/root:/bin/sh\n_sena:x:990:989::/var/lib/sena:/bin/false\n",
        "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
        "etc/ssh/ssh_host_ed25519_key": "private",
        "etc/sena/sena.toml": "# settings\n",
        "var/lib/systemd/random-seed": "seed",
        "usr/lib/systemd/system/ssh.service": "[Install]\nWantedBy=multi-user.target\n",
        "usr/lib/clock-epoch": "",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "etc/resolv.conf").symlink_to("/run/nobody/has/this")
    wants = root / UNITS / "multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "ssh.service").symlink_to("/usr/lib/systemd/system/ssh.service")
    return root


@pytest.mark.skipif(shutil.which("systemctl") is None, reason="needs systemctl")
def test_nothing_of_one_machine_stays(tree: Path) -> None:
    """Its keys, its id, its seed and what only it was told to run."""
    furnish.forget(tree)
    furnish.check(tree)
    assert (tree / "etc/machine-id").read_bytes() == b""
    assert not (tree / "var/lib/systemd/random-seed").exists()
    assert not (tree / UNITS / "multi-user.target.wants/ssh.service").is_symlink()
    assert (tree / "etc/resolv.conf").readlink() == Path("/run/systemd/resolve/resolv.conf")


def test_each_private_thing_is_told(tree: Path) -> None:
    """All of them at once, by name and never by content."""
    (tree / "etc/shadow").write_text("root:$y$secret:20000::::::\n")
    with pytest.raises(BuildFailed) as caught:
        furnish.check(tree)
    assert str(caught.value) == (
        "the image would hold a service that nobody asked for: ssh.service; "
        "a host key: ssh_host_ed25519_key; a password that can be used: root's; "
        "a machine id, which all devices would share"
    )


@pytest.mark.parametrize("secret", ["", "$6$salt$hash"])
def test_a_password_that_can_be_used_is_refused(tree: Path, secret: str) -> None:
    """The empty one above all."""
    (tree / "etc/shadow").write_text(f"pi:{secret}:20000::::::\n")
    with pytest.raises(BuildFailed, match="pi's"):
        furnish.check(tree)


def test_the_overlay_is_laid_over_as_it_is(tree: Path, tmp_path: Path) -> None:
    """Programs run, links stay links, and a umask of whoever builds changes nothing."""
    overlay = tmp_path / "overlay"
    (overlay / "etc").mkdir(parents=True)
    (overlay / "etc/plain").write_text("new")
    (overlay / "etc/plain").chmod(0o600)
    (overlay / "etc/program").write_text("#!/bin/sh\n")
    (overlay / "etc/program").chmod(0o700)
    (overlay / "etc/link").symlink_to("plain")
    (tree / "etc/plain").write_text("old")
    furnish.lay_over(tree, overlay)
    assert (tree / "etc/plain").read_text() == "new"
    assert stat.S_IMODE((tree / "etc/plain").stat().st_mode) == 0o644
    assert stat.S_IMODE((tree / "etc/program").stat().st_mode) == 0o755
    assert (tree / "etc/link").readlink() == Path("plain")


def test_what_writes_at_rest_does_not_run(tree: Path) -> None:
    """Masked, which nothing that is installed later can undo by enabling it."""
    furnish.settle(tree, {"etc/apt/x": b"y"}, ["sena.service"])
    links = {it.name: str(it.readlink()) for it in (tree / UNITS).iterdir() if it.is_symlink()}
    assert links == dict.fromkeys(furnish.MASKED, "/dev/null")
    assert (tree / UNITS / "multi-user.target.wants/sena.service").is_symlink()
    assert [name for name in furnish.MOUNT_POINTS if not (tree / name).is_dir()] == []


def test_no_file_is_newer_than_what_was_committed(tree: Path) -> None:
    """And an older one keeps its time."""
    os.utime(tree / "etc/passwd", (1000, 1000))
    furnish.clamp(tree, EPOCH_S)
    times = {path: path.lstat().st_mtime for path in [tree, *tree.rglob("*")]}
    assert max(times.values()) == EPOCH_S
    assert times[tree / "etc/passwd"] == 1000
    # systemd compares these with the time of /usr, and would do its first-boot work each time.
    assert times[tree / "etc/.updated"] == times[tree / "var/.updated"] == EPOCH_S


def test_byte_code_stays_valid(tree: Path) -> None:
    """It has the time of its module in it; another one would have it compiled at each start."""
    module = tree / "usr/lib/python3.13/new.py"
    module.parent.mkdir()
    module.write_text("")
    os.utime(module, (EPOCH_S + 9, EPOCH_S + 9))
    furnish.clamp(tree, EPOCH_S)
    assert module.stat().st_mtime == EPOCH_S + 9


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_the_data_partition_has_a_folder_for_each_mount(tree: Path, tmp_path: Path) -> None:
    """The assistant's are its own; keys and releases are root's."""
    models = tmp_path / "voices"
    models.mkdir()
    (models / "en_US-test-low.onnx").write_bytes(b"model")
    data = tmp_path / "data"
    furnish.data_of(tree, data, models, EPOCH_S)
    fstab = (furnish.OVERLAY / "etc/fstab").read_text()
    bound = {
        line.split()[0].removeprefix("/data/") for line in fstab.splitlines() if " bind," in line
    }
    assert bound - {path.name for path in data.iterdir()} == set()
    owners = {
        str(path.relative_to(data)): (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode))
        for path in data.rglob("*")
    }
    assert owners["etc-sena/keys"] == owners["ssh"] == (0, 0o700)
    assert owners["lib-sena"] == owners["cache-sena"] == (990, 0o700)
    assert owners["lib-sena/voices/en_US-test-low.onnx"] == (990, 0o644)
    assert owners["releases"] == (0, 0o755)
    assert (data / "etc-sena/sena.toml").read_text() == "# settings\n"
