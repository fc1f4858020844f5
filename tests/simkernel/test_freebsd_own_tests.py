"""What FreeBSD's own tests of reapers (12) and of the parent-death signal (5) ask, on the simulated kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import pydfly
from pydfly import ReaperKill, SyscallError, procctl, reaper, simkernel
from pydfly.constants import freebsd as bsd
from pydfly.simkernel import Process

from .told_freebsd import acquire, call, kill_all, members, status

VALID, CHILD = int(bsd.REAPER_PIDINFO_VALID), int(bsd.REAPER_PIDINFO_CHILD)


@pytest.fixture(params=["13.2", "main"])
def parent(request: pytest.FixtureRequest) -> Iterator[Process]:
    """The test program; this program acts as it."""
    process = simkernel.boot("freebsd", request.param).spawn("/usr/tests/sys/kern/reaper_test")
    with pydfly.use(process):
        yield process


@pytest.fixture
def root(parent: Process) -> Process:
    reaper.acquire()
    return parent


def test_wait_child_first(root: Process) -> None:
    child = root.fork()
    grandchild = child.fork()
    child.exit(3)
    assert root.wait(child.pid) == (child.pid, 3 << 8)
    assert grandchild.ppid == root.pid
    grandchild.exit(2)
    assert root.wait() == (grandchild.pid, 2 << 8)


def test_wait_grandchild_first(root: Process) -> None:
    child = root.fork()
    grandchild = child.fork()
    grandchild.exit(2)
    child.exit(3)
    assert root.wait(child.pid) == (child.pid, 3 << 8)
    assert root.wait() == (grandchild.pid, 2 << 8)


def test_sigchld_child_first(root: Process) -> None:
    root.catch_sigchld()
    child = root.fork()
    grandchild = child.fork()
    child.exit(3)
    (entry,) = root.take_signals()
    assert (entry.signal, entry.code, entry.status, entry.pid) == (bsd.SIGCHLD, "CLD_EXITED", 3, child.pid)
    root.wait(child.pid)
    grandchild.exit(2)
    (entry,) = root.take_signals()
    assert (entry.signal, entry.code, entry.status, entry.pid) == (bsd.SIGCHLD, "CLD_EXITED", 2, grandchild.pid)
    assert root.wait() == (grandchild.pid, 2 << 8)


def test_sigchld_grandchild_first(root: Process) -> None:
    root.catch_sigchld()
    child = root.fork()
    grandchild = child.fork()
    grandchild.exit(2)
    child.exit(3)
    root.wait(child.pid)
    (entry,) = root.take_signals()  # the child's own went with it
    assert (entry.signal, entry.code, entry.status, entry.pid) == (bsd.SIGCHLD, "CLD_EXITED", 2, grandchild.pid)
    assert root.wait() == (grandchild.pid, 2 << 8)


def test_status(parent: Process) -> None:
    before = reaper.status()
    assert not before.owned and before.reaper_pid == 1
    assert before.children and before.descendants and before.descendants >= before.children
    reaper.acquire()
    assert reaper.status() == (True, False, parent.pid, None, 0, 0)
    child = parent.fork()
    assert status(child, parent.pid) == (1, 1, 1, parent.pid, child.pid)
    assert status(child) == (0, 1, 1, parent.pid, child.pid)
    child.exit(0)
    parent.wait(child.pid)
    assert reaper.status() == (True, False, parent.pid, None, 0, 0)


def test_getpids(root: Process) -> None:
    def listed() -> list[tuple[int, int, int]]:
        return [(pid, subtree, flags & (VALID | CHILD)) for pid, subtree, flags in members(root, count=10)]

    assert listed() == []
    child = root.fork()
    assert listed() == [(child.pid, child.pid, VALID | CHILD)]
    grandchild = child.fork()
    assert sorted(listed()) == [(child.pid, child.pid, VALID | CHILD), (grandchild.pid, child.pid, VALID)]
    child.block_signals(False)
    root.kill(child.pid, bsd.SIGTERM)
    assert root.wait(child.pid) == (child.pid, bsd.SIGTERM)
    assert listed() == [(grandchild.pid, child.pid, VALID | CHILD)]
    grandchild.exit(0)
    assert listed() == [(grandchild.pid, child.pid, VALID | CHILD)]
    root.wait(grandchild.pid)
    assert listed() == []


@pytest.mark.parametrize("sig", [-1, 0])
def test_kill_bad_signal_and_zero(root: Process, sig: int) -> None:
    with pytest.raises(SyscallError) as caught:
        procctl(bsd.P_PID, root.pid, bsd.PROC_REAP_KILL, ReaperKill(sig))
    assert caught.value.errno_name == "EINVAL"


def test_kill_empty(root: Process) -> None:
    with pytest.raises(ProcessLookupError) as caught:
        procctl(bsd.P_PID, root.pid, bsd.PROC_REAP_KILL, ReaperKill(bsd.SIGTERM))
    assert caught.value.result == (0, -1)  # type: ignore[attr-defined]


def test_kill_normal(root: Process) -> None:
    child = root.fork()
    grandchild = child.fork()
    for process in (child, grandchild):
        process.block_signals(False)
    assert procctl(bsd.P_PID, root.pid, bsd.PROC_REAP_KILL, ReaperKill(bsd.SIGTERM)) == (2, -1)
    assert root.wait(child.pid) == (child.pid, bsd.SIGTERM)
    assert root.wait() == (grandchild.pid, bsd.SIGTERM)


def test_kill_subtree(root: Process) -> None:
    families = []
    for _ in range(2):
        child = root.fork()
        families.append((child, child.fork()))
    for family, sig in zip(families, (bsd.SIGUSR1, bsd.SIGUSR2), strict=True):
        for process in family:
            process.block_signals(False)
        assert kill_all(root, sig, bsd.REAPER_KILL_SUBTREE, family[0].pid) == (None, 2, -1)
        assert root.wait(family[0].pid) == (family[0].pid, sig)
        assert root.wait() == (family[1].pid, sig)


def test_pdfork(root: Process) -> None:
    """Counted and listed as a child, not waited for by chance, killed with the domain."""
    descriptor, child = root.pdfork()
    assert reaper.status() == (True, False, root.pid, child.pid, 1, 1)
    child.exit(3)
    assert reaper.status() == (True, False, root.pid, child.pid, 1, 1)
    with pytest.raises(ChildProcessError):
        root.wait()
    assert kill_all(root, bsd.SIGTERM) == ("ESRCH", 0, -1)
    root.close(descriptor)
    assert reaper.status() == (True, False, root.pid, None, 0, 0)


# the parent-death signal -------------------------------------------------------------------------------------------


def set_signal(process: Process, sig: int, id: int = 0, idtype: int = 0) -> None:
    process.procctl(idtype, id, bsd.PROC_PDEATHSIG_CTL, sig)


def test_pdeathsig_argument_validation(parent: Process) -> None:
    for arguments, errno_name in (
        ((8888,), "EINVAL"),
        ((bsd.SIGINFO, 0, 8888), "EINVAL"),
        ((bsd.SIGINFO, 100), "EINVAL"),
        ((pydfly.NULL,), "EFAULT"),
    ):
        with pytest.raises(SyscallError) as caught:
            set_signal(parent, *arguments)  # type: ignore[arg-type]
        assert caught.value.errno_name == errno_name
    for id in (0, parent.pid):
        set_signal(parent, bsd.SIGINFO, id)
        assert call(parent, bsd.PROC_PDEATHSIG_STATUS) == bsd.SIGINFO
    with pytest.raises(SyscallError):
        call(parent, bsd.PROC_PDEATHSIG_STATUS, pydfly.NULL)


def test_pdeathsig_is_not_inherited_by_fork(parent: Process) -> None:
    set_signal(parent, bsd.SIGINFO)
    assert call(parent.fork(), bsd.PROC_PDEATHSIG_STATUS) == 0


def test_pdeathsig_is_inherited_by_exec(parent: Process) -> None:
    child = parent.fork()
    set_signal(child, bsd.SIGINFO)
    child.execve("/usr/tests/sys/kern/pdeathsig_helper")
    assert call(child, bsd.PROC_PDEATHSIG_STATUS) == bsd.SIGINFO


def test_pdeathsig_is_delivered(parent: Process) -> None:
    """(SIGUSR1 here: SIGINFO is ignored by default, and the test program gives it a handler.)"""
    b = parent.fork()
    c = b.fork()
    set_signal(c, bsd.SIGUSR1)
    b.exit(0)
    assert c.pending == [bsd.SIGUSR1]


def test_pdeathsig_is_delivered_to_a_traced_process(parent: Process) -> None:
    b = parent.fork()
    c, d = b.fork(), b.fork()
    set_signal(c, bsd.SIGUSR1)
    d.ptrace("PT_ATTACH", c.pid)
    assert d.wait(c.pid) == (c.pid, bsd.SIGSTOP << 8 | 0x7F)
    b.exit(0)
    assert c.pending == [bsd.SIGUSR1]
    d.ptrace("PT_DETACH", c.pid)
    assert c.ppid == 1


def test_an_ordinary_program_needs_no_kernel_words(parent: Process) -> None:
    """The same through the friendly layer."""
    acquire(parent)
    child = parent.fork()
    assert [info.pid for info in reaper.descendants()] == [child.pid]
