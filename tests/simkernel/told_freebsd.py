"""Short words for what the tests of the simulated FreeBSD kernel say often."""

from __future__ import annotations

from typing import Any

from pydfly import NULL, ReaperKill, ReaperKilled, SyscallError
from pydfly.constants import freebsd as bsd
from pydfly.simkernel import Process

P_PID, P_PGID = int(bsd.P_PID), int(bsd.P_PGID)
CHILDREN, SUBTREE = int(bsd.REAPER_KILL_CHILDREN), int(bsd.REAPER_KILL_SUBTREE)


def call(process: Process, cmd: int, data: Any = None, id: int = 0, idtype: int = P_PID) -> Any:
    """Call procctl; without data the wrapper's memory is used."""
    return process.procctl(idtype, id, cmd) if data is None else process.procctl(idtype, id, cmd, data)


def acquire(process: Process) -> None:
    assert call(process, bsd.PROC_REAP_ACQUIRE, NULL) is None


def release(process: Process) -> None:
    assert call(process, bsd.PROC_REAP_RELEASE, NULL) is None


def status(process: Process, id: int = 0) -> tuple[int, int, int, int, int]:
    """Flags, children, descendants, reaper, pid."""
    answer: tuple[int, int, int, int, int] = call(process, bsd.PROC_REAP_STATUS, id=id)
    return answer


def members(process: Process, id: int = 0, count: Any = None) -> list[tuple[int, int, int]]:
    """Pid, subtree and flags of each member."""
    return [tuple(info) for info in call(process, bsd.PROC_REAP_GETPIDS, count, id)]  # type: ignore[misc]


def kill_all(
    process: Process, sig: int, flags: int = 0, subtree: int = 0, id: int = 0
) -> tuple[str | None, int | None, int | None]:
    """Errno, killed and fpid of PROC_REAP_KILL."""
    try:
        return (None, *call(process, bsd.PROC_REAP_KILL, ReaperKill(sig, flags, subtree), id))
    except SyscallError as error:
        wrote = error.result
        assert wrote is None or isinstance(wrote, ReaperKilled)
        return (error.errno_name, *(wrote or (None, None)))
