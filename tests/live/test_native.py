"""The native backend on the kernel that it is for: DragonFly's or FreeBSD's own calls, and real processes."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

import pydfly
from pydfly.constants import freebsd as numbers
from pydfly.structs import ReaperKill, ReaperPidInfo, ReaperStatus, ReaperStatusFreeBSD

from ..processes import end, eventually, fork, in_process, pause

IS_FREEBSD = sys.platform.startswith("freebsd")
IS_DRAGONFLY = sys.platform.startswith("dragonfly")
pytestmark = pytest.mark.skipif(not (IS_FREEBSD or IS_DRAGONFLY), reason="needs a BSD kernel")
freebsd_only = pytest.mark.skipif(not IS_FREEBSD, reason="needs a BSD kernel: FreeBSD's own command")
dragonfly_only = pytest.mark.skipif(not IS_DRAGONFLY, reason="needs a BSD kernel: DragonFly's own call")


@pytest.fixture(autouse=True)
def processes() -> Iterator[Any]:
    """Act on the kernel; give the processes around this one."""
    with pydfly.use("native"):
        yield pydfly.backends.current().processes


@pytest.fixture
def child() -> Iterator[int]:
    """A child that sleeps until it is killed."""
    pid = fork(pause)
    yield pid
    with contextlib.suppress(ChildProcessError):  # the test has collected it
        if os.waitpid(pid, os.WNOHANG)[0] == 0:
            end(pid)


def _state(processes: Any, pid: int) -> str | None:
    return next((process.state for process in processes.everyone() if process.pid == pid), None)


def _member(processes: Any, pid: int) -> Any:
    return next(process for process in processes.everyone() if process.pid == pid)


def test_this_process(processes: Any) -> None:
    """It is in the listing, as it is."""
    own = processes.info(os.getpid())
    assert (own.pid, own.ppid) == (os.getpid(), os.getppid())
    assert 0 < own.start_time <= time.time() + 1
    assert _member(processes, own.pid).start_time == own.start_time
    assert any(process.pid == 1 for process in processes.everyone())


def test_states(processes: Any, child: int) -> None:
    """Asleep, stopped, dead: with one start time."""
    eventually(lambda: _state(processes, child) == "sleeping")
    start = processes.info(child).start_time
    assert abs(start - time.time()) < 60
    os.kill(child, signal.SIGSTOP)
    eventually(lambda: _state(processes, child) == "stopped")
    os.kill(child, signal.SIGKILL)
    eventually(lambda: _state(processes, child) == "zombie")
    assert _member(processes, child).start_time == start
    assert child in processes.children()
    os.waitpid(child, 0)
    assert _state(processes, child) is None
    with pytest.raises(ProcessLookupError):
        processes.info(child)


def test_send(processes: Any, child: int) -> None:
    """To this process, and to none that only has its pid."""
    target = processes.info(child)
    with pytest.raises(ProcessLookupError):
        processes.send(target._replace(start_time=target.start_time - 1), signal.SIGKILL)
    assert processes.reap(child) is None
    processes.send(target, signal.SIGKILL)
    assert eventually(lambda: processes.reap(child)) == (child, signal.SIGKILL)
    with pytest.raises(ChildProcessError):
        processes.reap(child)
    with pytest.raises(ProcessLookupError):
        processes.send(target, signal.SIGKILL)


def test_wait(processes: Any, child: int) -> None:
    """It ends with a child's death, and else with the time."""
    begin = time.monotonic()
    processes.wait(0.05)
    assert 0.04 <= time.monotonic() - begin < 10
    os.kill(child, signal.SIGKILL)
    begin = time.monotonic()
    while processes.reap(child) is None:
        processes.wait(20)
    assert time.monotonic() - begin < 15


def _family() -> tuple[int, int]:
    """Fork a child that forks one and dies; return both pids."""
    reading, writing = os.pipe()

    def parent() -> None:
        os.write(writing, f"{fork(pause)}\n".encode())

    first = fork(parent)
    second = int(os.read(reading, 64))
    os.close(reading)
    os.close(writing)
    return first, second


def _orphan_is_adopted() -> list[Any]:
    processes = pydfly.backends.current().processes
    outsider = fork(pause)
    pydfly.reaper.acquire()
    first, second = _family()
    eventually(lambda: _member(processes, second).ppid == os.getpid())
    members = {member.pid for member in pydfly.reaper.descendants()}
    os.waitpid(first, 0)
    status = pydfly.procctl(0, 0, pydfly.PROC_REAP_STATUS)
    try:
        twice = pydfly.procctl(0, 0, pydfly.PROC_REAP_ACQUIRE)
    except pydfly.AlreadyReaperError as error:
        twice = error.errno_name
    report = pydfly.reaper.kill_all(grace=5)
    survives = _state(processes, outsider)
    pydfly.reaper.release()
    os.kill(outsider, signal.SIGKILL)
    os.waitpid(outsider, 0)
    return [members - {first} == {second}, second, status, twice, report, survives]


def test_a_domain() -> None:
    """Acquire, adopt, list, end, release; a child from before stays outside."""
    only, second, status, twice, report, survives = in_process(_orphan_is_adopted)
    assert only
    if IS_FREEBSD:
        assert isinstance(status, ReaperStatusFreeBSD)
        assert (status.flags, status.children, status.descendants, status.pid) == (1, 1, 1, second)
    else:
        assert isinstance(status, ReaperStatus)
        assert (status.flags, status.refs, status.pid_head) == (1, 1, second)
    assert twice == ("EBUSY" if IS_FREEBSD else "EALREADY")
    assert [member.pid for member in report.ended] == [second] and report.survivors == []
    assert survives not in (None, "zombie")


def test_release_without_a_domain() -> None:
    """Each system has its errno for it."""
    with pytest.raises(pydfly.NotReaperError) as caught:
        pydfly.reaper.release()
    assert caught.value.errno == (errno.EINVAL if IS_FREEBSD else errno.ENOTCONN)


def _signal_of_the_parent() -> int:
    reading, writing = os.pipe()

    def watcher() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        pydfly.pdeathsig.set(signal.SIGUSR1)
        os.write(writing, b"r")
        os.write(writing, bytes([signal.sigwait([signal.SIGUSR1])]))

    def parent() -> None:
        fork(watcher)
        os.read(reading, 1)

    os.waitpid(fork(parent), 0)
    return os.read(reading, 1)[0]


def test_the_parent_death_signal() -> None:
    """It is delivered."""
    assert in_process(_signal_of_the_parent) == signal.SIGUSR1
    pydfly.pdeathsig.set(0)
    assert pydfly.pdeathsig.get() == 0


def test_modules() -> None:
    """No module has such a name."""
    with pytest.raises(FileNotFoundError):
        pydfly.syscalls.modfind("pydfly/no-such-module")
    with pytest.raises(FileNotFoundError):
        pydfly.syscalls.modstat(2**31 - 1)


@freebsd_only
def test_every_question_of_freebsd() -> None:
    """An answer, or EINVAL from a kernel that is older than the question (ESRCH: another architecture's)."""
    for command in numbers.Command:
        if command.name.endswith("_STATUS") and "REAP" not in command.name:
            try:
                answer = pydfly.procctl(0, 0, command)
            except pydfly.SyscallError as error:
                assert error.errno in (errno.EINVAL, errno.EOPNOTSUPP), command
            else:
                assert isinstance(answer, int) and answer >= 0


def _listed_and_killed() -> tuple[Any, ...]:
    guarded = None
    try:
        pydfly.procctl(0, 0, numbers.PROC_REAP_KILL, ReaperKill(signal.SIGTERM))
    except PermissionError as error:
        guarded = str(error)
    pydfly.reaper.acquire()
    children = [fork(pause) for _ in range(100)]
    infos: Any = pydfly.procctl(0, 0, numbers.PROC_REAP_GETPIDS)
    some: Any = pydfly.procctl(0, 0, numbers.PROC_REAP_GETPIDS, 3)
    killed: Any = pydfly.procctl(0, 0, numbers.PROC_REAP_KILL, ReaperKill(signal.SIGKILL))
    for child in children:
        os.waitpid(child, 0)
    return guarded, children, infos, some, killed


@freebsd_only
def test_getpids_and_kill() -> None:
    """Newest first, all of them; the guard (FK-11) for a process that is no reaper."""
    guarded, children, infos, some, killed = in_process(_listed_and_killed)
    assert guarded is not None and "unsafe_reap_kill" in guarded
    assert [info.pid for info in infos] == children[::-1]
    assert infos[0] == ReaperPidInfo(children[-1], children[-1], infos[0].flags)
    assert some == infos[:3]
    assert killed == (100, -1)


@dragonfly_only
def test_residency() -> None:
    """The list is root's; the interpreter is never registered; signal 128 never reaches the kernel."""
    if os.geteuid() == 0:
        assert isinstance(pydfly.resident.entries(), list)
    else:
        with pytest.raises(PermissionError):
            pydfly.resident.entries()
    with pytest.raises(pydfly.UnsafeRegistrationError):
        pydfly.exec_sys_register(0)
    with pytest.raises(pydfly.SyscallError):
        pydfly.pdeathsig.set(128)
    assert pydfly.pdeathsig.get() == 0
