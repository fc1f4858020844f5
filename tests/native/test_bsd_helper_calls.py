"""The calls of the supervisor's helpers on the stub kernels: numbers, data, what is tolerated."""

from __future__ import annotations

import errno
import os

import pytest

from pydfly.backends import bsd_helper_calls

from .building import Kernel

ACQUIRE, DEATHSIG = {"dragonfly": 1, "freebsd": 2}, {"dragonfly": 4, "freebsd": 11}


def calls(kernel: Kernel) -> list[tuple[int, ...]]:
    """Return idtype, id, command and the int that was read of each procctl."""
    return [(*entry.arguments, entry.value) for entry in kernel.calls("procctl")]


def test_become_reaper(kernel: Kernel) -> None:
    """It owns a domain then, and asking twice is no error."""
    bsd_helper_calls.become_reaper()
    bsd_helper_calls.become_reaper()
    assert kernel.get_int("owner") == os.getpid()
    assert calls(kernel) == [(0, os.getpid(), ACQUIRE[kernel.flavour], 0)] * 2


def test_other_errors_are_raised(kernel: Kernel) -> None:
    """Nothing is supervised without a reaper."""
    kernel.fail(errno.ENOMEM, b"procctl")
    with pytest.raises(OSError, match="procctl") as caught:
        bsd_helper_calls.become_reaper()
    assert caught.value.errno == errno.ENOMEM


def test_signal_at_parents_death(kernel: Kernel) -> None:
    """The number goes down as it is."""
    bsd_helper_calls.signal_at_parents_death(19)
    assert calls(kernel) == [(0, os.getpid(), DEATHSIG[kernel.flavour], 19)]


def test_refuse_debuggers(kernel: Kernel) -> None:
    """PROC_TRACE_CTL with DISABLE, which an exec ends: the command is debugged as ever."""
    bsd_helper_calls.refuse_debuggers()
    assert calls(kernel) == ([(0, os.getpid(), 7, 2)] if kernel.flavour == "freebsd" else [])


def test_close_from(kernel: Kernel) -> None:
    """One call, whatever the limit of descriptors is."""
    bsd_helper_calls.close_from(17)
    assert [entry.arguments[0] for entry in kernel.calls("closefrom")] == [17]


def test_count_members(freebsd: Kernel) -> None:
    """Members that wait never returns are counted."""
    bsd_helper_calls.become_reaper()
    assert bsd_helper_calls.count_members() == 0
    freebsd.add_member(os.getpid() + 1, os.getpid() + 1, 3)
    assert bsd_helper_calls.count_members() == 1


def test_kill_domain(freebsd: Kernel) -> None:
    """FK-11: a process that is no reaper would kill the domain of its reaper, usually everything."""
    with pytest.raises(PermissionError):
        bsd_helper_calls.kill_domain()
    bsd_helper_calls.become_reaper()
    freebsd.kills(1, -1, 0)
    bsd_helper_calls.kill_domain()
    assert calls(freebsd)[-1] == (0, os.getpid(), 6, 9)
    assert [call[2] for call in calls(freebsd)].count(6) == 1


def test_nothing_of_freebsd_on_dragonfly(dragonfly: Kernel) -> None:
    """Calls that DragonFly lacks are not made there."""
    bsd_helper_calls.kill_domain()
    bsd_helper_calls.refuse_debuggers()
    assert bsd_helper_calls.count_members() == 0
    assert dragonfly.calls() == []
