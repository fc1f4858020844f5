"""FreeBSD's life cycle: fork, exec, exit, wait, signals; where it differs from DragonFly's (3.2, 3.3, 3.5, 10.1)."""

from __future__ import annotations

import pytest

from pydfly.constants import freebsd as bsd
from pydfly.simkernel import Kernel, Process

from .told import pids, refused
from .told_freebsd import acquire, call, members, release, status

FLAVOUR = "freebsd"


def arm(process: Process, sig: int = 15) -> None:
    call(process, bsd.PROC_PDEATHSIG_CTL, sig)


def test_boot(kernel: Kernel) -> None:
    assert repr(kernel) == "<simulated freebsd 13.2, 1 processes>"
    init = kernel.init
    assert (init.reaper, init.domain, init.subtree) == (init, {}, 1)


def test_fork(shell: Process) -> None:
    """Reaper: the parent if it is one, else its reaper; the subtree begins with the child of a reaper but init."""
    child = shell.fork()
    assert (child.reaper, child.subtree, child.deathsig) == (shell.kernel.init, 1, 0)
    acquire(child)
    grandchild = child.fork()
    assert (grandchild.reaper, grandchild.subtree, grandchild.domain) == (child, grandchild.pid, None)
    assert grandchild.fork().subtree == grandchild.pid


def test_rfork_nowait(shell: Process) -> None:
    """Parent and reaper of the child are the caller's reaper, even if the caller is a reaper."""
    acquire(shell)
    child = shell.fork(nowait=True)
    assert (child.parent, child.reaper, child.subtree) == (shell.kernel.init, shell.kernel.init, 1)
    member = shell.fork()
    assert member.fork(nowait=True).parent is shell


def test_lc_1_a_reapers_death_takes_effect_when_it_is_waited_for(shell: Process) -> None:
    reaper = shell.fork()
    acquire(reaper)
    child = reaper.fork()
    grandchild = child.fork()
    reaper.exit(0)
    assert (child.ppid, status(child)) == (reaper.pid, (1 * 0, 1, 2, reaper.pid, child.pid))
    child.exit(0)  # a new orphan is adopted by the zombie
    assert grandchild.ppid == reaper.pid
    shell.wait(reaper.pid)
    assert (grandchild.ppid, grandchild.reaper) == (1, shell.kernel.init)
    assert [pid for pid, _, _ in members(shell)] == [child.pid, grandchild.pid, shell.pid]


def test_lc_2_adoption_reverses_a_batch(shell: Process) -> None:
    """The oldest of the batch comes first."""
    acquire(shell)
    middle = shell.fork()
    batch = [middle.fork().pid for _ in range(3)]
    middle.exit(0)
    assert pids(shell) == [*batch, middle.pid]
    assert status(shell)[4] == batch[0]


def test_lc_2_a_dying_reaper_keeps_its_list_until_it_is_waited_for(shell: Process) -> None:
    """10.1: not reordered at its death; afterwards the batch stands oldest first."""
    reaper = shell.fork()
    acquire(reaper)
    batch = [reaper.fork().pid for _ in range(3)]
    reaper.exit(0)
    assert pids(reaper) == batch[::-1]
    shell.wait(reaper.pid)
    assert pids(shell.kernel.init) == [*batch, shell.pid]


def test_lc_3_the_first_of_the_list_is_waited_for_first(shell: Process) -> None:
    one, two = shell.fork(), shell.fork()
    one.exit(1)
    two.exit(2)
    assert [shell.wait(), shell.wait()] == [(two.pid, 2 << 8), (one.pid, 1 << 8)]


def test_lc_5_sigchld_for_adopted_zombies(shell: Process) -> None:
    """Each with its exit code; but none when a dead reaper is waited for."""
    acquire(shell)
    shell.catch_sigchld()
    middle = shell.fork()
    zombie, inner = middle.fork(), middle.fork()
    acquire(inner)
    below = inner.fork()
    below.exit(7)
    zombie.exit(5)
    inner.exit(0)
    middle.exit(6)
    told = [(entry.pid, entry.code, entry.status) for entry in shell.take_signals()]
    assert told == [(inner.pid, "CLD_EXITED", 0), (zombie.pid, "CLD_EXITED", 5), (middle.pid, "CLD_EXITED", 6)]
    assert shell.wait(inner.pid) == (inner.pid, 0)
    assert (shell.pending, pids(shell)[0]) == ([], below.pid)


def test_a_wait_takes_the_sigchld_of_its_child(shell: Process) -> None:
    """sigqueue_take() in proc_reap(); those of others stay."""
    shell.catch_sigchld()
    one, two = shell.fork(), shell.fork()
    one.exit(1)
    shell.kill(two.pid, 9)
    assert [(entry.pid, entry.code, entry.status) for entry in shell.signal_queue or ()] == [
        (one.pid, "CLD_EXITED", 1),
        (two.pid, "CLD_KILLED", 9),
    ]
    shell.wait(one.pid)
    assert [entry.pid for entry in shell.signal_queue or ()] == [two.pid]
    shell.wait(two.pid)
    assert shell.pending == []


@pytest.mark.parametrize("how", ["ignore", "nocldwait"])
def test_lc_6_which_process_keeps_zombies(shell: Process, how: str) -> None:
    """A reaper keeps those of its own domain; another parent passes them to the reaper."""
    acquire(shell)
    parent = shell.fork()
    for process in (shell, parent):
        process.ignore_sigchld() if how == "ignore" else process.set_nocldwait()
    child = parent.fork()
    child.exit(3)
    with refused("ECHILD"):
        parent.wait()
    parent.exit(0)
    assert [shell.wait(), shell.wait()] == [(child.pid, 3 << 8), (parent.pid, 0)]


def test_lc_6_a_child_from_before_goes_to_the_outer_reaper(shell: Process) -> None:
    older = shell.fork()
    acquire(shell)
    shell.ignore_sigchld()
    older.exit(0)
    assert older.parent is shell.kernel.init


def test_lc_7_and_8_delivery(kernel: Kernel, shell: Process) -> None:
    """Not cleared by delivery, sent across users; SI_KERNEL without a sender."""
    acquire(shell)
    parent = shell.fork()
    child = parent.fork()
    arm(child)
    child.setuid(1001)
    parent.exit(0)
    entry = child.take_signals()[0]
    assert (entry.signal, entry.code, entry.pid, entry.uid) == (15, "SI_KERNEL", None, None)
    shell.exit(0)
    assert (child.pending, child.ppid) == ([15], shell.pid)


def test_zombie_children_get_no_signal(shell: Process) -> None:
    parent = shell.fork()
    child = parent.fork()
    arm(child, 9)
    child.exit(1)
    parent.exit(0)
    assert child.status == 1 << 8


def test_lc_9_too_late(shell: Process) -> None:
    parent = shell.fork()
    child = parent.fork()
    parent.exit(0)
    arm(child)
    assert child.pending == []


def test_lc_10_children_first(shell: Process) -> None:
    """The child's signal kills it before the grandparent learns of the parent: both are there at the first wait."""
    acquire(shell)
    parent = shell.fork()
    child = parent.fork()
    arm(child, 9)
    parent.exit(0)
    assert [shell.wait(), shell.wait()] == [(child.pid, 9), (parent.pid, 0)]


def test_release_hands_the_domain_on(shell: Process) -> None:
    """Its order reverses; the subtree is the releaser's; children stay children; re-acquiring brings none back."""
    outer = shell.fork()
    acquire(outer)
    inner = outer.fork()
    acquire(inner)
    one, two = inner.fork(), inner.fork()
    release(inner)
    assert members(outer) == [(one.pid, inner.pid, 1), (two.pid, inner.pid, 1), (inner.pid, inner.pid, 3)]
    assert (one.ppid, one.reaper) == (inner.pid, outer)
    acquire(inner)
    assert status(inner) == (1, 0, 0, inner.pid, -1)


def test_who_adopts_is_the_orphans_own_reaper(shell: Process) -> None:
    """Not the dying parent's: a process that acquires later does not get children it had before."""
    older = shell.fork()
    orphan = older.fork()
    acquire(older)
    arm(orphan)
    older.exit(0)
    assert orphan.parent is shell.kernel.init


# exec ----------------------------------------------------------------------------------------------------------------


def test_exec_keeps_flag_reaper_and_children(shell: Process) -> None:
    acquire(shell)
    child = shell.fork()
    shell.kill(shell.pid, 30)
    started = shell.execve("/bin/a")
    assert (started.resident, started.entry) == (False, 4096)
    assert (status(shell), shell.children, shell.pending) == ((1, 1, 1, shell.pid, child.pid), [child], [30])


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ({}, None),
        ({"suid": True, "owner": 1001}, None),
        ({"suid": True, "owner": 0}, True),
        ({"sgid": True, "group": 5}, True),
        ({"suid": True, "owner": 0, "nosuid": True}, False),
    ],
)
def test_exec_and_the_parent_death_signal(kernel: Kernel, file: dict[str, object], changes: bool | None) -> None:
    """Cleared when a set-id bit would matter, whether or not the ids change."""
    user = kernel.spawn("/bin/sh", uid=1001)
    arm(user)
    user.execve("/bin/x", **file)  # type: ignore[arg-type]
    assert user.deathsig == (15 if changes is None else 0)
    assert user.setid_mark is bool(changes)


def test_a_failed_exec_clears_it_too(kernel: Kernel) -> None:
    user = kernel.spawn("/bin/sh", uid=1001)
    arm(user)
    with refused("ENOEXEC", "execve"):
        user.execve("/bin/x", bad=True)
    assert user.deathsig == 15
    with refused("ENOEXEC"):
        user.execve("/bin/x", suid=True, owner=0, bad=True)
    assert (user.deathsig, user.euid, user.name) == (0, 1001, "sh")


def test_exec_of_a_traced_process_gives_no_ids(kernel: Kernel) -> None:
    user = kernel.spawn("/bin/sh", uid=1001)
    arm(user)
    kernel.spawn("/usr/bin/lldb").ptrace("PT_ATTACH", user.pid)
    user.become("running")  # the debugger lets it run on
    user.execve("/bin/su", suid=True, owner=0)
    assert (user.euid, user.deathsig) == (1001, 0)


def test_setuid_keeps_it_and_marks(shell: Process) -> None:
    arm(shell)
    shell.setuid(1001)
    assert (shell.deathsig, shell.setid_mark, shell.fork().setid_mark) == (15, True, True)


# kill ----------------------------------------------------------------------------------------------------------------


def test_kill_is_not_limited_by_domains(kernel: Kernel, shell: Process) -> None:
    """DragonFly's is (3.6)."""
    other = kernel.spawn("/bin/sh")
    acquire(shell)
    shell.kill(other.pid, 15)
    assert other.pending == [15]


def test_kill_checks(kernel: Kernel, shell: Process) -> None:
    user = kernel.spawn("/bin/sh", uid=1001)
    zombie = shell.fork()
    zombie.exit(0)
    for sig in (-1, 129):
        with refused("EINVAL", "kill"):
            shell.kill(shell.pid, sig)
    with refused("ESRCH"):
        shell.kill(77, 15)
    shell.kill(zombie.pid, 15)
    for target in (shell, zombie):  # permission is checked on zombies too
        with refused("EPERM"):
            user.kill(target.pid, 15)
    user.kill(user.pid, 128)
    assert user.pending == [128]


def test_kill_of_processes_that_changed_their_ids(kernel: Kernel) -> None:
    """Only usual signals, from others than root; and to itself anything."""
    user = kernel.spawn("/bin/sh", uid=1001)
    marked = user.fork()
    marked.setid_mark = True
    for sig in (1, 2, 9 * 0, 14, 15, 30, 31):
        user.kill(marked.pid, sig)
    for sig in (3, 33, 64):
        with refused("EPERM"):
            user.kill(marked.pid, sig)
    marked.kill(marked.pid, 3)
    kernel.spawn("/bin/sh").kill(marked.pid, 33)
    assert marked.pending == [1, 2, 3, 14, 15, 30, 31, 33]
    kernel.sysctl("security.bsd.conservative_signals", 0)
    user.kill(marked.pid, 64)


def test_kill_compares_with_the_saved_id(kernel: Kernel) -> None:
    """Not with the effective one: cr_cansignal()."""
    user, target = kernel.spawn("/bin/sh", uid=1001), kernel.spawn("/bin/sh", uid=1002)
    target.euid = 1001
    with refused("EPERM"):
        user.kill(target.pid, 15)
    target.svuid = 1001
    user.kill(target.pid, 15)


def test_sigcont_passes_within_a_session(kernel: Kernel) -> None:
    user = kernel.spawn("/bin/sh", uid=1001)
    other = kernel.spawn("/bin/sh", uid=1002)
    user.kill(other.pid, bsd.SIGCONT)
    other.setsid()
    with refused("EPERM"):
        user.kill(other.pid, bsd.SIGCONT)


def test_kill_of_a_group_that_refuses(kernel: Kernel) -> None:
    """EPERM where there is a target, ESRCH where there is none.  init does not count."""
    user = kernel.spawn("/bin/sh", uid=1001)
    with refused("ESRCH"):
        user.kill(-1, 15)
    root = kernel.spawn("/bin/sh")
    root.setpgid(0, 0)
    for target in (-1, -root.pid):
        with refused("EPERM"):
            user.kill(target, 15)
    with refused("ESRCH"):
        user.kill(-77, 15)
    kernel.sysctl("security.bsd.see_other_uids", 0)
    with refused("ESRCH"):
        user.kill(-1, 15)


def test_every_instance_is_queued(shell: Process) -> None:
    child = shell.fork()
    for sig in (30, 15, 30):
        shell.kill(child.pid, sig)
    assert [entry.signal for entry in child.take_signals()] == [15, 30, 30]
    assert child.take_signals() == []


@pytest.mark.parametrize("sig", [16, 20, 23, 28, 29])
def test_ignored_by_default(shell: Process, sig: int) -> None:
    shell.kill(shell.pid, sig)
    assert shell.pending == []


# which are members, and what there is not ----------------------------------------------------------------------------


def test_membership(shell: Process) -> None:
    flavour = shell.kernel.flavour
    acquire(shell)
    child = shell.fork()
    acquire(child)
    deep = child.fork()
    assert flavour.is_reaper(child) and not flavour.is_reaper(deep)
    assert flavour.is_member(deep, shell) and flavour.is_member(deep, child)
    assert not flavour.is_member(shell, child)


def test_no_resident_executables(shell: Process) -> None:
    for call_ in (
        lambda: shell.exec_sys_register(0),
        lambda: shell.exec_sys_unregister(-2),
        shell.vm_resident,
        shell.vm_resident_length,
    ):
        with refused("ENOSYS"):
            call_()


def test_jails_hide(kernel: Kernel, shell: Process) -> None:
    prisoner = kernel.spawn("/bin/sh", jailed=True)
    with refused("ESRCH"):
        status(prisoner, shell.pid)
    with refused("ESRCH"):
        prisoner.kill(shell.pid, 0)
    assert status(shell, prisoner.pid)[0] == 2


def test_see_other_gids(kernel: Kernel) -> None:
    user = kernel.spawn("/bin/sh", uid=1001, gid=5)
    other = kernel.spawn("/bin/sh", uid=1001, gid=6)
    assert status(user, other.pid)[3] == 1
    kernel.sysctl("security.bsd.see_other_gids", 0)
    with refused("ESRCH"):
        status(user, other.pid)
    assert status(other, other.fork().pid)[3] == 1


def test_debug_right(kernel: Kernel) -> None:
    """p_candebug(): unprivileged debugging, visibility, groups, users, changed ids."""
    user = kernel.spawn("/bin/sh", uid=1001, gid=5)
    peer, other_group = user.fork(), user.fork()
    other_group.rgid = 7
    assert call(user, bsd.PROC_TRAPCAP_CTL, 1, peer.pid) is None
    with refused("EPERM"):
        call(user, bsd.PROC_TRAPCAP_CTL, 1, other_group.pid)
    peer.setid_mark = True
    with refused("EPERM"):
        call(user, bsd.PROC_TRAPCAP_CTL, 1, peer.pid)
    peer.setid_mark = False
    kernel.sysctl("security.bsd.unprivileged_proc_debug", 0)
    with refused("EPERM"):
        call(user, bsd.PROC_TRAPCAP_CTL, 1, peer.pid)
    kernel.sysctl("security.bsd.unprivileged_proc_debug", 1)
    kernel.sysctl("security.bsd.see_other_uids", 0)
    with refused("ESRCH"):
        call(user, bsd.PROC_TRAPCAP_CTL, 1, kernel.init.pid)
