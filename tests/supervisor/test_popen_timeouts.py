"""What CPython's tests of subprocess expect of timeouts, without their limits: they fail where a machine is slow."""

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


class Gate:
    """A pipe in which a command waits until the test opens it: no timeout is too long for it."""

    def __init__(self) -> None:
        self.entry, self._exit = os.pipe()
        self.wait = f"os.read({self.entry}, 1)"

    def open(self) -> None:
        os.write(self._exit, b"x")

    def close(self) -> None:
        os.close(self.entry)
        os.close(self._exit)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    popen.stop_all()


def start(gate: Gate, lines: list[str], **options: Any) -> popen.SupervisedPopen:
    """Start Python code under ``supervise()``."""
    return popen.SupervisedPopen(
        [sys.executable, "-c", "\n".join(["import os, sys", *lines])], pass_fds=[gate.entry], **options
    )


def test_wait(gate: Gate) -> None:
    child = start(gate, [gate.wait])
    with pytest.raises(subprocess.TimeoutExpired, match=str(AT_ONCE)):
        child.wait(AT_ONCE)
    gate.open()
    assert child.wait() == 0


def test_communicate_goes_on(gate: Gate) -> None:
    """What came before the timeout counts afterwards; no input, as Popen forgets what it had no time to send."""
    lines = ["sys.stderr.write('pineapple\\n')", gate.wait, "sys.stderr.write('pear\\n')", "print(sys.stdin.read())"]
    streams: dict[str, Any] = dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.PIPE)
    with start(gate, lines, text=True, **streams) as child:
        with pytest.raises(subprocess.TimeoutExpired):
            child.communicate(timeout=AT_ONCE)
        gate.open()
        assert child.communicate() == ("\n", "pineapple\npear\n")


def test_communicate_more_than_a_pipe_holds(gate: Gate) -> None:
    block = "os.write(1, b'a' * 2**18)"
    with start(gate, [block, gate.wait, block], stdout=subprocess.PIPE) as child:
        with pytest.raises(subprocess.TimeoutExpired):
            child.communicate(timeout=AT_ONCE)
        gate.open()
        output, _ = child.communicate()
    assert output == b"a" * 2**19


def test_the_exception_has_the_output(gate: Gate) -> None:
    with start(gate, ["os.write(1, b'BDFL')", gate.wait], stdout=subprocess.PIPE) as child:
        output = None
        while output != b"BDFL":  # pytest's limit ends it
            with pytest.raises(subprocess.TimeoutExpired) as expired:
                child.communicate(timeout=0.1)
            output = expired.value.output
        gate.open()


def test_run_waits_for_no_descendant(monkeypatch: pytest.MonkeyPatch) -> None:
    """The streams are still open in one when the command has been killed."""
    monkeypatch.setattr(subprocess, "Popen", popen.SupervisedPopen)
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run("sleep 1000; :", shell=True, timeout=0.1, capture_output=True)
