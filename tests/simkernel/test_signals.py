"""Signals: kill(2), which process may signal which, ignored ones, the parent-death signal, several deaths in order."""

from __future__ import annotations

import signal

import pytest

from pydfly import simkernel
from pydfly.constants.dragonfly import Signal
from pydfly.simkernel import Kernel, Process

from .told import acquire, arm, armed, ended, refused, release

IGNORED = [16, 20, 23, 28, 29, 32, *range(35, 64)]
KEPT = [1, 2, 3, 14, 15, 19, 30, 31, 33, 34, 64, 127]


@pytest.mark.parametrize("number", [-1, 128, 129, 1000])
def test_numbers_that_are_no_signal(shell: Process, number: int) -> None:
    with refused("EINVAL", "kill"):
        shell.kill(77, number)


def test_no_such_process(shell: Process) -> None:
    with refused("ESRCH"):
        shell.kill(77, 0)
    child = shell.fork()
    child.exit(0)
    shell.wait()
    with refused("ESRCH"):
        shell.kill(child.pid, 0)


@pytest.mark.parametrize("number", IGNORED)
def test_ignored_by_default(shell: Process, number: int) -> None:
    child = shell.fork()
    shell.kill(child.pid, number)
    assert child.pending == []


@pytest.mark.parametrize("number", KEPT)
def test_kept_pending_once(shell: Process, number: int) -> None:
    child = shell.fork()
    for _ in range(2):
        shell.kill(child.pid, number)
    shell.kill(child.pid, 13)
    assert child.pending == sorted({number, 13})
    assert child.signal_queue is not None and len(child.signal_queue) == 2
    assert child.signal_queue[0][1:4] == ("SI_USER", shell.pid, 0)


def test_signal_0_only_asks(shell: Process) -> None:
    child = shell.fork()
    shell.kill(child.pid, 0)
    assert child.pending == []


def test_sigkill_takes_effect_when_the_call_is_over(shell: Process) -> None:
    child = shell.fork()
    shell.kill(child.pid, 9)
    assert ended(shell) == (child.pid, 9)


def test_init_survives_everything(kernel: Kernel, shell: Process) -> None:
    shell.kill(1, 9)
    shell.kill(1, 17)
    assert kernel.init.state == "running"


def test_a_zombie_is_signalled_in_vain_by_any_process(shell: Process) -> None:
    other = shell.fork()
    other.setuid(5)
    zombie = shell.fork()
    zombie.exit(0)
    acquire(other)
    other.kill(zombie.pid, 9)
    assert ended(shell) == (zombie.pid, 0)


@pytest.mark.parametrize(
    ("sender", "target", "allowed"),
    [
        ((0, 0), (5, 5), True),
        ((5, 0), (6, 6), True),  # the effective uid counts
        ((5, 5), (5, 5), True),
        ((5, 5), (6, 5), True),
        ((5, 5), (5, 6), True),
        ((5, 6), (6, 7), True),
        ((5, 6), (7, 5), True),
        ((5, 5), (0, 0), False),
        ((0, 5), (6, 6), False),  # a real uid of 0 is no privilege
        ((5, 6), (7, 8), False),
    ],
)
def test_credentials(shell: Process, sender: tuple[int, int], target: tuple[int, int], allowed: bool) -> None:
    """(real, effective) of both: equal in any of the four ways, or root's."""
    one, two = shell.fork(), shell.fork()
    one.ruid, one.euid = sender
    two.ruid, two.euid = target
    if allowed:
        one.kill(two.pid, 15)
        assert two.pending == [15]
    else:
        with refused("EPERM"):
            one.kill(two.pid, 15)
        with refused("EPERM"):
            one.kill(two.pid, 0)
    one.kill(one.pid, 15)


def test_a_prisoner_sees_its_jail_only(kernel: Kernel, shell: Process) -> None:
    prisoner, mate = (kernel.spawn("/bin/sh", jailed=True) for _ in range(2))
    with refused("EPERM"):
        prisoner.kill(shell.pid, 0)
    prisoner.kill(mate.pid, 15)
    shell.kill(prisoner.pid, 15)
    assert (mate.pending, prisoner.pending) == ([15], [15])


class TestDomainsConfine:
    """3.6: not even root may signal out of its domain."""

    def test_a_reaper_cannot_reach_its_parent_siblings_or_older_children(self, kernel: Kernel, shell: Process) -> None:
        """DS-4."""
        older = shell.fork()
        sibling = kernel.spawn("/bin/sh")
        acquire(shell)
        for target in (kernel.init, older, sibling):
            for number in (0, 15):
                with refused("EPERM"):
                    shell.kill(target.pid, number)
        shell.kill(shell.pid, 15)
        assert shell.pending == [15]

    def test_members_reach_each_other_the_owner_and_what_is_below(self, shell: Process) -> None:
        """DS-2, DS-3."""
        acquire(shell)
        one, two = shell.fork(), shell.fork()
        acquire(two)
        inner = two.fork()
        for target in (shell, two, inner):
            one.kill(target.pid, 15)
            assert target.pending == [15]
        with refused("EPERM"):
            inner.kill(one.pid, 15)
        with refused("EPERM"):
            inner.kill(shell.pid, 0)
        inner.kill(two.pid, 14)

    def test_members_of_a_dead_node_stay_confined_to_it(self, shell: Process) -> None:
        acquire(shell)
        one, two = shell.fork(), shell.fork()
        release(shell)
        one.kill(two.pid, 15)
        with refused("EPERM"):
            one.kill(shell.pid, 15)
        shell.kill(one.pid, 15)
        assert one.pending == [15]

    def test_a_process_without_a_domain_is_free(self, kernel: Kernel, shell: Process) -> None:
        """DS-1: only after init gave up the root domain."""
        acquire(shell)
        release(kernel.init)
        kernel.init.kill(shell.pid, 15)
        assert shell.pending == [15]

    def test_the_owner_is_out_of_reach_of_groups_and_broadcasts(self, shell: Process) -> None:
        """DS-2: by its pid only."""
        acquire(shell)
        one, two = shell.fork(), shell.fork()
        one.kill(0, 15)
        assert (shell.pending, one.pending, two.pending) == ([], [15], [15])
        one.kill(-1, 14)
        assert (shell.pending, one.pending, two.pending) == ([], [15], [14, 15])
        one.kill(shell.pid, 14)
        assert shell.pending == [14]
        shell.kill(0, 13)
        assert shell.pending == [13, 14]

    def test_sigcont_passes_within_a_session(self, kernel: Kernel, shell: Process) -> None:
        child = shell.fork()
        child.setuid(5)
        acquire(child)
        child.kill(shell.pid, 19)
        assert shell.pending == [19]
        child.setsid()
        with refused("EPERM"):
            child.kill(shell.pid, 19)
        with refused("EPERM"):
            child.kill(shell.pid, 0)


class TestGroups:
    """kill(0), kill(-pgrp), kill(-1): targets that may not be signalled are skipped."""

    def test_a_group(self, shell: Process) -> None:
        inside, outside = shell.fork(), shell.fork()
        shell.setpgid(inside.pid, 0)
        shell.kill(-inside.pid, 15)
        assert (inside.pending, outside.pending, shell.pending) == ([15], [], [])
        with refused("ESRCH"):
            shell.kill(-77, 15)

    def test_none_left_is_esrch(self, kernel: Kernel, shell: Process) -> None:
        kernel.spawn("/bin/sh")
        other = shell.fork()
        other.setuid(5)
        acquire(other)
        with refused("ESRCH"):
            other.kill(-1, 15)
        other.kill(0, 0)  # itself, in its own group

    def test_broadcast_spares_the_caller_init_and_zombies(self, kernel: Kernel, shell: Process) -> None:
        zombie, other = shell.fork(), shell.fork()
        zombie.exit(0)
        shell.kill(-1, 15)
        assert (shell.pending, kernel.init.pending, other.pending) == ([], [], [15])
        shell.kill(-1, 0)
        assert other.pending == [15]

    def test_a_group_kill_ends_the_caller_too(self, kernel: Kernel, shell: Process) -> None:
        leader = shell.fork()
        leader.setpgid(0, 0)
        member = leader.fork()
        leader.kill(0, 9)
        assert (leader.state, member.state) == ("zombie", "zombie")


class TestParentDeath:
    def test_it_is_sent_at_exit_kept_and_sent_again(self, kernel: Kernel, shell: Process) -> None:
        """LC-7; the orphan sees its new parent already."""
        acquire(shell)
        middle = shell.fork()
        child = middle.fork()
        arm(child, 30)
        middle.exit(0)
        assert (child.pending, child.parent, armed(child)) == ([30], shell, 30)
        assert child.signal_queue is not None and child.signal_queue[0].pid == middle.pid
        child.signal_queue = None
        shell.exit(0)
        assert (child.pending, child.parent) == ([30], kernel.init)

    def test_no_permission_is_needed(self, shell: Process) -> None:
        """LC-8: across uids and domains."""
        middle = shell.fork()
        child = middle.fork()
        arm(child, 30)
        child.setuid(5)
        acquire(child)
        middle.setuid(6)
        middle.exit(0)
        assert child.pending == [30]

    def test_setting_it_after_the_death_sends_nothing(self, shell: Process) -> None:
        """LC-9."""
        middle = shell.fork()
        child = middle.fork()
        middle.exit(0)
        arm(child, 30)
        assert child.pending == []

    def test_it_is_kept_by_setuid(self, shell: Process) -> None:
        arm(shell, 30)
        shell.setuid(5)
        assert armed(shell) == 30

    def test_a_fatal_one_runs_down_the_line(self, shell: Process) -> None:
        acquire(shell)
        line = [shell.fork()]
        for _ in range(5):
            line.append(line[-1].fork())
            arm(line[-1], 9)
        line[0].exit(0)
        assert [process.state for process in line] == ["zombie"] * 6
        assert line[5].status == 9

    def test_the_order_of_several_deaths(self, shell: Process) -> None:
        """The caller first, then in the order of the signals, then what these deaths cause.

        Each leaves a child that is adopted when it dies: that of the last to die stands first.
        """
        acquire(shell)
        one, two, caller = (shell.fork() for _ in range(3))
        follower = one.fork()
        arm(follower, 9)
        for process in (one, two, caller):
            shell.setpgid(process.pid, one.pid)
        left = {process: process.fork() for process in (one, two, caller, follower)}
        for child in left.values():
            child.setpgid(0, 0)
        caller.kill(0, 9)
        assert {process.state for process in left} == {"zombie"}
        adopted = [child for child in shell.children if child in left.values()]
        assert adopted[::-1] == [left[process] for process in (caller, one, two, follower)]

    def test_the_order_in_which_they_die_can_be_set(self, kernel: Kernel, shell: Process) -> None:
        acquire(shell)
        outer = shell.fork()
        acquire(outer)
        middle = outer.fork()
        one, two = middle.fork(), middle.fork()
        below = [one.fork(), two.fork()]
        for process in (one, two):
            arm(process, 9)
        kernel.death_order = [99, one.pid]
        middle.exit(0)
        assert [child.pid for child in outer.children[:2]] == [below[1].pid, below[0].pid]


class TestJobControl:
    def test_sigstop_stops_and_sigcont_continues(self, shell: Process) -> None:
        child = shell.fork()
        shell.kill(child.pid, 17)
        shell.kill(child.pid, 17)
        assert child.state == "stopped" and child.alive
        with pytest.raises(simkernel.SimulationError, match="stopped"):
            child.fork()
        shell.kill(child.pid, 19)
        assert (child.state, child.pending) == ("running", [19])

    def test_sigkill_ends_a_stopped_process(self, shell: Process) -> None:
        child = shell.fork()
        shell.kill(child.pid, 17)
        shell.kill(child.pid, 9)
        assert ended(shell) == (child.pid, 9)

    def test_stop_and_continue_remove_each_other(self, shell: Process) -> None:
        child = shell.fork()
        shell.kill(child.pid, 18)
        shell.kill(child.pid, 15)
        assert child.pending == [15, 18]
        shell.kill(child.pid, 19)
        assert child.pending == [15, 19]
        shell.kill(child.pid, 17)
        assert child.pending == [15]


class TestUnblocked:
    """A process that blocks nothing: signals take their default action."""

    def test_fatal_ones_end_it(self, shell: Process) -> None:
        child = shell.fork()
        child.block_signals(False)
        shell.kill(child.pid, 15)
        assert ended(shell) == (child.pid, 15)

    def test_what_was_pending_is_delivered(self, shell: Process) -> None:
        child = shell.fork()
        shell.kill(child.pid, 30)
        child.block_signals(False)
        assert ended(shell) == (child.pid, 30)

    def test_the_rest_leaves_no_trace(self, shell: Process) -> None:
        child = shell.fork()
        child.catch_sigchld(True)
        child.block_signals(False)
        grandchild = child.fork()
        assert not grandchild.blocks_signals
        grandchild.exit(0)
        shell.kill(child.pid, 23)
        shell.kill(child.pid, 19)
        assert (child.state, child.pending) == ("running", [])
        shell.kill(child.pid, 18)
        assert child.state == "stopped"
        shell.kill(child.pid, 19)
        assert (child.state, child.pending) == ("running", [])
        child.block_signals()
        shell.kill(child.pid, 15)
        assert child.pending == [15]


class TestHostSignals:
    """A plain int is the simulated system's number; a host's member means what its name says."""

    def test_a_hosts_member_is_judged_by_its_name(self, shell: Process) -> None:
        child = shell.fork()
        for member in (signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH):
            shell.kill(child.pid, member)
        assert (child.state, child.pending) == ("running", [])
        shell.kill(child.pid, signal.SIGUSR1)
        assert child.pending == [int(signal.SIGUSR1)]
        shell.kill(child.pid, signal.SIGSTOP)
        assert child.state == "stopped"
        shell.kill(child.pid, signal.SIGCONT)
        assert child.state == "running"
        shell.kill(child.pid, signal.SIGKILL)
        assert ended(shell) == (child.pid, 9)

    def test_the_simulated_systems_own_members(self, shell: Process) -> None:
        child = shell.fork()
        shell.kill(child.pid, Signal.SIGINFO)
        shell.kill(child.pid, Signal.SIGUSR1)
        assert child.pending == [30]

    def test_a_name_that_the_simulated_system_lacks_is_a_number(self, shell: Process) -> None:
        class Foreign(int):
            name = "SIGNOWHERE"

        child = shell.fork()
        shell.kill(child.pid, Foreign(33))
        assert child.pending == [33]

    def test_the_parent_death_signal_too(self, shell: Process) -> None:
        middle = shell.fork()
        child = middle.fork()
        arm(child, signal.SIGCHLD)
        assert armed(child) == int(signal.SIGCHLD)
        middle.exit(0)
        assert (child.state, child.pending) == ("running", [])


def test_disposing_of_sigchld_drops_a_pending_one(shell: Process) -> None:
    shell.catch_sigchld(True)
    shell.fork().exit(0)
    shell.kill(shell.pid, 15)
    assert shell.pending == [15, 20]
    shell.ignore_sigchld(False)
    assert shell.pending == [15]
    shell.catch_sigchld(True)
    assert shell.pending == [15]


def test_sigchld_sent_by_kill_is_kept_only_where_it_is_caught(shell: Process) -> None:
    child = shell.fork()
    shell.kill(child.pid, 20)
    assert child.pending == []
    child.catch_sigchld(True)
    shell.kill(child.pid, 20)
    assert child.pending == [20]
    child.catch_sigchld(False)
    assert child.pending == []
