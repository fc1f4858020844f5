"""Kernel modules with system calls: MO-1 to MO-9, on FreeBSD and in DragonFly's form."""

from __future__ import annotations

import pytest

import pydfly
from pydfly import simkernel, structs, syscalls
from pydfly.errors import refusal
from pydfly.simkernel import Kernel, KernelPanic, Process, SimulationError
from pydfly.simkernel.syscalls.modules import (
    MOD_LOAD,
    MOD_QUIESCE,
    MOD_SHUTDOWN,
    MOD_UNLOAD,
    Module,
    ModuleData,
)
from pydfly.simkernel.syscalls.sysent import (
    NO_SYSCALL,
    SY_THR_STATIC,
    SYSCALL_INIT_LAST,
    SyscallHelperData,
    Sysent,
    lkmnosys,
    null_call,
)

from ..conftest import linux_only
from .told import refused


def sys_double(process: Process, value: int) -> int:
    return 2 * value


def entry(number: int = NO_SYSCALL) -> SyscallHelperData:
    return SyscallHelperData(Sysent(sys_double), number)


class Chain:
    """A chained handler that writes down what it gets, and refuses some of it."""

    def __init__(self, **refuses: str) -> None:
        self.seen: list[tuple[int, object]] = []
        self.refuses = refuses

    def __call__(self, module: Module, what: int, arg: object) -> None:
        self.seen.append((what, arg))
        name = ["load", "unload", "shutdown", "quiesce"][what]
        if name in self.refuses:
            raise refusal("module", self.refuses[name], "the module says so")


@pytest.fixture(params=["freebsd", "dragonfly"])
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return simkernel.boot(request.param)


@pytest.fixture
def bsd() -> Kernel:
    return simkernel.boot("freebsd")


@pytest.fixture
def dfly() -> Kernel:
    return simkernel.boot("dragonfly")


def test_events_have_the_kernels_numbers() -> None:
    assert (MOD_LOAD, MOD_UNLOAD, MOD_SHUTDOWN, MOD_QUIESCE) == (0, 1, 2, 3)


def test_mo_1_names(kernel: Kernel) -> None:
    module = kernel.modules.syscall_module("double", entry())
    assert module.name == {"freebsd": "sys/double", "dragonfly": "double"}[kernel.flavour.name]


def test_mo_2_load_registers_and_stores_the_number(kernel: Kernel) -> None:
    chain = Chain()
    shell = kernel.spawn("/bin/sh")
    id = kernel.modules.load(kernel.modules.syscall_module("double", entry(), chain, "argument"))
    assert chain.seen == [(MOD_LOAD, "argument")]
    assert shell.modstat(id).data == 210
    assert shell.syscall(210, 21) == 42


def test_mo_2_a_failed_load_makes_unload_a_no_op(bsd: Kernel) -> None:
    chain = Chain()
    with refused("EEXIST"):
        bsd.modules.load(bsd.modules.syscall_module("double", entry(1), chain))
    assert (chain.seen, bsd.modules.loaded) == ([], {})


def test_mo_3_unload(kernel: Kernel) -> None:
    """The chained handler first; then the call is gone."""
    chain = Chain()
    id = kernel.modules.load(kernel.modules.syscall_module("double", entry(), chain, 7))
    kernel.modules.unload(id)
    asked = [(MOD_QUIESCE, 7)] if kernel.flavour.name == "freebsd" else []
    assert chain.seen == [(MOD_LOAD, 7), *asked, (MOD_UNLOAD, 7)]
    assert kernel.sysent.slots[210].call is lkmnosys
    with refused("ENOENT", "kldunload"):
        kernel.modules.unload(id)


def test_mo_3_the_chain_can_stop_the_unload(kernel: Kernel) -> None:
    shell = kernel.spawn("/bin/sh")
    id = kernel.modules.load(kernel.modules.syscall_module("double", entry(), Chain(unload="EBUSY")))
    with refused("EBUSY"):
        kernel.modules.unload(id)
    assert id in kernel.modules.loaded
    assert shell.syscall(210, 1) == 2


def test_mo_3_a_static_call_cannot_be_unloaded(bsd: Kernel) -> None:
    id = bsd.modules.load(bsd.modules.syscall_module("double", entry(), flags=SY_THR_STATIC))
    with refused("EINVAL", "syscall_deregister"):
        bsd.modules.unload(id)


@pytest.mark.parametrize(("answer", "stays"), [("EBUSY", True), ("EOPNOTSUPP", False), ("EINVAL", False)])
def test_a_module_is_asked_before_it_is_unloaded(bsd: Kernel, answer: str, stays: bool) -> None:
    """MOD_QUIESCE: what does not know the event agrees to it."""
    id = bsd.modules.load(bsd.modules.syscall_module("double", entry(), Chain(quiesce=answer)))
    if stays:
        with refused("EBUSY"):
            bsd.modules.unload(id)
    else:
        bsd.modules.unload(id)
    assert (id in bsd.modules.loaded) is stays


def test_mo_4_other_events(bsd: Kernel, dfly: Kernel) -> None:
    """Without a chained handler EOPNOTSUPP on FreeBSD, nothing on DragonFly; with one, what that says."""
    with refused("EOPNOTSUPP"):
        bsd.modules.event(bsd.modules.load(bsd.modules.syscall_module("double", entry())), MOD_SHUTDOWN)
    dfly.modules.event(dfly.modules.load(dfly.modules.syscall_module("double", entry())), MOD_SHUTDOWN)
    for kernel in (bsd, dfly):
        chain = Chain()
        kernel.modules.event(kernel.modules.load(kernel.modules.syscall_module("x", entry(), chain)), MOD_SHUTDOWN)
        assert chain.seen[-1] == (MOD_SHUTDOWN, None)


def test_mo_5_a_load_that_fails_after_registration_is_undone(kernel: Kernel) -> None:
    chain = Chain(load="ENOMEM")
    with refused("ENOMEM"):
        kernel.modules.load(kernel.modules.syscall_module("double", entry(), chain))
    assert [what for what, _ in chain.seen] == [MOD_LOAD, MOD_UNLOAD]
    assert kernel.sysent.slots[210].call is lkmnosys
    assert kernel.modules.loaded == {}


def test_mo_5_unless_the_chain_refuses_that_too(kernel: Kernel) -> None:
    """The kernel ignores the result: the call stays, without a module."""
    shell = kernel.spawn("/bin/sh")
    with refused("ENOMEM"):
        kernel.modules.load(kernel.modules.syscall_module("double", entry(), Chain(load="ENOMEM", unload="EBUSY")))
    assert (kernel.modules.loaded, shell.syscall(210, 4)) == ({}, 8)


def test_mo_6_from_the_name_to_the_call(kernel: Kernel) -> None:
    """modfind, modstat, syscall, as the manual's example does it, through the public layer."""
    kernel.modules.load(ModuleData("another"))
    full = kernel.modules.syscall_module("syscall", entry())
    kernel.modules.load(full)
    shell = kernel.spawn("/bin/sh")
    with pydfly.use(shell):
        stat = syscalls.modstat(syscalls.modfind(full.name))
    assert (stat.name, stat.refs, stat.id) == (full.name, 1, 2)
    assert stat.data is not None
    assert shell.syscall(stat.data, 21) == 42


def test_mo_6_modfind_refuses(kernel: Kernel) -> None:
    shell = kernel.spawn("/bin/sh")
    longest = {"freebsd": 1023, "dragonfly": 31}[kernel.flavour.name]
    for name, errno_name in (("nobody", "ENOENT"), ("x" * longest, "ENOENT"), ("x" * (longest + 1), "ENAMETOOLONG")):
        with refused(errno_name, "modfind"):
            shell.modfind(name)
    with refused("EFAULT", "modfind"):
        shell.call("modfind", structs.BAD_POINTER)


def test_mo_6_modstat_refuses_in_order(kernel: Kernel) -> None:
    shell = kernel.spawn("/bin/sh")
    with refused("ENOENT", "modstat"):
        shell.call("modstat", 1, structs.BAD_POINTER)
    id = kernel.modules.load(ModuleData("plain"))
    with refused("EFAULT", "modstat"):
        shell.call("modstat", id, structs.BAD_POINTER)
    for version in (0, 45, 1048 if kernel.flavour.name == "dragonfly" else 1047):
        with refused("EINVAL", "modstat"):
            shell.modstat(id, version)


def test_mo_6_versions_of_the_structure(kernel: Kernel) -> None:
    """Names are cut to 32 bytes in the two smaller structures, and the first has no data."""
    name = "n" * 40
    id = kernel.modules.load(ModuleData(name))
    shell = kernel.spawn("/bin/sh")
    assert shell.modstat(id, 44) == structs.ModuleStat(44, name[:32], 1, id, None)
    assert shell.modstat(id, 56) == structs.ModuleStat(56, name[:32], 1, id, 0)
    if kernel.flavour.name == "freebsd":
        assert shell.modstat(id) == structs.ModuleStat(1048, name, 1, id, 0)


def test_mo_7_helper_calls_have_no_module(bsd: Kernel) -> None:
    bsd.syscall_helper_register([entry(210), SYSCALL_INIT_LAST])
    shell = bsd.spawn("/bin/sh")
    with refused("ENOENT"):
        shell.modfind("sys/double")
    with refused("ENOENT"):
        shell.modnext(0)


def test_mo_7_but_the_module_around_them_has(bsd: Kernel) -> None:
    entries = [entry(210), SYSCALL_INIT_LAST]

    def handler(module: Module, what: int, arg: object) -> None:
        if what == MOD_LOAD:
            bsd.syscall_helper_register(entries)
        elif what == MOD_UNLOAD:
            bsd.syscall_helper_unregister(entries)

    id = bsd.modules.load(ModuleData("around", handler))
    shell = bsd.spawn("/bin/sh")
    assert shell.modstat(shell.modfind("around")).data == 0  # no number is stored
    assert shell.syscall(210, 4) == 8
    assert repr(bsd.modules.loaded[id]) == "<module 1 'around'>"
    bsd.modules.unload(id)
    with refused("ENOSYS"):
        shell.syscall(210, 4)


def test_mo_8_zero_does_not_mean_assign_one(kernel: Kernel) -> None:
    """The manual says it does.  On DragonFly the unload that follows leaves number 0 alone."""
    with refused("EEXIST"):
        kernel.modules.load(kernel.modules.syscall_module("double", entry(0)))
    assert kernel.sysent.slots[0].call is not null_call


def test_mo_9_ids_count_up_and_are_not_reused(kernel: Kernel) -> None:
    shell = kernel.spawn("/bin/sh")
    ids = [kernel.modules.load(ModuleData(name)) for name in "abc"]
    assert ids == [1, 2, 3]
    kernel.modules.unload(2)
    with refused("EEXIST", "kldload"):
        kernel.modules.load(ModuleData("a"))
    with refused("EEXIST"):  # a load that fails has had its id
        kernel.modules.load(kernel.modules.syscall_module("double", entry(20)))
    assert kernel.modules.load(ModuleData("d")) == 5
    assert [shell.modnext(id) for id in (0, 1, 3, 5)] == [1, 3, 5, 0]
    with refused("ENOENT", "modnext"):
        shell.modnext(2)


@pytest.mark.parametrize("number", [536, 465])
def test_dragonfly_a_failed_load_zeroes_the_slot(dfly: Kernel, number: int) -> None:
    """6.6: the unload event still runs, and writes the entry that was never saved over an occupied slot."""
    shell = dfly.spawn("/bin/sh")
    chain = Chain()
    with refused("EEXIST"):
        dfly.modules.load(dfly.modules.syscall_module("double", entry(number), chain))
    assert [what for what, _ in chain.seen] == [MOD_UNLOAD]
    with pytest.raises(KernelPanic):
        shell.syscall(number, 0, 0, 0, 0)


def test_dragonfly_a_failed_load_can_write_outside_the_table(dfly: Kernel) -> None:
    with pytest.raises(SimulationError, match="outside its system-call table"):
        dfly.modules.load(dfly.modules.syscall_module("double", entry(9999)))


@linux_only
def test_other_backends_have_no_modules() -> None:
    with pydfly.use("linux") as backend:
        for call in (lambda: backend.modfind("sys/x"), lambda: backend.modstat(1)):
            with refused("ENOSYS"):
                call()
