"""Real processes for tests: run a function in a process of its own, wait for conditions, end what was started."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import time
import traceback
from collections.abc import Callable
from typing import Any


def last_answer(ask: Callable[[], Any], timeout: float, is_enough: Callable[[Any], bool] = bool) -> Any:
    """Ask until the answer is enough, or the timeout is over; return the last one."""
    end = time.monotonic() + timeout
    pause = 0.0005
    while not is_enough(answer := ask()) and time.monotonic() < end:
        time.sleep(pause)
        pause = min(2 * pause, 0.02)
    return answer


def eventually(condition: Callable[[], Any], timeout: float = 200.0) -> Any:
    """Ask until the answer is true, and return it; fail with the last answer after the timeout."""
    answer = last_answer(condition, timeout)
    assert answer, f"not within {timeout} s: last answer {answer!r}"
    return answer


def in_process(function: Callable[[], Any]) -> Any:
    """Run a function in a forked process and return its result; an exception there fails here.

    Reaper and parent-death attributes belong to a process, so a test that sets them needs one to throw away.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            answer = (True, function())
        except BaseException:
            answer = (False, traceback.format_exc())
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    _, status = os.waitpid(pid, 0)
    assert content, f"the process ended without an answer: {os.waitstatus_to_exitcode(status)}"
    good, result = pickle.loads(content)
    assert good, f"in the process:\n{result}"
    return result


def fork(function: Callable[[], Any]) -> int:
    """Fork a child that calls the function and exits; return its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
        finally:
            os._exit(0)
    return pid


def end(pid: int) -> None:
    """Kill and wait for a child of this process."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def pause() -> None:
    """Sleep until a signal ends this process."""
    while True:
        signal.pause()


def may_unshare() -> bool:
    """Say whether a mount namespace can be made here: not every container's superuser may."""
    return (
        shutil.which("unshare") is not None
        and subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode == 0
    )
