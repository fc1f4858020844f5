"""FreeBSD's flavour on real Linux processes, with what FreeBSD's own tests ask where Linux can do it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pydfly
from pydfly import (
    BAD_POINTER,
    NULL,
    ReaperKill,
    ReaperKilled,
    SyscallError,
    pdeathsig,
    procctl,
    reaper,
    syscalls,
)
from pydfly.constants import freebsd as bsd
from pydfly.structs import ReaperStatusFreeBSD
from tests.processes import end, eventually, fork, in_process, pause

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="acts on real Linux processes")

NOBODY = 4_000_000


@pytest.fixture(autouse=True)
def _flavour() -> Iterator[None]:
    with pydfly.use("linux:freebsd"):
        yield


def refusal_of(*arguments: Any) -> SyscallError:
    with pytest.raises(SyscallError) as caught:
        procctl(*arguments)
    return caught.value


def call(command: bsd.Command, *data: Any) -> Any:
    return procctl(bsd.P_PID, os.getpid(), command, *data)


def as_reaper(script: Callable[[], Any]) -> Any:
    """Run a script in a process that has acquired a domain."""

    def run() -> Any:
        reaper.acquire()
        return script()

    return in_process(run)


def members() -> list[tuple[int, int, int]]:
    return [tuple(info) for info in call(bsd.PROC_REAP_GETPIDS)]


def until_members(count: int) -> list[tuple[int, int, int]]:
    """Wait until the domain has so many members."""
    found: list[tuple[int, int, int]] = eventually(lambda: len(listed := members()) == count and listed)
    return found


def parent_of(below: Callable[[], Any] = pause) -> int:
    """Fork a child that forks a child of its own and pauses."""

    def family() -> None:
        fork(below)
        pause()

    return fork(family)


# the common path -------------------------------------------------------------------------------------------------


def test_which_backend() -> None:
    info = pydfly.backend()
    assert (info.name, info.flavour, info.live) == ("linux", "freebsd", True)
    assert pydfly.PROC_REAP_ACQUIRE == 2


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((bsd.P_PGID, NOBODY, 99, BAD_POINTER), "EINVAL"),  # step 2: the command
        ((bsd.P_PGID, NOBODY, bsd.PROC_PDEATHSIG_CTL, NULL), "EFAULT"),  # 3: what it reads
        ((bsd.P_PGID, NOBODY, bsd.PROC_REAP_ACQUIRE, 5), "EINVAL"),  # 3': data where none is taken
        ((bsd.P_PGID, 0, bsd.PROC_REAP_STATUS, NULL), "EINVAL"),  # 4: the idtype
        ((bsd.P_ALL, 0, bsd.PROC_TRACE_CTL, 1), "EINVAL"),  # 9
        ((bsd.P_PID, NOBODY, bsd.PROC_REAP_STATUS), "ESRCH"),  # 6: no process
        ((bsd.P_PID, -1, bsd.PROC_REAP_STATUS), "ESRCH"),
        ((bsd.P_PID, 1 << 32, bsd.PROC_REAP_STATUS), "ESRCH"),  # 0 must be all of it
        ((bsd.P_PID, NOBODY, bsd.PROC_PDEATHSIG_STATUS), "EINVAL"),  # FD-3
        ((bsd.P_PID, 1, bsd.PROC_PDEATHSIG_CTL, 15), "EINVAL"),
        ((bsd.P_PGID, NOBODY, bsd.PROC_TRACE_CTL, 1), "ESRCH"),  # 8
        ((bsd.P_PGID, 0, bsd.PROC_TRACE_CTL, 1), "ESRCH"),  # FG-4
        ((bsd.P_PID, 0, bsd.PROC_PDEATHSIG_STATUS, NULL), "EFAULT"),  # 11: where it writes
        ((bsd.P_PID, 0, bsd.PROC_REAP_STATUS, BAD_POINTER), "EFAULT"),
        ((bsd.P_PID, 1, bsd.PROC_REAP_ACQUIRE), "EPERM"),  # FR-1
        ((bsd.P_PID, 1, bsd.PROC_REAP_RELEASE), "EPERM"),
        ((bsd.P_PID, 0, bsd.PROC_WXMAP_CTL, 1), "ENOSYS"),
        ((bsd.P_PID, 0, bsd.PROC_SPROTECT, 1), "ENOSYS"),
        ((bsd.P_PID, 0, bsd.PROC_KPTI_STATUS), "EINVAL"),
    ],
)
def test_refusals_in_freebsds_order(arguments: tuple[Any, ...], name: str) -> None:
    """2.4."""
    error = refusal_of(*arguments)
    assert (error.errno, error.syscall) == (getattr(errno, name), "procctl")


def test_the_id_is_cut_to_32_bits() -> None:
    assert procctl(bsd.P_PID, os.getpid() + (1 << 32), bsd.PROC_PDEATHSIG_STATUS) == 0


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ((bsd.PROC_PDEATHSIG_CTL,), TypeError),
        ((bsd.PROC_PDEATHSIG_CTL, 2**31), OverflowError),
        ((bsd.PROC_PDEATHSIG_CTL, ReaperKill(1)), TypeError),
        ((bsd.PROC_PDEATHSIG_STATUS, 1), TypeError),
        ((bsd.PROC_REAP_KILL,), TypeError),
        ((bsd.PROC_REAP_KILL, 15), TypeError),
        ((bsd.PROC_REAP_KILL, ReaperKill(1, -1)), OverflowError),
        ((bsd.PROC_REAP_KILL, ReaperKill(1, 0, 2**31)), OverflowError),
        ((bsd.PROC_REAP_KILL, ReaperKill("x")), TypeError),  # type: ignore[arg-type]
        ((bsd.PROC_REAP_GETPIDS, -1), OverflowError),
        ((bsd.PROC_REAP_GETPIDS, 1.5), TypeError),
        ((99, "x"), TypeError),
    ],
)
@pytest.mark.parametrize("backend", ["linux:freebsd", "sim:freebsd"])
def test_what_c_could_not_take(data: tuple[Any, ...], kind: type[Exception], backend: str) -> None:
    with pydfly.use(backend), pytest.raises(kind):
        procctl(bsd.P_PID, 0, *data)


class Number:
    """No int, but what can stand for one (as NumPy's numbers do)."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


@pytest.mark.parametrize("backend", ["linux:freebsd", "sim:freebsd"])
def test_what_stands_for_a_number_is_one(backend: str) -> None:
    """As everywhere in Python: whatever has __index__ is taken where an int is."""

    def inside() -> None:
        with pydfly.use(backend):
            data: Any = Number(int(signal.SIGUSR1))
            assert procctl(bsd.P_PID, 0, bsd.PROC_PDEATHSIG_CTL, data) is None
            assert procctl(bsd.P_PID, 0, bsd.PROC_PDEATHSIG_STATUS) == signal.SIGUSR1
            assert refusal_of(bsd.P_PID, 0, bsd.PROC_REAP_ACQUIRE, data).errno == errno.EINVAL
            assert refusal_of(bsd.P_PID, 0, bsd.PROC_ASLR_CTL, data).errno == errno.EINVAL
            procctl(bsd.P_PID, 0, bsd.PROC_REAP_ACQUIRE)
            numbers: Any = [Number(value) for value in (int(signal.SIGUSR1), 0, 0)]
            assert refusal_of(bsd.P_PID, 0, bsd.PROC_REAP_KILL, ReaperKill(*numbers)).errno == errno.ESRCH
            assert procctl(bsd.P_PID, 0, bsd.PROC_REAP_GETPIDS, numbers[1]) == []

    in_process(inside)


@pytest.mark.parametrize("backend", ["linux:freebsd", "sim:freebsd"])
def test_no_resident_executables_and_no_modules(backend: str) -> None:
    """ENOSYS, without any warning."""
    with pydfly.use(backend) as current:
        for refused in (
            lambda: pydfly.exec_sys_register(0),
            lambda: pydfly.exec_sys_unregister(-2),
            current.vm_resident,
        ):
            with pytest.raises(SyscallError) as caught:
                refused()
            assert caught.value.errno == errno.ENOSYS


def test_no_modules() -> None:
    for refused in (lambda: syscalls.modfind("sys/x"), lambda: syscalls.modstat(1)):
        with pytest.raises(SyscallError) as caught:
            refused()
        assert caught.value.errno == errno.ENOSYS


# reapers, as FreeBSD's own tests have them --------------------------------------------------------------------------


def test_acquire_and_release() -> None:
    """FR-2: EBUSY and EINVAL, by the classes that callers catch; FR-3."""

    def script() -> None:
        assert call(bsd.PROC_REAP_ACQUIRE, NULL) is None
        with pytest.raises(pydfly.AlreadyReaperError) as twice:
            call(bsd.PROC_REAP_ACQUIRE)
        assert twice.value.errno == errno.EBUSY
        assert call(bsd.PROC_REAP_RELEASE) is None
        with pytest.raises(pydfly.NotReaperError) as again:
            call(bsd.PROC_REAP_RELEASE)
        assert again.value.errno == errno.EINVAL

    in_process(script)


def exit_after(gate: int, status: int) -> None:
    """Exit when the other end of a pipe is closed."""
    os.read(gate, 1)
    os._exit(status)


def test_wait_child_first() -> None:
    def script() -> None:
        reading, writing = os.pipe()

        def family() -> None:
            os.close(writing)
            fork(lambda: exit_after(reading, 2))
            os._exit(3)

        child = fork(family)
        assert os.waitpid(child, 0)[1] == 3 << 8
        ((grandchild, _, _),) = until_members(1)
        os.close(writing)
        assert os.waitpid(-1, 0) == (grandchild, 2 << 8)

    as_reaper(script)


def test_wait_grandchild_first() -> None:
    def script() -> None:
        def family() -> None:
            grandchild = fork(lambda: os._exit(2))
            os.waitid(os.P_PID, grandchild, os.WEXITED | os.WNOWAIT)
            os._exit(3)

        child = fork(family)
        assert os.waitpid(child, 0)[1] == 3 << 8
        pid, status = os.waitpid(-1, 0)
        assert (pid != child, status) == (True, 2 << 8)

    as_reaper(script)


def test_sigchld_child_first() -> None:
    def script() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        reading, writing = os.pipe()

        def family() -> None:
            os.close(writing)
            fork(lambda: exit_after(reading, 2))
            os._exit(3)

        child = fork(family)
        info = signal.sigwaitinfo([signal.SIGCHLD])
        assert (info.si_pid, info.si_code, info.si_status) == (child, os.CLD_EXITED, 3)
        os.waitpid(child, 0)
        os.close(writing)
        info = signal.sigwaitinfo([signal.SIGCHLD])
        assert (info.si_code, info.si_status) == (os.CLD_EXITED, 2)
        assert os.waitpid(-1, 0)[0] == info.si_pid

    as_reaper(script)


def test_sigchld_grandchild_first() -> None:
    """Linux: the child's own signal is not taken by the wait, and one pending SIGCHLD stands for both."""

    def script() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])

        def family() -> None:
            grandchild = fork(lambda: os._exit(2))
            os.waitid(os.P_PID, grandchild, os.WEXITED | os.WNOWAIT)
            os._exit(3)

        child = fork(family)
        os.waitpid(child, 0)
        assert signal.sigwaitinfo([signal.SIGCHLD]).si_signo == signal.SIGCHLD
        assert os.waitpid(-1, 0)[1] == 2 << 8

    as_reaper(script)


def test_status() -> None:
    """FR-4 to FR-8; of a process that is no reaper Linux tells little, and nothing is invented."""

    def script() -> None:
        older = fork(pause)
        before = call(bsd.PROC_REAP_STATUS)
        known = 1 if os.getppid() == 1 else None
        assert before == ReaperStatusFreeBSD(2 if known else 0, None, None, known, None)
        assert reaper.status() == (False, bool(known), known, None, None, None)
        reaper.acquire()
        own = os.getpid()
        assert call(bsd.PROC_REAP_STATUS) == (1, 0, 0, own, -1)
        child = parent_of()
        until_members(2)
        assert call(bsd.PROC_REAP_STATUS) == (1, 1, 2, own, child)
        assert procctl(bsd.P_PID, child, bsd.PROC_REAP_STATUS) == (0, 1, 2, own, child)  # asked for a member
        for stranger in (older, os.getppid()):
            assert refusal_of(bsd.P_PID, stranger, bsd.PROC_REAP_STATUS).errno == errno.EOPNOTSUPP
        call(bsd.PROC_REAP_KILL, ReaperKill(signal.SIGKILL))
        eventually(lambda: os.waitpid(-1, os.WNOHANG)[0] == child)
        os.waitpid(-1, 0)
        assert reaper.status() == (True, False, own, None, 0, 0)
        end(older)

    in_process(script)


def test_getpids() -> None:
    """FP-2, 4, 6, 7: newest first, and the subtree survives its root."""

    def script() -> None:
        assert members() == []
        child = parent_of()
        listed = until_members(2)
        grandchild = listed[0][0]
        assert listed == [(grandchild, child, 1), (child, child, 3)]
        assert call(bsd.PROC_REAP_GETPIDS, 1) == listed[:1]
        assert call(bsd.PROC_REAP_GETPIDS, 0) == []
        end(child)
        assert members() == [(grandchild, child, 3)]
        os.kill(grandchild, signal.SIGKILL)
        eventually(lambda: os.waitid(os.P_PID, grandchild, os.WEXITED | os.WNOWAIT | os.WNOHANG))
        assert members() == [(grandchild, child, 3)]  # zombies are members
        os.waitpid(grandchild, 0)
        assert members() == []

    as_reaper(script)


@pytest.mark.parametrize(("sig", "flags"), [(-1, 0), (0, 0), (129, 0), (15, 3), (15, 4)])
def test_kill_bad_requests(sig: int, flags: int) -> None:
    def script() -> None:
        error = refusal_of(bsd.P_PID, 0, bsd.PROC_REAP_KILL, ReaperKill(sig, flags))
        assert (error.errno, error.result) == (errno.EINVAL, ReaperKilled(0, -1))

    as_reaper(script)


@pytest.mark.parametrize("backend", ["linux:freebsd", "sim:freebsd"])
@pytest.mark.parametrize(("idtype", "id"), [(bsd.P_PGID, 0), (bsd.P_PID, NOBODY), (bsd.P_PID, -1), (9, 0)])
def test_kill_refused_before_the_request_is_looked_at(backend: str, idtype: int, id: int) -> None:
    """The structure is copied back in every case, so the error has it."""
    with pydfly.use(backend):
        assert refusal_of(idtype, id, bsd.PROC_REAP_KILL, ReaperKill(15)).result == ReaperKilled(0, -1)


def test_kill_empty() -> None:
    """FK-4."""

    def script() -> None:
        error = refusal_of(bsd.P_PID, 0, bsd.PROC_REAP_KILL, ReaperKill(signal.SIGTERM))
        assert (error.errno, error.result) == (errno.ESRCH, ReaperKilled(0, -1))

    as_reaper(script)


def test_kill_normal() -> None:
    def script() -> None:
        child = parent_of()
        until_members(2)
        assert call(bsd.PROC_REAP_KILL, ReaperKill(signal.SIGTERM)) == ReaperKilled(2, -1)
        assert os.waitpid(child, 0)[1] == signal.SIGTERM
        assert os.waitpid(-1, 0)[1] == signal.SIGTERM

    as_reaper(script)


def test_kill_subtree() -> None:
    def script() -> None:
        one, two = parent_of(), parent_of()
        until_members(4)
        for child, sig in ((one, signal.SIGUSR1), (two, signal.SIGUSR2)):
            request = ReaperKill(sig, bsd.REAPER_KILL_SUBTREE, child)
            assert call(bsd.PROC_REAP_KILL, request) == ReaperKilled(2, -1)
            assert os.waitpid(child, 0)[1] == sig
            assert os.waitpid(-1, 0)[1] == sig
        assert refusal_of(bsd.P_PID, 0, bsd.PROC_REAP_KILL, ReaperKill(15, 2, one)).errno == errno.ESRCH

    as_reaper(script)


def test_kill_children_reaches_those_from_before() -> None:
    """5.4: CHILDREN, and only it; no recursion.  A live call that signalled a process succeeds (FK-7 is not copied)."""

    def script() -> None:
        older = fork(pause)
        reaper.acquire()
        child = parent_of()
        until_members(2)
        assert call(bsd.PROC_REAP_KILL, ReaperKill(signal.SIGKILL, bsd.REAPER_KILL_CHILDREN)) == ReaperKilled(2, -1)
        assert {os.waitpid(older, 0)[1], os.waitpid(child, 0)[1]} == {signal.SIGKILL}
        ((grandchild, _, _),) = until_members(1)
        end(grandchild)

    in_process(script)


def test_kill_reaches_processes_born_meanwhile() -> None:
    """FK-3: a domain that keeps forking; all die, because the passes go on until one finds no new process."""

    def script() -> None:
        def storm() -> None:
            for _ in range(200):
                if os.fork() == 0:
                    pause()
            pause()

        fork(storm)
        eventually(lambda: len(members()) > 20)
        killed = call(bsd.PROC_REAP_KILL, ReaperKill(signal.SIGKILL)).killed
        assert killed > 20
        with pytest.raises(ChildProcessError):
            while True:
                assert os.waitpid(-1, 0)[1] == signal.SIGKILL

    as_reaper(script)


def test_fk_11_never_the_domain_of_another_reaper() -> None:
    """A process that is no reaper stands for its reaper, whose whole domain would be signalled: this is refused."""

    def script() -> None:
        error = refusal_of(bsd.P_PID, 0, bsd.PROC_REAP_KILL, ReaperKill(15))
        assert (error.errno, error.result) == (errno.EPERM, ReaperKilled(0, -1))
        assert refusal_of(bsd.P_PID, 0, bsd.PROC_REAP_GETPIDS).errno == errno.EOPNOTSUPP
        reaper.acquire()
        child = fork(pause)
        until_members(1)
        assert refusal_of(bsd.P_PID, child, bsd.PROC_REAP_KILL, ReaperKill(15)).errno == errno.EPERM
        end(child)

    in_process(script)


def test_kill_with_a_signal_that_linux_has_not() -> None:
    def script() -> None:
        child = fork(pause)
        until_members(1)
        assert refusal_of(bsd.P_PID, 0, bsd.PROC_REAP_KILL, ReaperKill(65)).errno == errno.EOPNOTSUPP
        end(child)

    as_reaper(script)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a member of another user")
def test_kill_refused() -> None:
    """EPERM and fpid, when no other process got it."""

    def script() -> None:
        child = fork(pause)
        until_members(1)
        os.setresuid(65534, 65534, 0)
        error = refusal_of(bsd.P_PID, 0, bsd.PROC_REAP_KILL, ReaperKill(signal.SIGTERM))
        os.setresuid(0, 0, 0)
        assert (error.errno, error.result) == (errno.EPERM, ReaperKilled(0, child))
        end(child)

    as_reaper(script)


def test_a_forked_child_is_no_reaper() -> None:
    def script() -> None:
        def child() -> bool:
            assert not reaper.owned()
            return refusal_of(bsd.P_PID, 0, bsd.PROC_REAP_GETPIDS).errno == errno.EOPNOTSUPP

        assert in_process(child)

    as_reaper(script)


# the parent-death signal -------------------------------------------------------------------------------------------


def test_pdeathsig_argument_validation() -> None:
    def script() -> None:
        for value in (8888, -1, 129):
            assert refusal_of(bsd.P_PID, 0, bsd.PROC_PDEATHSIG_CTL, value).errno == errno.EINVAL
        assert refusal_of(8888, 0, bsd.PROC_PDEATHSIG_CTL, 10).errno == errno.EINVAL
        for id in (0, os.getpid()):
            assert procctl(bsd.P_PID, id, bsd.PROC_PDEATHSIG_CTL, signal.SIGUSR1) is None
        assert call(bsd.PROC_PDEATHSIG_STATUS) == signal.SIGUSR1
        error = refusal_of(bsd.P_PID, 0, bsd.PROC_PDEATHSIG_CTL, 128)
        assert (error.errno, call(bsd.PROC_PDEATHSIG_STATUS)) == (errno.EOPNOTSUPP, 128)

    in_process(script)


def test_pdeathsig_is_not_inherited_by_fork() -> None:
    def script() -> None:
        pdeathsig.set(signal.SIGUSR1)
        assert in_process(pdeathsig.get) == 0

    in_process(script)


def test_pdeathsig_is_inherited_by_exec() -> None:
    code = "from pydfly import pdeathsig; raise SystemExit(pdeathsig.get())"

    def script() -> int:
        pdeathsig.set(signal.SIGUSR1)
        return os.execve(
            sys.executable, [sys.executable, "-c", code], {**os.environ, "PYDFLY_BACKEND": "linux:freebsd"}
        )

    pid = fork(script)  # type: ignore[arg-type]
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == signal.SIGUSR1


def test_pdeathsig_is_delivered() -> None:
    def script() -> None:
        reading, writing = os.pipe()

        def b() -> None:
            def c() -> None:
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
                pdeathsig.set(signal.SIGUSR1)
                os.write(writing, b"r")
                os.write(writing, bytes([signal.sigwait([signal.SIGUSR1])]))

            fork(c)
            pause()

        parent = fork(b)
        assert os.read(reading, 1) == b"r"
        end(parent)
        assert os.read(reading, 1) == bytes([signal.SIGUSR1])
        os.waitpid(-1, 0)

    as_reaper(script)


# what else Linux has -------------------------------------------------------------------------------------------------


def test_no_new_privs() -> None:
    """For ever, inherited by fork; of others only the status."""

    def script() -> None:
        assert call(bsd.PROC_NO_NEW_PRIVS_STATUS) == bsd.PROC_NO_NEW_PRIVS_DISABLE
        assert refusal_of(bsd.P_PID, 0, bsd.PROC_NO_NEW_PRIVS_CTL, 2).errno == errno.EINVAL
        assert refusal_of(bsd.P_PID, os.getppid(), bsd.PROC_NO_NEW_PRIVS_CTL, 1).errno == errno.EPERM
        call(bsd.PROC_NO_NEW_PRIVS_CTL, 1)
        child = fork(pause)
        for pid in (0, child):
            assert procctl(bsd.P_PID, pid, bsd.PROC_NO_NEW_PRIVS_STATUS) == bsd.PROC_NO_NEW_PRIVS_ENABLE
        end(child)

    in_process(script)


def test_trace() -> None:
    def script() -> None:
        assert call(bsd.PROC_TRACE_STATUS) == 0
        call(bsd.PROC_TRACE_CTL, bsd.PROC_TRACE_CTL_DISABLE)
        assert call(bsd.PROC_TRACE_STATUS) == 0xFFFFFFFF  # K-4
        procctl(bsd.P_PGID, os.getpgrp(), bsd.PROC_TRACE_CTL, bsd.PROC_TRACE_CTL_ENABLE)  # FG-2
        assert call(bsd.PROC_TRACE_STATUS) == 0
        for value, name in ((9, "EINVAL"), (bsd.PROC_TRACE_CTL_DISABLE_EXEC, "EOPNOTSUPP")):
            assert refusal_of(bsd.P_PID, 0, bsd.PROC_TRACE_CTL, value).errno == getattr(errno, name)
        assert refusal_of(bsd.P_PID, os.getppid(), bsd.PROC_TRACE_CTL, 2).errno == errno.EPERM
        assert refusal_of(bsd.P_PID, os.getppid(), bsd.PROC_TRACE_STATUS).errno == errno.EOPNOTSUPP

    in_process(script)


def test_aslr() -> None:
    """It acts at the next exec: two runs of a program then put its stack at the same place."""

    def stacks() -> set[str]:
        found = set()
        for _ in range(3):
            maps = subprocess.run(["/bin/cat", "/proc/self/maps"], capture_output=True, text=True, check=True).stdout
            found.add(next(line for line in maps.splitlines() if "[stack]" in line))
        return found

    def script() -> None:
        policy = Path("/proc/sys/kernel/randomize_va_space").read_text().strip() != "0"
        active = bsd.PROC_ASLR_ACTIVE if policy else 0
        assert call(bsd.PROC_ASLR_STATUS) == bsd.PROC_ASLR_NOFORCE | active
        call(bsd.PROC_ASLR_CTL, bsd.PROC_ASLR_FORCE_DISABLE)
        assert call(bsd.PROC_ASLR_STATUS) == bsd.PROC_ASLR_FORCE_DISABLE | active
        assert len(stacks()) == 1
        call(bsd.PROC_ASLR_CTL, bsd.PROC_ASLR_NOFORCE)
        assert (len(stacks()) > 1) is policy
        for value, name in ((0, "EINVAL"), (4, "EINVAL"), (bsd.PROC_ASLR_FORCE_ENABLE, "EOPNOTSUPP")):
            assert refusal_of(bsd.P_PID, 0, bsd.PROC_ASLR_CTL, value).errno == getattr(errno, name)
        assert refusal_of(bsd.P_PID, os.getppid(), bsd.PROC_ASLR_CTL, 2).errno == errno.EPERM
        assert refusal_of(bsd.P_PID, os.getppid(), bsd.PROC_ASLR_STATUS).errno == errno.EOPNOTSUPP

    in_process(script)
