"""The system-call table: FreeBSD's helper arrays (SH-1 to SH-11), calls through the table, DragonFly's older form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pydfly import SyscallError, simkernel, structs
from pydfly.constants import dragonfly, freebsd
from pydfly.errors import refusal
from pydfly.simkernel import Kernel, KernelPanic, Process, SimulationError
from pydfly.simkernel.syscalls.freebsd import FreeBSDTable
from pydfly.simkernel.syscalls.numbers import LAYOUTS, numbers
from pydfly.simkernel.syscalls.sysent import (
    NO_SYSCALL,
    SY_THR_ABSENT,
    SY_THR_DRAINING,
    SY_THR_FLAGMASK,
    SY_THR_INCR,
    SY_THR_STATIC,
    SYF_CAPENABLED,
    SYSCALL_INIT_HELPER,
    SYSCALL_INIT_HELPER_COMPAT,
    SYSCALL_INIT_HELPER_COMPAT_F,
    SYSCALL_INIT_HELPER_F,
    SYSCALL_INIT_LAST,
    SyscallHelperData,
    Sysent,
    count_arguments,
    lkmnosys,
    lkmressys,
    nosys,
    null_call,
)

from .told import refused

SIGSYS = 12
BSDS = [("freebsd", "13.2"), ("freebsd", "main"), ("dragonfly", "6.4")]


def sys_add(process: Process, left: int, right: int) -> int:
    return left + right


def entry(number: int = 210) -> SyscallHelperData:
    return SyscallHelperData(Sysent(sys_add), number)


def array(*places: int) -> list[SyscallHelperData]:
    return [*map(entry, places), SYSCALL_INIT_LAST]


@pytest.fixture(params=["13.2", "main"])
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return simkernel.boot("freebsd", request.param)


@pytest.fixture
def shell(kernel: Kernel) -> Process:
    return kernel.spawn("/bin/sh")


@pytest.fixture
def table(kernel: Kernel) -> FreeBSDTable:
    assert isinstance(kernel.sysent, FreeBSDTable)
    return kernel.sysent


def test_flags_have_the_kernels_values() -> None:
    assert (SY_THR_STATIC, SY_THR_DRAINING, SY_THR_ABSENT, SY_THR_INCR, SY_THR_FLAGMASK) == (1, 2, 4, 8, 7)
    assert (NO_SYSCALL, SYF_CAPENABLED) == (-1, 1)


@pytest.mark.parametrize(("system", "size"), list(zip(BSDS, [584, 603, 555], strict=True)))
def test_layout(system: tuple[str, str], size: int) -> None:
    """Slots are of one kind each, and as many as SYS_MAXSYSCALL says."""
    kernel = simkernel.boot(*system)
    layout = LAYOUTS[system]
    assert len(kernel.sysent.slots) == layout.size == size
    kinds = [layout.free, layout.reserved, layout.old, layout.absent]
    assert sum(map(len, kinds)) == len(frozenset().union(*kinds))
    assert max(frozenset().union(*kinds)) < size
    assert layout.free == frozenset(range(210, 220))


def test_kinds_of_slots(kernel: Kernel) -> None:
    """6.1: what stands in each kind of slot."""
    slots = kernel.sysent.slots
    assert [(slots[n].call, slots[n].thrcnt) for n in (0, 11, 8, 210, 154)] == [
        (nosys, SY_THR_STATIC),
        (nosys, SY_THR_ABSENT),
        (nosys, SY_THR_STATIC),
        (lkmnosys, SY_THR_ABSENT),
        (lkmressys, SY_THR_ABSENT),
    ]
    assert slots[freebsd.SYS_procctl].thrcnt == SY_THR_STATIC
    reserved = sum(slot.call is lkmressys for slot in slots)
    assert (reserved, slots[505].call) == ((43, lkmressys) if kernel.flavour.version == "13.2" else (42, nosys))


def test_numbers() -> None:
    assert numbers("1 3-5") == {1, 3, 4, 5}


def test_the_marks_are_not_to_be_called() -> None:
    for mark in (nosys, lkmnosys, lkmressys):
        with pytest.raises(NotImplementedError):
            mark(None)


def test_a_call_that_is_not_modelled_says_so(shell: Process) -> None:
    with pytest.raises(NotImplementedError, match="system call 20 exists"):
        shell.syscall(20)


# registering one -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [2, 4, 8, 3, -1])
def test_register_step_1_flags(kernel: Kernel, flags: int) -> None:
    """EINVAL before the number is looked at."""
    for number in (210, 1):
        with refused("EINVAL", "syscall_register"):
            kernel.syscall_register(entry(number), flags)


def test_register_step_2_lowest_free_slot(kernel: Kernel, shell: Process) -> None:
    """NO_SYSCALL takes 210 first, stores the number, and never a reserved slot; the eleventh gets ENFILE."""
    taken = []
    for _ in range(10):
        one = entry(NO_SYSCALL)
        assert kernel.syscall_register(one) == 0
        taken.append(one.syscall_no)
    assert taken == list(range(210, 220))
    assert shell.syscall(219, 2, 3) == 5
    eleventh = entry(NO_SYSCALL)
    with refused("ENFILE"):
        kernel.syscall_register(eleventh)
    assert eleventh.syscall_no == NO_SYSCALL


@pytest.mark.parametrize("number", [-2, -1000, 603, 2**31])
def test_register_step_3_range(kernel: Kernel, number: int) -> None:
    with refused("EINVAL"):
        kernel.syscall_register(entry(number))


@pytest.mark.parametrize("number", [0, 1, 11, 8, 198, 544])
def test_register_step_4_taken(kernel: Kernel, number: int) -> None:
    """Normal, obsolete, old and indirect slots are not registrable."""
    with refused("EEXIST"):
        kernel.syscall_register(entry(number))


@pytest.mark.parametrize("number", [210, 154])
def test_register_step_5_saves_and_publishes(kernel: Kernel, shell: Process, number: int) -> None:
    before = kernel.sysent.slots[number]
    one = entry(number)
    kernel.syscall_register(one, SY_THR_STATIC)
    assert one.old is not None and (one.old.call, one.old.thrcnt) == (before.call, SY_THR_ABSENT)
    assert one.new.thrcnt == SY_THR_ABSENT  # the kernel writes into the caller's structure
    assert kernel.sysent.slots[number].thrcnt == SY_THR_STATIC
    assert shell.syscall(number, 40, 2) == 42
    assert one.registered == 0  # only the helper sets it


# helper arrays ---------------------------------------------------------------------------------------------------


def test_sh_1_whole_array(kernel: Kernel, shell: Process) -> None:
    entries = array(210, 220, 471)
    assert kernel.syscall_helper_register(entries, 0) == 0
    assert [one.registered for one in entries] == [1, 1, 1, 0]
    assert [shell.syscall(number, 1, 1) for number in (210, 220, 471)] == [2, 2, 2]
    assert kernel.syscall_helper_unregister(entries) == 0
    assert [one.registered for one in entries] == [0, 0, 0, 0]
    with refused("ENOSYS"):
        shell.syscall(220, 1, 1)


def test_sh_2_first_failure_rolls_back(kernel: Kernel) -> None:
    entries = array(210, 211, 1, 212)
    with refused("EEXIST"):
        kernel.syscall_helper_register(entries)
    assert [one.registered for one in entries] == [0] * 5
    assert kernel.sysent.slots[210].call is kernel.sysent.slots[211].call is lkmnosys


def test_sh_3_empty_array_checks_not_even_flags(kernel: Kernel) -> None:
    assert kernel.syscall_helper_register([SYSCALL_INIT_LAST], 1 << 20) == 0


def test_sh_4_no_number_is_the_end(kernel: Kernel) -> None:
    """An automatic number, and ENFILE, cannot happen through the helper."""
    kernel.syscall_helper_register(array(*range(210, 220)))
    automatic = entry(NO_SYSCALL)
    assert kernel.syscall_helper_register([automatic, entry(-5)]) == 0
    assert automatic.registered == 0


@pytest.mark.parametrize("version", ["13.2", "main"])
def test_sh_5_range_is_exclusive(version: str) -> None:
    kernel = simkernel.boot("freebsd", version)
    size = len(kernel.sysent.slots)
    with refused("EINVAL"):
        kernel.syscall_helper_register(array(size))
    with refused("EEXIST"):
        kernel.syscall_helper_register(array(size - 1))
    with refused("EEXIST"):
        kernel.syscall_helper_register(array(0))


def test_sh_6_sy_flags_are_not_checked(kernel: Kernel) -> None:
    one = SyscallHelperData(Sysent(sys_add, flags=0xFF), 210)
    assert kernel.syscall_helper_register([one, SYSCALL_INIT_LAST]) == 0


def test_sh_7_unregister_ignores_results(kernel: Kernel) -> None:
    """The first is static and stays; the second goes; 0 all the same."""
    first, second = entry(210), entry(211)
    kernel.syscall_helper_register([first, SYSCALL_INIT_LAST], SY_THR_STATIC)
    kernel.syscall_helper_register([second, SYSCALL_INIT_LAST])
    assert kernel.syscall_helper_unregister([first, second, SYSCALL_INIT_LAST]) == 0
    assert (first.registered, second.registered) == (0, 0)
    assert kernel.sysent.slots[211].call is lkmnosys


def test_sh_8_static_entries_stay(kernel: Kernel, shell: Process) -> None:
    entries = array(210)
    kernel.syscall_helper_register(entries, SY_THR_STATIC)
    assert kernel.syscall_helper_unregister(entries) == 0
    assert entries[0].registered == 0
    assert shell.syscall(210, 2, 2) == 4
    with refused("EINVAL", "syscall_deregister"):
        kernel.syscall_deregister(entries[0])


def test_sh_8_static_roll_back_leaves_the_first_for_ever(kernel: Kernel, shell: Process) -> None:
    with refused("EEXIST"):
        kernel.syscall_helper_register(array(210, 1), SY_THR_STATIC)
    assert shell.syscall(210, 2, 2) == 4


def test_sh_9_registering_twice_unregisters(kernel: Kernel, shell: Process) -> None:
    entries = array(210, 211)
    kernel.syscall_helper_register(entries)
    with refused("EEXIST"):
        kernel.syscall_helper_register(entries)
    assert [one.registered for one in entries] == [0, 0, 0]
    for number in (210, 211):
        with refused("ENOSYS"):
            shell.syscall(number, 1, 1)


def test_sh_10_terminator_must_not_be_registered(kernel: Kernel) -> None:
    """Unregister looks at `registered` alone, and runs off the array."""
    entries = [entry(210), SyscallHelperData(Sysent(), NO_SYSCALL)]
    kernel.syscall_helper_register(entries)
    entries[1].registered = 1
    entries[1].syscall_no = 0  # so that the kernel leaves the table alone
    with pytest.raises(SimulationError, match="runs off the array"):
        kernel.syscall_helper_unregister(entries)
    with pytest.raises(SimulationError, match="runs off the array"):
        kernel.syscall_helper_register([entry(212)])


def test_sh_11_never_registered(kernel: Kernel) -> None:
    slots = list(kernel.sysent.slots)
    assert kernel.syscall_helper_unregister(array(210)) == 0
    assert kernel.sysent.slots == slots


# the initialisers ------------------------------------------------------------------------------------------------


def sys_hello(process: Process, one: int) -> str:
    return f"hello {one} from {process.pid}"


def hello(process: Process) -> str:
    return "compat"


SYS_hello = 215
SYS_AUE_hello = 43


def test_the_four_initialisers(kernel: Kernel, shell: Process) -> None:
    plain = SYSCALL_INIT_HELPER("hello", globals())
    flagged = SYSCALL_INIT_HELPER_F("hello", globals(), SYF_CAPENABLED)
    compat = SYSCALL_INIT_HELPER_COMPAT("hello", globals())
    both = SYSCALL_INIT_HELPER_COMPAT_F("hello", globals(), SYF_CAPENABLED)
    assert [one.new.call for one in (plain, flagged, compat, both)] == [sys_hello, sys_hello, hello, hello]
    assert [one.new.flags for one in (plain, flagged, compat, both)] == [0, 1, 0, 1]
    assert [one.new.narg for one in (plain, flagged, compat, both)] == [1, 1, 0, 0]
    assert {(one.syscall_no, one.registered, one.new.auevent) for one in (plain, flagged, compat, both)} == {
        (215, 0, 43)
    }
    kernel.syscall_helper_register([plain, SYSCALL_INIT_LAST])
    assert shell.syscall(215, 7) == "hello 7 from 2"
    assert SYSCALL_INIT_LAST.syscall_no == NO_SYSCALL
    with pytest.raises(KeyError):
        SYSCALL_INIT_HELPER("goodbye", globals())


def test_names_in_full() -> None:
    assert repr(Sysent(sys_add, flags=1)) == "<sysent sys_add, 2 arguments, flags 1, thrcnt 0>"
    assert repr(entry()).startswith("<syscall 210 <sysent sys_add")
    assert count_arguments(lambda: None) == 0
    with pytest.raises(TypeError, match="give narg"):
        Sysent(lambda process, *args: args)
    assert Sysent(lambda process, *args: args, 3).narg == 3
    assert Sysent().narg == 0


# calls through the table -------------------------------------------------------------------------------------------


def test_out_of_range_is_nosys(kernel: Kernel, shell: Process) -> None:
    """6.4 step 1: SIGSYS and ENOSYS."""
    for number in (603, -1, 2**31):
        with refused("ENOSYS", "syscall"):
            shell.syscall(number)
    assert shell.pending == [SIGSYS]


def test_absent_slots_are_told_apart_by_version(kernel: Kernel, shell: Process) -> None:
    """6.4 step 3: 13.2 sends no SIGSYS for a slot that waits for a module, or is obsolete; later kernels do."""
    for number in (210, 154, 11):
        with refused("ENOSYS"):
            shell.syscall(number, 1, 2)
    assert shell.pending == ([] if kernel.flavour.version == "13.2" else [SIGSYS])


def test_old_calls_are_nosys_with_sigsys(shell: Process) -> None:
    with refused("ENOSYS"):
        shell.syscall(8)
    assert shell.pending == [SIGSYS]


def test_kern_signosys() -> None:
    """Kernels after 13.2 can be told not to send SIGSYS."""
    kernel = simkernel.boot("freebsd", "main")
    shell = kernel.spawn("/bin/sh")
    assert kernel.sysctl("kern.signosys", 0) == 1
    with refused("ENOSYS"):
        shell.syscall(1000)
    assert (shell.pending, kernel.sysctl("kern.signosys")) == ([], 0)
    with pytest.raises(NotImplementedError, match=r"kern\.ostype is not modelled"):
        kernel.sysctl("kern.ostype")


def test_capability_mode(kernel: Kernel, shell: Process, table: FreeBSDTable) -> None:
    """6.4 step 2, before the slot is found to be absent: ECAPMODE, raised as EPERM where the host has none (K-5)."""
    allowed = SyscallHelperData(Sysent(sys_add, flags=SYF_CAPENABLED), 211)
    kernel.syscall_helper_register([entry(210), allowed, SYSCALL_INIT_LAST])
    shell.cap_enter()
    for number in (210, 212, 544, 9999):
        with refused("ECAPMODE"):
            shell.syscall(number, 1, 1)
    with pytest.raises(PermissionError):
        shell.syscall(210, 1, 1)
    assert shell.syscall(211, 1, 1) == 2
    assert shell.fork().capmode
    with refused("ECAPMODE"):
        table.call(210, (1, 1), capmode=True)
    assert table.call(210, (1, 1)) == 2


def test_indirect_calls(kernel: Kernel, shell: Process) -> None:
    """syscall(2) and __syscall(2): the number is the first argument; the indirection is not repeated."""
    kernel.syscall_register(entry(210))
    assert shell.syscall(0, 210, 20, 22) == shell.syscall(198, 210, 20, 22) == 42
    with refused("ENOSYS"):
        shell.syscall(0, 0, 210, 1, 1)
    with pytest.raises(SimulationError, match="number of a call"):
        shell.syscall(0)


def test_arguments_are_counted_by_the_entry(kernel: Kernel, shell: Process) -> None:
    kernel.syscall_register(entry(210))
    assert shell.syscall(210, 1, 2, 3, 4) == 3
    with pytest.raises(SimulationError, match="takes 2 arguments and got 1"):
        shell.syscall(210, 1)


def test_a_call_can_refuse(kernel: Kernel, shell: Process) -> None:
    def refuse(process: Process) -> None:
        raise refusal("hello", "EBUSY", "not now")

    kernel.syscall_register(SyscallHelperData(Sysent(refuse), 210))
    with refused("EBUSY", "hello"):
        shell.syscall(210)
    assert kernel.sysent.slots[210].inside == 0


def test_procctl_is_an_entry_of_the_table(kernel: Kernel, shell: Process) -> None:
    assert shell.syscall(freebsd.SYS_procctl, 0, 0, freebsd.PROC_PDEATHSIG_CTL, 15) is None
    assert shell.deathsig == 15
    assert kernel.syscall(shell, freebsd.SYS_procctl, 0, 0, freebsd.PROC_PDEATHSIG_STATUS, structs.OMITTED) == 15
    kernel.sysent.install(freebsd.SYS_procctl, lambda process, *args: ("replaced", args), 4)
    assert shell.procctl(0, 0, 99) == ("replaced", (0, 0, 99, structs.OMITTED))


# draining --------------------------------------------------------------------------------------------------------


def test_a_thread_inside_holds_the_removal_up(kernel: Kernel, shell: Process, table: FreeBSDTable) -> None:
    one = entry(210)
    kernel.syscall_register(one)
    inside = table.enter(210, process=shell)
    slot = table.slots[210]
    assert (slot.inside, slot.thrcnt) == (1, SY_THR_INCR)
    removal = table.deregistering(one)
    assert [next(removal), next(removal)] == [0.0, 0.5]
    assert slot.thrcnt == SY_THR_INCR | SY_THR_DRAINING
    with refused("ENOSYS"):  # no thread may enter meanwhile
        shell.syscall(210, 1, 1)
    assert shell.pending == ([] if kernel.flavour.version == "13.2" else [SIGSYS])
    inside.leave()
    inside.leave()
    assert list(removal) == []
    assert (slot.thrcnt, table.slots[210].call, kernel.clock) == (SY_THR_ABSENT, lkmnosys, 1.0)


def test_the_hook_lets_threads_leave_or_gives_up(kernel: Kernel, shell: Process, table: FreeBSDTable) -> None:
    entries = array(210)
    kernel.syscall_helper_register(entries)
    threads = [table.enter(210) for _ in range(3)]
    seen = []

    def leave_one(number: int, waited: float) -> None:
        seen.append((number, waited))
        threads.pop().leave()

    table.while_draining = leave_one
    assert kernel.syscall_helper_unregister(entries) == 0
    assert seen == [(210, 0.0), (210, 0.5), (210, 1.0)]

    def give_up(number: int, waited: float) -> None:
        if waited >= 2:
            raise TimeoutError(number)

    kernel.syscall_helper_register(entries)
    table.while_draining = give_up
    with table.enter(210), pytest.raises(TimeoutError):
        kernel.syscall_helper_unregister(entries)


def test_a_removal_that_nothing_can_end_says_so(kernel: Kernel, table: FreeBSDTable) -> None:
    one = entry(210)
    kernel.syscall_register(one)
    with table.enter(210), pytest.raises(SimulationError, match="1 threads are inside system call 210"):
        kernel.syscall_deregister(one)
    with pytest.raises(SimulationError, match="waits for ever for it to go"):
        kernel.syscall_deregister(entry(211))  # never registered: the kernel would wait for an absent call


def test_a_call_that_removes_itself_never_returns(kernel: Kernel, shell: Process, table: FreeBSDTable) -> None:
    """Also with a function that lets threads leave: this one cannot."""
    entries: list[SyscallHelperData] = []

    def suicide(process: Process) -> None:
        process.kernel.syscall_helper_unregister(entries)

    entries += [SyscallHelperData(Sysent(suicide), 210), SYSCALL_INIT_LAST]
    kernel.syscall_helper_register(entries)
    table.while_draining = lambda number, waited: None
    with pytest.raises(SimulationError, match="system call 210 waits for itself"):
        shell.syscall(210)
    with refused("ENOSYS"):  # it drains for ever
        shell.syscall(210)


def test_static_calls_are_not_counted(kernel: Kernel, table: FreeBSDTable) -> None:
    with table.enter(freebsd.SYS_procctl):
        assert table.slots[freebsd.SYS_procctl].thrcnt == SY_THR_STATIC


def test_number_0_is_left_alone(kernel: Kernel) -> None:
    assert kernel.syscall_deregister(entry(0)) == 0
    with pytest.raises(SimulationError, match="outside its system-call table"):
        kernel.syscall_deregister(entry(9999))


def test_an_entry_of_zeros_brings_the_kernel_down(kernel: Kernel, shell: Process) -> None:
    kernel.syscall_register(SyscallHelperData(Sysent(null_call, 0), 210))
    with pytest.raises(KernelPanic, match="null pointer"):
        shell.syscall(210)
    with pytest.raises(KernelPanic):
        shell.fork()


def test_an_entry_that_was_never_registered_restores_zeros(kernel: Kernel, table: FreeBSDTable) -> None:
    kernel.syscall_register(entry(210))
    other = entry(210)  # the same slot, another structure
    assert kernel.syscall_deregister(other) == 0
    assert table.slots[210].call is null_call


# DragonFly -----------------------------------------------------------------------------------------------------


@pytest.fixture
def dfly() -> Iterator[Process]:
    yield simkernel.boot("dragonfly").spawn("/bin/sh")


def test_dragonfly_registers(dfly: Process) -> None:
    kernel = dfly.kernel
    one = entry(NO_SYSCALL)
    assert kernel.syscall_register(one) == 0
    assert (one.syscall_no, dfly.syscall(210, 1, 2)) == (210, 3)
    assert kernel.syscall_deregister(one) == 0
    with refused("EINVAL", "syscall"):
        dfly.syscall(210)
    assert dfly.pending == [SIGSYS]


@pytest.mark.parametrize(("number", "errno_name"), [(-2, "EINVAL"), (555, "EINVAL"), (154, "EEXIST"), (536, "EEXIST")])
def test_dragonfly_refuses(dfly: Process, number: int, errno_name: str) -> None:
    """Only 210 to 219 are free."""
    with refused(errno_name):
        dfly.kernel.syscall_register(entry(number))


def test_dragonfly_runs_out_of_slots(dfly: Process) -> None:
    for _ in range(10):
        dfly.kernel.syscall_register(entry(NO_SYSCALL))
    with refused("ENFILE"):
        dfly.kernel.syscall_register(entry(NO_SYSCALL))


def test_dragonfly_deregisters_without_looking(dfly: Process) -> None:
    """Always 0; an occupied slot is overwritten with what was never saved; number 0 is left alone."""
    kernel = dfly.kernel
    assert kernel.syscall_deregister(entry(0)) == 0
    assert kernel.syscall_deregister(entry(dragonfly.SYS_procctl)) == 0
    with pytest.raises(KernelPanic):
        dfly.procctl(0, 0, 3)
    with pytest.raises(SimulationError, match="outside"):
        simkernel.boot("dragonfly").syscall_deregister(entry(555))


def test_dragonfly_has_no_helpers(dfly: Process) -> None:
    for call in (dfly.kernel.syscall_helper_register, dfly.kernel.syscall_helper_unregister):
        with pytest.raises(NotImplementedError, match="syscall_register"):
            call([SYSCALL_INIT_LAST])


def test_dragonfly_calls_through_the_table(dfly: Process) -> None:
    kernel = dfly.kernel
    kernel.syscall_register(entry(210))
    assert dfly.syscall(0, 210, 1, 2, 3) == 3
    with pytest.raises(SyscallError):
        kernel.sysent.call(4000)
    with pytest.raises(NotImplementedError):
        dfly.syscall(20)


def test_kernels_do_not_share_what_is_registered() -> None:
    one, two = simkernel.boot("freebsd"), simkernel.boot("freebsd")
    one.syscall_register(entry(210))
    assert two.sysent.slots[210].call is lkmnosys
