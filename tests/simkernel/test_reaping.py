"""Domains: which processes belong to which, the reference counts, and which process adopts the orphans."""

from __future__ import annotations

import pytest

from pydfly.simkernel import Kernel, Process

from .told import acquire, ended, pids, refused, release, status


def test_the_worked_example_of_reference_counts(shell: Process) -> None:
    """RF-1 to RF-6, LC-2, step by step; R is the shell, written head first."""
    r = shell
    x = r.fork()
    acquire(r)
    assert status(r) == (1, 0, x.pid)
    a = r.fork()
    assert status(r) == (1, 1, a.pid)
    b = a.fork()
    assert status(r) == (1, 2, a.pid)
    a.exit(0)
    assert status(r) == (1, 1, b.pid)
    assert pids(r) == [b.pid, a.pid, x.pid]
    assert r.wait() == (a.pid, 0)
    assert status(r) == (1, 1, b.pid)
    acquire(b)
    c = b.fork()
    e = c.fork()
    assert status(r) == (1, 1, b.pid)
    assert status(b) == (1, 2, c.pid)
    b.exit(0)
    assert status(r) == (1, 1, c.pid)
    assert pids(r) == [c.pid, b.pid, x.pid]
    e.exit(0)
    c.exit(0)
    assert status(r) == (1, 0, e.pid)
    assert pids(r) == [e.pid, c.pid, b.pid, x.pid]
    assert [ended(r)[0] for _ in range(3)] == [e.pid, c.pid, b.pid]  # type: ignore[index]
    assert status(r) == (1, 0, x.pid)
    release(r)
    assert status(r) == (0, 0, x.pid)
    with refused("ENOTCONN"):
        release(r)


def test_ownership_is_not_inherited(shell: Process) -> None:
    acquire(shell)
    child = shell.fork()
    assert status(child) == (0, 0, -1)
    acquire(child)
    assert status(child) == (1, 0, -1)
    assert status(shell) == (1, 1, child.pid)  # RF-3: it keeps counting one


def test_a_member_that_releases_counts_once_more_while_its_dead_node_has_members(shell: Process) -> None:
    """RF-4, RF-6."""
    acquire(shell)
    inner = shell.fork()
    acquire(inner)
    member = inner.fork()
    assert status(shell)[1] == 1
    release(inner)
    assert status(shell)[1] == 2
    member.exit(0)
    assert status(shell)[1] == 1


def test_release_gives_back_an_empty_node_at_once(shell: Process) -> None:
    acquire(shell)
    inner = shell.fork()
    acquire(inner)
    release(inner)
    assert status(shell)[1] == 1


def test_old_members_do_not_come_back(shell: Process) -> None:
    """3.5: a second ACQUIRE makes a new domain."""
    acquire(shell)
    shell.fork()
    release(shell)
    acquire(shell)
    assert status(shell)[1] == 0


def test_a_chain_of_dead_nodes_is_spliced_out_and_freed(shell: Process) -> None:
    """RF-7: what counts at the top stays one; the walk takes the dead nodes out that nothing else refers to."""
    acquire(shell)
    process = shell.fork()
    line = [process]
    for _ in range(4):
        acquire(process)
        process = process.fork()
        line.append(process)
    for reaper in line[:-1]:
        reaper.exit(0)
    last = line[-1]
    own = last.node
    assert own is not None and own.parent is not None and own.parent.parent is not None
    orphan = last.fork()
    last.exit(0)
    assert orphan.parent is shell
    assert orphan.node is own
    assert own.parent is shell.node
    assert status(shell)[1] == 1
    orphan.exit(0)
    assert status(shell)[1] == 0
    assert repr(own).startswith("<reaper node of None, 0 refs")


def test_a_dead_node_with_other_members_is_not_spliced(shell: Process) -> None:
    acquire(shell)
    outer = shell.fork()
    acquire(outer)
    other = outer.fork()
    inner = outer.fork()
    acquire(inner)
    member = inner.fork()
    outer.exit(0)
    inner.exit(0)
    orphan = member.fork()
    member.exit(0)
    assert orphan.parent is shell
    assert orphan.node is not None and orphan.node.parent is other.node
    assert status(shell)[1] == 1
    other.exit(0)
    assert status(shell)[1] == 1
    orphan.exit(0)
    assert status(shell)[1] == 0


def test_orphans_go_to_the_nearest_living_owner_above_the_dying_parents_node(kernel: Kernel, shell: Process) -> None:
    """3.5: after the inner RELEASE new orphans go out; children that were adopted stay."""
    acquire(shell)
    inner = shell.fork()
    acquire(inner)
    parent, other = inner.fork(), inner.fork()
    adopted, orphan = parent.fork(), other.fork()
    parent.exit(0)
    assert adopted.parent is inner
    release(inner)
    other.exit(0)
    assert orphan.parent is shell
    assert adopted.parent is inner


def test_the_orphan_of_a_child_from_before_acquire_goes_to_the_outer_reaper(kernel: Kernel, shell: Process) -> None:
    child = shell.fork()
    acquire(shell)
    orphan = child.fork()
    child.exit(0)
    assert orphan.parent is kernel.init
    assert status(shell) == (1, 0, child.pid)


def test_a_batch_is_reversed_and_put_before_what_was_there(shell: Process) -> None:
    """LC-2, LC-3."""
    acquire(shell)
    parent = shell.fork()
    c1, c2, c3 = (parent.fork() for _ in range(3))
    assert pids(parent) == [c3.pid, c2.pid, c1.pid]
    parent.exit(0)
    assert pids(shell) == [c1.pid, c2.pid, c3.pid, parent.pid]
    for child in (c2, c1):
        child.exit(0)
    assert [ended(shell)[0] for _ in range(3)] == [c1.pid, c2.pid, parent.pid]  # type: ignore[index]


def test_a_reapers_death_takes_effect_at_its_exit(kernel: Kernel, shell: Process) -> None:
    """LC-1."""
    acquire(shell)
    child = shell.fork()
    grandchild = child.fork()
    shell.exit(0)
    assert child.parent is kernel.init
    child.exit(0)
    assert grandchild.parent is kernel.init


def test_exec_keeps_ownership(shell: Process) -> None:
    acquire(shell)
    shell.fork()
    shell.execve("/bin/other", suid=True, owner=5)
    assert status(shell)[:2] == (1, 1)


@pytest.mark.parametrize("owner", [False, True])
def test_rfork_nowait_gives_the_child_to_the_living_reaper(kernel: Kernel, shell: Process, owner: bool) -> None:
    acquire(shell)
    forker = shell if owner else shell.fork()
    child = forker.fork(nowait=True)
    assert child.parent is shell
    assert child.node is shell.node
    release(shell)
    assert forker.fork(nowait=True).parent is kernel.init


def test_who_is_a_member(kernel: Kernel, shell: Process) -> None:
    """What a listing asks: members of the domain and of those inside it, zombies too, not the owner."""
    older = shell.fork()
    acquire(shell)
    inner = shell.fork()
    acquire(inner)
    deep = inner.fork()
    zombie = shell.fork()
    zombie.exit(0)
    flavour = kernel.flavour
    assert [flavour.is_member(process, shell) for process in (inner, deep, zombie)] == [True] * 3
    assert [flavour.is_member(process, shell) for process in (older, shell, kernel.init)] == [False] * 3
    assert [flavour.is_reaper(process) for process in (kernel.init, shell, inner, deep, older, zombie)] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
