"""Linux: the children of a single-threaded process, from a file of /proc that is opened while nothing is wrong yet.

The descriptors stay of use when /proc is unmounted, mounted over, or has no room for another open file.  The list of
the children is the kernel's own: hidepid= and subset=pid hide /proc/PID of others, not this.
"""

from __future__ import annotations

import errno
import os

from ..backends.linux.procfile import trouble
from ..backends.linux.procfs import ProcFs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 65536
_ROOM = 256  # bytes, for as many pids as are taken from the kernel at a time when memory is short


class ChildrenFile(ProcFs):
    """The children of the calling process; OSError: ENOTSUP, /proc is missing, or belongs to another pid namespace."""

    def __init__(self) -> None:
        try:
            self._proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            self._proc = -1
        wrong = trouble(self._proc)
        if wrong:
            raise OSError(errno.ENOTSUP, f"/proc {wrong}")
        super().__init__(".", self._proc)
        self._file = -1
        self._room = bytearray(_ROOM)
        self.renew()
        self.pids()

    def renew(self) -> None:
        """List the children of the process that calls this, after a fork."""
        own = os.getpid()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        try:  # noqa: SIM105  contextlib would be imported for this alone
            self._file = os.open(f"{own}/task/{own}/children", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN: every process is looked at
            pass
        self.descriptors: tuple[int, ...] = (self._proc, self._file) if self._file >= 0 else (self._proc,)

    def pids(self) -> list[int]:
        """Return the pids of the children, zombies included, the one attached last at the end."""
        if self._file < 0:
            return self.children()
        content = part = os.pread(self._file, _PIECE, 0)
        while part:
            part = os.pread(self._file, _PIECE, len(content))
            content += part
        return [int(pid) for pid in content.split()]

    def each(self) -> Iterator[int]:
        """Yield the pids of the children one by one; unlike ``pids`` this needs next to no memory."""
        if self._file < 0:
            yield from self.pids()
            return
        offset = 0
        pid = b""
        while count := os.preadv(self._file, [self._room], offset):
            for at in range(count):
                digit = self._room[at : at + 1]
                if digit != b" ":
                    pid += digit
                    continue
                yield int(pid)
                pid = b""
            offset += count

    def kill_domain(self) -> None:
        """Nothing: the kernel has no call for a whole domain here."""
