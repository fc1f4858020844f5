"""What a service writes: the last bytes of it in memory, all of it in a file.

The service never waits for the file.  A thread writes it, behind a bounded store: with a disk that is slow, hangs or
is full, lines are lost and a note says so, while the process that watches the service, and reads its pipe, goes on.
"""

from __future__ import annotations

import os
import select
from collections import deque
from threading import Condition, Thread

LOST = b"(LOG DATA LOST)\n"
"""The note, on a line of its own, where lines are missing."""

MODE = 0o640
STORE = 1 << 20  # bytes that may wait for the disk
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


class Ring:
    """The last bytes of a stream, in order."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._bytes = bytearray()
        self.end = 0
        """How many bytes there have been."""

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self.end += len(data)
        self._bytes += data
        if len(self._bytes) > 2 * self._size + 4096:  # not at each write: that would move the whole store each time
            self._trim()

    def read(self) -> bytes:
        """Return what is kept."""
        self._trim()
        return bytes(self._bytes)

    def since(self, position: int) -> tuple[bytes, bool]:
        """Return what came after a position, and whether some of it is no longer kept."""
        self._trim()
        missing = self.end - position
        return bytes(self._bytes[max(0, len(self._bytes) - missing) :]), missing > len(self._bytes)

    def _trim(self) -> None:
        del self._bytes[: max(0, len(self._bytes) - self._size)]


class LogFile:
    """A file that is appended to without waiting for it, made with mode 0640; OSError: it cannot be opened.

    ``descriptor`` is written to instead, if it is open already; it is closed at the end.
    """

    def __init__(self, path: str | bytes, descriptor: int | None = None) -> None:
        self.path = path
        self.descriptor = os.open(path, _FLAGS, MODE) if descriptor is None else descriptor
        """Descriptor of the file."""
        self._store: deque[bytes] = deque()
        self._stored = 0
        self._lost = False  # since the last line that was stored
        self._closing = False
        self._changed = Condition()
        self._thread: Thread | None = None

    def write(self, data: bytes) -> None:
        """Have bytes written, soon; lose them when too many are waiting."""
        with self._changed:
            if self._stored + len(data) > STORE:
                self._lost = True
                return
            if self._lost:
                line = data.find(b"\n") + 1
                if not line:
                    return  # the rest of a line whose beginning is lost
                data, self._lost = LOST + data[line:], False
            self._store.append(data)
            self._stored += len(data)
            self._changed.notify()
            if self._thread is None:
                self._thread = Thread(target=self._work, name="log", daemon=True)
                self._thread.start()

    def reopen(self, path: str | bytes | None = None) -> None:
        """Open the file again, which may have been renamed, or another; what waits goes to the new one.

        OSError: it cannot be opened; the old one stays in use.
        """
        path = self.path if path is None else path
        fresh = os.open(path, _FLAGS, MODE)
        with self._changed:
            os.dup2(fresh, self.descriptor, inheritable=False)  # in one step: the thread may be writing
            os.close(fresh)
            self.path = path

    def close(self, timeout: float = 5.0) -> bool:
        """Write what waits, and close; False when the disk took longer than ``timeout`` seconds."""
        with self._changed:
            self._closing = True
            if self._lost:
                self._store.append(LOST)
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False  # its descriptor stays: a number that is closed could become another file's
        os.close(self.descriptor)
        return True

    def _work(self) -> None:
        at_line_start, failed = True, False
        while True:
            with self._changed:
                while not self._store and not self._closing:
                    self._changed.wait()
                if not self._store:
                    return
                data = self._store.popleft()
            length = len(data)
            note = data.startswith(LOST)
            if failed and not note:
                data = LOST + data[data.find(b"\n") + 1 :]
            if (note or failed) and not at_line_start:
                data = b"\n" + data
            written = self._write(data)
            failed = written < len(data)
            if written:
                at_line_start = data[written - 1 : written] == b"\n"
            with self._changed:
                self._stored -= length

    def _write(self, data: bytes) -> int:
        """Write all that can be written, and say how much that was."""
        written = 0
        while written < len(data):
            try:
                written += os.write(self.descriptor, data[written:])
            except BlockingIOError:  # a FIFO, a terminal
                poll = select.poll()
                poll.register(self.descriptor, select.POLLOUT)
                poll.poll()
            except OSError:  # ENOSPC, EDQUOT, EIO, EPIPE: the rest is lost, and later lines may do better
                break
        return written
