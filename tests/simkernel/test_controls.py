"""What FreeBSD's procctl sets besides reapers: values, status, what fork and exec pass on (5.5, 5.7, 5.8)."""

from __future__ import annotations

import pytest

from pydfly import simkernel
from pydfly.constants import freebsd as bsd
from pydfly.simkernel import Kernel, Process

from .told import refused
from .told_freebsd import call

ACTIVE = 0x80000000


@pytest.fixture
def kernel() -> Kernel:
    return simkernel.boot("freebsd", "main")


@pytest.fixture
def shell(kernel: Kernel) -> Process:
    return kernel.spawn("/bin/sh")


def test_initial_states(shell: Process) -> None:
    """5.7: NOFORCE, ENABLE|ENABLE_EXEC, 2, 0, 0, 2."""
    values = {
        bsd.PROC_ASLR_STATUS: 3 | ACTIVE,
        bsd.PROC_PROTMAX_STATUS: 3,
        bsd.PROC_LOGSIGEXIT_STATUS: 1,
        bsd.PROC_STACKGAP_STATUS: 1 | 4,
        bsd.PROC_NO_NEW_PRIVS_STATUS: 2,
        bsd.PROC_WXMAP_STATUS: 0,
        bsd.PROC_TRACE_STATUS: 0,
        bsd.PROC_TRAPCAP_STATUS: 2,
        bsd.PROC_KPTI_STATUS: 1 | ACTIVE,
        bsd.PROC_LA_STATUS: 3 | 0x01000000,
    }
    assert {command: call(shell, command, id=shell.pid) for command in values} == values


@pytest.mark.parametrize(
    "command",
    [
        bsd.PROC_TRACE_CTL,
        bsd.PROC_TRAPCAP_CTL,
        bsd.PROC_ASLR_CTL,
        bsd.PROC_PROTMAX_CTL,
        bsd.PROC_NO_NEW_PRIVS_CTL,
        bsd.PROC_WXMAP_CTL,
        bsd.PROC_LOGSIGEXIT_CTL,
    ],
)
@pytest.mark.parametrize("value", [0, -1, 4, 16, 2**31 - 1])
def test_bad_values(shell: Process, command: bsd.Command, value: int) -> None:
    with refused("EINVAL"):
        call(shell, command, value)


# SPROTECT ----------------------------------------------------------------------------------------------------------


def protected(process: Process) -> bool:
    return "protected" in process.controls


@pytest.mark.parametrize("value", [0, 3, 9, 0x10, 0x41, 0x42, 0x81, -1])
def test_sprotect_values_come_before_the_privilege(kernel: Kernel, value: int) -> None:
    with refused("EINVAL"):
        call(kernel.spawn("/bin/sh", uid=1001), bsd.PROC_SPROTECT, value)


def test_sprotect_is_for_root_outside_jails(kernel: Kernel, shell: Process) -> None:
    """Visibility is enough of a right to the target."""
    user = kernel.spawn("/bin/sh", uid=1001)
    for process in (user, kernel.spawn("/bin/sh", jailed=True)):
        with refused("EPERM"):
            call(process, bsd.PROC_SPROTECT, bsd.PPROT_SET)
    call(shell, bsd.PROC_SPROTECT, bsd.PPROT_SET, user.pid)
    assert protected(user)
    call(shell, bsd.PROC_SPROTECT, bsd.PPROT_CLEAR, user.pid)
    assert not protected(user)


def test_sprotect_and_descendants(shell: Process) -> None:
    """Not inherited without INHERIT; kept by exec; DESCEND reaches the whole present subtree."""
    child = shell.fork()
    grandchild = child.fork()
    call(shell, bsd.PROC_SPROTECT, bsd.PPROT_SET)
    assert [protected(one) for one in (shell, child, shell.fork())] == [True, False, False]
    call(shell, bsd.PROC_SPROTECT, bsd.PPROT_SET | bsd.PPROT_DESCEND)
    assert protected(child) and protected(grandchild)
    call(child, bsd.PROC_SPROTECT, bsd.PPROT_SET | bsd.PPROT_INHERIT)
    call(child, bsd.PROC_SPROTECT, bsd.PPROT_SET)  # INHERIT stays
    heir = child.fork()
    heir.execve("/bin/a")
    assert protected(heir) and protected(heir.fork())
    call(shell, bsd.PROC_SPROTECT, bsd.PPROT_CLEAR | bsd.PPROT_DESCEND)
    assert not any(protected(one) for one in (shell, child, heir, heir.fork()))


# TRACE -------------------------------------------------------------------------------------------------------------


def test_trace_disable_lasts_until_exec(shell: Process) -> None:
    call(shell, bsd.PROC_TRACE_CTL, 2)
    child = shell.fork()
    assert call(child, bsd.PROC_TRACE_STATUS) == -1
    child.execve("/bin/a")
    assert [call(one, bsd.PROC_TRACE_STATUS) for one in (child, shell)] == [0, -1]


def test_trace_disable_exec_lasts(shell: Process) -> None:
    call(shell, bsd.PROC_TRACE_CTL, 3)
    shell.execve("/bin/a")
    assert call(shell, bsd.PROC_TRACE_STATUS) == -1
    call(shell, bsd.PROC_TRACE_CTL, 2)  # downgrades it
    shell.execve("/bin/a")
    assert call(shell, bsd.PROC_TRACE_STATUS) == 0


def test_trace_enable_is_for_oneself(shell: Process) -> None:
    child = shell.fork()
    call(shell, bsd.PROC_TRACE_CTL, 3, child.pid)
    for value in (1, 2):  # to enable, and to take DISABLE_EXEC back
        with refused("EPERM"):
            call(shell, bsd.PROC_TRACE_CTL, value, child.pid)
    call(child, bsd.PROC_TRACE_CTL, 1)
    assert call(shell, bsd.PROC_TRACE_STATUS, id=child.pid) == 0


def test_trace_ebusy_comes_before_the_value(kernel: Kernel, shell: Process) -> None:
    child = shell.fork()
    debugger = kernel.spawn("/usr/bin/lldb")
    debugger.ptrace("PT_ATTACH", child.pid)
    assert call(shell, bsd.PROC_TRACE_STATUS, id=child.pid) == debugger.pid
    for value in (1, 2, 7):
        with refused("EBUSY"):
            call(shell, bsd.PROC_TRACE_CTL, value, child.pid)


def test_who_disabled_tracing_can_be_controlled_by_root_only(kernel: Kernel, shell: Process) -> None:
    user = kernel.spawn("/bin/sh", uid=1001)
    other = user.fork()
    call(user, bsd.PROC_TRACE_CTL, 2)
    with refused("EPERM"):
        call(other, bsd.PROC_TRAPCAP_CTL, 1, user.pid)
    assert call(shell, bsd.PROC_TRAPCAP_CTL, 1, user.pid) is None


# the others --------------------------------------------------------------------------------------------------------


def test_trapcap(shell: Process) -> None:
    """Copied by fork, kept by exec."""
    call(shell, bsd.PROC_TRAPCAP_CTL, 1)
    child = shell.fork()
    child.execve("/bin/a")
    assert call(child, bsd.PROC_TRAPCAP_STATUS) == 1
    call(child, bsd.PROC_TRAPCAP_CTL, 2)
    assert [call(one, bsd.PROC_TRAPCAP_STATUS) for one in (child, shell)] == [2, 1]


def test_aslr_acts_at_the_next_exec(kernel: Kernel, shell: Process) -> None:
    call(shell, bsd.PROC_ASLR_CTL, bsd.PROC_ASLR_FORCE_DISABLE)
    assert call(shell, bsd.PROC_ASLR_STATUS) == 2 | ACTIVE
    child = shell.fork()
    child.execve("/bin/a")
    assert call(child, bsd.PROC_ASLR_STATUS) == 2
    kernel.sysctl("kern.elf64.aslr.enable", 0)
    call(child, bsd.PROC_ASLR_CTL, bsd.PROC_ASLR_FORCE_ENABLE)
    child.execve("/bin/a")
    assert call(child, bsd.PROC_ASLR_STATUS) == 1 | ACTIVE
    call(child, bsd.PROC_ASLR_CTL, bsd.PROC_ASLR_NOFORCE)
    child.execve("/bin/a")
    assert call(child, bsd.PROC_ASLR_STATUS) == 3


def test_a_set_id_exec_drops_what_was_asked_for(kernel: Kernel) -> None:
    user = kernel.spawn("/bin/sh", uid=1001)
    call(user, bsd.PROC_ASLR_CTL, bsd.PROC_ASLR_FORCE_DISABLE)
    user.execve("/usr/bin/su", suid=True, owner=0)
    assert call(user, bsd.PROC_ASLR_STATUS) == 3 | ACTIVE


def test_protmax_acts_at_once(kernel: Kernel, shell: Process) -> None:
    for value, status in ((1, 1 | ACTIVE), (2, 2), (3, 3)):
        call(shell, bsd.PROC_PROTMAX_CTL, value)
        assert call(shell.fork(), bsd.PROC_PROTMAX_STATUS) == status
    kernel.sysctl("vm.imply_prot_max", 1)
    assert call(shell, bsd.PROC_PROTMAX_STATUS) == 3 | ACTIVE


def test_stackgap(shell: Process) -> None:
    """Only exec turns the gap on again; 0 does nothing; not both of a pair."""
    call(shell, bsd.PROC_STACKGAP_CTL, 0)
    call(shell, bsd.PROC_STACKGAP_CTL, bsd.PROC_STACKGAP_ENABLE)
    call(shell, bsd.PROC_STACKGAP_CTL, bsd.PROC_STACKGAP_DISABLE)
    assert call(shell, bsd.PROC_STACKGAP_STATUS) == 2 | 4
    for value in (1, 3, 16):
        with refused("EINVAL"):
            call(shell, bsd.PROC_STACKGAP_CTL, value)
    shell.execve("/bin/a")
    assert call(shell, bsd.PROC_STACKGAP_STATUS) == 1 | 4
    call(shell, bsd.PROC_STACKGAP_CTL, 2 | 8)
    shell.execve("/bin/a")
    assert call(shell.fork(), bsd.PROC_STACKGAP_STATUS) == 2 | 8
    call(shell, bsd.PROC_STACKGAP_CTL, 4)
    assert call(shell, bsd.PROC_STACKGAP_STATUS) == 2 | 4


def test_stackgap_the_first_pair_has_taken_effect(shell: Process) -> None:
    with refused("EINVAL"):
        call(shell, bsd.PROC_STACKGAP_CTL, 2 | 4 | 8)
    assert call(shell, bsd.PROC_STACKGAP_STATUS) == 2 | 4


def test_no_new_privs(kernel: Kernel) -> None:
    """For ever, copied by fork; set-id bits are ignored, though the parent-death signal goes all the same."""
    user = kernel.spawn("/bin/sh", uid=1001)
    with refused("EINVAL"):
        call(user, bsd.PROC_NO_NEW_PRIVS_CTL, 2)
    call(user, bsd.PROC_NO_NEW_PRIVS_CTL, 1)
    child = user.fork()
    call(child, bsd.PROC_PDEATHSIG_CTL, 15)
    child.execve("/usr/bin/su", suid=True, owner=0)
    assert (child.euid, child.deathsig, call(child, bsd.PROC_NO_NEW_PRIVS_STATUS)) == (1001, 0, 1)


def test_wxmap(kernel: Kernel, shell: Process) -> None:
    """PERMIT at once, DISALLOW at the next exec; bits may come together in the status only."""
    call(shell, bsd.PROC_WXMAP_CTL, bsd.PROC_WX_MAPPINGS_DISALLOW_EXEC)
    assert call(shell, bsd.PROC_WXMAP_STATUS) == 2
    with refused("EINVAL"):
        call(shell, bsd.PROC_WXMAP_CTL, 3)
    shell.execve("/bin/a")
    assert call(shell.fork(), bsd.PROC_WXMAP_STATUS) == 2 | ACTIVE
    call(shell, bsd.PROC_WXMAP_CTL, bsd.PROC_WX_MAPPINGS_PERMIT)
    assert call(shell, bsd.PROC_WXMAP_STATUS) == 3
    kernel.sysctl("kern.elf64.allow_wx", 0)
    other = kernel.spawn("/bin/sh")
    other.execve("/bin/a")
    assert call(other, bsd.PROC_WXMAP_STATUS) == ACTIVE


def test_logsigexit(shell: Process) -> None:
    for value in (2, 3, 1):
        call(shell, bsd.PROC_LOGSIGEXIT_CTL, value)
        assert call(shell.fork(), bsd.PROC_LOGSIGEXIT_STATUS) == value


def test_kpti(kernel: Kernel, shell: Process) -> None:
    """At the next exec; only where the machine isolates page tables at all."""
    call(shell, bsd.PROC_KPTI_CTL, 2, shell.pid)
    assert call(shell, bsd.PROC_KPTI_STATUS, id=shell.pid) == 2 | ACTIVE
    shell.execve("/bin/a")
    assert call(shell, bsd.PROC_KPTI_STATUS, id=shell.pid) == 2
    call(shell, bsd.PROC_KPTI_CTL, 1, shell.pid)
    assert call(shell, bsd.PROC_KPTI_STATUS, id=shell.pid) == 1
    call(shell, bsd.PROC_KPTI_CTL, 2, shell.pid)
    kernel.sysctl("vm.pmap.pti", 0)
    call(shell, bsd.PROC_KPTI_CTL, 1, shell.pid)
    assert call(shell, bsd.PROC_KPTI_STATUS, id=shell.pid) == 2


def test_linear_addresses(kernel: Kernel, shell: Process) -> None:
    call(shell, bsd.PROC_LA_CTL, bsd.PROC_LA_CTL_LA48_ON_EXEC, shell.pid)
    assert call(shell, bsd.PROC_LA_STATUS, id=shell.fork().pid) == 1 | 0x01000000
    with refused("EOPNOTSUPP"):
        call(shell, bsd.PROC_LA_CTL, bsd.PROC_LA_CTL_LA57_ON_EXEC, shell.pid)
    kernel.sysctl("vm.pmap.la57", 1)
    call(shell, bsd.PROC_LA_CTL, bsd.PROC_LA_CTL_LA57_ON_EXEC, shell.pid)
    assert call(shell, bsd.PROC_LA_STATUS, id=shell.pid) == 2 | 0x01000000
    call(shell, bsd.PROC_LA_CTL, bsd.PROC_LA_CTL_DEFAULT_ON_EXEC, shell.pid)
    assert call(shell, bsd.PROC_LA_STATUS, id=shell.pid) == 3 | 0x01000000
