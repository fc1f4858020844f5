"""Every command of FreeBSD's procctl, and its modules, through the compiled extension."""

from __future__ import annotations

import errno
import os
from fractions import Fraction
from typing import Any

import pytest

import pydfly
from pydfly import BAD_POINTER, NULL, syscalls
from pydfly.constants import freebsd as numbers
from pydfly.structs import ModuleStat, ReaperKill, ReaperKilled, ReaperPidInfo, ReaperStatusFreeBSD

from .building import Kernel
from .test_dragonfly import refused

COMMANDS = {command.name: int(command) for command in numbers.Command}
CONTROLS = {name: number for name, number in COMMANDS.items() if name.endswith("_CTL") or name == "PROC_SPROTECT"}
QUESTIONS = {name: number for name, number in COMMANDS.items() if name.endswith("_STATUS") and "REAP" not in name}
GROUPS = ("PROC_SPROTECT", "PROC_TRACE_CTL", "PROC_TRAPCAP_CTL")
ME = os.getpid()


def test_every_command_is_in_a_row() -> None:
    """The tables below leave none out."""
    rest = {"PROC_REAP_ACQUIRE", "PROC_REAP_RELEASE", "PROC_REAP_STATUS", "PROC_REAP_GETPIDS", "PROC_REAP_KILL"}
    assert set(CONTROLS) | set(QUESTIONS) | rest == set(COMMANDS)
    assert len(CONTROLS) == 12 and len(QUESTIONS) == 11


@pytest.mark.parametrize("name", CONTROLS)
def test_controls(freebsd: Kernel, name: str) -> None:
    """An int goes in, for the caller's real pid (K-7); None comes out."""
    assert pydfly.procctl(0, 0, CONTROLS[name], 1) is None
    (call,) = freebsd.calls("procctl")
    assert (*call.arguments, call.value) == (0, ME, CONTROLS[name], 1)
    assert refused(0, 0, CONTROLS[name], 1 << 20).errno == errno.EINVAL
    for pointer in (NULL, BAD_POINTER):
        assert refused(0, 0, CONTROLS[name], pointer).errno == errno.EFAULT


@pytest.mark.parametrize("name", CONTROLS)
def test_control_arguments(freebsd: Kernel, name: str) -> None:
    """What C could not take is refused before any call."""
    for arguments in ((), (1.5,), ("1",), (None,), (ReaperKill(9),), (Fraction(3, 2),)):
        with pytest.raises(TypeError):
            pydfly.procctl(0, 0, CONTROLS[name], *arguments)  # type: ignore[arg-type]
    for number in (2**31, -(2**31) - 1):
        with pytest.raises(OverflowError):
            pydfly.procctl(0, 0, CONTROLS[name], number)
    assert freebsd.calls() == []


@pytest.mark.parametrize("name", QUESTIONS)
def test_questions(freebsd: Kernel, name: str) -> None:
    """An int comes out, and none that is negative (K-4)."""
    control = CONTROLS[name.replace("_STATUS", "_CTL")]
    pydfly.procctl(0, 0, control, 1)
    assert pydfly.procctl(0, 0, QUESTIONS[name]) == 1
    assert tuple(freebsd.calls("procctl")[-1].arguments) == (0, ME, QUESTIONS[name])
    freebsd.set(control, -1)
    assert pydfly.procctl(0, 0, QUESTIONS[name]) == 0xFFFFFFFF
    freebsd.set(control, -(2**31) + 3)
    assert pydfly.procctl(0, 0, QUESTIONS[name]) == 0x80000003
    for pointer in (NULL, BAD_POINTER):
        assert refused(0, 0, QUESTIONS[name], pointer).errno == errno.EFAULT
    with pytest.raises(TypeError, match="leave data out"):
        pydfly.procctl(0, 0, QUESTIONS[name], 1)


@pytest.mark.parametrize("name", COMMANDS)
def test_process_groups(freebsd: Kernel, name: str) -> None:
    """Three commands take P_PGID; the id stays as it is there, 0 included (FG-4)."""
    data: tuple[Any, ...] = ()
    if name in CONTROLS:
        data = (1,)
    if name == "PROC_REAP_KILL":
        data = (ReaperKill(15),)
    if name in GROUPS:
        assert pydfly.procctl(2, os.getpgrp(), COMMANDS[name], *data) is None
        assert refused(2, 0, COMMANDS[name], *data).errno == errno.ESRCH
        assert tuple(freebsd.calls("procctl")[-1].arguments) == (2, 0, COMMANDS[name])
    else:
        assert refused(2, os.getpgrp(), COMMANDS[name], *data).errno == errno.EINVAL
    assert refused(7, 0, COMMANDS[name], *data).errno == errno.EINVAL


def test_acquire_and_release(freebsd: Kernel) -> None:
    """FR-1 to FR-3, with the two names for what happens twice."""
    released = refused(0, 0, 3)
    assert isinstance(released, pydfly.NotReaperError) and released.errno == errno.EINVAL
    assert pydfly.procctl(0, 0, 2) is None
    acquired = refused(0, ME, 2)
    assert isinstance(acquired, pydfly.AlreadyReaperError) and acquired.errno == errno.EBUSY
    for data in (BAD_POINTER, 5):
        for command in (2, 3):
            error = refused(0, 0, command, data)
            assert error.errno == errno.EINVAL
            assert not isinstance(error, pydfly.NotReaperError), "the data is wrong, not the state"
    assert not isinstance(refused(7, 0, 3), pydfly.NotReaperError)
    freebsd.process(4000, ME)
    for command in (2, 3):
        assert isinstance(refused(0, 4000, command), PermissionError)
        assert isinstance(refused(0, 4001, command), ProcessLookupError)
    assert pydfly.procctl(0, 0, 3, NULL) is None


def test_status(freebsd: Kernel) -> None:
    """FR-4 to FR-8: each field from its place."""
    assert pydfly.procctl(0, 0, 4) == ReaperStatusFreeBSD(2, 40, 50, 1, 2)
    pydfly.procctl(0, 0, 2)
    assert pydfly.procctl(0, 0, 4) == ReaperStatusFreeBSD(1, 0, 0, ME, -1)
    freebsd.process(4000, ME)
    freebsd.add_member(4000, 4000, 3)
    freebsd.add_member(4001, 4000, 1)
    assert pydfly.procctl(0, 0, 4) == ReaperStatusFreeBSD(1, 1, 2, ME, 4000)
    assert pydfly.procctl(0, 4000, 4) == ReaperStatusFreeBSD(0, 1, 2, ME, 4000)
    assert isinstance(refused(0, 99_999, 4), ProcessLookupError)
    for pointer in (NULL, BAD_POINTER):
        assert refused(0, 0, 4, pointer).errno == errno.EFAULT
    with pytest.raises(TypeError, match="leave data out"):
        pydfly.procctl(0, 0, 4, 1)


def test_getpids(freebsd: Kernel) -> None:
    """FP-2 to FP-4, FP-8: as many as asked for, newest first; stop where the kernel has not written."""
    assert pydfly.procctl(0, 0, 5) == []
    infos = [ReaperPidInfo(4000 + place, 4000 + place // 2, 1 + place % 8 * 2) for place in range(10)]
    for info in infos:
        freebsd.add_member(*info)
    assert pydfly.procctl(0, 0, 5) == infos
    assert pydfly.procctl(0, 0, 5, 4) == infos[:4]
    assert pydfly.procctl(0, 0, 5, 0) == []
    assert pydfly.procctl(0, 0, 5, 2**32 - 1) == infos
    for pointer in (NULL, BAD_POINTER):
        assert refused(0, 0, 5, pointer).errno == errno.EFAULT
    for data in (1.5, "1", ReaperKill(9)):
        with pytest.raises(TypeError):
            pydfly.procctl(0, 0, 5, data)  # type: ignore[arg-type]
    for number in (-1, 2**32):
        with pytest.raises(OverflowError):
            pydfly.procctl(0, 0, 5, number)


@pytest.mark.parametrize("count", [63, 64, 65, 256, 700])
def test_getpids_of_many(freebsd: Kernel, count: int) -> None:
    """FP-5: when every slot came back, there may be more."""
    for place in range(count):
        freebsd.add_member(5000 + place, 5000, 1)
    found = pydfly.procctl(0, 0, 5)
    assert isinstance(found, list)
    assert [info.pid for info in found] == list(range(5000, 5000 + count))


def test_kill(freebsd: Kernel) -> None:
    """What goes in and what comes out."""
    pydfly.procctl(0, 0, 2)
    freebsd.kills(3, -1, 0)
    assert pydfly.procctl(0, 0, 6, ReaperKill(15)) == ReaperKilled(3, -1)
    assert pydfly.procctl(0, 0, 6, ReaperKill(9, numbers.REAPER_KILL_SUBTREE, 4000)) == ReaperKilled(3, -1)
    call = freebsd.calls("procctl")[-1]
    assert (*call.arguments, call.value) == (0, ME, 6, 9)


def test_kill_fields(freebsd: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """rk_sig, rk_flags and rk_subtree get to their places."""
    seen = []
    real = freebsd.module.lib.procctl

    class Lib:
        def __getattr__(self, name: str) -> Any:
            return getattr(freebsd.module.lib, name)

        @staticmethod
        def procctl(idtype: int, id: int, cmd: int, data: Any) -> int:
            if cmd == 6:
                seen.append(bytes(freebsd.module.ffi.buffer(data))[:12])
            answer: int = real(idtype, id, cmd, data)
            return answer

    backend: Any = pydfly.backends.current()
    monkeypatch.setattr(backend._call, "lib", Lib())
    freebsd.kills(1, -1, 0)
    pydfly.procctl(0, 0, 2)
    pydfly.procctl(0, 0, 6, ReaperKill(15, 2, 4711))
    assert seen == [b"".join(number.to_bytes(4, "little") for number in (15, 2, 4711))]


@pytest.mark.parametrize(("name", "killed", "fpid"), [("EPERM", 2, 77), ("ESRCH", 0, -1), ("ESRCH", 5, -1)])
def test_kill_that_fails(freebsd: Kernel, name: str, killed: int, fpid: int) -> None:
    """FK-5 to FK-9: the error carries what was done all the same."""
    pydfly.procctl(0, 0, 2)
    freebsd.kills(killed, fpid, getattr(errno, name))
    error = refused(0, 0, 6, ReaperKill(15))
    assert (error.errno, error.result) == (getattr(errno, name), ReaperKilled(killed, fpid))


@pytest.mark.parametrize("wish", [ReaperKill(0), ReaperKill(-1), ReaperKill(129), ReaperKill(15, 3), ReaperKill(15, 4)])
def test_kill_with_wrong_values(freebsd: Kernel, wish: ReaperKill) -> None:
    """5.4 step 2: the kernel refuses them, and what it was given comes back unchanged."""
    error = refused(0, 0, 6, wish)
    assert (error.errno, error.result) == (errno.EINVAL, ReaperKilled(0, 0))


def test_kill_arguments(freebsd: Kernel) -> None:
    """What C could not take; pointers are the kernel's to judge."""
    for pointer in (NULL, BAD_POINTER):
        assert refused(0, 0, 6, pointer).errno == errno.EFAULT
    count = len(freebsd.calls())
    for arguments in ((), (9,), (ReaperKill(1.5),), (ReaperKill("9"),)):  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            pydfly.procctl(0, 0, 6, *arguments)
    for wish in (ReaperKill(2**31), ReaperKill(9, -1), ReaperKill(9, 0, 2**31)):
        with pytest.raises(OverflowError):
            pydfly.procctl(0, 0, 6, wish)
    assert len(freebsd.calls()) == count


@pytest.mark.parametrize("flags", [0, 1, 2])
def test_kill_of_another_domain_is_refused(freebsd: Kernel, flags: int) -> None:
    """FK-11: a process that is no reaper stands for init's whole domain.  Nothing reaches the kernel."""
    error = refused(0, 0, 6, ReaperKill(15, flags))
    assert isinstance(error, PermissionError) and "unsafe_reap_kill" in error.reason and " 1 " in error.reason
    freebsd.process(4000, ME)
    assert isinstance(refused(0, 4000, 6, ReaperKill(15, flags)), PermissionError)
    assert [call for call in freebsd.calls("procctl") if call.arguments[2] == 6] == []
    assert isinstance(refused(0, 99_999, 6, ReaperKill(15, flags)), ProcessLookupError)


def test_kill_of_another_domain_when_told(freebsd: Kernel) -> None:
    """The guard is lifted by name."""
    freebsd.kills(2, -1, 0)
    with pydfly.use("native:freebsd", unsafe_reap_kill=True):
        assert pydfly.procctl(0, 0, 6, ReaperKill(15)) == ReaperKilled(2, -1)
        assert len(freebsd.calls("procctl")) == 1


@pytest.mark.parametrize("name", ["PROC_PDEATHSIG_CTL", "PROC_PDEATHSIG_STATUS"])
def test_the_signal_of_others(freebsd: Kernel, name: str) -> None:
    """FD-3: EINVAL for every other process, existing or not."""
    data = (1,) if name.endswith("CTL") else ()
    freebsd.process(4000, ME)
    for pid in (4000, 4001, -1):
        assert refused(0, pid, COMMANDS[name], *data).errno == errno.EINVAL


def test_signals(freebsd: Kernel) -> None:
    """FD-4: 128 is a signal like others here; beyond is EINVAL."""
    for number in (0, 15, 128):
        pydfly.pdeathsig.set(number)
        assert pydfly.pdeathsig.get() == number
    for number in (-1, 129):
        assert refused(0, 0, 11, number).errno == errno.EINVAL


@pytest.mark.parametrize("arguments", [(0, 0, 0), (0, 0, -1), (0, 0, 25), (0, 0, 0x10000004), (7, 0, 25, BAD_POINTER)])
def test_unknown_commands(freebsd: Kernel, arguments: tuple[Any, ...]) -> None:
    """2.4 step 2."""
    assert refused(*arguments).errno == errno.EINVAL


@pytest.mark.parametrize("name", ["EPERM", "ESRCH", "EBUSY", "EFAULT", "EINTR", "EOPNOTSUPP", "ENOSYS"])
@pytest.mark.parametrize("command", COMMANDS)
def test_any_errno_comes_back(freebsd: Kernel, command: str, name: str) -> None:
    """Whatever a kernel may say, it is said again by its name, with the host's number."""
    data: tuple[Any, ...] = (1,) if command in CONTROLS else ()
    if command == "PROC_REAP_KILL":
        data = (ReaperKill(15),)
        pydfly.procctl(0, 0, 2)
        freebsd.kills(1, 1, getattr(errno, name))
    else:
        freebsd.fail(getattr(errno, name), b"procctl")
    error = refused(0, 0, COMMANDS[command], *data)
    assert (error.errno, error.errno_name) == (getattr(errno, name), name)


@pytest.mark.parametrize(("number", "name"), [(9094, "ECAPMODE"), (9093, "ENOTCAPABLE")])
def test_errnos_that_python_does_not_name(freebsd: Kernel, number: int, name: str) -> None:
    """K-5: the number comes from the header; a host without the error says EPERM."""
    freebsd.fail(number, b"procctl")
    error = refused(0, 0, 4)
    assert (error.errno_name, error.errno) == (name, errno.EPERM)


def test_an_unknown_errno(freebsd: Kernel) -> None:
    """It is told as the kernel gave it."""
    freebsd.fail(9099, b"procctl")
    error = refused(0, 0, 4)
    assert (error.errno_name, error.errno, type(error)) == ("errno 9099", 9099, pydfly.SyscallError)


def test_ids_keep_their_width(freebsd: Kernel) -> None:
    """0 alone becomes the own pid, and only as a pid; a float is no 0."""
    for id in (1 << 32, -(2**63), 2**63 - 1):
        refused(0, id, 4)
        assert freebsd.calls("procctl")[-1].arguments[1] == id
    refused(7, 0, 4)
    assert freebsd.calls("procctl")[-1].arguments[1] == 0
    with pytest.raises(TypeError):
        pydfly.procctl(0, 0.0, 4)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        pydfly.procctl(0.0, 0, 4)  # type: ignore[arg-type]


def test_residency_does_not_exist(freebsd: Kernel, tmp_path: Any) -> None:
    """ENOSYS, from every function, before any question of safety."""
    calls: list[Any] = [
        lambda: pydfly.exec_sys_register(0),
        lambda: pydfly.exec_sys_register(0, unsafe=True),
        lambda: pydfly.exec_sys_unregister(-2),
        pydfly.resident.entries,
        lambda: pydfly.resident.register("/bin/sh"),
        lambda: pydfly.resident.unregister(1),
        lambda: pydfly.resident.unregister_program("/bin/sh"),
        pydfly.resident.unregister_all,
    ]
    for call in calls:
        with pytest.raises(pydfly.SyscallError) as caught:
            call()
        assert caught.value.errno == errno.ENOSYS
    assert freebsd.calls() == []


def test_modules(freebsd: Kernel) -> None:
    """MO-6: version 3 of the structure, with names of up to 1023 bytes."""
    freebsd.add_module(b"sys/mine", 1, 300, 211)
    assert syscalls.modfind("sys/mine") == 300
    assert syscalls.modstat(300) == ModuleStat(1048, "sys/mine", 1, 300, 211)
    assert freebsd.calls("modstat")[-1].value == 1048
    for error, call in (
        (FileNotFoundError, lambda: syscalls.modfind("mine")),
        (FileNotFoundError, lambda: syscalls.modstat(1)),
    ):
        with pytest.raises(error):
            call()
    with pytest.raises(pydfly.SyscallError) as caught:
        syscalls.modfind("x" * 1024)
    assert caught.value.errno == errno.ENAMETOOLONG
