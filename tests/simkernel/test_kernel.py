"""The machine: booting, several side by side, calls by number."""

from __future__ import annotations

import pytest

from pydfly import simkernel
from pydfly.constants import dragonfly
from pydfly.simkernel import Kernel, Process
from pydfly.simkernel.machine import Flavour
from pydfly.structs import ReaperStatus

from .told import refused


def test_only_init_is_there_at_boot(kernel: Kernel) -> None:
    assert [process.pid for process in kernel.processes()] == [1]
    init = kernel.init
    assert (init.ppid, init.euid, init.text, init.name, init.children) == (0, 0, None, "init", [])
    assert repr(kernel) == "<simulated dragonfly 6.4, 1 processes>"


def test_spawn(kernel: Kernel) -> None:
    shell = kernel.spawn("/bin/sh", uid=1001, gid=7)
    assert (shell.pid, shell.ppid) == (2, 1)
    assert (shell.ruid, shell.euid, shell.svuid, shell.rgid, shell.egid, shell.svgid) == (1001,) * 3 + (7,) * 3
    assert kernel.process(2) is shell is kernel.find(2)
    assert (shell.name, shell.jailed) == ("sh", False)


def test_kernels_live_side_by_side() -> None:
    one, two = simkernel.boot("dragonfly"), simkernel.boot("dragonfly")
    one.spawn("/bin/sh").exec_sys_register(1)
    shell = two.spawn("/bin/sh")
    assert shell.pid == 2
    assert shell.vm_resident() == []


def test_flavours_and_versions() -> None:
    with pytest.raises(ValueError, match="unknown flavour 'plan9'"):
        simkernel.boot("plan9")
    with pytest.raises(NotImplementedError, match=r"dragonfly 1\.0 is not modelled"):
        simkernel.boot("dragonfly", version="1.0")
    assert simkernel.boot("dragonfly", "6.4").flavour.version == "6.4"


def test_a_flavour_has_everything_that_a_kernel_asks_of_it(kernel: Kernel) -> None:
    asked = {name for name in (*vars(Flavour), *Flavour.__annotations__) if not name.startswith("_")}
    assert {"fork", "exit", "calls"} < asked
    assert [name for name in sorted(asked) if not hasattr(kernel.flavour, name)] == []


def test_calls_by_number(kernel: Kernel, shell: Process) -> None:
    assert shell.syscall(dragonfly.SYS_exec_sys_register, 5) is None
    assert shell.syscall(dragonfly.SYS_exec_sys_unregister, -2) == 1
    assert shell.syscall(dragonfly.SYS_procctl, 0, 0, dragonfly.PROC_REAP_STATUS, 0) == ReaperStatus(0, 0, -1)
    with refused("ENOSYS", "kqueue"):
        shell.call("kqueue")


def test_a_missing_call_is_einval_with_sigsys(kernel: Kernel, shell: Process) -> None:
    """DP-11."""
    with refused("EINVAL", "syscall"):
        shell.syscall(400)
    assert shell.pending == [12]
    shell.block_signals(False)
    assert not shell.alive
    other = kernel.spawn("/bin/sh")
    other.block_signals(False)
    with refused("EINVAL"):
        other.syscall(400)
    assert not other.alive
