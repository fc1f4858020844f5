"""The sim backend: the whole public API, acting as a process of a simulated kernel."""

from __future__ import annotations

import os
import signal
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

import pydfly
from pydfly import (
    BAD_POINTER,
    NULL,
    AlreadyReaperError,
    BackendError,
    NotReaperError,
    SyscallError,
    UnsafeRegistrationWarning,
    backends,
    pdeathsig,
    reaper,
    simkernel,
)
from pydfly.backends import current
from pydfly.backends.simulated import Simulated
from pydfly.structs import ReaperKill, ReaperStatus


def program(path: str = "/usr/bin/thing", dev: int = 3, ino: int = 4) -> SimpleNamespace:
    return SimpleNamespace(path=path, size=77, dev=dev, ino=ino)


def actor() -> simkernel.Process:
    backend = current()
    assert isinstance(backend, Simulated)
    return backend.process


def test_by_name() -> None:
    with pydfly.use("sim"):
        info = pydfly.backend()
        assert (info.name, info.flavour, info.live) == ("sim", "dragonfly", False)
        assert (actor().pid, actor().euid, actor().name) == (2, 0, "python3")
        assert pydfly.PROC_REAP_ACQUIRE == 1


def test_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDFLY_BACKEND", "sim")
    assert pydfly.backend().why.startswith("$PYDFLY_BACKEND says sim")


def test_options() -> None:
    with pydfly.use("sim", euid=1001, jailed=True, version="6.4"):
        assert (actor().ruid, actor().euid, actor().jailed) == (1001, 1001, True)
    with pytest.raises(BackendError, match="sim:dragonfly: dragonfly 9 is not modelled"):
        pydfly.use("sim", version="9")
    with pytest.raises(TypeError):
        pydfly.use("sim", colour="blue")


def test_a_process_as_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """It wins over $PYDFLY_BACKEND, and ends with the block."""
    monkeypatch.setenv("PYDFLY_BACKEND", "linux")
    shell = simkernel.boot("dragonfly").spawn("/bin/sh")
    with pydfly.use(shell):
        pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_ACQUIRE)
        child = shell.fork()
        with pydfly.use(child):
            assert reaper.status() == (False, False, None, None, None, None)
        assert reaper.status() == (True, False, shell.pid, child.pid, None, 1)
    with pytest.raises(BackendError, match="5 is neither the name of a backend nor a simulated process"):
        pydfly.use(5)


def test_procctl() -> None:
    with pydfly.use("sim"):
        assert pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_ACQUIRE, NULL) is None
        with pytest.raises(AlreadyReaperError):
            pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_ACQUIRE)
        assert pydfly.procctl(pydfly.P_PID, actor().pid, pydfly.PROC_REAP_STATUS) == ReaperStatus(1, 0, -1)
        assert pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_STATUS, NULL) is None
        with pytest.raises(SyscallError) as bad:
            pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_STATUS, BAD_POINTER)
        assert bad.value.errno_name == "EFAULT"
        assert pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_RELEASE) is None
        with pytest.raises(NotReaperError):
            pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_RELEASE)
        with pytest.raises(SyscallError) as foreign:
            pydfly.procctl(pydfly.P_PID, 1, pydfly.PROC_REAP_STATUS)
        assert foreign.value.errno_name == "EINVAL"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((1.0, 0, 1), TypeError),
        ((-1, 0, 1), OverflowError),
        ((0, 2**63, 1), OverflowError),
        ((0, 0, 2**31), OverflowError),
        ((0, 0, 4, 1.5), TypeError),
        ((0, 0, 4, "15"), TypeError),
        ((0, 0, 4, 2**31), OverflowError),
        ((0, 0, 4), TypeError),
        ((0, 0, 3, 5), TypeError),
        ((0, 0, 5, 5), TypeError),
        ((0, 0, 4, ReaperKill(9)), TypeError),
        ((0, 0, 1, "x"), TypeError),
    ],
)
def test_what_c_could_not_take(arguments: tuple[object, ...], error: type[Exception]) -> None:
    with pydfly.use("sim"), pytest.raises(error):
        pydfly.procctl(*arguments)  # type: ignore[arg-type]


def test_the_guard_and_the_kernel_below_it() -> None:
    """DP-9, DP-10: the public API refuses 128, the kernel takes it."""
    with pydfly.use("sim"):
        pdeathsig.set(15)
        for ignored in (129, -1):
            pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_PDEATHSIG_CTL, ignored)
        disguised: Any = type("Number", (), {"__index__": lambda self: 128})()
        for fatal in (128, disguised):
            with pytest.raises(SyscallError) as refused:
                pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_PDEATHSIG_CTL, fatal)
            assert refused.value.errno_name == "EINVAL"
            assert pdeathsig.get() == 15
        actor().procctl(0, 0, pydfly.PROC_PDEATHSIG_CTL, 128)
        assert pdeathsig.get() == 128


def test_pdeathsig() -> None:
    kernel = simkernel.boot("dragonfly")
    parent = kernel.spawn("/bin/sh")
    with pydfly.use(parent.fork()):
        pdeathsig.set(signal.SIGUSR1, expected_parent=parent.pid)
        assert pdeathsig.get() == signal.SIGUSR1
        with pytest.raises(ProcessLookupError):
            pdeathsig.set(signal.SIGTERM, expected_parent=77)
        assert pdeathsig.get() == signal.SIGUSR1
        parent.exit(0)
        assert actor().pending == [signal.SIGUSR1]
        pdeathsig.clear()
        assert pdeathsig.get() == 0


def test_reaper() -> None:
    with pydfly.use("sim"):
        older = actor().fork()
        older.fork()
        with reaper.acquired():
            child = actor().fork()
            child.execve("/usr/sbin/daemon")
            grandchild = child.fork()
            zombie = child.fork()
            zombie.exit(0)
            assert reaper.owned()
            assert [(info.pid, info.ppid, info.name, info.state) for info in reaper.descendants()] == [
                (child.pid, actor().pid, "daemon", "running"),
                (zombie.pid, child.pid, "daemon", "zombie"),
                (grandchild.pid, child.pid, "daemon", "running"),
            ]
        assert not reaper.owned()
        assert len(reaper.descendants()) == 5


def test_processes() -> None:
    with pydfly.use("sim"):
        processes = current().processes
        own = actor()
        assert (processes.getpid(), processes.getppid()) == (own.pid, 1)
        first, second = own.fork(), own.fork()
        assert [info.pid for info in processes.everyone()] == [1, own.pid, first.pid, second.pid]
        assert [info.pid for info in processes.below(1)] == [own.pid, second.pid, first.pid]
        assert processes.below(77) == []
        assert processes.children() == [second.pid, first.pid]
        info = next(info for info in processes.below(own.pid) if info.pid == first.pid)
        assert info.start_time == float(first.pid)
        assert processes.reap(first.pid) is None
        processes.send(info, signal.SIGTERM)
        assert first.pending == [15]
        processes.send(info, signal.SIGKILL)
        assert processes.reap(first.pid) == (first.pid, 9)
        with pytest.raises(ChildProcessError):
            processes.reap(first.pid)
        with pytest.raises(ProcessLookupError):
            processes.send(info, 0)


def test_the_clock_passes_only_in_waits() -> None:
    with pydfly.use("sim"):
        processes = current().processes
        assert processes.clock() == processes.clock() == 0.0
        processes.wait(2.5)
        processes.wait(-1)
        assert processes.clock() == 2.5


def test_the_raw_registration_warns_once() -> None:
    with pydfly.use("sim"):
        with pytest.warns(UnsafeRegistrationWarning, match="Python interpreter itself"):
            pydfly.exec_sys_register(0)
        with warnings.catch_warnings(), pytest.raises(FileExistsError):
            warnings.simplefilter("error")
            pydfly.exec_sys_register(0)
        assert pydfly.exec_sys_unregister(-1) == 1
    with pydfly.use("sim"), warnings.catch_warnings():
        warnings.simplefilter("error")
        pydfly.exec_sys_register(0x1000, unsafe=True)
        assert current().vm_resident()[0][:3] == (1, 0x1000, "/usr/local/bin/python3")
        with pytest.raises(FileNotFoundError):
            pydfly.exec_sys_unregister(5)
        for bad, error in ((1.5, TypeError), (2**31, OverflowError)):
            with pytest.raises(error):
                pydfly.exec_sys_unregister(bad)  # type: ignore[arg-type]
        with pytest.raises(OverflowError):
            pydfly.exec_sys_register(2**64, unsafe=True)


def test_programs_register_themselves() -> None:
    with pydfly.use("sim"):
        backend = current()
        backend.make_resident(program())
        (entry,) = backend.vm_resident()
        assert (entry.id, entry.path, entry.size, entry.dev, entry.ino) == (1, "/usr/bin/thing", 77, 3, 4)
        with pytest.raises(FileExistsError):
            backend.make_resident(program("/usr/bin/link"))  # another name of the same file
        assert actor().fork().execve("/usr/bin/link").resident
        backend.unmake_resident(program("/usr/bin/link"))
        with pytest.raises(FileNotFoundError):
            backend.unmake_resident(program())
        assert [child.state for child in actor().children] == ["running"]


def test_programs_of_a_caller_that_ignores_sigchld() -> None:
    with pydfly.use("sim"):
        actor().ignore_sigchld(True)
        current().make_resident(program())
        assert actor().children == []
        with pytest.raises(FileExistsError):
            current().make_resident(program())


def test_users_are_refused() -> None:
    with pydfly.use("sim", euid=1001):
        for call in (
            lambda: current().make_resident(program()),
            lambda: current().unmake_resident(program()),
            lambda: pydfly.exec_sys_register(0, unsafe=True),
            lambda: pydfly.exec_sys_unregister(-2),
            lambda: current().vm_resident(),
        ):
            with pytest.raises(PermissionError):
                call()


def test_nothing_real_is_touched() -> None:
    """The simulated pids of a broadcast name no process here."""
    with pydfly.use("sim"):
        child = actor().fork()
        actor().kill(-1, signal.SIGKILL)
        assert not child.alive
    assert os.getpid() > 0
    assert backends.info().name != "sim"


def test_what_is_no_data() -> None:
    with pydfly.use("sim"), pytest.raises(SyscallError) as refused:
        pydfly.procctl(pydfly.P_PID, 0, 99, ReaperKill(9))
    assert refused.value.errno_name == "EINVAL"


@pytest.mark.parametrize("flavour", ["dragonfly", "freebsd"])
def test_a_whole_domain_is_ended(flavour: str) -> None:
    """reap() and kill_all() on simulated processes: daemons, a nested reaper, another user, one that obeys SIGTERM."""
    with pydfly.use(f"sim:{flavour}"):
        reaper.acquire()
        daemon = actor().fork()
        daemon.execve("/usr/sbin/daemon")
        dead = daemon.fork()
        dead.exit(3)
        obedient = daemon.fork()
        obedient.block_signals(False)
        inner = daemon.fork()
        inner.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_ACQUIRE, NULL)
        inner.fork()
        inner.fork().setuid(7)
        daemon.exit(0)
        assert {one.pid for one in reaper.reap()} == {daemon.pid, dead.pid}
        report = reaper.kill_all(grace=2.0)
        assert report.survivors == []
        assert {(one.pid, one.status) for one in report.reaped} == {
            (obedient.pid, signal.SIGTERM),
            *((pid, int(signal.SIGKILL)) for pid in range(inner.pid, inner.pid + 3)),
        }
        assert 2.0 <= report.seconds < 2.1
        assert reaper.descendants() == []
        assert actor().children == []


def test_freebsd() -> None:
    with pydfly.use("sim:freebsd"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pydfly.PROC_REAP_ACQUIRE == 2
        reaper.acquire()
        child = actor().fork()
        assert reaper.status() == (True, False, actor().pid, child.pid, 1, 1)
        assert pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_GETPIDS) == [(child.pid, child.pid, 3)]
        assert pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_KILL, ReaperKill(15)) == (1, -1)
        with pytest.raises(TypeError):
            pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_TRACE_CTL, ReaperKill(15))
        pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_PDEATHSIG_CTL, 128)
        assert pdeathsig.get() == 128
        for call in (
            lambda: pydfly.exec_sys_register(0),
            lambda: pydfly.exec_sys_unregister(-2),
            lambda: current().vm_resident(),
            lambda: current().make_resident(program()),
            lambda: current().unmake_resident(program()),
        ):
            with pytest.raises(SyscallError) as missing:
                call()
            assert missing.value.errno_name == "ENOSYS"


def test_a_choice_can_be_used_again() -> None:
    """Each block has the backend that was asked for, and what was there before comes back, also where they nest."""
    with pydfly.use("sim:freebsd"):
        choice = pydfly.use("sim:dragonfly")
        for _ in range(2):
            with choice as outer:
                assert pydfly.backend().flavour == "dragonfly"
                with pydfly.use("sim:freebsd"):
                    with choice as inner:
                        assert inner is outer is current()
                    assert pydfly.backend().flavour == "freebsd"
                assert current() is outer
            assert pydfly.backend().flavour == "freebsd"
