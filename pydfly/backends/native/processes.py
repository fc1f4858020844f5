"""The processes of a BSD, by sysctl kern.proc, and how they are signalled.

There are no pidfds there.  A process is told from a later one with its pid by its start time, which is compared
immediately before the kill.  What remains:

* The pid of a direct child cannot be reused as long as it is not waited for.  Another thread of this program that
  does so between the comparison and the kill could make the signal hit a new process with that pid.
* Any other process could die, be waited for, and its pid be given out again in those few microseconds.  On DragonFly a
  reaper can signal only its own domain, so even then no process outside it is hit (sys/kern/kern_sig.c, CANSIGNAL).
* FreeBSD's PROC_REAP_KILL with REAPER_KILL_SUBTREE is no remedy: it signals a direct child and everything below it;
  to signal one process alone, that process has to be a direct child itself.

Users may be kept from seeing the processes of others (security.bsd.see_other_uids, kern.ps_showallprocs, jails).
"""

from __future__ import annotations

import errno
import os
import time

from ...process_records import DescendantInfo, Reaped, below
from ..waiting import is_death, waitid, waitpid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol

    class Call(Protocol):
        """The extension, and what makes an error of a failed call: ``RawCall``, or ``bsd_helper_calls.Call``."""

        ffi: Any
        lib: Any

        def refusal(self, syscall: str, number: int, reason: str | None = None) -> OSError: ...


_STATES = {b"R": "running", b"S": "sleeping", b"D": "waiting", b"T": "stopped", b"Z": "zombie", b"I": "idle"}
_EVERYONE = -1
_FREEBSD = 2  # PYDFLY_SYSTEM of the extension


def read_list(call: Call, name: str, size: int, fill: Any, room: int) -> tuple[Any, int]:
    """Read records from the kernel into memory that is enlarged until they fit.

    Args:
        call: the extension.
        name: of the sysctl, for errors.
        size: bytes of a record, in the headers.
        fill: called with memory and a pointer to its size, which it sets to what was written.
        room: how many records to expect.

    Returns:
        The memory, and how many whole records are in it.

    Raises:
        OSError: as the kernel says; EPROTO, its records are of another size than those of the headers.
    """
    while True:
        memory = call.ffi.new("char[]", room * size)
        length = call.ffi.new("size_t *", room * size)
        failed = call.ffi.errno if fill(memory, length) else None
        if failed is None:
            count, rest = divmod(length[0], size)
            if rest:
                raise call.refusal(
                    name, errno.EPROTO, "pydfly was built for another version of this system: rebuild it"
                )
            return memory, count
        if failed != errno.ENOMEM:
            raise call.refusal(name, failed)
        room *= 2


class KernelProcesses:
    """The processes around the calling one."""

    getpid, getppid, clock = staticmethod(os.getpid), staticmethod(os.getppid), staticmethod(time.monotonic)
    """The pid of the calling process, that of its parent now, and seconds on a clock that only goes forward."""

    def __init__(self, call: Call, members: Callable[[], list[DescendantInfo]]) -> None:
        self._call = call
        self.descendants = members
        """Return the members of the calling process's domain, zombies included, parents before their children."""
        self._room = 128
        self._booted: int | None = None  # microseconds since the epoch: one number for good, though clocks jump

    def everyone(self) -> list[DescendantInfo]:
        """Return every process that the kernel shows, its own threads left out."""
        return self._list(_EVERYONE)

    def info(self, pid: int) -> DescendantInfo:
        """Describe one process; ProcessLookupError: there is none; DragonFly does not find zombies by pid."""
        try:
            found = self._list(pid)
        except ProcessLookupError:
            found = []
        if not found:
            raise ProcessLookupError(errno.ESRCH, f"no process {pid}")
        return found[0]

    def below(self, root: int) -> list[DescendantInfo]:
        """Return every descendant of a process, parents before their children."""
        return below(self.everyone(), root)

    def children(self) -> list[int]:
        """Return the pids of the calling process's children, zombies included."""
        own = os.getpid()
        return [process.pid for process in self._records(_EVERYONE) if process.ppid == own]

    def born(self, pid: int) -> float:
        """Return the start time of a child, dead or alive; ProcessLookupError: there is no such process."""
        return self.births()(pid)

    def births(self) -> Callable[[int], float]:
        """Return what tells the start times of many children, by one listing: DragonFly finds no zombie by its pid."""
        listed: dict[int, float] = {}

        def born(pid: int) -> float:
            if not listed:
                listed.update((process.pid, process.start_time) for process in self.everyone())
            if pid not in listed:
                raise ProcessLookupError(errno.ESRCH, f"no process {pid}")
            return listed[pid]

        return born

    def child_members(self) -> list[int]:
        """Return the pids of those children, zombies included, that are members of the calling process's domain."""
        own = os.getpid()
        return [process.pid for process in self.descendants() if process.ppid == own]

    def send(self, target: DescendantInfo, signal: int) -> None:
        """Signal this process, if it is still the same; see the top of this module for what cannot be excluded.

        Raises:
            ProcessLookupError: it is gone; if another process has its pid, that one gets nothing.
            PermissionError: EPERM.
        """
        if self.info(target.pid).start_time != target.start_time:
            raise ProcessLookupError(errno.ESRCH, f"process {target.pid} is another one now")
        os.kill(target.pid, signal)

    def reap(self, pid: int) -> Reaped | None:
        """Wait for one child without blocking: None while it lives; ChildProcessError: it is none of this process."""
        if not is_death(waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
            return None
        return Reaped(*waitpid(pid, 0))

    def wait(self, timeout: float) -> None:
        """Sleep until a living child dies, at most ``timeout`` seconds."""
        from importlib import import_module

        select = import_module("select")  # kqueue is in there on the systems that have it
        flags = select.KQ_EV_ADD | select.KQ_EV_ONESHOT
        living = self._living_children()
        queue = select.kqueue()
        try:
            for pid in living:
                try:
                    queue.control([select.kevent(pid, select.KQ_FILTER_PROC, flags, select.KQ_NOTE_EXIT)], 0)
                except ProcessLookupError:
                    if pid not in self._living_children():  # it has died meanwhile; else it is hidden from this user
                        return
            queue.control(None, 1, max(0.0, timeout))
        finally:
            queue.close()

    def _living_children(self) -> list[int]:
        own = os.getpid()
        return [process.pid for process in self.everyone() if process.ppid == own and process.state != "zombie"]

    def _list(self, pid: int) -> list[DescendantInfo]:
        """Return one process, or all of them.

        DragonFly keeps the time of a start as it was.  FreeBSD keeps the time since boot, and adds a boot time that
        moves when the clock is set (sys/kern/kern_proc.c, fill_kinfo_proc()): with one boot time for good, a process
        has one start time for good, by which it is told from others.
        """
        if self._call.lib.PYDFLY_SYSTEM != _FREEBSD:
            return self._read(pid, 0)
        while True:
            before = self._boot_time()
            self._booted = before if self._booted is None else self._booted
            found = self._read(pid, self._booted - before)
            if self._boot_time() == before:
                return found

    def _boot_time(self) -> int:
        call = self._call
        failed = call.ffi.errno if (booted := call.lib.pydfly_boot_time()) < 0 else None
        if failed is not None:
            raise call.refusal("kern.boottime", failed)
        return int(booted)

    def _read(self, pid: int, shift: int) -> list[DescendantInfo]:
        """Read one process, or all of them, with start times moved by so many microseconds."""
        found = []
        for process in self._records(pid):
            name = self._call.ffi.string(process.name).decode("utf-8", "surrogateescape")
            state = _STATES.get(process.state, "other")
            start = (process.seconds * 1_000_000 + process.microseconds + shift) / 1e6
            found.append(DescendantInfo(process.pid, process.ppid, name, state, start))
        return found

    def _records(self, pid: int) -> Iterator[Any]:
        """Yield ``struct pydfly_process`` of one process, or of each: the same memory each time."""
        call = self._call
        size = call.lib.PYDFLY_PROCESS_BYTES

        def fill(memory: Any, length: Any) -> Any:
            return call.lib.pydfly_list_processes(pid, memory, length)

        room = self._room if pid == _EVERYONE else 1
        records, count = read_list(call, "kern.proc", max(1, size), fill, room)
        if pid == _EVERYONE:
            self._room = max(128, count + count // 4)
        out = call.ffi.new("struct pydfly_process *")
        for place in range(count):
            call.lib.pydfly_read_process(records, place, out)
            if out.pid >= 0:  # else, on DragonFly, a thread of the kernel
                yield out
