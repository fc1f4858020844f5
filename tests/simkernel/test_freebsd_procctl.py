"""FreeBSD's procctl: the common path (2.4), process groups, reapers and the parent-death signal."""

from __future__ import annotations

import pytest

import pydfly
from pydfly import BAD_POINTER, NULL, AlreadyReaperError, NotReaperError, ReaperKill, simkernel, structs
from pydfly.constants import freebsd as bsd
from pydfly.simkernel import Kernel, Process
from pydfly.simkernel.freebsd.procctl import MACHINE_ROWS, MAIN_ROWS, READS, ROWS, WRITES
from pydfly.simkernel.freebsd.reapcommands import Pids, ReadOnlyKill

from .told import refused
from .told_freebsd import P_PGID, P_PID, acquire, call, kill_all, members, release, status

SINGLE = [command for command in bsd.Command if int(command) in ROWS and not ROWS[int(command)].groups]
NOBODY = 77
FLAVOUR = "freebsd"


@pytest.fixture
def root(shell: Process) -> Process:
    """A reaper below the shell."""
    acquire(shell)
    return shell


# the common path ------------------------------------------------------------------------------------------------


def test_versions_and_commands() -> None:
    """1.3: 22 commands in 13.2, 24 in main, and four that only amd64 has."""
    assert (len(ROWS), len(MAIN_ROWS), len(MACHINE_ROWS)) == (22, 24, 4)
    assert sorted([*MAIN_ROWS, *MACHINE_ROWS]) == sorted(map(int, bsd.Command))


@pytest.mark.parametrize("number", [0, -1, 23, 25, 99, 0x0FFFFFFF, -(2**31)])
def test_step_2_unknown_commands(shell: Process, number: int) -> None:
    """EINVAL before the data, the idtype and the id are looked at."""
    for data in (NULL, BAD_POINTER, structs.OMITTED):
        with refused("EINVAL", "procctl"):
            shell.procctl(P_PGID, NOBODY, number, data)


def test_logsigexit_came_after_13_2() -> None:
    shell = simkernel.boot("freebsd", "main").spawn("/bin/sh")
    assert call(shell, bsd.PROC_LOGSIGEXIT_STATUS) == bsd.PROC_LOGSIGEXIT_CTL_NOFORCE


@pytest.mark.parametrize(
    "command", [bsd.Command(number) for number, row in ROWS.items() if row.memory not in (WRITES, "nothing")]
)
@pytest.mark.parametrize("pointer", [NULL, BAD_POINTER])
def test_step_3_input_is_copied_first(shell: Process, command: bsd.Command, pointer: pydfly.structs.Pointer) -> None:
    """EFAULT before idtype and id are looked at; NULL gives no memory either (FD-1)."""
    with refused("EFAULT"):
        shell.procctl(P_PGID + 5, NOBODY, command, pointer)


@pytest.mark.parametrize("command", [bsd.PROC_REAP_ACQUIRE, bsd.PROC_REAP_RELEASE])
@pytest.mark.parametrize("data", [0, BAD_POINTER, ReaperKill(15)])
def test_fr_3_step_3_no_data_is_taken(shell: Process, command: bsd.Command, data: object) -> None:
    """EINVAL whatever the idtype, the id and the state: but no NotReaperError, which would mislead."""
    with refused("EINVAL") as _:
        shell.procctl(P_PGID, NOBODY, command, data)  # type: ignore[arg-type]
    with pytest.raises(pydfly.SyscallError) as caught:
        shell.procctl(P_PID, 0, command, data)  # type: ignore[arg-type]
    assert not isinstance(caught.value, NotReaperError)


@pytest.mark.parametrize("command", SINGLE)
@pytest.mark.parametrize("idtype", [1, P_PGID, 3, 7, 16, 2**32 - 1])
def test_step_4_single_process_commands(shell: Process, command: bsd.Command, idtype: int) -> None:
    """EINVAL before the id is looked at."""
    row = ROWS[int(command)]
    data = {READS: 1, "kill": ReaperKill(15), "list": 5}.get(row.memory, NULL)
    with refused("EINVAL"):
        shell.procctl(idtype, NOBODY, command, data)


@pytest.mark.parametrize("command", [bsd.PROC_SPROTECT, bsd.PROC_TRACE_CTL, bsd.PROC_TRAPCAP_CTL])
def test_step_9_other_idtypes(shell: Process, command: bsd.Command) -> None:
    for idtype in (1, 3, 7, 16):
        with refused("EINVAL"):
            call(shell, command, 1, 0, idtype)


def test_step_5_id_0_is_the_caller_without_a_question(kernel: Kernel) -> None:
    """Also where a jail or a switch hides every process."""
    kernel.sysctl("security.bsd.unprivileged_proc_debug", 0)
    user = kernel.spawn("/bin/sh", uid=1001, jailed=True)
    assert call(user, bsd.PROC_TRAPCAP_CTL, 1) is None
    assert call(user, bsd.PROC_TRAPCAP_CTL, 1, id=user.pid) is None


def test_step_6_zombies_and_strangers_are_not_found(shell: Process) -> None:
    child = shell.fork()
    child.exit(0)
    for pid in (NOBODY, child.pid, -1, 2**31):
        with refused("ESRCH"):
            status(shell, pid)


def test_id_is_cut_to_32_bits_but_0_is_not(shell: Process) -> None:
    """10.1: id."""
    acquire(shell)
    assert status(shell, shell.pid + 2**32) == status(shell)
    assert call(shell, bsd.PROC_PDEATHSIG_CTL, 15, shell.pid + 2**32) is None
    with refused("ESRCH"):
        status(shell, 2**32)
    assert shell.procctl(2**32, 0, 2**32 + bsd.PROC_TRACE_STATUS) == 0  # idtype and command have 32 bits


def test_step_7_rights(kernel: Kernel, shell: Process) -> None:
    """The _CTL commands need p_candebug(), the others p_cansee()."""
    user = kernel.spawn("/bin/sh", uid=1001)
    assert call(user, bsd.PROC_TRACE_STATUS, id=shell.pid) == 0
    with refused("EPERM"):
        call(user, bsd.PROC_TRACE_CTL, 2, shell.pid)
    assert call(shell, bsd.PROC_TRACE_CTL, 2, user.pid) is None


def test_step_11_output_is_copied_last(kernel: Kernel, shell: Process) -> None:
    """EFAULT only after the command has succeeded: a wrong idtype with NULL is EINVAL, a wrong id ESRCH."""
    for command in (bsd.PROC_REAP_STATUS, bsd.PROC_TRACE_STATUS, bsd.PROC_PDEATHSIG_STATUS, bsd.PROC_WXMAP_STATUS):
        for pointer in (NULL, BAD_POINTER):
            with refused("EFAULT"):
                call(shell, command, pointer)
            with refused("EINVAL"):
                call(shell, command, pointer, idtype=P_PGID)
    with refused("ESRCH"):
        call(shell, bsd.PROC_REAP_STATUS, NULL, NOBODY)


def test_step_11_kill_is_copied_back_always(root: Process) -> None:
    """In read-only memory: EFAULT if nothing else went wrong; the signals are sent all the same."""
    child = root.fork()
    with refused("EFAULT"):
        call(root, bsd.PROC_REAP_KILL, ReadOnlyKill(ReaperKill(15)))
    assert child.pending == [15]
    with refused("EINVAL") as _:
        call(root, bsd.PROC_REAP_KILL, ReadOnlyKill(ReaperKill(0)))


def test_ints_may_be_anything_with_an_index(shell: Process) -> None:
    class Fifteen:
        def __index__(self) -> int:
            return 15

    call(shell, bsd.PROC_PDEATHSIG_CTL, Fifteen())
    assert shell.deathsig == 15
    shell.procctl(P_PID, 0, bsd.PROC_PDEATHSIG_CTL, structs.OMITTED)  # memory full of zeros
    assert shell.deathsig == 0


# process groups ----------------------------------------------------------------------------------------------------


@pytest.fixture
def group(shell: Process) -> list[Process]:
    """A leader and two members, one of them a zombie."""
    leader = shell.fork()
    leader.setpgid(0, 0)
    member, zombie = leader.fork(), leader.fork()
    zombie.exit(0)
    return [leader, member, zombie]


def test_fg_1_zombies_and_the_forbidden_are_skipped(kernel: Kernel, shell: Process, group: list[Process]) -> None:
    leader, member, _ = group
    leader.setuid(1001)
    leader.execve("/bin/a")  # takes the mark of changed ids away
    assert call(leader, bsd.PROC_TRAPCAP_CTL, 1, leader.pid, P_PGID) is None
    assert [call(shell, bsd.PROC_TRAPCAP_STATUS, id=one.pid) for one in (leader, member)] == [1, 2]


def test_fg_2_one_success_is_enough(group: list[Process]) -> None:
    """ENABLE is allowed for the caller itself, and EPERM for the others."""
    leader = group[0]
    assert call(leader, bsd.PROC_TRACE_CTL, 1, leader.pid, P_PGID) is None


def test_fg_3_first_error_or_esrch(shell: Process, group: list[Process]) -> None:
    leader, member, _ = group
    with refused("EPERM"):
        call(shell, bsd.PROC_TRACE_CTL, 1, leader.pid, P_PGID)
    with refused("EINVAL"):
        call(shell, bsd.PROC_TRACE_CTL, 9, leader.pid, P_PGID)
    shell.kernel.spawn("/usr/bin/lldb").ptrace("PT_ATTACH", leader.pid)
    with refused("EBUSY"):  # the leader's, though the member says EPERM
        call(shell, bsd.PROC_TRACE_CTL, 1, leader.pid, P_PGID)
    shell.kill(leader.pid, 9)
    member.exit(0)
    for number in (leader.pid, NOBODY, -leader.pid):  # all zombies; no such group
        with refused("ESRCH"):
            call(shell, bsd.PROC_TRAPCAP_CTL, 1, number, P_PGID)


def test_fg_4_group_0_is_the_kernels(kernel: Kernel, shell: Process) -> None:
    """Not the caller's own.  Root reaches the kernel's processes, others reach none."""
    assert call(shell, bsd.PROC_TRAPCAP_CTL, 1, 0, P_PGID) is None
    assert call(shell, bsd.PROC_TRAPCAP_STATUS) == bsd.PROC_TRAPCAP_CTL_DISABLE
    with refused("EPERM"):
        call(shell, bsd.PROC_TRACE_CTL, 1, 0, P_PGID)
    with refused("EINVAL"):
        call(shell, bsd.PROC_TRACE_CTL, 7, 0, P_PGID)
    with refused("EPERM"):  # processes of the system are not protected
        call(shell, bsd.PROC_SPROTECT, bsd.PPROT_SET, 0, P_PGID)
    user = kernel.spawn("/bin/sh", uid=1001)
    with refused("ESRCH"):
        call(user, bsd.PROC_TRAPCAP_CTL, 1, 0, P_PGID)


def test_fg_5_zombies_are_skipped_as_13_2_does(shell: Process) -> None:
    """Kernels before 13 did not skip them; none of those is modelled."""
    child = shell.fork()
    child.setpgid(0, 0)
    child.exit(0)
    with refused("ESRCH"):
        call(shell, bsd.PROC_SPROTECT, bsd.PPROT_SET, child.pid, P_PGID)
    with pytest.raises(NotImplementedError):
        simkernel.boot("freebsd", "10.4")


# reapers -------------------------------------------------------------------------------------------------------------


def test_fr_1_acquire_for_another(kernel: Kernel, shell: Process) -> None:
    """ESRCH if not there or not to be seen, else EPERM; a wrong idtype is EINVAL, whatever the manual says."""
    child = shell.fork()
    for command in (bsd.PROC_REAP_ACQUIRE, bsd.PROC_REAP_RELEASE):
        with refused("EPERM"):
            call(shell, command, NULL, child.pid)
        with refused("ESRCH"):
            call(shell, command, NULL, NOBODY)
        with refused("EINVAL"):
            call(shell, command, NULL, 0, P_PGID)
    kernel.sysctl("security.bsd.see_other_uids", 0)
    user = kernel.spawn("/bin/sh", uid=1001)
    with refused("ESRCH"):
        call(user, bsd.PROC_REAP_ACQUIRE, NULL, shell.pid)


def test_fr_2_twice(shell: Process) -> None:
    """EBUSY, and EINVAL: with the classes that callers catch."""
    with pytest.raises(NotReaperError):
        release(shell)
    acquire(shell)
    with pytest.raises(AlreadyReaperError):
        acquire(shell)
    release(shell)
    with refused("EINVAL"):
        release(shell)


def test_fr_2_init_cannot_release(kernel: Kernel) -> None:
    with refused("EINVAL"):
        release(kernel.init)
    with refused("EBUSY"):
        acquire(kernel.init)


def test_fr_4_status_of_which_process(root: Process) -> None:
    child = root.fork()
    grandchild = child.fork()
    assert status(child) == status(grandchild) == (0, 1, 2, root.pid, child.pid)
    acquire(child)
    assert status(grandchild) == (0, 1, 2, root.pid, child.pid)  # forked before
    assert status(root, child.pid) == (1, 0, 0, child.pid, -1)


def test_fr_5_flags(kernel: Kernel, shell: Process) -> None:
    """OWNED: the target is a reaper.  REALINIT: the reported reaper is init, for ordinary processes too."""
    assert status(shell)[0] == bsd.REAPER_STATUS_REALINIT
    assert status(kernel.init)[0] == bsd.REAPER_STATUS_OWNED | bsd.REAPER_STATUS_REALINIT
    acquire(shell)
    assert status(shell)[0] == bsd.REAPER_STATUS_OWNED


def test_fr_6_descendants_are_all_listed(root: Process) -> None:
    """Zombies too; sub-reapers once, without their members."""
    child = root.fork()
    acquire(child)
    child.fork()
    root.fork().exit(0)
    assert status(root)[1:3] == (2, 2)


def test_fr_7_children_from_before_do_not_count(shell: Process) -> None:
    shell.fork()
    acquire(shell)
    assert status(shell) == (1, 0, 0, shell.pid, -1)
    orphan = shell.fork().fork()
    assert orphan.parent is not None
    orphan.parent.exit(0)
    assert status(shell)[1:3] == (2, 2)


def test_fr_8_pid(shell: Process) -> None:
    """-1 for an empty domain, though there are children; else the head of the children list, zombie or not."""
    older = shell.fork()
    acquire(shell)
    assert status(shell)[4] == -1
    child = shell.fork()
    child.exit(0)
    assert status(shell)[4] == child.pid
    assert shell.children == [child, older]


def test_fr_8_a_domain_without_children_of_its_reaper(kernel: Kernel, shell: Process) -> None:
    """Only a debugger makes this: the head of the reap list then."""
    acquire(shell)
    child = shell.fork()
    debugger = kernel.spawn("/usr/bin/lldb")
    debugger.ptrace("PT_ATTACH", child.pid)
    assert shell.children == []
    assert status(shell) == (1, 1, 1, shell.pid, child.pid)


def test_fr_9_pdforked_members_count(root: Process) -> None:
    _, child = root.pdfork()
    assert status(root) == (1, 1, 1, root.pid, child.pid)
    child.exit(0)
    assert status(root)[1:3] == (1, 1)
    with refused("ECHILD"):
        root.wait()


def test_status_vectors(kernel: Kernel, shell: Process) -> None:
    """3.7, row by row."""
    r = shell
    assert status(r) == (2, 1, 1, 1, r.pid)
    x = r.fork()
    acquire(r)
    assert status(r) == (1, 0, 0, r.pid, -1)
    a = r.fork()
    b = a.fork()
    assert status(r) == (1, 1, 2, r.pid, a.pid)
    a.exit(0)
    assert status(r) == (1, 2, 2, r.pid, b.pid)
    assert r.wait(a.pid) == (a.pid, 0)
    assert status(r) == (1, 1, 1, r.pid, b.pid)
    assert status(r, b.pid) == (0, 1, 1, r.pid, b.pid)
    acquire(b)
    c = b.fork()
    assert status(r) == (1, 1, 1, r.pid, b.pid)
    b.exit(0)
    assert status(r) == (1, 1, 1, r.pid, b.pid)
    assert c.ppid == b.pid
    r.wait(b.pid)
    assert status(r) == (1, 1, 1, r.pid, c.pid)
    release(r)
    assert status(r) == (2, 1, 3, 1, r.pid)  # r, x and c
    assert x.ppid == r.pid


# GETPIDS -------------------------------------------------------------------------------------------------------------


def test_fp_1_whose_domain(kernel: Kernel, shell: Process) -> None:
    """A process that is no reaper sees the domain of its reaper: init's."""
    assert members(shell) == members(kernel.init) == [(shell.pid, 1, 3)]
    acquire(shell)
    child = shell.fork()
    assert members(child) == members(shell) == members(kernel.init, shell.pid)


def test_fp_2_count_cuts(root: Process) -> None:
    children = [root.fork() for _ in range(3)]
    assert [pid for pid, _, _ in members(root, count=2)] == [children[2].pid, children[1].pid]
    assert len(members(root, count=99)) == 3


def test_fp_3_the_number_of_entries_comes_from_the_valid_flag(root: Process) -> None:
    """The kernel does not return it; the wrapper counts the entries that are valid."""
    root.fork()
    assert [flags & bsd.REAPER_PIDINFO_VALID for _, _, flags in members(root, count=50)] == [1]


def test_fp_4_newest_first_with_zombies(root: Process) -> None:
    one, two, three = root.fork(), root.fork(), root.fork()
    two.exit(0)
    assert [pid for pid, _, _ in members(root)] == [three.pid, two.pid, one.pid]


def test_fp_5_one_that_is_gone_shortens_the_list(root: Process) -> None:
    child = root.fork()
    child.exit(0)
    root.wait()
    assert members(root) == []


def test_fp_6_flags(root: Process) -> None:
    child = root.fork()
    grandchild = child.fork()
    acquire(grandchild)
    assert members(root) == [(grandchild.pid, child.pid, 1 | 4), (child.pid, child.pid, 1 | 2)]


def test_fp_6_flags_of_later_kernels() -> None:
    """STOPPED on its own, and ZOMBIE; 13.2 has neither."""
    for version, flags in (("main", [3 | 16, 3 | 8]), ("13.2", [3, 3])):
        root = simkernel.boot("freebsd", version).spawn("/bin/sh")
        acquire(root)
        zombie, stopped = root.fork(), root.fork()
        zombie.exit(0)
        root.kill(stopped.pid, bsd.SIGSTOP)
        assert [flag for _, _, flag in members(root)] == flags


def test_fp_7_subtree_survives_its_root(root: Process) -> None:
    child = root.fork()
    grandchild = child.fork()
    child.exit(0)
    root.wait(child.pid)
    assert members(root) == [(grandchild.pid, child.pid, 3)]


def test_fp_8_count_0(root: Process) -> None:
    """Nothing is written, and the array may be anywhere; so may it for an empty domain."""
    assert call(root, bsd.PROC_REAP_GETPIDS, Pids(5, BAD_POINTER)) == []
    root.fork()
    assert call(root, bsd.PROC_REAP_GETPIDS, Pids(0, NULL)) == []
    for pointer in (NULL, BAD_POINTER):
        with refused("EFAULT"):
            call(root, bsd.PROC_REAP_GETPIDS, Pids(1, pointer))
    assert len(call(root, bsd.PROC_REAP_GETPIDS, Pids(1))) == 1


def test_fp_9_the_invisible_are_listed(kernel: Kernel, root: Process) -> None:
    child, user = root.fork(), root.fork()
    user.setuid(1001)
    kernel.sysctl("security.bsd.see_other_uids", 0)
    assert [pid for pid, _, _ in members(user)] == [user.pid, child.pid]


def test_fp_10_members_of_sub_reapers_are_not_listed(root: Process) -> None:
    child = root.fork()
    acquire(child)
    child.fork()
    assert [pid for pid, _, _ in members(root)] == [child.pid]


# the parent-death signal -------------------------------------------------------------------------------------------


def test_fd_1_and_5_pointers(shell: Process) -> None:
    """FD-1, FD-5: EFAULT, for NULL too."""
    for command in (bsd.PROC_PDEATHSIG_CTL, bsd.PROC_PDEATHSIG_STATUS):
        for pointer in (NULL, BAD_POINTER):
            with refused("EFAULT"):
                call(shell, command, pointer)


def test_fd_2_idtype(shell: Process) -> None:
    for command in (bsd.PROC_PDEATHSIG_CTL, bsd.PROC_PDEATHSIG_STATUS):
        with refused("EINVAL"):
            call(shell, command, 15, 0, P_PGID)


def test_fd_3_others(kernel: Kernel, shell: Process) -> None:
    """EINVAL for no process and for others; ESRCH for one that is hidden."""
    child = shell.fork()
    for command in (bsd.PROC_PDEATHSIG_CTL, bsd.PROC_PDEATHSIG_STATUS):
        for pid in (NOBODY, child.pid):
            with refused("EINVAL"):
                call(shell, command, 15, pid)
        with refused("EINVAL"):
            call(shell, command, 999, child.pid)
    kernel.sysctl("security.bsd.see_other_uids", 0)
    user = kernel.spawn("/bin/sh", uid=1001)
    with refused("ESRCH"):
        call(user, bsd.PROC_PDEATHSIG_CTL, 15, shell.pid)


def test_fd_4_values(shell: Process) -> None:
    for value in (-1, 129, 8888, 2**31 - 1):
        with refused("EINVAL"):
            call(shell, bsd.PROC_PDEATHSIG_CTL, value)
    for value in (0, 1, 64, 65, 128):
        call(shell, bsd.PROC_PDEATHSIG_CTL, value)
        assert call(shell, bsd.PROC_PDEATHSIG_STATUS) == value


def test_fd_6_id_0_and_the_own_pid(shell: Process) -> None:
    call(shell, bsd.PROC_PDEATHSIG_CTL, 15, shell.pid)
    assert call(shell, bsd.PROC_PDEATHSIG_STATUS, id=0) == call(shell, bsd.PROC_PDEATHSIG_STATUS, id=shell.pid) == 15


def test_signal_128_does_no_harm_here(shell: Process) -> None:
    """DragonFly's kernel panics (DP-10)."""
    parent = shell.fork()
    child = parent.fork()
    call(child, bsd.PROC_PDEATHSIG_CTL, 128)
    parent.exit(0)
    assert child.pending == [128]


# capability mode ---------------------------------------------------------------------------------------------------


def test_procctl_is_not_for_capability_mode(root: Process) -> None:
    """Before any argument is looked at, and nothing is copied back."""
    child = root.fork()
    child.cap_enter()
    for command in (bsd.PROC_REAP_STATUS, 99, bsd.PROC_TRACE_STATUS):
        with refused("ECAPMODE"):
            child.procctl(7, NOBODY, command, BAD_POINTER)
    assert kill_all(child, 15) == ("ECAPMODE", None, None)


# machine-dependent ---------------------------------------------------------------------------------------------------


def test_machine_dependent_order(kernel: Kernel, shell: Process) -> None:
    """5.8: unknown, idtype, PRIV_IO, copy in, value, process."""
    user = kernel.spawn("/bin/sh", uid=1001)
    with refused("EINVAL"):
        call(shell, 0x10000004)
    with refused("EINVAL"):
        call(user, bsd.PROC_KPTI_CTL, NULL, NOBODY, P_PGID)
    for value in (1, 2, 9):
        with refused("EPERM"):
            call(user, bsd.PROC_KPTI_CTL, value, user.pid)
    with refused("EPERM"):
        call(kernel.spawn("/bin/sh", jailed=True), bsd.PROC_KPTI_CTL, 1)
    with refused("EFAULT"):
        call(shell, bsd.PROC_KPTI_CTL, NULL, NOBODY)
    for command, bad in ((bsd.PROC_KPTI_CTL, 3), (bsd.PROC_LA_CTL, 0), (bsd.PROC_LA_CTL, 4)):
        with refused("EINVAL"):
            call(shell, command, bad, NOBODY)
    with refused("ESRCH"):
        call(shell, bsd.PROC_LA_CTL, 1, NOBODY)
    kernel.sysctl("security.bsd.see_other_uids", 0)
    with refused("ESRCH"):
        call(user, bsd.PROC_LA_STATUS, id=shell.pid)
    with refused("EFAULT"):
        call(shell, bsd.PROC_LA_STATUS, NULL, shell.pid)


def test_machine_dependent_id_0_is_pid_0(shell: Process) -> None:
    call(shell, bsd.PROC_LA_CTL, 1, shell.pid)
    assert call(shell, bsd.PROC_LA_STATUS, id=shell.pid) & 3 == 1
    assert call(shell, bsd.PROC_LA_STATUS) & 3 == 3


def test_visibility_is_enough_for_la_ctl(kernel: Kernel, shell: Process) -> None:
    """The manual says debug right."""
    user = kernel.spawn("/bin/sh", uid=1001)
    assert call(user, bsd.PROC_LA_CTL, 1, shell.pid) is None
