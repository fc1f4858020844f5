"""The processes of a Linux machine, read from /proc, and signalled so that a reused pid is never hit.

A listing is a snapshot that races with every fork and exit: an empty or short one proves nothing.  Only ECHILD
from wait proves that no process is left.
"""

from __future__ import annotations

import _signal  # without the enums of signal, for which an ending has no time
import os
import time

from ...process_records import DescendantInfo, Reaped, below
from ..waiting import is_death, waitid, waitpid
from .procfile import boot_time, exists, names, read, read_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_STATES = {
    b"R": "running",
    b"S": "sleeping",
    b"D": "waiting",
    b"T": "stopped",
    b"t": "stopped",
    b"Z": "zombie",
    b"I": "idle",
}
# errors of reading about a process that has died meanwhile, or is hidden: by hidepid=1 (EPERM), or by something that is
# mounted over its file
_GONE = (FileNotFoundError, ProcessLookupError, PermissionError, ValueError, IndexError)
_LOOK = os.WEXITED | os.WNOHANG | os.WNOWAIT


class ProcFs:
    """The processes around the calling one.

    ``root`` is where /proc is mounted; ``"."`` with ``directory``, an open descriptor of it.
    """

    getpid, getppid, clock = staticmethod(os.getpid), staticmethod(os.getppid), staticmethod(time.monotonic)
    """The pid of the calling process, that of its parent now, and seconds on a clock that only goes forward."""

    def __init__(self, root: str = "/proc", directory: int | None = None) -> None:
        self._root = root
        self._directory = directory
        self._ticks: float = os.sysconf("SC_CLK_TCK")
        self._boot = boot_time()
        # CONFIG_PROC_CHILDREN: on most distribution kernels, not on all
        self._has_children_files = exists(f"{root}/self/task/{os.getpid()}/children", directory)
        self._last_count = 0

    def info(self, pid: int) -> DescendantInfo:
        """Describe one process; ProcessLookupError: there is none."""
        try:
            return self._decode(pid, read(f"{self._root}/{pid}/stat", self._directory))[0]
        except _GONE:
            raise ProcessLookupError(f"no process {pid}") from None

    def everyone(self) -> list[DescendantInfo]:
        """Return every process of the machine (of this pid namespace)."""
        found = []
        for name in names(self._root, self._directory):
            if name[0] in "123456789":
                try:
                    found.append(self._decode(int(name), read(f"{self._root}/{name}/stat", self._directory))[0])
                except _GONE:
                    continue
        return found

    def below(self, root: int) -> list[DescendantInfo]:
        """Return every descendant of a process, parents before their children."""
        # Following the children lists takes two files for each descendant; reading every process takes one file
        # for each process of the machine, which st_nlink of /proc counts.  The last listing tells which is less; the
        # answer is the same.
        if self._has_children_files and 3 * self._last_count < 2 * os.stat(self._root, dir_fd=self._directory).st_nlink:
            found = self.walk(self._children_of(root), {root})
        else:
            found = below(self.everyone(), root)
        if self._has_children_files:
            # one that died meanwhile left its children to its reaper: neither its list nor this process's had them
            seen = {process.pid for process in found}
            late = [pid for pid in self._children_of(root) if pid not in seen]
            found += [process for process in self.walk(late, {root}) if process.pid not in seen] if late else []
        self._last_count = len(found)
        return found

    def children(self) -> list[int]:
        """Return the pids of the calling process's children, zombies included, of every thread."""
        own = os.getpid()
        if self._has_children_files:
            return self._children_of(own)
        return [process.pid for process in self.everyone() if process.ppid == own]

    def born(self, pid: int) -> float:
        """Return the start time of a child, dead or alive; ProcessLookupError: there is no such process."""
        return self.info(pid).start_time

    def births(self) -> Callable[[int], float]:
        """Return what tells the start times of many children: each has a file of its own."""
        return self.born

    def child_members(self) -> list[int]:
        """Return the pids of those children that are members of this process's domain: all of them, here."""
        return self.children()

    def send(self, target: DescendantInfo, signal: int) -> None:
        """Signal exactly this process.

        ProcessLookupError: it is gone; if another process has its pid now, that one gets nothing.  PermissionError:
        EPERM.
        """
        descriptor = os.pidfd_open(target.pid)  # from here on the pid means one process, dead or alive
        try:
            if self.info(target.pid).start_time != target.start_time:
                raise ProcessLookupError(f"process {target.pid} is another one now")
            _signal.pidfd_send_signal(descriptor, signal)
        finally:
            os.close(descriptor)

    def reap(self, pid: int) -> Reaped | None:
        """Wait for one child without blocking: None while it lives; ChildProcessError: it is none of this process."""
        if not is_death(waitid(os.P_PID, pid, _LOOK)):
            return None
        return tuple.__new__(Reaped, waitpid(pid, 0))

    def wait(self, timeout: float) -> None:
        """Sleep until the last living member in the kernel's list of children dies, at most ``timeout`` seconds.

        While it lives, the domain is not empty; and when all were killed, it is among the last to die.
        """
        import select

        for pid in reversed(self.child_members()):
            try:
                if self.info(pid).state == "zombie":
                    continue
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                return
            try:
                watched = select.poll()
                watched.register(descriptor, select.POLLIN)
                watched.poll(max(0, timeout) * 1000)
            finally:
                os.close(descriptor)
            return
        time.sleep(max(0, timeout))

    def walk(self, pids: list[int], parents: set[int]) -> list[DescendantInfo]:
        """Follow the kernel's own children lists: nothing is paid for unrelated processes.

        It begins with ``pids``, which grows meanwhile; a process counts if its parent is in ``parents``, which grows.
        """
        root, directory = self._root, self._directory
        found: list[DescendantInfo] = []
        for pid in pids:
            try:
                process, threads = self._decode(pid, read(f"{root}/{pid}/stat", directory))
                if process.ppid not in parents:
                    continue  # it was left to a reaper above, or its pid is another process's by now
                found.append(process)
                parents.add(pid)
                # now, while what the kernel has about this process is in the caches
                if threads != b"1":
                    pids += self._children_of(pid)
                elif content := read_all(f"{root}/{pid}/task/{pid}/children", directory):  # its thread has its pid
                    pids += list(map(int, content.split()))
            except _GONE:
                continue
        return found

    def _children_of(self, pid: int) -> list[int]:
        """Return the children of a process: each of its threads has a list of its own.

        The first thread's is read last: it gets the children of a thread that ends, and the orphans.
        """
        found: list[int] = []
        try:
            threads = names(f"{self._root}/{pid}/task", self._directory)
        except _GONE:
            return found
        for thread in reversed(threads):
            try:
                content = read_all(f"{self._root}/{pid}/task/{thread}/children", self._directory)
                found += list(map(int, content.split()))
            except _GONE:  # this thread has ended
                continue
        return list(dict.fromkeys(found)) if len(threads) > 1 else found

    def _decode(self, pid: int, stat: bytes) -> tuple[DescendantInfo, bytes]:
        """Return the record of a process, and how many threads it has; ValueError, IndexError: this is no such line."""
        head, _, tail = stat.rpartition(b")")  # the name may hold anything
        fields = tail.split(b" ", 21)
        name = head[head.index(b"(") + 1 :].decode("utf-8", "surrogateescape")
        if fields[1] == b"X":  # it is being removed: no process can wait for it any more
            raise ValueError(f"process {pid} is gone")
        state = _STATES.get(fields[1], "other")
        if state == "zombie" and fields[18] not in (b"0", b"1"):
            state = "sleeping"  # only its first thread has ended: the others live on, and can be killed
        start_time = self._boot + int(fields[20]) / self._ticks
        return tuple.__new__(DescendantInfo, (pid, int(fields[2]), name, state, start_time)), fields[18]
