"""Capability mode, and processes that are known by a descriptor."""

from __future__ import annotations

import pytest

from pydfly import simkernel
from pydfly.simkernel import Kernel, Process
from pydfly.simkernel.freebsd.capsicum import PD_DAEMON

from .told import refused
from .told_freebsd import acquire, members

FLAVOUR = "freebsd"


def test_kill_in_capability_mode(shell: Process) -> None:
    """Itself only, by its own pid."""
    child = shell.fork()
    child.cap_enter()
    for target in (shell.pid, 77, 0, -1):
        with refused("ECAPMODE", "kill"):
            child.kill(target, 15)
    child.kill(child.pid, 15)
    assert child.pending == [15]


def test_no_file_can_be_named(shell: Process) -> None:
    shell.cap_enter()
    with refused("ECAPMODE", "execve"):
        shell.execve("/bin/a")


def test_pdfork_is_allowed(shell: Process) -> None:
    shell.cap_enter()
    number, child = shell.pdfork(PD_DAEMON)
    assert child.capmode
    shell.close(number)


def test_descriptors_are_numbered_from_the_lowest(shell: Process) -> None:
    (three, _), (four, _) = shell.pdfork(), shell.pdfork()
    assert (three, four) == (3, 4)
    shell.close(three)
    assert shell.pdfork()[0] == 3


def test_a_wait_for_any_child_does_not_find_it(shell: Process) -> None:
    """A wait for its pid does; and there is no SIGCHLD."""
    shell.catch_sigchld()
    _, child = shell.pdfork()
    with refused("ECHILD"):
        shell.wait(nohang=True)
    child.exit(3)
    assert shell.pending == []
    assert shell.wait(child.pid) == (child.pid, 3 << 8)
    shell.close(3)  # of a process that is gone


def test_closing_waits_for_the_dead(shell: Process) -> None:
    acquire(shell)
    number, child = shell.pdfork(PD_DAEMON)
    grandchild = child.fork()
    child.exit(0)
    assert grandchild.ppid == shell.pid
    shell.close(number)
    assert (child.state, [pid for pid, _, _ in members(shell)]) == ("gone", [grandchild.pid])


def test_closing_kills_the_living(kernel: Kernel, shell: Process) -> None:
    """And hands it to its reaper."""
    number, child = shell.pdfork()
    shell.close(number)
    assert (child.status, child.parent) == (9, kernel.init)
    assert kernel.init.wait() == (child.pid, 9)


def test_a_daemon_lives_on(kernel: Kernel, shell: Process) -> None:
    """And any wait finds it then."""
    number, child = shell.pdfork(PD_DAEMON)
    shell.close(number)
    assert (child.alive, child.parent) == (True, kernel.init)
    child.exit(0)
    assert kernel.init.wait() == (child.pid, 0)


def test_a_reaper_keeps_it(shell: Process) -> None:
    acquire(shell)
    number, child = shell.pdfork(PD_DAEMON)
    shell.close(number)
    assert child.parent is shell


def test_fork_copies_descriptors(shell: Process) -> None:
    """The last copy counts; exit closes."""
    number, child = shell.pdfork()
    holder = shell.fork()
    shell.close(number)
    assert child.alive
    holder.exit(0)
    assert child.status == 9


def test_what_is_no_descriptor(shell: Process) -> None:
    with refused("EBADF", "close"):
        shell.close(3)
    with refused("EINVAL", "pdfork"):
        shell.pdfork(4)
    with pytest.raises(NotImplementedError, match="PD_CLOEXEC"):
        shell.pdfork(2)


def test_dragonfly_has_none_of_it() -> None:
    shell = simkernel.boot("dragonfly").spawn("/bin/sh")
    for call in (shell.cap_enter, shell.pdfork, lambda: shell.close(3)):
        with refused("ENOSYS"):
            call()
    with pytest.raises(NotImplementedError):
        shell.ptrace("PT_ATTACH", 1)
    with pytest.raises(NotImplementedError):
        shell.kernel.flavour.give_back(shell)
