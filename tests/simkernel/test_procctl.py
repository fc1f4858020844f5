"""procctl(2) of DragonFly: the order of its checks, and each command."""

from __future__ import annotations

import pytest

from pydfly import BAD_POINTER, NULL, AlreadyReaperError, NotReaperError, simkernel
from pydfly.constants.dragonfly import (
    P_PID,
    PROC_PDEATHSIG_CTL,
    PROC_PDEATHSIG_STATUS,
    PROC_REAP_ACQUIRE,
    PROC_REAP_RELEASE,
    PROC_REAP_STATUS,
)
from pydfly.simkernel import Kernel, Process
from pydfly.structs import ReaperStatus

from .told import acquire, arm, armed, refused, release, status

COMMANDS = (
    PROC_REAP_ACQUIRE,
    PROC_REAP_RELEASE,
    PROC_REAP_STATUS,
    PROC_PDEATHSIG_CTL,
    PROC_PDEATHSIG_STATUS,
)


@pytest.mark.parametrize("idtype", [*range(1, 17), 2**32 - 1])
def test_only_p_pid_is_accepted_whatever_the_rest_is(shell: Process, idtype: int) -> None:
    for cmd in (*COMMANDS, 0, 99):
        with refused("EINVAL", "procctl"):
            shell.procctl(idtype, 0, cmd, BAD_POINTER)


@pytest.mark.parametrize("id", [1, 3, 77, -1, -2, 1 << 32, 2 | 1 << 32])
def test_a_foreign_id_is_einval_never_esrch_or_eperm(shell: Process, id: int) -> None:
    shell.fork()
    for cmd in COMMANDS:
        with refused("EINVAL"):
            shell.procctl(P_PID, id, cmd)
    assert status(shell) == (0, 0, 3)


@pytest.mark.parametrize("cmd", [0, 6, 7, 99, -1, 65537])
def test_unknown_commands_are_einval_before_the_pointer_is_looked_at(shell: Process, cmd: int) -> None:
    for data in (NULL, BAD_POINTER, 5):
        with refused("EINVAL"):
            shell.procctl(P_PID, 0, cmd, data)


def test_idtype_and_command_are_32_bit_and_the_id_is_64(shell: Process) -> None:
    assert shell.procctl(P_PID + (1 << 32), shell.pid, PROC_REAP_STATUS | 1 << 32) == ReaperStatus(0, 0, -1)


@pytest.mark.parametrize("data", [NULL, BAD_POINTER, 7])
def test_acquire_and_release_ignore_their_data(shell: Process, data: object) -> None:
    """DP-1, DP-2."""
    shell.procctl(P_PID, 0, PROC_REAP_ACQUIRE, data)  # type: ignore[arg-type]
    assert status(shell)[0] == 1
    shell.procctl(P_PID, 0, PROC_REAP_RELEASE, data)  # type: ignore[arg-type]
    assert status(shell)[0] == 0


def test_acquire_twice_and_release_without(shell: Process) -> None:
    with pytest.raises(NotReaperError) as without:
        release(shell)
    assert without.value.errno_name == "ENOTCONN"
    acquire(shell)
    with pytest.raises(AlreadyReaperError) as twice:
        acquire(shell)
    assert twice.value.errno_name == "EALREADY"
    child = shell.fork()
    with refused("ENOTCONN"):  # a member is no owner
        release(child)
    release(shell)
    with refused("ENOTCONN"):
        release(shell)


def test_status_writes_nothing_to_null_and_refuses_a_bad_pointer(shell: Process) -> None:
    """DP-3."""
    assert shell.procctl(P_PID, 0, PROC_REAP_STATUS, NULL) is None
    with refused("EFAULT"):
        shell.procctl(P_PID, 0, PROC_REAP_STATUS, BAD_POINTER)


def test_pid_head_is_loaded_for_every_process_zombies_included(shell: Process) -> None:
    """DP-6, DP-7."""
    assert status(shell) == (0, 0, -1)
    first, second = shell.fork(), shell.fork()
    assert status(shell) == (0, 0, second.pid)
    second.exit(0)
    assert status(shell) == (0, 0, second.pid)
    shell.wait(second.pid)
    assert status(shell) == (0, 0, first.pid)


def test_flags_of_init(kernel: Kernel) -> None:
    """DP-4; its node is born with one reference more."""
    assert status(kernel.init) == (3, 1, -1)
    with refused("EALREADY"):
        acquire(kernel.init)


@pytest.mark.parametrize("cmd", [PROC_PDEATHSIG_CTL, PROC_PDEATHSIG_STATUS])
def test_pdeathsig_needs_memory(shell: Process, cmd: int) -> None:
    """DP-8, DP-9."""
    with refused("EINVAL"):
        shell.procctl(P_PID, 0, cmd, NULL)
    with refused("EFAULT"):
        shell.procctl(P_PID, 0, cmd, BAD_POINTER)


@pytest.mark.parametrize("value", [0, 1, 15, 64, 127, 128])
def test_pdeathsig_values_that_are_stored(shell: Process, value: int) -> None:
    arm(shell, 30)
    arm(shell, value)
    assert armed(shell) == value


@pytest.mark.parametrize("value", [-1, 129, 255, 1000, 2**31 - 1, -(2**31)])
def test_pdeathsig_values_that_are_ignored_without_an_error(shell: Process, value: int) -> None:
    """DP-9."""
    arm(shell, 30)
    arm(shell, value)
    assert armed(shell) == 30


def test_pdeathsig_takes_what_is_in_the_memory_or_any_integer(shell: Process) -> None:
    class Integer:
        def __index__(self) -> int:
            return 17

    shell.procctl(P_PID, 0, PROC_PDEATHSIG_CTL, Integer())  # type: ignore[arg-type]
    assert armed(shell) == 17
    shell.procctl(P_PID, 0, PROC_PDEATHSIG_CTL)  # memory that the wrapper supplies is zero
    assert armed(shell) == 0
    with pytest.raises(TypeError):
        shell.procctl(P_PID, 0, PROC_PDEATHSIG_CTL, 1.5)  # type: ignore[arg-type]


def test_signal_128_brings_the_machine_down_when_the_parent_exits(kernel: Kernel, shell: Process) -> None:
    """DP-10: accepted, and fatal for the kernel; nothing works afterwards."""
    child = shell.fork()
    arm(child, 128)
    with pytest.raises(simkernel.KernelPanic, match="signal 128"):
        shell.exit(0)
    with pytest.raises(simkernel.KernelPanic, match="signal 128"):
        child.fork()
    with pytest.raises(simkernel.KernelPanic):
        kernel.spawn("/bin/sh")


def test_init_may_release_once_and_the_second_time_is_a_panic(kernel: Kernel) -> None:
    release(kernel.init)
    assert status(kernel.init) == (0, 0, -1)
    with pytest.raises(simkernel.KernelPanic, match="released the root domain"):
        release(kernel.init)


def test_init_may_acquire_again_after_its_release(kernel: Kernel) -> None:
    release(kernel.init)
    acquire(kernel.init)
    assert status(kernel.init) == (3, 1, -1)


@pytest.mark.parametrize("way", ["orphan", "zombie"])
def test_without_a_root_domain_the_next_reparenting_is_a_panic(kernel: Kernel, shell: Process, way: str) -> None:
    child = shell.fork()
    release(kernel.init)
    if way == "orphan":
        with pytest.raises(simkernel.KernelPanic, match="no living reaper"):
            shell.exit(0)
    else:
        shell.ignore_sigchld(True)
        with pytest.raises(simkernel.KernelPanic, match="no living reaper"):
            child.exit(0)


def test_init_never_dies(kernel: Kernel) -> None:
    with pytest.raises(simkernel.KernelPanic, match="init died"):
        kernel.init.exit(0)


def test_without_a_root_domain_a_new_process_has_none(kernel: Kernel) -> None:
    release(kernel.init)
    child = kernel.init.fork()
    assert child.node is None
    acquire(child)
    assert status(child) == (1, 0, -1)
    release(child)
    assert child.node is None
    child.exit(0)
    assert kernel.init.wait() == (2, 0)
