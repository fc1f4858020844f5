"""How processes come and go: what a fork copies, what a death does and in which order, what wait returns."""

from __future__ import annotations

import pytest

from pydfly import simkernel
from pydfly.simkernel import Kernel, Process

from .told import acquire, arm, armed, ended, pids, refused, release, status


def test_what_a_fork_copies_and_what_it_does_not(shell: Process) -> None:
    shell.setgid(7)
    shell.setuid(1001)
    shell.jailed = True
    shell.catch_sigchld(True)
    arm(shell, 15)
    shell.kill(shell.pid, 30)
    shell.memory["x"] = [1]
    acquire(shell)
    child = shell.fork()
    assert (child.ruid, child.euid, child.svuid, child.rgid, child.egid, child.svgid) == (1001, 1001, 1001, 7, 7, 7)
    assert child.jailed and child.setid_mark and child.sigchld == "catch" and child.blocks_signals
    assert (child.pgid, child.sid, child.text, child.name) == (shell.pgid, shell.sid, shell.text, "sh")
    assert armed(child) == 0
    assert child.pending == []
    assert status(child)[0] == 0
    assert child.memory == {"x": [1]}
    child.memory["x"].append(2)  # type: ignore[attr-defined]
    assert shell.memory == {"x": [1]}


def test_sa_nocldwait_is_inherited(shell: Process) -> None:
    shell.set_nocldwait(True)
    assert shell.fork().nocldwait


def test_pids_count_up_and_are_not_reused(kernel: Kernel, shell: Process) -> None:
    first = shell.fork()
    first.exit(0)
    shell.wait()
    assert (shell.pid, first.pid, shell.fork().pid) == (2, 3, 4)
    assert kernel.find(3) is None
    with pytest.raises(KeyError):
        kernel.process(3)


def test_the_first_zombie_from_the_head_is_waited_for_first(shell: Process) -> None:
    """LC-3: not the one that died first."""
    first, _, third = (shell.fork() for _ in range(3))
    first.exit(1)
    third.exit(3)
    assert ended(shell) == (third.pid, 3 << 8)
    assert ended(shell) == (first.pid, 1 << 8)
    assert ended(shell) is None


def test_waiting_for_one_pid(shell: Process) -> None:
    first, second = shell.fork(), shell.fork()
    first.exit(0)
    second.exit(0)
    assert shell.wait(first.pid) == (first.pid, 0)
    with refused("ECHILD", "wait4"):
        shell.wait(first.pid)
    with refused("ECHILD"):
        shell.wait(1)
    with refused("ECHILD"):
        first_grandchild = second.pid + 1
        shell.wait(first_grandchild)


def test_waiting_for_a_process_group(shell: Process) -> None:
    own, other = shell.fork(), shell.fork()
    shell.setpgid(other.pid, 0)
    own.exit(1)
    other.exit(2)
    assert shell.wait(-other.pid) == (other.pid, 2 << 8)
    with refused("ECHILD"):
        shell.wait(-other.pid)
    assert shell.wait(0) == (own.pid, 1 << 8)


def test_a_wait_that_would_never_end_says_so(shell: Process) -> None:
    shell.fork()
    with pytest.raises(simkernel.SimulationError, match="would wait for ever"):
        shell.wait()


def test_a_grandchild_cannot_be_waited_for(shell: Process) -> None:
    with refused("ECHILD"):
        shell.wait(-1, nohang=True)
    child = shell.fork()
    child.fork().exit(0)
    assert ended(shell) is None
    with refused("ECHILD"):
        ended(shell, child.pid + 1)


@pytest.mark.parametrize("code", [0, 1, 255, 256, 511, -1])
def test_the_status_word_has_eight_bits_of_the_exit_code(shell: Process, code: int) -> None:
    shell.fork().exit(code)
    assert shell.wait() == (3, (code & 255) << 8)


def test_a_dead_process_cannot_act(shell: Process) -> None:
    child = shell.fork()
    child.exit(0)
    assert repr(child) == "<simulated process 3 'sh' zombie>"
    with pytest.raises(simkernel.SimulationError, match=r"zombie.* cannot make system calls"):
        child.fork()
    shell.wait()
    with pytest.raises(simkernel.SimulationError, match=r"gone.* cannot make system calls"):
        child.kill(1, 0)
    with pytest.raises(simkernel.SimulationError, match="cannot become running"):
        child.become("running")


def test_a_zombie_forgets_its_file_memory_and_signals_and_keeps_its_name_and_deathsig(shell: Process) -> None:
    child = shell.fork()
    child.memory["x"] = 1
    child.kill(child.pid, 30)
    arm(child, 31)
    child.exit(0)
    assert (child.text, child.pages, child.stack, child.pending) == (None, None, (), [])
    assert (child.name, child.deathsig, child.alive) == ("sh", 31, False)


@pytest.mark.parametrize("how", ["ignore", "nocldwait"])
def test_the_dead_child_of_a_parent_that_wants_no_zombies_becomes_the_reapers(shell: Process, how: str) -> None:
    """LC-6."""
    acquire(shell)
    middle = shell.fork()
    middle.ignore_sigchld(True) if how == "ignore" else middle.set_nocldwait(True)
    child = middle.fork()
    child.exit(4)
    assert child.parent is shell
    assert pids(shell) == [child.pid, middle.pid]
    with refused("ECHILD"):
        middle.wait()
    assert ended(shell) == (child.pid, 4 << 8)


@pytest.mark.parametrize("how", ["ignore", "nocldwait"])
def test_a_reaper_that_wants_no_zombies_keeps_those_of_its_own_domain(shell: Process, how: str) -> None:
    """LC-6: the kernel does not reap them for it; where they stand in the list does not change."""
    acquire(shell)
    shell.ignore_sigchld(True) if how == "ignore" else shell.set_nocldwait(True)
    first, second = shell.fork(), shell.fork()
    first.exit(0)
    assert pids(shell) == [second.pid, first.pid]
    assert shell.wait() == (first.pid, 0)


def test_the_reaper_is_looked_for_from_the_domain_of_the_dying_process(kernel: Kernel, shell: Process) -> None:
    """A child from before ACQUIRE belongs outside, so its zombie goes out."""
    child = shell.fork()
    acquire(shell)
    shell.ignore_sigchld(True)
    child.exit(0)
    assert child.parent is kernel.init


def test_adopted_children_give_no_sigchld_dead_or_alive(shell: Process) -> None:
    """Steps 6 and 9; LC-4: the parent of the dead one gets its SIGCHLD, the reaper none for what it adopts."""
    acquire(shell)
    shell.catch_sigchld(True)
    middle = shell.fork()
    child = middle.fork()
    zombie = child.fork()
    living = child.fork()
    zombie.exit(0)
    child.exit(0)
    assert (zombie.parent, living.parent) == (shell, shell)
    assert shell.pending == []
    assert middle.pending == [20]
    middle.exit(0)
    assert shell.signal_queue is not None
    assert [(entry.signal, entry.pid) for entry in shell.signal_queue] == [(20, middle.pid)]


def test_sigchld_goes_to_the_new_parent_of_the_zombie(shell: Process) -> None:
    """Step 9: to the possibly new parent."""
    acquire(shell)
    shell.catch_sigchld(True)
    middle = shell.fork()
    middle.ignore_sigchld(True)
    middle.fork().exit(0)
    assert shell.pending == [20]


def test_zombies_among_the_children_are_adopted_without_their_deathsig(shell: Process) -> None:
    acquire(shell)
    middle = shell.fork()
    zombie = middle.fork()
    arm(zombie, 30)
    zombie.exit(0)
    middle.exit(0)
    assert zombie.parent is shell
    assert zombie.pending == []


def test_a_released_reaper_keeps_its_children(shell: Process) -> None:
    acquire(shell)
    child = shell.fork()
    release(shell)
    assert pids(shell) == [child.pid]


def test_detaching_from_the_middle_of_the_list(shell: Process) -> None:
    first, second, third = (shell.fork() for _ in range(3))
    second.exit(0)
    shell.wait()
    assert pids(shell) == [third.pid, first.pid]
    assert (third.next_sibling, first.previous_sibling) == (first, third)


def test_the_whole_family_in_order(shell: Process) -> None:
    first, second = shell.fork(), shell.fork()
    below_first, below_second = first.fork(), second.fork()
    assert list(shell.below()) == [second, below_second, first, below_first]
