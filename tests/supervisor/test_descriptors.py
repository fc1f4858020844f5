"""Descriptors that are never lost."""

from __future__ import annotations

import os
import subprocess
import sys
from types import FrameType
from typing import Any

import pytest

from pydfly.supervisor import descriptors
from tests.live import onlooker


def forget_interrupted(target: int) -> int:
    """Forget some open descriptors, with an exception at one line of what closes them; return how many lines ran."""
    lines = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        if frame.f_code.co_filename != descriptors.__file__:
            return None
        if event == "line":
            lines += 1
            if lines == target:
                raise KeyboardInterrupt
        return trace

    held = descriptors.Descriptors()
    held.open(os.devnull, os.O_RDONLY)
    held.copy(held.numbers[0])
    held.pipe()
    sys.settrace(trace)
    try:
        del held
    finally:
        sys.settrace(None)
    return lines


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_exception_while_they_are_forgotten_keeps_none_open() -> None:
    """Not even one that comes before the first line: what a signal handler raises can come anywhere."""
    open_before = len(onlooker.descriptors())
    total = forget_interrupted(0)
    assert total > 3
    for target in range(1, total + 1):
        forget_interrupted(target)
        assert len(onlooker.descriptors()) == open_before, f"line {target} of {total}"


def test_standard_descriptors_are_let_go_of_where_no_other_can_be_had() -> None:
    """The command may take RLIMIT_NOFILE away before a helper comes to that."""
    program = """
import os, resource, sys
from pydfly.supervisor.keepers.own_process import let_go
if sys.platform != "linux":  # a helper has it loaded since it is a reaper
    from pydfly.backends import bsd_helper_calls
    bsd_helper_calls.extension()
null = os.open(os.devnull, os.O_RDWR)
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
let_go(null, null)
try:
    os.write(1, b"still open")
except OSError:
    os._exit(3)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=200)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert done.returncode == 3 or sys.platform.startswith("dragonfly")  # where eight are free whatever the limit
