"""The processes of a BSD by sysctl kern.proc: what they are, which are members, and that a reused pid is never hit."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
from typing import Any

import pytest

import pydfly
from pydfly.backends.protocol import Backend
from pydfly.structs import DescendantInfo

from ..processes import end, eventually, fork, in_process, pause
from .building import STATES, Kernel

ME = os.getpid()
NAMES = {"R": "running", "S": "sleeping", "D": "waiting", "T": "stopped", "Z": "zombie", "I": "idle", "?": "other"}
NAMES |= {"stopped": "stopped", "asleep": "sleeping", "waits": "waiting", "W": "idle", "L": "waiting"}


@pytest.mark.parametrize(("flavour", "stat"), [(flavour, stat) for flavour in STATES for stat in STATES[flavour]])
def test_states(flavour: str, stat: str, request: pytest.FixtureRequest) -> None:
    """Each state of each system, and every other field."""
    kernel: Kernel = request.getfixturevalue(flavour)
    kernel.process(4000, 1, "a-long-name", stat=stat, start=1234567890.123456)
    (seen,) = pydfly.backends.current().processes.everyone()
    assert seen == DescendantInfo(4000, 1, "a-long-name", NAMES[stat], 1234567890.123456)


def test_names(kernel: Kernel, backend: Backend) -> None:
    """As long as the system keeps them, whatever bytes they hold."""
    longest = {"dragonfly": 16, "freebsd": 19}[kernel.flavour]
    kernel.add_process(4000, 1, 2, 1, 0, 0, b"x" * 30)
    kernel.add_process(4001, 1, 2, 1, 0, 0, b"caf\xe9 )(")
    assert [process.name for process in backend.processes.everyone()] == ["x" * longest, "caf\udce9 )("]


def test_kernel_threads_are_left_out(kernel: Kernel, backend: Backend) -> None:
    """DragonFly may list them with pid -1; process 0 is a process."""
    kernel.process(-1, 0, "idle")
    kernel.process(0, 0, "kernel")
    assert [process.pid for process in backend.processes.everyone()] == [0]
    assert [process.pid for process in backend.processes.below(0)] == [0]


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129, 1000])
def test_many(kernel: Kernel, backend: Backend, count: int) -> None:
    """ENOMEM is asked again with more room."""
    for place in range(count):
        kernel.process(5000 + place, 1)
    for _ in range(2):
        assert [process.pid for process in backend.processes.everyone()] == list(range(5000, 5000 + count))


def test_births_of_many_are_one_listing(kernel: Kernel, backend: Backend) -> None:
    """A program with a thousand zombies would list a thousand processes a thousand times."""
    for place in range(100):
        kernel.process(5000 + place, ME, stat="Z", start=1000.0 + place)
    before = len(kernel.calls("sysctl"))
    born = backend.processes.births()
    assert [born(pid) for pid in range(5000, 5100)] == [1000.0 + place for place in range(100)]
    assert len(kernel.calls("sysctl")) == before + 1
    with pytest.raises(ProcessLookupError):
        born(4999)
    assert backend.processes.born(5001) == 1001.0


def test_everyone_fails(kernel: Kernel, backend: Backend) -> None:
    """What the kernel refuses is told."""
    kernel.fail(errno.EPERM, b"sysctl")
    with pytest.raises(pydfly.SyscallError) as caught:
        backend.processes.everyone()
    assert (caught.value.syscall, caught.value.errno_name) == ("kern.proc", "EPERM")


def _family(kernel: Kernel) -> None:
    """1 has me; I have 4000 and 4003; 4000 has 4001, which has 4002; another process has 4009."""
    for pid, ppid in ((4002, 4001), (4001, 4000), (4009, 4008), (4008, 1), (4003, ME), (4000, ME), (ME, 1), (1, 0)):
        kernel.process(pid, ppid, start=pid / 1000)


def test_below(kernel: Kernel, backend: Backend) -> None:
    """Every descendant, parents before their children, in whatever order the kernel lists them."""
    _family(kernel)
    assert [process.pid for process in backend.processes.below(ME)] == [4003, 4000, 4001, 4002]
    assert [process.pid for process in backend.processes.below(4000)] == [4001, 4002]
    assert backend.processes.below(4002) == []
    assert backend.processes.children() == [4003, 4000]
    assert (backend.processes.getpid(), backend.processes.getppid()) == (ME, os.getppid())
    assert backend.processes.clock() <= backend.processes.clock()


def test_who_is_no_reaper_has_all_its_descendants(kernel: Kernel, backend: Backend) -> None:
    """As on the other backends."""
    _family(kernel)
    assert [process.pid for process in pydfly.reaper.descendants()] == [4003, 4000, 4001, 4002]


def test_members_on_freebsd(freebsd: Kernel) -> None:
    """The kernel lists them, without those from before ACQUIRE; members of an inner domain belong to it, too."""
    _family(freebsd)
    pydfly.reaper.acquire()
    freebsd.process(4004, 4003)
    freebsd.process(4005, 4001)
    for pid, subtree, flags in ((4001, 4000, 5), (4000, 4000, 3), (4444, 4444, 3)):
        freebsd.add_member(pid, subtree, flags)
    assert [process.pid for process in pydfly.reaper.descendants()] == [4000, 4001, 4002, 4005]


def test_the_domain_of_a_dead_reaper_inside(freebsd: Kernel) -> None:
    """Until it is waited for the kernel keeps its members in its domain, and PROC_REAP_KILL away from them."""
    pydfly.reaper.acquire()
    freebsd.process(4000, ME, stat="Z")
    freebsd.process(4001, 4000)
    freebsd.add_member(4000, 4000, 7)
    assert [process.pid for process in pydfly.reaper.descendants()] == [4000, 4001]


def test_members_on_freebsd_while_parents_change(freebsd: Kernel) -> None:
    """A member whose parent the listing missed is a member all the same."""
    pydfly.reaper.acquire()
    freebsd.process(4002, 4001)
    freebsd.process(4003, 4002)
    freebsd.add_member(4003, 4000, 1)
    freebsd.add_member(4002, 4000, 1)
    assert [process.pid for process in pydfly.reaper.descendants()] == [4002, 4003]


def test_members_on_dragonfly(dragonfly: Kernel) -> None:
    """Those from before ACQUIRE stay outside, and what comes from them; one with a later start is another."""
    _family(dragonfly)
    pydfly.reaper.acquire()
    assert pydfly.reaper.descendants() == []
    dragonfly.process(4010, ME, start=9.0)
    dragonfly.process(4011, 4010, start=9.1)
    dragonfly.process(4012, 4003, start=9.2)
    assert [process.pid for process in pydfly.reaper.descendants()] == [4010, 4011]
    dragonfly.clear_processes()
    dragonfly.process(4000, ME, start=10.0)
    dragonfly.process(4003, ME, start=4.003)
    assert [process.pid for process in pydfly.reaper.descendants()] == [4000]
    pydfly.reaper.release()
    assert [process.pid for process in pydfly.reaper.descendants()] == [4000, 4003]


def test_a_listing_that_fails_does_not_forbid_acquire(dragonfly: Kernel) -> None:
    """The kernel allows it, so it is done."""
    dragonfly.fail(errno.EPERM, b"sysctl")
    pydfly.reaper.acquire()
    assert pydfly.reaper.owned()


def test_a_forked_child_has_no_outsiders(dragonfly: Kernel) -> None:
    """PY-15: not even when something else than this package made it a reaper."""
    _family(dragonfly)
    pydfly.reaper.acquire()

    def in_child() -> list[int]:
        dragonfly.clear_processes()
        dragonfly.process(4003, os.getpid(), start=4.003)
        dragonfly.set_int("owner", os.getpid())
        return [process.pid for process in pydfly.reaper.descendants()]

    assert in_process(in_child) == [4003]


def test_send(kernel: Kernel, backend: Backend) -> None:
    """A process that is still the same gets the signal."""
    child = fork(pause)
    try:
        kernel.process(child, ME, start=7.5)
        backend.processes.send(DescendantInfo(child, ME, "worker", "sleeping", 7.5), signal.SIGKILL)
        assert eventually(lambda: backend.processes.reap(child)) == (child, signal.SIGKILL)
        with pytest.raises(ChildProcessError):
            backend.processes.reap(child)
    except BaseException:
        end(child)
        raise


def test_send_to_another_process_with_the_pid(kernel: Kernel, backend: Backend) -> None:
    """Its start time tells; it gets nothing."""
    child = fork(pause)
    try:
        kernel.process(child, ME, start=8.0)
        with pytest.raises(ProcessLookupError):
            backend.processes.send(DescendantInfo(child, ME, "worker", "sleeping", 7.5), signal.SIGKILL)
        assert backend.processes.reap(child) is None
        kernel.clear_processes()
        with pytest.raises(ProcessLookupError):
            backend.processes.send(DescendantInfo(child, ME, "worker", "sleeping", 8.0), signal.SIGKILL)
        assert backend.processes.reap(child) is None
    finally:
        end(child)


def test_records_of_another_size(kernel: Kernel, backend: Backend) -> None:
    """A kernel of another version than the headers: nothing is read into wrong fields."""
    kernel.process(4000, ME)
    kernel.set_int("misfit", 8)
    with pytest.raises(pydfly.SyscallError, match="rebuild it") as caught:
        backend.processes.everyone()
    assert (caught.value.syscall, caught.value.errno_name) == ("kern.proc", "EPROTO")


def test_start_times_survive_a_step_of_the_clock(freebsd: Kernel) -> None:
    """FreeBSD adds the boot time, which moves with the clock, to the time since boot that it keeps."""
    processes = pydfly.backends.current().processes
    freebsd.set_int("booted", 1000)
    freebsd.process(4000, ME, start=1500.25)
    before = processes.everyone()
    assert before[0].start_time == 1500.25
    freebsd.set_int("booted", 4600)
    freebsd.clear_processes()
    freebsd.process(4000, ME, start=5100.25)
    assert processes.everyone() == before


def test_a_step_of_the_clock_during_a_listing(freebsd: Kernel) -> None:
    """The listing is made again."""
    processes = pydfly.backends.current().processes
    freebsd.process(4000, ME, start=1500.25)
    freebsd.set_int("booted", 1000)
    processes.everyone()
    freebsd.set_int("steps", 1)
    (seen,) = processes.everyone()
    assert (seen.start_time, freebsd.get_int("steps")) == (1500.25 - 1, 0)
    assert len(freebsd.calls("sysctl")) == 3


def test_without_the_boot_time(freebsd: Kernel) -> None:
    """What the kernel refuses is told."""
    processes = pydfly.backends.current().processes
    freebsd.fail(errno.EPERM, b"sysctlbyname")
    with pytest.raises(pydfly.SyscallError) as caught:
        processes.everyone()
    assert (caught.value.syscall, caught.value.errno_name) == ("kern.boottime", "EPERM")


def test_info_of_one(kernel: Kernel) -> None:
    """One question to the kernel, about this pid alone."""
    processes: Any = pydfly.backends.current().processes
    _family(kernel)
    assert processes.info(4001).ppid == 4000
    (call,) = kernel.calls("sysctl")
    assert tuple(call.arguments)[:2] == (1, 4001)
    with pytest.raises(ProcessLookupError):
        processes.info(31)
    kernel.process(4030, ME, stat="Z")
    if kernel.flavour == "freebsd":
        assert processes.info(4030).state == "zombie"
    else:  # pfind() finds no zombies
        with pytest.raises(ProcessLookupError):
            processes.info(4030)


class Queue:
    """A kqueue that writes down what it is asked to watch."""

    def __init__(self, dead: tuple[int, ...] = ()) -> None:
        self.dead = dead
        self.watched: list[Any] = []
        self.waited: list[float] = []
        self.closed = False
        self.on_failure: Any = lambda: None

    def control(self, changes: list[Any] | None, most: int, timeout: float | None = None) -> list[Any]:
        if changes is None:
            assert timeout is not None and most == 1
            self.waited.append(timeout)
            return []
        assert most == 0
        if changes[0][0] in self.dead:
            self.on_failure()
            raise ProcessLookupError(errno.ESRCH, "No such process")
        self.watched += changes
        return []

    def close(self) -> None:
        self.closed = True


def _kqueue(monkeypatch: pytest.MonkeyPatch, queue: Queue) -> None:
    for name, value in {
        "kqueue": lambda: queue,
        "kevent": lambda *fields: fields,
        "KQ_FILTER_PROC": -5,
        "KQ_EV_ADD": 1,
        "KQ_EV_ONESHOT": 16,
        "KQ_NOTE_EXIT": 0x80000000,
    }.items():
        monkeypatch.setattr(select, name, value, raising=False)


def test_wait(kernel: Kernel, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every living child is watched, no zombie (it would wake at once, for ever), and no other process."""
    _family(kernel)
    kernel.process(4050, ME, stat="Z")
    queue = Queue()
    _kqueue(monkeypatch, queue)
    backend.processes.wait(0.25)
    assert [event[0] for event in queue.watched] == [4003, 4000]
    assert queue.watched[0][1:] == (-5, 17, 0x80000000)
    assert queue.waited == [0.25] and queue.closed
    backend.processes.wait(-1)
    assert queue.waited[-1] == 0.0


def test_wait_when_one_dies_at_once(kernel: Kernel, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is something to collect: no sleep."""
    _family(kernel)
    queue = Queue(dead=(4000,))
    queue.on_failure = kernel.clear_processes
    _kqueue(monkeypatch, queue)
    backend.processes.wait(10)
    assert queue.waited == [] and queue.closed


def test_wait_for_one_that_cannot_be_watched(kernel: Kernel, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A living child that is hidden from this user: waiting must not become spinning."""
    _family(kernel)
    queue = Queue(dead=(4000,))
    _kqueue(monkeypatch, queue)
    backend.processes.wait(10)
    assert [event[0] for event in queue.watched] == [4003]
    assert queue.waited == [10] and queue.closed


@pytest.mark.skipif(sys.platform != "linux", reason="the stub kernel stands on Linux")
def test_kill_all(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way: members are listed, signalled, collected; the domain of a reaper on FreeBSD is swept too."""
    _kqueue(monkeypatch, Queue())
    pydfly.reaper.acquire()
    child = fork(pause)
    kernel.process(child, ME, start=7.5)
    if kernel.flavour == "freebsd":
        kernel.add_member(child, child, 3)

    def gone() -> Any:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)

    backend: Any = pydfly.backends.current()
    real = backend.processes.send

    def send(target: DescendantInfo, number: int) -> None:
        real(target, number)
        if number == signal.SIGTERM:  # the stub kernel does not see what happens to real processes
            eventually(gone)
            kernel.clear_processes()

    monkeypatch.setattr(backend.processes, "send", send)
    report = pydfly.reaper.kill_all(grace=5)
    assert [member.pid for member in report.ended] == [child] and report.survivors == []
    os.waitpid(child, 0)
