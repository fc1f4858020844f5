"""PROC_REAP_KILL: FK-1 to FK-11, by the rules of 13.2 and of later kernels."""

from __future__ import annotations

import signal

import pytest

from pydfly import NULL, ReaperKill, SyscallError, simkernel
from pydfly.constants import freebsd as bsd
from pydfly.simkernel import Kernel, Process
from pydfly.simkernel.freebsd.reapkill import UNTOUCHED

from .told import refused
from .told_freebsd import CHILDREN, SUBTREE, acquire, call, kill_all, release

TERM, USR1 = 15, 30


@pytest.fixture(params=["13.2", "main"])
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return simkernel.boot("freebsd", request.param)


@pytest.fixture
def root(kernel: Kernel) -> Process:
    shell = kernel.spawn("/bin/sh")
    acquire(shell)
    return shell


def main(process: Process) -> bool:
    return process.kernel.flavour.version == "main"


def plain_user(process: Process, uid: int = 1001) -> Process:
    """Give a process another user, without the mark of changed ids."""
    process.setuid(uid)
    process.execve("/bin/a")
    return process


def got(*processes: Process) -> list[list[int]]:
    return [process.pending for process in processes]


@pytest.mark.parametrize(("sig", "flags"), [(0, 0), (-1, 0), (129, 0), (TERM, 4), (TERM, 3), (TERM, 2**31)])
def test_bad_requests_leave_the_structure_untouched(root: Process, sig: int, flags: int) -> None:
    """5.4 step 2; both flags together too."""
    with pytest.raises(SyscallError) as caught:
        call(root, bsd.PROC_REAP_KILL, ReaperKill(sig, flags))
    assert (caught.value.errno_name, caught.value.result is UNTOUCHED) == ("EINVAL", True)


def test_the_structure_comes_back_on_every_error(root: Process) -> None:
    """A wrong idtype or pid leaves it untouched; NULL is no structure at all."""
    for arguments in ({"idtype": 2}, {"id": 77}):
        with pytest.raises(SyscallError) as caught:
            call(root, bsd.PROC_REAP_KILL, ReaperKill(TERM), **arguments)
        assert caught.value.result is UNTOUCHED
    with pytest.raises(SyscallError) as caught:
        call(root, bsd.PROC_REAP_KILL, NULL)
    assert caught.value.result is None


@pytest.mark.parametrize("sig", [1, 9, 64, 65, 128])
def test_every_signal_number(root: Process, sig: int) -> None:
    child = root.fork()
    assert kill_all(root, sig) == (None, 1, -1)
    assert child.pending == [sig] if sig != 9 else not child.alive


def test_a_signal_of_the_host_keeps_its_name(root: Process) -> None:
    child = root.fork()
    assert kill_all(root, signal.SIGKILL) == (None, 1, -1)
    assert not child.alive


def test_fk_1_the_reaper_is_never_signalled(root: Process) -> None:
    child = root.fork()
    assert kill_all(child, USR1) == (None if main(root) else "ESRCH", 1, -1)
    assert got(root, child) == [[], [USR1]]


def test_fk_2_zombies_are_skipped(root: Process) -> None:
    child, zombie = root.fork(), root.fork()
    zombie.exit(0)
    assert kill_all(root, USR1) == (None, 1, -1)
    assert kill_all(root, USR1, CHILDREN) == ("ESRCH", 1, -1)
    assert child.pending == [USR1]


def test_fk_2_a_zombie_sub_reaper_with_its_whole_domain(root: Process) -> None:
    """Until it has been waited for."""
    inner = root.fork()
    acquire(inner)
    member = inner.fork()
    inner.exit(0)
    assert kill_all(root, USR1) == ("ESRCH", 0, -1)
    root.wait(inner.pid)
    assert kill_all(root, USR1) == (None, 1, -1)
    assert member.pending == [USR1]


def test_fk_2_a_dead_reaper_that_is_asked_through_a_member(root: Process) -> None:
    inner = root.fork()
    acquire(inner)
    member, other = inner.fork(), inner.fork()
    inner.exit(0)
    assert kill_all(member, USR1) == ("ESRCH", 0, -1)
    assert kill_all(member, USR1, SUBTREE, other.pid) == ("ESRCH", 0, -1)
    assert kill_all(member, USR1, CHILDREN) == ("ESRCH", 2, -1)
    assert got(member, other) == [[USR1], [USR1]]


def test_fk_3_each_process_once_nested_domains_too(root: Process) -> None:
    child = root.fork()
    inner = child.fork()
    acquire(inner)
    deep = inner.fork()
    acquire(deep)
    deepest = deep.fork()
    assert kill_all(root, USR1) == (None, 5 - 1, -1)
    assert [len(process.take_signals()) for process in (child, inner, deep, deepest)] == [1, 1, 1, 1]


def test_fk_3_subtree(root: Process) -> None:
    """One direct child and all below it, sub-reapers' members included; other children are left alone."""
    one, two = root.fork(), root.fork()
    inner = one.fork()
    acquire(inner)
    member = inner.fork()
    assert kill_all(root, USR1, SUBTREE, one.pid) == (None, 3, -1)
    assert got(one, inner, member, two) == [[USR1], [USR1], [USR1], []]
    assert kill_all(root, USR1, SUBTREE, 77) == ("ESRCH", 0, -1)
    assert kill_all(root, USR1, SUBTREE, member.pid) == ("ESRCH", 0, -1)  # the id of the inner domain's subtree


def test_fk_3_children_are_not_followed(root: Process) -> None:
    child = root.fork()
    grandchild = child.fork()
    kill_all(root, USR1, CHILDREN)
    assert got(child, grandchild) == [[USR1], []]


def test_children_from_before_acquire(kernel: Kernel) -> None:
    """Only CHILDREN reaches them."""
    shell = kernel.spawn("/bin/sh")
    older = shell.fork()
    acquire(shell)
    assert kill_all(shell, USR1) == ("ESRCH", 0, -1)
    assert kill_all(shell, USR1, CHILDREN) == ("ESRCH", 1, -1)
    assert older.pending == [USR1]


def test_fk_4_no_target(root: Process) -> None:
    for flags in (0, CHILDREN, SUBTREE):
        assert kill_all(root, TERM, flags) == ("ESRCH", 0, -1)


@pytest.fixture
def mixed(root: Process) -> tuple[Process, list[Process]]:
    """A member of user 1001, and other members: alternately that user's and root's, the newest first in the list."""
    others = [root.fork() for _ in range(4)]
    for process in (others[0], others[2]):
        plain_user(process)
    user = plain_user(root.fork())
    return user, others


def test_fk_5_and_6_order_of_refusals(root: Process, mixed: tuple[Process, list[Process]]) -> None:
    """Reap list: the caller, root's, the user's, root's, the user's.

    13.2: the caller's own signal sets nothing, root's is the first refusal before a success, the success clears it,
    and a later refusal is not recorded: 0, though a process refused.
    Later: the caller is a success like any other, after which the refusal is recorded; a later success clears the
    result, the next refusal is recorded, and the last success clears the result again.  fpid stays at the last.
    """
    user, others = mixed
    # the last in the list is the user's, so that both versions end with success
    error, killed, fpid = kill_all(user, USR1)
    assert (error, killed) == (None, 3)
    assert fpid == (others[1].pid if main(root) else others[3].pid)
    assert got(*others) == [[USR1], [], [USR1], []]


def test_fk_5_a_refusal_after_a_success_is_not_recorded(root: Process) -> None:
    """13.2: 0 and no fpid although a process refused; later kernels: EPERM."""
    foreign = root.fork()
    user = plain_user(root.fork())
    mine = plain_user(root.fork())  # the newest: signalled first
    assert kill_all(user, USR1) == (("EPERM", 2, foreign.pid) if main(root) else (None, 2, -1))
    assert got(foreign, mine) == [[], [USR1]]


def test_fk_6_a_refusal_before_any_success_is_not_recorded(kernel: Kernel) -> None:
    """Later kernels: ESRCH and no fpid; 13.2: EPERM."""
    user = kernel.spawn("/bin/sh", uid=1001)
    acquire(user)
    child = user.fork()
    child.setuid(1001)
    child.execve("/bin/su", suid=True, owner=0)
    child.setuid(0)
    child.execve("/bin/sh")
    assert kill_all(user, USR1) == (("ESRCH", 0, -1) if main(user) else ("EPERM", 0, child.pid))


def test_fk_6_a_second_refusal_does_not_move_fpid(root: Process) -> None:
    first, second = root.fork(), root.fork()
    user = plain_user(root.fork())
    mine = plain_user(root.fork())
    assert mine.pid > user.pid > second.pid > first.pid
    assert kill_all(user, USR1) == (("EPERM", 2, second.pid) if main(root) else (None, 2, -1))


def test_fk_6_the_invisible_are_hidden(kernel: Kernel, root: Process) -> None:
    """Later kernels do not record a process that is hidden; 13.2 sets fpid, with ESRCH still pending."""
    older = root.fork()
    hidden = root.fork()
    user = plain_user(root.fork())
    kernel.sysctl("security.bsd.see_other_uids", 0)
    assert kill_all(user, USR1) == ((None, 1, -1) if main(root) else ("ESRCH", 1, older.pid))
    assert got(hidden) == [[]]


def test_fk_7_children_never_succeeds(root: Process) -> None:
    """The pending ESRCH is not cleared: the call fails although a process got the signal.  13.2 and main."""
    child = root.fork()
    assert kill_all(root, USR1, CHILDREN) == ("ESRCH", 1, -1)
    assert child.pending == [USR1]
    plain_user(root)
    foreign = child
    mine = root.fork()
    assert kill_all(root, USR1, CHILDREN) == ("EPERM", 1, foreign.pid)
    assert got(mine, foreign) == [[USR1], [USR1]]


def test_fk_7_a_refusal_because_none_can_be_seen(kernel: Kernel, root: Process) -> None:
    """ESRCH with fpid set (seen on 13.2); the next refusal moves it, as ESRCH is still pending."""
    one, two = root.fork(), root.fork()
    plain_user(root)
    kernel.sysctl("security.bsd.see_other_uids", 0)
    assert kill_all(root, USR1, CHILDREN) == ("ESRCH", 0, one.pid)
    assert got(one, two) == [[], []]


def test_fk_8_the_caller_alone(root: Process) -> None:
    """13.2: counted, without setting the result; later kernels: 0."""
    child = root.fork()
    assert kill_all(child, USR1) == ((None if main(root) else "ESRCH"), 1, -1)
    assert child.pending == [USR1]


def test_fk_8_without_a_permission_test(root: Process) -> None:
    """13.2 does not test the caller; later kernels do, and a process that changed its ids refuses unusual signals."""
    child = root.fork()
    child.setuid(1001)
    assert kill_all(child, 40) == (("ESRCH", 0, -1) if main(root) else ("ESRCH", 1, -1))
    assert child.pending == ([] if main(root) else [40])


def test_fk_9_success_is_not_what_the_manual_says(root: Process) -> None:
    """A process got the signal, and the call fails."""
    root.fork()
    error, killed, _ = kill_all(root, USR1, CHILDREN)
    assert error is not None and killed


def test_fk_10_siginfo(root: Process) -> None:
    """SI_USER, the caller's pid and real uid."""
    child = root.fork()
    acquire(child)
    member = plain_user(child.fork())
    child.execve("/bin/su", suid=True, owner=1001)
    assert (child.ruid, child.euid) == (0, 1001)
    assert kill_all(child, USR1) == (None, 1, -1)
    assert [tuple(entry)[:4] for entry in member.take_signals()] == [(USR1, "SI_USER", child.pid, 0)]


def test_fk_11_a_process_that_is_no_reaper_hits_the_domain_of_init(kernel: Kernel) -> None:
    """The kernel does as it is told; the package's own functions ask whether the caller is a reaper first."""
    daemon, shell = kernel.spawn("/usr/sbin/cron"), kernel.spawn("/bin/sh")
    child = shell.fork()
    assert kill_all(shell, USR1) == (None, 3, -1)
    assert got(daemon, shell, child) == [[USR1]] * 3


def test_a_target_that_is_no_reaper_stands_for_its_reaper(root: Process) -> None:
    one, two = root.fork(), root.fork()
    assert kill_all(root, USR1, id=one.pid) == (None, 2, -1)
    assert got(one, two) == [[USR1], [USR1]]


def test_sigkill_takes_effect_when_the_call_is_over(root: Process) -> None:
    child = root.fork()
    grandchild = child.fork()
    assert kill_all(root, 9) == (None, 2, -1)
    assert not child.alive and not grandchild.alive
    assert {root.wait(), root.wait()} == {(child.pid, 9), (grandchild.pid, 9)}


def test_the_caller_can_kill_itself(root: Process) -> None:
    child = root.fork()
    with refused("ESRCH") if not main(root) else _nothing():
        call(child, bsd.PROC_REAP_KILL, ReaperKill(9))
    assert not child.alive


def test_after_release_the_domain_is_the_outer_one(root: Process) -> None:
    child = root.fork()
    release(root)
    assert kill_all(root, USR1)[1] == 2
    assert got(root, child) == [[USR1], [USR1]]


class _nothing:  # noqa: N801
    def __enter__(self) -> None: ...

    def __exit__(self, *exception: object) -> None: ...
