"""The processes of a Linux machine, read from /proc, and signalled so that a reused pid is never hit.

A listing is a snapshot that races with every fork and exit: an empty or short one proves nothing.  Only ECHILD
from wait proves that no process is left.
"""

from __future__ import annotations

import os
import time

from ...structs import DescendantInfo, Reaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal  # without the enums of signal, for which an ending has no time

_STATES = {
    b"R": "running",
    b"S": "sleeping",
    b"D": "waiting",
    b"T": "stopped",
    b"t": "stopped",
    b"Z": "zombie",
    b"X": "zombie",
    b"I": "idle",
}
_GONE = (FileNotFoundError, ProcessLookupError)  # what reading about a process gives that has died meanwhile
_booted: float | None = None
_READ = os.O_RDONLY | os.O_CLOEXEC


def read(path: str, directory: int | None = None) -> bytes:
    """Return the content of a small file of /proc; one read is one consistent snapshot.

    Args:
        path: its path, relative to ``directory`` where that is given.
        directory: a descriptor of /proc, which stays of use when /proc is unmounted or hidden under another mount.
    """
    descriptor = os.open(path, _READ, dir_fd=directory)
    try:
        return os.read(descriptor, 65536)
    finally:
        os.close(descriptor)


def _boot_time() -> float:
    """Return when the machine started, in seconds since the epoch: one number for good, though clocks jump."""
    global _booted
    if _booted is None:
        _booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return _booted


def moment() -> float:
    """Return the time now as start times are told: on the clock that does not jump, and counts suspension."""
    return _boot_time() + time.clock_gettime(time.CLOCK_BOOTTIME)


class ProcFs:
    """The processes around the calling one.

    Args:
        root: where /proc is mounted; ``"."`` with a directory.
        directory: an open descriptor of /proc.
    """

    def __init__(self, root: str = "/proc", directory: int | None = None) -> None:
        self._root = root
        self._directory = directory
        self._ticks: float = os.sysconf("SC_CLK_TCK")
        self._boot = _boot_time()
        # CONFIG_PROC_CHILDREN: on most distribution kernels, not on all
        self._has_children_files = self._exists(f"{root}/self/task/{os.getpid()}/children")
        self._last_count = 0

    def getpid(self) -> int:
        """Return the pid of the calling process."""
        return os.getpid()

    def getppid(self) -> int:
        """Return the pid of its parent now."""
        return os.getppid()

    def clock(self) -> float:
        """Seconds on a clock that only goes forward."""
        return time.monotonic()

    def info(self, pid: int) -> DescendantInfo:
        """Describe one process.

        Raises:
            ProcessLookupError: there is none.
        """
        try:
            return self._decode(pid, read(f"{self._root}/{pid}/stat", self._directory))[0]
        except _GONE:
            raise ProcessLookupError(f"no process {pid}") from None

    def everyone(self) -> list[DescendantInfo]:
        """Return every process of the machine (of this pid namespace)."""
        found = []
        for name in self._list(self._root):
            if name[0] in "123456789":
                try:
                    found.append(self._decode(int(name), read(f"{self._root}/{name}/stat", self._directory))[0])
                except _GONE:
                    continue
        return found

    def below(self, root: int) -> list[DescendantInfo]:
        """Return every descendant of a process, parents before their children."""
        # Following the children lists takes two files for each descendant and none for others; reading everyone
        # takes one file for each process of the machine, which st_nlink of /proc counts.  The last listing tells
        # which is less; the answer is the same.
        if self._has_children_files and 3 * self._last_count < 2 * os.stat(self._root, dir_fd=self._directory).st_nlink:
            found = self.walk(self._children_of(root), {root})
        else:
            found = self._pick(root)
        self._last_count = len(found)
        return found

    def children(self) -> list[int]:
        """Return the pids of the calling process's children, zombies included, of every thread."""
        own = os.getpid()
        if self._has_children_files:
            return self._children_of(own)
        return [process.pid for process in self.everyone() if process.ppid == own]

    def born(self, pid: int) -> float:
        """Return the start time of a child, dead or alive.

        Raises:
            ProcessLookupError: there is no such process.
        """
        return self.info(pid).start_time

    def child_members(self) -> list[int]:
        """Return the pids of those children that are members of this process's domain: all of them, here."""
        return self.children()

    def send(self, target: DescendantInfo, signal: int) -> None:
        """Signal exactly this process.

        Raises:
            ProcessLookupError: it is gone; if another process has its pid now, that one gets nothing.
            PermissionError: EPERM.
        """
        descriptor = os.pidfd_open(target.pid)  # from here on the pid means one process, dead or alive
        try:
            if self.info(target.pid).start_time != target.start_time:
                raise ProcessLookupError(f"process {target.pid} is another one now")
            _signal.pidfd_send_signal(descriptor, signal)
        finally:
            os.close(descriptor)

    def reap(self, pid: int) -> Reaped | None:
        """Wait for one child without blocking: None while it lives.

        Raises:
            ChildProcessError: it is no child of this process.
        """
        found, status = os.waitpid(pid, os.WNOHANG)
        return Reaped(found, status) if found else None

    def wait(self, timeout: float) -> None:
        """Sleep until the last living member in the kernel's list of children dies, at most ``timeout`` seconds.

        While it lives, somebody is left; and when all were killed, it is among the last to die.
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

    def _pick(self, top: int) -> list[DescendantInfo]:
        """Read everyone, and pick those that are below this process."""
        children: dict[int, list[DescendantInfo]] = {}
        for process in self.everyone():
            children.setdefault(process.ppid, []).append(process)
        found = children.pop(top, [])
        for process in found:  # grows while it is walked
            found += children.pop(process.pid, ())
        return found

    def walk(self, pids: list[int], parents: set[int]) -> list[DescendantInfo]:
        """Follow the kernel's own children lists: nothing is paid for unrelated processes.

        Args:
            pids: where to begin; grows while it is walked.
            parents: whose children count; each process found is added.
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
                # at once, while the kernel's memory of this process is in the caches
                if threads == b"1":  # the one thread has the pid of its process
                    pids += map(int, read_all(f"{root}/{pid}/task/{pid}/children", directory).split())
                else:
                    pids += self._children_of(pid)
            except _GONE:
                continue
        return found

    def _children_of(self, pid: int) -> list[int]:
        """Return the children of a process: each of its threads has a list of its own."""
        found: list[int] = []
        try:
            for thread in self._list(f"{self._root}/{pid}/task"):
                found += map(int, read_all(f"{self._root}/{pid}/task/{thread}/children", self._directory).split())
        except _GONE:
            pass
        return found

    def _list(self, path: str) -> list[str]:
        """Return the names in a directory of /proc."""
        if self._directory is None:
            return os.listdir(path)
        descriptor = os.open(path, _READ | os.O_DIRECTORY, dir_fd=self._directory)
        try:
            return os.listdir(descriptor)
        finally:
            os.close(descriptor)

    def _exists(self, path: str) -> bool:
        try:
            os.stat(path, dir_fd=self._directory)
        except OSError:
            return False
        return True

    def _decode(self, pid: int, stat: bytes) -> tuple[DescendantInfo, bytes]:
        """Return the record of a process, and how many threads it has."""
        head, _, tail = stat.rpartition(b")")  # the name may hold anything
        fields = tail.split(b" ", 21)
        name = head[head.index(b"(") + 1 :].decode("utf-8", "backslashreplace")
        state = _STATES.get(fields[1], "other")
        if state == "zombie" and fields[18] not in (b"0", b"1"):
            state = "sleeping"  # only its first thread has ended: the others live on, and can be killed
        start_time = self._boot + int(fields[20]) / self._ticks
        return DescendantInfo(pid, int(fields[2]), name, state, start_time), fields[18]


def read_all(path: str, directory: int | None = None) -> bytes:
    """Return the whole content of a file of /proc that may be longer than one read."""
    descriptor = os.open(path, _READ, dir_fd=directory)
    try:
        content = part = os.read(descriptor, 65536)
        while part:
            part = os.read(descriptor, 65536)
            content += part
        return content
    finally:
        os.close(descriptor)
