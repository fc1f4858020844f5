"""The processes of a Linux machine, read from /proc, and signalled so that a reused pid is never hit.

A listing is a snapshot that races with every fork and exit: an empty or short one proves nothing.  Only ECHILD
from wait proves that nobody is left.
"""

from __future__ import annotations

import os
import time

from ..structs import DescendantInfo, Reaped

_STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "waiting",
    "T": "stopped",
    "t": "stopped",
    "Z": "zombie",
    "X": "zombie",
    "I": "idle",
}
_booted: float | None = None
_READ = os.O_RDONLY | os.O_CLOEXEC
_MOST_WATCHED = 256  # descriptors that wait() may hold at once


def read(path: str) -> bytes:
    """Return the content of a small file of /proc; one read is one consistent snapshot."""
    descriptor = os.open(path, _READ)
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


def stat_fields(stat: bytes) -> list[bytes]:
    """Split /proc/PID/stat behind the name, which may hold anything: state, ppid, ..., start time (at 19)."""
    return stat[stat.rindex(b")") + 2 :].split(b" ", 20)


class ProcFs:
    """The processes around the calling one."""

    def __init__(self, root: str = "/proc") -> None:
        self._root = root
        self._ticks: float = os.sysconf("SC_CLK_TCK")
        self._boot = _boot_time()
        # CONFIG_PROC_CHILDREN: on most distribution kernels, not on all
        self._has_children_files = os.path.exists(f"{root}/self/task/{os.getpid()}/children")

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
            return self._decode(pid, read(f"{self._root}/{pid}/stat"))
        except (FileNotFoundError, ProcessLookupError):
            raise ProcessLookupError(f"no process {pid}") from None

    def everyone(self) -> list[DescendantInfo]:
        """Return every process of the machine (of this pid namespace)."""
        return [self._decode(pid, stat) for pid, stat in self._scan()]

    def below(self, root: int) -> list[DescendantInfo]:
        """Return every descendant of a process, parents before their children."""
        if self._has_children_files:
            return self._walk(root)
        children: dict[int, list[tuple[int, bytes]]] = {}
        for pid, stat in self._scan():
            children.setdefault(int(stat[stat.rindex(b")") + 4 :].split(b" ", 1)[0]), []).append((pid, stat))
        found: list[DescendantInfo] = []
        parents = [root]
        for parent in parents:
            for pid, stat in children.get(parent, ()):
                parents.append(pid)
                found.append(self._decode(pid, stat))
        return found

    def children(self) -> list[int]:
        """Return the pids of the calling process's children, zombies included, of every thread."""
        if self._has_children_files:
            return self._children_of(os.getpid())
        own = str(os.getpid()).encode()
        return [pid for pid, stat in self._scan() if stat_fields(stat)[1] == own]

    def send(self, target: DescendantInfo, signal: int) -> None:
        """Signal exactly this process.

        Raises:
            ProcessLookupError: it is gone; if another process has its pid now, that one gets nothing.
            PermissionError: EPERM.
        """
        from signal import pidfd_send_signal

        descriptor = os.pidfd_open(target.pid)  # from here on the pid means one process, dead or alive
        try:
            if self.info(target.pid).start_time != target.start_time:
                raise ProcessLookupError(f"process {target.pid} is another one now")
            pidfd_send_signal(descriptor, signal)
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
        """Sleep until a living child dies, at most ``timeout`` seconds."""
        import select

        watched = select.poll()
        descriptors = []
        try:
            for pid in self.children()[:_MOST_WATCHED]:
                try:
                    if self.info(pid).state == "zombie":
                        continue
                    descriptors.append(os.pidfd_open(pid))
                except ProcessLookupError:
                    return
                watched.register(descriptors[-1], select.POLLIN)
            watched.poll(max(0, timeout) * 1000)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _scan(self) -> list[tuple[int, bytes]]:
        """Read the stat file of every process; those that vanish meanwhile are gone."""
        found = []
        for name in os.listdir(self._root):
            if name[0] in "123456789":
                try:
                    found.append((int(name), read(f"{self._root}/{name}/stat")))
                except (FileNotFoundError, ProcessLookupError):
                    continue
        return found

    def _walk(self, top: int) -> list[DescendantInfo]:
        """Follow the kernel's own children lists: nothing is paid for unrelated processes."""
        found: list[DescendantInfo] = []
        parents = [top]
        for parent in parents:
            for pid in self._children_of(parent):
                try:
                    found.append(self._decode(pid, read(f"{self._root}/{pid}/stat")))
                except (FileNotFoundError, ProcessLookupError):
                    continue
                parents.append(pid)
        return found

    def _children_of(self, pid: int) -> list[int]:
        """Return the children of a process: each of its threads has a list of its own."""
        found: list[int] = []
        try:
            for thread in os.listdir(f"{self._root}/{pid}/task"):
                found += map(int, read_all(f"{self._root}/{pid}/task/{thread}/children").split())
        except (FileNotFoundError, ProcessLookupError):
            pass
        return found

    def _decode(self, pid: int, stat: bytes) -> DescendantInfo:
        fields = stat_fields(stat)
        name = stat[stat.index(b"(") + 1 : stat.rindex(b")")].decode("utf-8", "backslashreplace")
        state = _STATES.get(fields[0].decode(), "other")
        if state == "zombie" and int(fields[17]) > 1:
            state = "sleeping"  # its first thread has ended, others have not
        return DescendantInfo(pid, int(fields[1]), name, state, self._boot + int(fields[19]) / self._ticks)


def read_all(path: str) -> bytes:
    """Return the whole content of a file of /proc that may be longer than one read."""
    with open(path, "rb", buffering=0) as file:
        return file.readall()
