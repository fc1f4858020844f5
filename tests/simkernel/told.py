"""Short words for what the tests of the simulated kernel say often."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pydfly import SyscallError
from pydfly.constants.dragonfly import (
    P_PID,
    PROC_PDEATHSIG_CTL,
    PROC_PDEATHSIG_STATUS,
    PROC_REAP_ACQUIRE,
    PROC_REAP_RELEASE,
    PROC_REAP_STATUS,
)
from pydfly.simkernel import Process


@contextmanager
def refused(errno_name: str, syscall: str | None = None) -> Iterator[None]:
    """Expect that the kernel refuses with this errno."""
    with pytest.raises(SyscallError) as caught:
        yield
    assert caught.value.errno_name == errno_name
    if syscall is not None:
        assert caught.value.syscall == syscall


def acquire(process: Process) -> None:
    assert process.procctl(P_PID, 0, PROC_REAP_ACQUIRE) is None


def release(process: Process) -> None:
    assert process.procctl(P_PID, 0, PROC_REAP_RELEASE) is None


def status(process: Process) -> tuple[int, int, int]:
    """Flags, refs and pid_head."""
    answer = process.procctl(P_PID, 0, PROC_REAP_STATUS)
    assert isinstance(answer, tuple)
    return answer


def arm(process: Process, signal: int) -> None:
    """Set the parent-death signal."""
    assert process.procctl(P_PID, process.pid, PROC_PDEATHSIG_CTL, signal) is None


def armed(process: Process) -> object:
    return process.procctl(P_PID, 0, PROC_PDEATHSIG_STATUS)


def pids(process: Process) -> list[int]:
    """The list of children, from its head."""
    return [child.pid for child in process.children]


def ended(parent: Process, child: int = -1) -> tuple[int, int] | None:
    """Wait without blocking."""
    return parent.wait(child, nohang=True)
