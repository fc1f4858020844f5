"""Every command of DragonFly's procctl, and the calls for residency and modules, through the compiled extension."""

from __future__ import annotations

import errno
import os
import signal
import threading
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import pydfly
from pydfly import BAD_POINTER, NULL, constants, syscalls
from pydfly.structs import ModuleStat, ReaperKill, ReaperStatus, ResidentEntry

from ..processes import in_process
from .building import Kernel

ACQUIRE, RELEASE, STATUS, SET_SIGNAL, GET_SIGNAL = 1, 2, 3, 4, 5


def refused(*arguments: Any) -> pydfly.SyscallError:
    """Return the error of a call of procctl."""
    with pytest.raises(pydfly.SyscallError) as caught:
        pydfly.procctl(*arguments)
    return caught.value


def test_what_reaches_the_kernel(dragonfly: Kernel) -> None:
    """idtype, id and command arrive as they are given; the wrapper supplies memory only where some is needed."""
    pydfly.procctl(pydfly.P_PID, os.getpid(), pydfly.PROC_REAP_ACQUIRE)
    pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_STATUS)
    pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_STATUS, NULL)
    pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_PDEATHSIG_CTL, 15)
    pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_PDEATHSIG_STATUS)
    pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_RELEASE)
    calls = dragonfly.calls("procctl")
    assert [tuple(call.arguments) for call in calls] == [
        (0, os.getpid(), ACQUIRE),
        (0, 0, STATUS),
        (0, 0, STATUS),
        (0, 0, SET_SIGNAL),
        (0, 0, GET_SIGNAL),
        (0, 0, RELEASE),
    ]
    assert [bool(call.pointer) for call in calls] == [False, True, False, True, True, False]
    assert calls[3].value == 15


def test_acquire_and_release(dragonfly: Kernel) -> None:
    """DP-1, DP-2: None, and the two errors that have names of their own."""
    released = refused(0, 0, RELEASE)
    assert isinstance(released, pydfly.NotReaperError) and released.errno == errno.ENOTCONN
    assert pydfly.procctl(0, 0, ACQUIRE) is None
    acquired = refused(0, 0, ACQUIRE)
    assert isinstance(acquired, pydfly.AlreadyReaperError) and acquired.errno == errno.EALREADY
    assert not isinstance(acquired, BlockingIOError)
    assert pydfly.procctl(0, 0, RELEASE) is None


@pytest.mark.parametrize("data", [NULL, BAD_POINTER, 5, -1])
def test_acquire_and_release_ignore_their_data(dragonfly: Kernel, data: object) -> None:
    """DP-1, DP-2: also a bad pointer."""
    assert pydfly.procctl(0, 0, ACQUIRE, data) is None  # type: ignore[arg-type]
    assert pydfly.procctl(0, 0, RELEASE, data) is None  # type: ignore[arg-type]


def test_a_wrong_release_is_not_a_missing_domain(dragonfly: Kernel) -> None:
    """EINVAL for an idtype or id says nothing about being a reaper."""
    for arguments in ((7, 0, RELEASE), (0, 1, RELEASE)):
        error = refused(*arguments)
        assert error.errno == errno.EINVAL
        assert not isinstance(error, pydfly.NotReaperError)


def test_status(dragonfly: Kernel) -> None:
    """DP-4 to DP-6: each field from its place."""
    dragonfly.set_int("refs", 7)
    dragonfly.set_int("head", 4711)
    assert pydfly.procctl(0, 0, STATUS) == ReaperStatus(flags=0, refs=0, pid_head=4711)
    pydfly.procctl(0, 0, ACQUIRE)
    assert pydfly.procctl(0, 0, STATUS) == ReaperStatus(flags=1, refs=7, pid_head=4711)
    dragonfly.set_int("head", -1)
    assert pydfly.procctl(0, 0, STATUS) == ReaperStatus(1, 7, -1)


def test_status_with_pointers(dragonfly: Kernel) -> None:
    """DP-3: NULL succeeds and writes nothing; the kernel judges a bad pointer; the result has no other place."""
    assert pydfly.procctl(0, 0, STATUS, NULL) is None
    assert refused(0, 0, STATUS, BAD_POINTER).errno == errno.EFAULT
    with pytest.raises(TypeError, match="leave data out"):
        pydfly.procctl(0, 0, STATUS, 3)


def test_status_from_many_threads(dragonfly: Kernel) -> None:
    """Memory is not shared between calls that run at once: the GIL is released during each."""
    dragonfly.set_int("head", 99)
    answers: list[object] = []

    def ask() -> None:
        answers.extend({pydfly.procctl(0, 0, STATUS) for _ in range(300)})

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [ReaperStatus(0, 0, 99)] * 8


def test_status_while_status_is_asked(dragonfly: Kernel) -> None:
    """A second call during the first, of another thread or a signal handler, writes elsewhere."""
    commands: Any = pydfly.backends.current().procctl.__self__  # type: ignore[attr-defined]
    real = commands._call_kernel
    memories: list[Any] = []

    def call(idtype: int, id: int, cmd: int, memory: Any) -> int:
        memories.append(memory)
        if len(memories) == 1:
            dragonfly.set_int("head", 2)
            assert pydfly.procctl(0, 0, STATUS) == ReaperStatus(0, 0, 2)
            dragonfly.set_int("head", 1)
        answer: int = real(idtype, id, cmd, memory)
        return answer

    pydfly.procctl(0, 0, STATUS)
    commands._call_kernel = call
    assert pydfly.procctl(0, 0, STATUS) == ReaperStatus(0, 0, 1)
    assert memories[0] != memories[1]


@pytest.mark.parametrize("number", [0, 1, 15, 64, 127])
def test_signals_that_are_stored(dragonfly: Kernel, number: int) -> None:
    """DP-9, DP-8."""
    assert pydfly.procctl(0, 0, SET_SIGNAL, number) is None
    assert pydfly.procctl(0, 0, GET_SIGNAL) == number


def test_signal_members(dragonfly: Kernel) -> None:
    """The host's members are its numbers."""
    pydfly.procctl(0, 0, SET_SIGNAL, signal.SIGTERM)
    assert dragonfly.calls("procctl")[-1].value == signal.SIGTERM


@pytest.mark.parametrize("number", [-1, 129, 255, 1000, 2**31 - 1, -(2**31)])
def test_signals_out_of_range_are_ignored(dragonfly: Kernel, number: int) -> None:
    """DP-9: success, and no change; the number does reach the kernel."""
    pydfly.procctl(0, 0, SET_SIGNAL, 15)
    assert pydfly.procctl(0, 0, SET_SIGNAL, number) is None
    assert dragonfly.calls("procctl")[-1].value == number
    assert pydfly.procctl(0, 0, GET_SIGNAL) == 15


def test_signal_128_never_reaches_the_kernel(dragonfly: Kernel) -> None:
    """DP-10: it would panic when the parent exits."""
    disguised = type("Number", (), {"__index__": lambda self: 128})()
    for fatal in (128, disguised):
        error = refused(0, 0, SET_SIGNAL, fatal)
        assert error.errno == errno.EINVAL and "panic" in error.reason
    assert dragonfly.calls("procctl") == []


@pytest.mark.parametrize("command", [SET_SIGNAL, GET_SIGNAL])
def test_signal_pointers(dragonfly: Kernel, command: int) -> None:
    """DP-8, DP-9: NULL is EINVAL here, a bad pointer EFAULT."""
    assert refused(0, 0, command, NULL).errno == errno.EINVAL
    assert refused(0, 0, command, BAD_POINTER).errno == errno.EFAULT


def test_signal_arguments(dragonfly: Kernel) -> None:
    """What C could not take is refused before any call."""
    for arguments in ((), (1.5,), ("TERM",), (None,), (ReaperKill(9),)):
        with pytest.raises(TypeError):
            pydfly.procctl(0, 0, SET_SIGNAL, *arguments)
    with pytest.raises(TypeError, match="leave data out"):
        pydfly.procctl(0, 0, GET_SIGNAL, 15)
    for number in (2**31, -(2**31) - 1):
        with pytest.raises(OverflowError):
            pydfly.procctl(0, 0, SET_SIGNAL, number)
    assert dragonfly.calls("procctl") == []


@pytest.mark.parametrize(
    "arguments",
    [
        *((idtype, 0, STATUS) for idtype in range(1, 17)),
        (0, 1, STATUS),
        (0, -1, STATUS),
        (0, 1 << 32, STATUS),
        (0, os.getpid() | 1 << 32, STATUS),
        (0, 0, 0),
        (0, 0, 6),
        (0, 0, -1),
        (0, 0, 99, BAD_POINTER),
        (0, 0, 99, 5),
        (0, 0, 99, ReaperKill(9)),
        (7, 0, STATUS, BAD_POINTER),
    ],
)
def test_einval(dragonfly: Kernel, arguments: tuple[Any, ...]) -> None:
    """The kernel's checks, in its order; the id is compared with all its 64 bits."""
    error = refused(*arguments)
    assert error.errno == errno.EINVAL and error.syscall == "procctl" and error.reason


def test_every_number_keeps_its_width(dragonfly: Kernel) -> None:
    """Nothing is cut on the way down."""
    refused(2**32 - 1, 2**63 - 1, 2**31 - 1)
    refused(0, -(2**63), -(2**31))
    first, second = dragonfly.calls("procctl")
    assert (first.arguments[0] & 0xFFFFFFFF, first.arguments[1], first.arguments[2]) == (
        2**32 - 1,
        2**63 - 1,
        2**31 - 1,
    )
    assert tuple(second.arguments) == (0, -(2**63), -(2**31))


@pytest.mark.parametrize("name", ["EPERM", "ESRCH", "EINTR", "ENOMEM", "EBUSY", "ENOSYS", "EAGAIN", "EOPNOTSUPP"])
@pytest.mark.parametrize("command", [ACQUIRE, RELEASE, STATUS, SET_SIGNAL, GET_SIGNAL, 77])
def test_any_errno_comes_back(dragonfly: Kernel, command: int, name: str) -> None:
    """Whatever a kernel may say, it is said again by its name, with the host's number."""
    dragonfly.fail(getattr(errno, name), b"procctl")
    error = refused(0, 0, command, *((1,) if command == SET_SIGNAL else ()))
    assert (error.errno, error.errno_name) == (getattr(errno, name), name)


def test_the_return_value_decides(dragonfly: Kernel) -> None:
    """An errno left over from an earlier failure is no failure."""
    refused(0, 0, 99)
    dragonfly.module.ffi.errno = errno.EIO
    assert pydfly.procctl(0, 0, STATUS) == ReaperStatus(0, 0, -1)
    assert pydfly.procctl(0, 0, ACQUIRE) is None


def test_a_forked_child_is_no_reaper(dragonfly: Kernel) -> None:
    """PY-15: and has no parent-death signal."""
    pydfly.reaper.acquire()
    pydfly.pdeathsig.set(15)
    assert in_process(lambda: (pydfly.reaper.owned(), pydfly.pdeathsig.get())) == (False, 0)
    assert pydfly.reaper.owned() and pydfly.pdeathsig.get() == 15


def test_friendly_layer(dragonfly: Kernel) -> None:
    """reaper and pdeathsig speak DragonFly's commands."""
    with pydfly.reaper.acquired():
        dragonfly.set_int("refs", 2)
        dragonfly.set_int("head", 4)
        status = pydfly.reaper.status()
        assert (status.owned, status.reaper_pid, status.first_pid, status.descendants) == (True, os.getpid(), 4, 2)
    assert not pydfly.reaper.owned()
    pydfly.pdeathsig.set(15, expected_parent=os.getppid())
    assert pydfly.pdeathsig.get() == 15
    with pytest.raises(ProcessLookupError):
        pydfly.pdeathsig.set(9, expected_parent=1)
    assert pydfly.pdeathsig.get() == 15


@pytest.mark.parametrize("number", [0.0, Fraction(0), Decimal(0), "0", None, b"0"])
def test_only_ints_are_numbers(kernel: Kernel, number: Any) -> None:
    """cffi alone would cut a fraction to an int."""
    status = int(constants.of(kernel.flavour).PROC_REAP_STATUS)
    for arguments in ((number, 0, status), (0, number, status), (0, 0, number)):
        with pytest.raises(TypeError):
            pydfly.procctl(*arguments)
    assert kernel.calls() == []


def test_registration_is_refused(dragonfly: Kernel) -> None:
    """RS-7: the way that works is named; the kernel is asked for no more than whether it would do it."""
    with pytest.raises(pydfly.UnsafeRegistrationError, match=r"resident\.register"):
        pydfly.exec_sys_register(0x1000)
    assert [entry.call for entry in dragonfly.calls()] == [b"sysctlbyname"]


@pytest.mark.parametrize(("variable", "value"), [("euid", 1001), ("jailed", 1)])
def test_registration_without_the_right_to(dragonfly: Kernel, variable: str, value: int) -> None:
    """The kernel's EPERM comes before the refusal that protects the system: nothing could break."""
    dragonfly.set_int(variable, value)
    with pytest.raises(PermissionError) as caught:
        pydfly.exec_sys_register(0x1000)
    assert isinstance(caught.value, pydfly.SyscallError) and caught.value.syscall == "exec_sys_register"
    assert len(dragonfly.calls("exec_sys_register")) == 1


def test_unsafe_registration(dragonfly: Kernel) -> None:
    """With unsafe=True come the kernel's answers: 0, EEXIST, EPERM, ENOENT."""
    for entry in (0, 2**64 - 1, -1):
        assert pydfly.exec_sys_register(entry, unsafe=True) is None
        assert dragonfly.calls("exec_sys_register")[-1].pointer % 2**64 == entry % 2**64
        with pytest.raises(FileExistsError):
            pydfly.exec_sys_register(entry, unsafe=True)
        assert pydfly.exec_sys_unregister(-1) == 1
    dragonfly.set_int("euid", 1001)
    with pytest.raises(PermissionError):
        pydfly.exec_sys_register(1, unsafe=True)
    dragonfly.set_int("euid", 0)
    dragonfly.set_int("text", 0)
    with pytest.raises(FileNotFoundError):
        pydfly.exec_sys_register(1, unsafe=True)


def test_registration_arguments(dragonfly: Kernel) -> None:
    """What C could not take."""
    for entry in (1.0, "1", None):
        with pytest.raises(TypeError):
            pydfly.exec_sys_register(entry, unsafe=True)  # type: ignore[arg-type]
    for number in (2**64, -(2**63) - 1):
        with pytest.raises(OverflowError):
            pydfly.exec_sys_register(number, unsafe=True)
    with pytest.raises(TypeError):
        pydfly.exec_sys_unregister(1.0)  # type: ignore[arg-type]
    for number in (2**31, -(2**31) - 1):
        with pytest.raises(OverflowError):
            pydfly.exec_sys_unregister(number)
    assert dragonfly.calls() == []


def test_unregister_returns_the_count(dragonfly: Kernel) -> None:
    """RS-1 to RS-3: duplicate ids go together, ALL of nothing is ENOENT."""
    with pytest.raises(FileNotFoundError):
        pydfly.exec_sys_unregister(-2)
    for id in (1, 2, 2, 3):
        dragonfly.add_resident(id, 0x400000, b"/bin/x", 1, 1, id)
    assert pydfly.exec_sys_unregister(2) == 2
    for id in (0, -3, 12345, -1):
        with pytest.raises(FileNotFoundError):
            pydfly.exec_sys_unregister(id)
    assert pydfly.exec_sys_unregister(-2) == 2
    dragonfly.set_int("jailed", 1)
    with pytest.raises(PermissionError):
        pydfly.exec_sys_unregister(1)


def test_vm_resident(dragonfly: Kernel) -> None:
    """VR-2, VR-4, VR-6: names end at their NUL although junk follows; every field from its place."""
    assert pydfly.resident.entries() == []
    dragonfly.add_resident(1, 0x800000401000, b"/bin/sh", 123456789012, 5, 2**40)
    dragonfly.add_resident(2, -1, b"", 0, 2**32 - 1, 1)
    assert pydfly.resident.entries() == [
        ResidentEntry(1, 0x800000401000, "/bin/sh", 123456789012, 5, 2**40),
        ResidentEntry(2, -1, "", 0, 2**32 - 1, 1),
    ]


def test_vm_resident_is_asked_in_records(dragonfly: Kernel) -> None:
    """VR-3: without memory it tells entries; 1168 bytes for each, and some more, are given."""
    for id in range(1, 4):
        dragonfly.add_resident(id, 0, b"/bin/x", 1, 1, id)
    assert len(pydfly.resident.entries()) == 3
    without, given = dragonfly.calls("sysctlbyname")
    assert not without.pointer and without.value == 0
    assert given.pointer and given.value >= 3 * 1168 and given.value % 1168 == 0


def test_vm_resident_grows_meanwhile(dragonfly: Kernel) -> None:
    """VR-5: ENOMEM is asked again with more room, however many came in between; a cut entry is never used."""
    for id in range(1, 41):
        dragonfly.add_resident(id, 0, f"/bin/x{id}".encode(), id, 1, id)
    dragonfly.late(39)
    entries = pydfly.resident.entries()
    assert [entry.path for entry in entries] == [f"/bin/x{id}" for id in range(1, 41)]
    assert len(dragonfly.calls("sysctlbyname")) >= 4


def test_vm_resident_long_and_odd_names(dragonfly: Kernel) -> None:
    """1023 bytes, a name that is not UTF-8, and one without any NUL."""
    dragonfly.add_resident(1, 0, b"/" + b"a" * 1022, 1, 1, 1)
    dragonfly.add_resident(2, 0, b"/bin/\xff", 1, 1, 2)
    dragonfly.add_resident(3, 0, b"/" + b"b" * 1023, 1, 1, 3)
    names = [entry.path for entry in pydfly.resident.entries()]
    assert names == ["/" + "a" * 1022, os.fsdecode(b"/bin/\xff"), "/" + "b" * 1023]


@pytest.mark.parametrize("name", ["EPERM", "EIO"])
def test_vm_resident_refused(dragonfly: Kernel, name: str) -> None:
    """VR-1, VR-7: at the first question as at the second."""
    dragonfly.add_resident(1, 0, b"/bin/x", 1, 1, 1)
    dragonfly.fail(getattr(errno, name), b"sysctlbyname")
    with pytest.raises(pydfly.SyscallError) as caught:
        pydfly.resident.entries()
    assert (caught.value.syscall, caught.value.errno_name) == ("vm.resident", name)


def test_modules(dragonfly: Kernel) -> None:
    """MO-6: names of up to 31 bytes; the number of the call in the data."""
    dragonfly.add_module(b"syscall", 2, 17, 210)
    assert syscalls.modfind("syscall") == 17
    assert syscalls.modstat(17) == ModuleStat(56, "syscall", 2, 17, 210)
    assert dragonfly.calls("modstat")[-1].value == 56
    with pytest.raises(FileNotFoundError):
        syscalls.modfind("sys/syscall")
    with pytest.raises(FileNotFoundError):
        syscalls.modstat(18)
    with pytest.raises(pydfly.SyscallError) as caught:
        syscalls.modfind("x" * 32)
    assert caught.value.errno == errno.ENAMETOOLONG


def test_module_arguments(kernel: Kernel) -> None:
    """What C could not take, on both systems."""
    for name in (b"x", 1, None):
        with pytest.raises(TypeError):
            syscalls.modfind(name)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="null"):
        syscalls.modfind("a\0b")
    with pytest.raises(TypeError):
        syscalls.modstat(1.0)  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        syscalls.modstat(2**31)
    assert kernel.calls() == []
