"""The files that ``pydfly run`` writes: the report and the pid.

If a report cannot be written, the command runs all the same and its status stays.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATIENCE = 5.0  # seconds that a reader may take before it reads on
_PIECE = 4096  # PIPE_BUF: so many bytes go into a pipe that select(2) calls writable without blocking


class ReportFile:
    """The file of a report, opened before the command starts, so that trouble is known as early as it can be.

    ``name`` is a path; ``-`` is standard output.
    """

    def __init__(self, name: str) -> None:
        self.descriptor = -1
        self.trouble: str | None = None  # why it cannot be written, if that is known already
        self._name = name
        import json  # noqa: F401  now: later no descriptor may be free to load these
        import select  # noqa: F401

        try:
            self._open()
        except OSError as error:
            # a fifo may have a reader by the time that there is something to read
            if not _is_fifo(name):
                self.trouble = error.strerror

    def write(self, report: dict[str, Any]) -> str | None:
        """Write one JSON object and a newline; return what prevents that, or None.

        It may be a full device, a pipe without a reader, or any other error of write(2).
        """
        if self.trouble is not None:
            return None  # told already
        import json

        try:
            if self.descriptor < 0:
                self._open()
            self._put(json.dumps(report).encode() + b"\n")
        except OSError as error:
            return "it has no reader" if _is_fifo(self._name) and self.descriptor < 0 else error.strerror
        return None

    def _open(self) -> None:
        if self._name == "-":
            if not os.get_inheritable(1):  # it replaces a descriptor that the caller has closed
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self.descriptor = os.dup(1)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NONBLOCK  # a fifo would make it wait
        self.descriptor = os.open(self._name, flags, 0o666)

    def _put(self, data: bytes) -> None:
        import select

        view = memoryview(data)
        while view:
            if not select.select([], [self.descriptor], [], PATIENCE)[1]:
                raise OSError(errno.ETIMEDOUT, "its reader does not read")
            try:
                view = view[os.write(self.descriptor, view[:_PIECE]) :]
            except BlockingIOError:  # another writer has filled the pipe meanwhile
                continue


class PidFile:
    """A file with the pid of the command, there while that runs.

    OSError: it cannot be written: ENOENT, EACCES, EISDIR, EROFS, ENXIO (a fifo), ...
    """

    def __init__(self, name: str) -> None:
        self.name = name
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        self.descriptor = os.open(name, flags, 0o644)
        self._is_regular = stat.S_ISREG(os.fstat(self.descriptor).st_mode)  # a device is written to, and stays

    def write(self, pid: int) -> str | None:
        """Write the pid; return what prevents that, or None."""
        try:
            if self._is_regular:
                os.ftruncate(self.descriptor, 0)
            os.write(self.descriptor, b"%d\n" % pid)
        except OSError as error:
            return error.strerror
        return None

    def remove(self) -> None:
        """Remove the file, unless another one has its name by now."""
        try:
            if self._is_regular and os.path.samestat(os.stat(self.name), os.fstat(self.descriptor)):
                os.unlink(self.name)
        except OSError:  # gone already
            return


def _is_fifo(name: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(name).st_mode)
    except OSError:
        return False
