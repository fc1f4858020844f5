"""Descriptors that are never lost."""

from __future__ import annotations

import os
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
