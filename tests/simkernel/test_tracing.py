"""Debuggers and families on FreeBSD."""

from __future__ import annotations

import pytest

from pydfly.constants import freebsd as bsd
from pydfly.simkernel import Kernel, Process

from .told import pids, refused
from .told_freebsd import acquire, call, members, status

STOPPED = 17 << 8 | 0x7F
FLAVOUR = "freebsd"


@pytest.fixture
def lldb(kernel: Kernel) -> Process:
    return kernel.spawn("/usr/bin/lldb")


def test_attach_and_detach(shell: Process, lldb: Process) -> None:
    """getppid() stays; the stop is reported once; the child comes back to the head of the list."""
    acquire(shell)
    child, younger = shell.fork(), shell.fork()
    lldb.catch_sigchld()
    lldb.ptrace("PT_ATTACH", child.pid)
    assert (child.ppid, child.parent, child.state) == (shell.pid, lldb, "stopped")
    assert lldb.pending == [20]
    assert lldb.wait(child.pid) == (child.pid, STOPPED)
    assert (lldb.wait(child.pid, nohang=True), lldb.pending) == (None, [])
    assert status(shell)[1:3] == (2, 2)  # the real parent counts
    lldb.ptrace("PT_DETACH", child.pid)
    assert (pids(shell), child.state, child.real_parent) == ([child.pid, younger.pid], "running", None)


def test_the_real_parent_still_has_a_child(shell: Process, lldb: Process) -> None:
    """Nothing to report, but no ECHILD either."""
    child = shell.fork()
    lldb.ptrace("PT_ATTACH", child.pid)
    assert shell.wait(nohang=True) is None
    with refused("ECHILD"):
        shell.wait(lldb.pid, nohang=True)


def test_a_parent_can_attach_to_its_own_child(shell: Process) -> None:
    child = shell.fork()
    shell.ptrace("PT_ATTACH", child.pid)
    assert shell.wait() == (child.pid, STOPPED)
    shell.ptrace("PT_DETACH", child.pid)
    assert (shell.children, child.real_parent) == ([child], None)
    shell.ptrace("PT_ATTACH", child.pid)
    shell.kill(child.pid, 9)
    assert shell.wait() == (child.pid, 9)


def test_refusals(kernel: Kernel, shell: Process, lldb: Process) -> None:
    child = shell.fork()
    user = kernel.spawn("/bin/sh", uid=1001)
    for process, request, pid, errno_name in (
        (lldb, "PT_ATTACH", 77, "ESRCH"),
        (lldb, "PT_ATTACH", lldb.pid, "EINVAL"),
        (user, "PT_ATTACH", child.pid, "EPERM"),
        (lldb, "PT_DETACH", child.pid, "EPERM"),
    ):
        with refused(errno_name, "ptrace"):
            process.ptrace(request, pid)
    lldb.ptrace("PT_ATTACH", child.pid)
    for process, request in ((shell, "PT_DETACH"), (shell, "PT_ATTACH")):
        with refused("EBUSY"):
            process.ptrace(request, child.pid)
    with pytest.raises(NotImplementedError, match="PT_CONTINUE"):
        lldb.ptrace("PT_CONTINUE", child.pid)
    with pytest.raises(NotImplementedError, match="init"):
        lldb.ptrace("PT_ATTACH", 1)


def test_who_is_stopped_already_stays_so(shell: Process, lldb: Process) -> None:
    child = shell.fork()
    shell.kill(child.pid, bsd.SIGSTOP)
    lldb.ptrace("PT_ATTACH", child.pid)
    child.kernel.init.kill(child.pid, bsd.SIGCONT)
    lldb.ptrace("PT_DETACH", child.pid)
    assert child.state == "running"


def test_a_debugger_takes_its_prey_along(shell: Process, lldb: Process) -> None:
    """Killed, and given back to its real parent; a dead one is only given back."""
    child, dead, own = shell.fork(), shell.fork(), lldb.fork()
    for target in (child, dead, own):
        lldb.ptrace("PT_ATTACH", target.pid)
    shell.kill(dead.pid, 15)
    shell.kernel.init.kill(dead.pid, 9)
    lldb.exit(0)
    assert {shell.wait(), shell.wait()} == {(child.pid, 9), (dead.pid, 9)}
    assert (own.status, own.parent) == (9, shell.kernel.init)


def test_a_real_parent_that_dies(shell: Process, lldb: Process) -> None:
    """The parent-death signal is sent all the same, and the reaper becomes the real parent."""
    acquire(shell)
    parent = shell.fork()
    child, plain, other = parent.fork(), parent.fork(), shell.fork()
    call(child, bsd.PROC_PDEATHSIG_CTL, 15)
    for target in (child, plain, other):
        lldb.ptrace("PT_ATTACH", target.pid)
    parent.exit(0)
    assert (child.pending, plain.pending, child.ppid) == ([15], [], shell.pid)
    assert {pid for pid, _, flags in members(shell) if flags & 2} >= {child.pid, plain.pid}
    lldb.ptrace("PT_DETACH", child.pid)
    assert child.parent is shell


def test_a_traced_zombie_is_waited_for_twice(shell: Process, lldb: Process) -> None:
    """By the debugger, then by the real parent, which is told only then."""
    for process in (shell, lldb):
        process.catch_sigchld()
    child = shell.fork()
    lldb.ptrace("PT_ATTACH", child.pid)
    shell.kill(child.pid, 9)
    assert (shell.pending, lldb.pending) == ([], [20])
    assert lldb.wait(child.pid) == (child.pid, 9)
    assert (shell.pending, lldb.pending) == ([20], [])
    assert shell.wait(child.pid) == (child.pid, 9)
    assert child.kernel.traced == []


def test_stop_reports_of_descriptors(shell: Process, lldb: Process) -> None:
    """A debugger's wait for any child finds one that came from pdfork()."""
    _, child = shell.pdfork(1)
    lldb.ptrace("PT_ATTACH", child.pid)
    assert lldb.wait() == (child.pid, STOPPED)
