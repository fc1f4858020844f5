"""What CPython's tests of subprocess expect of timeouts, without the limits that a slow machine does not keep."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import live_only
from tests.supervisor import popen

pytestmark = live_only
AT_ONCE = 0.0001
WAIT = "os.read(0, 1)"  # however long a timeout was: until the test writes


@pytest.fixture
def gate() -> Iterator[tuple[int, int]]:
    """What a command reads from when it waits, and what the test writes to when it may go on."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    popen.stop_all()


def start(stdin: int, *lines: str, **options: Any) -> popen.SupervisedPopen:
    """Start Python code under ``supervise()``."""
    return popen.SupervisedPopen([sys.executable, "-c", "\n".join(["import os", *lines])], stdin=stdin, **options)


def test_wait(gate: tuple[int, int]) -> None:
    child = start(gate[0], WAIT)
    with pytest.raises(subprocess.TimeoutExpired, match=str(AT_ONCE)):
        child.wait(AT_ONCE)
    os.write(gate[1], b"x")
    assert child.wait() == 0


def test_communicate_goes_on(gate: tuple[int, int]) -> None:
    """What came before the timeout counts afterwards; no input, as Popen forgets what it had no time to send."""
    lines = ["os.write(2, b'pineapple ')", WAIT, "os.write(1, b'banana')", "os.write(2, b'pear')"]
    with start(gate[0], *lines, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        with pytest.raises(subprocess.TimeoutExpired):
            child.communicate(timeout=AT_ONCE)
        os.write(gate[1], b"x")
        assert child.communicate() == ("banana", "pineapple pear")


def test_communicate_more_than_a_pipe_holds(gate: tuple[int, int]) -> None:
    block = "os.write(1, b'a' * 2**18)"
    with start(gate[0], block, WAIT, block, stdout=subprocess.PIPE) as child:
        with pytest.raises(subprocess.TimeoutExpired):
            child.communicate(timeout=AT_ONCE)
        os.write(gate[1], b"x")
        output, _ = child.communicate()
    assert output == b"a" * 2**19


def test_the_exception_has_the_output(gate: tuple[int, int]) -> None:
    with start(gate[0], "os.write(1, b'BDFL')", WAIT, stdout=subprocess.PIPE) as child:
        output = None
        while output != b"BDFL":  # pytest's limit ends it
            with pytest.raises(subprocess.TimeoutExpired) as expired:
                child.communicate(timeout=0.1)
            output = expired.value.output
        os.write(gate[1], b"x")


def test_run_waits_for_no_descendant(monkeypatch: pytest.MonkeyPatch) -> None:
    """The streams are still open in one when the command has been killed."""
    monkeypatch.setattr(subprocess, "Popen", popen.SupervisedPopen)
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run("sleep 1000; :", shell=True, timeout=0.1, capture_output=True)
