"""A thread of low priority: the kernel's own word for it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sena_pi.priority import lower_this_thread

SETPRIORITY = {"x86_64": 141, "aarch64": 140}


def niceness() -> int:
    """Of the calling thread, as the kernel tells it."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_only_the_thread_that_asks_is_lowered() -> None:
    """Its niceness is 19; this thread's, and that of threads started later, is what it was."""
    before = niceness()
    with ThreadPoolExecutor(1) as lowered, ThreadPoolExecutor(1) as other:
        assert lowered.submit(lower_this_thread).result(10)
        assert 19 == lowered.submit(niceness).result(10)
        assert before == other.submit(niceness).result(10)
    assert before == niceness() < 19


def test_a_pool_can_start_its_threads_so() -> None:
    """It serves as a pool's initializer."""
    with ThreadPoolExecutor(1, initializer=lower_this_thread) as pool:
        assert 19 == pool.submit(niceness).result(10)


def test_a_sandbox_that_refuses_is_no_error() -> None:
    """Under a system call filter that answers EPERM it says so and nothing is raised."""
    number = SETPRIORITY.get(platform.machine())
    if number is None:
        pytest.skip(f"the number of setpriority on {platform.machine()} is not known here")
    script = f"""
        import ctypes, os, struct, sys
        from sena_pi.priority import lower_this_thread

        EPERM, ALLOW = 0x00050001, 0x7FFF0000
        rules = [(0x20, 0, 0, 0), (0x15, 0, 1, {number}), (6, 0, 0, EPERM), (6, 0, 0, ALLOW)]
        held = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *r) for r in rules))
        program = ctypes.create_string_buffer(struct.pack("HP", 4, ctypes.addressof(held)))
        prctl = ctypes.CDLL(None).prctl
        prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
        if prctl(38, 1, 0, 0, 0) or prctl(22, 2, ctypes.addressof(program), 0, 0):
            sys.exit(77)
        try:
            os.setpriority(os.PRIO_PROCESS, 0, 19)
        except PermissionError:
            print("refused", lower_this_thread())
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if ran.returncode == 77:
        pytest.skip("this kernel takes no system call filter")
    assert ("refused False\n", "", 0) == (ran.stdout, ran.stderr, ran.returncode)
