"""setuid, setgid, process groups and sessions."""

from __future__ import annotations

import pytest

from pydfly.simkernel import Kernel, Process

from .told import refused


@pytest.mark.parametrize(
    ("real", "effective", "wanted", "allowed"),
    [(0, 0, 5, True), (5, 0, 6, True), (5, 6, 5, True), (5, 6, 6, True), (5, 5, 0, False), (0, 5, 6, False)],
)
def test_setuid_and_setgid(shell: Process, real: int, effective: int, wanted: int, allowed: bool) -> None:
    """Allowed for the real and the effective id, and to an effective uid of 0."""
    shell.ruid, shell.euid = real, effective
    if allowed:
        shell.setuid(wanted)
        assert (shell.ruid, shell.euid, shell.svuid) == (wanted, wanted, wanted)
    else:
        with refused("EPERM", "setuid"):
            shell.setuid(wanted)
        assert (shell.ruid, shell.euid) == (real, effective)


def test_setgid_is_the_superusers_by_uid(shell: Process) -> None:
    shell.setgid(7)
    assert (shell.rgid, shell.egid, shell.svgid) == (7, 7, 7)
    shell.setuid(5)
    shell.setgid(7)
    with refused("EPERM", "setgid"):
        shell.setgid(8)


def test_only_a_change_leaves_a_mark(shell: Process) -> None:
    shell.setuid(0)
    shell.setgid(0)
    assert not shell.setid_mark
    shell.setgid(1)
    assert shell.setid_mark


def test_setpgid(kernel: Kernel, shell: Process) -> None:
    child, other = shell.fork(), kernel.spawn("/bin/sh")
    assert child.pgid == shell.pgid == kernel.init.pgid
    shell.setpgid(child.pid, 0)
    assert child.pgid == child.pid
    shell.setpgid(0, child.pid)
    assert shell.pgid == child.pid
    shell.setpgid(shell.pid, shell.pid)
    assert shell.pgid == shell.pid
    for stranger in (other.pid, 77, kernel.init.pid):
        with refused("ESRCH", "setpgid"):
            shell.setpgid(stranger, 0)
    with refused("EINVAL"):
        shell.setpgid(0, -1)
    with refused("EPERM"):
        shell.setpgid(0, 77)


def test_sessions(shell: Process) -> None:
    child = shell.fork()
    assert child.setsid() == child.pid == child.sid == child.pgid
    with refused("EPERM", "setsid"):
        child.setsid()
    with refused("EPERM", "setpgid"):
        shell.setpgid(child.pid, 0)
    with refused("EPERM"):
        child.setpgid(0, 0)
    grandchild = child.fork()
    with refused("EPERM"):
        grandchild.setpgid(0, shell.pgid)
