"""A program in a terminal of its own, for the rows that need keys and job control."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence

PATIENCE = 20.0  # seconds until what does not come counts as missing


class Terminal:
    """A session with a controlling terminal; its leader is the program.

    Args:
        command: the program and its arguments.
        env: its environment; None for ours.
        before: called in the new process before the program is executed.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str] | None = None, before: Callable[[], None] | None = None
    ) -> None:
        self.shown = ""
        """Everything that was shown so far."""
        self._read = 0  # how much of it was waited for
        self.status: int | None = None
        """How the program ended, as Popen.returncode has it; None while it runs."""
        self.pid, self.descriptor = pty.fork()
        if self.pid:
            fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        if self.pid == 0:
            try:
                if before:
                    before()
                os.execvpe(command[0], list(command), dict(os.environ if env is None else env))
            finally:
                os._exit(127)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.descriptor, keys.encode())

    def expect(self, wanted: str, timeout: float = PATIENCE) -> bool:
        """Wait until a text is shown behind what was waited for before; False if it does not come."""
        end = time.monotonic() + timeout
        while (place := self.shown.find(wanted, self._read)) < 0:
            if not self._take(end - time.monotonic()):
                return False
        self._read = place + len(wanted)
        return True

    def wait(self, timeout: float = PATIENCE) -> int | None:
        """Wait until the program has ended, and return how; None if it does not."""
        end = time.monotonic() + timeout
        while self.status is None and time.monotonic() < end:
            self._take(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        while self._take(0.05):
            pass
        return self.status

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        os.close(self.descriptor)
        self.descriptor = -1

    def close(self) -> None:
        """End the program, if it has not ended."""
        if self.descriptor >= 0:
            self.hang_up()
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _take(self, timeout: float) -> bool:
        if timeout <= 0 or not select.select([self.descriptor], [], [], timeout)[0]:
            return False
        try:
            piece = os.read(self.descriptor, 65536)
        except OSError:  # EIO: no process has the other end any longer
            return False
        self.shown += piece.decode(errors="replace")
        return bool(piece)
