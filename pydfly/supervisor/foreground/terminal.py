"""The controlling terminal of ``pydfly run``, as a job of the shell that started it.

There are two ways to share it.  Where this process is the foreground job of a terminal, the command stays in its
process group: the terminal serves both at once, with everything else of a pipeline, and what it sends for Ctrl-C or
Ctrl-Z goes to the command directly.  Everywhere else (in the background, under timeout(1), without a terminal) the
command has a process group of its own, so that a signal to the group of this process reaches it once and not twice;
when a shell's ``fg`` brings this process to the foreground later, it lends the terminal on, as a shell would.
"""

from __future__ import annotations

import _signal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAMES = ("SIGINT", "SIGQUIT", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGHUP", "SIGWINCH", "SIGINFO")
KEYS = {getattr(_signal, name) for name in _NAMES if hasattr(_signal, name)}
"""What a terminal sends to a whole process group: for a key, or to stop one in the background that uses it."""


def is_for_leader(number: int) -> bool:
    """Say whether the terminal has sent a signal to this process alone: a hang-up goes to the session's leader only."""
    return number == _signal.SIGHUP and os.getsid(0) == os.getpid()


def is_continued() -> bool:
    """Say whether a SIGCONT is pending: it came after every stop, because a stop discards those before it."""
    return _signal.SIGCONT in _signal.sigpending()


def stop_myself(number: int = _signal.SIGTSTP, group: bool = False) -> None:
    """Stop as the command did, so that the shell takes the terminal back; returns when the shell says ``fg`` or ``bg``.

    For SIGSTOP, by which a program stops itself that first tidied up the screen at SIGTSTP, it is SIGTSTP here: in an
    orphaned process group, where no shell could ever continue this process, the kernel ignores that.  ``group``: all of
    the process group stops, as the terminal would have it: a job may hold more than this process.
    """
    number = _signal.SIGTSTP if number == _signal.SIGSTOP else number
    before = _signal.signal(number, _signal.SIG_DFL)
    mask = _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [number])
    target = -os.getpgrp() if group else os.getpid()
    if not is_continued():  # the very last moment to see that the shell has said ``fg`` already
        os.kill(target, number)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
    _signal.signal(number, before)


class Terminal:
    """The terminal, if there is one; once it is gone, every method does nothing."""

    def __init__(self) -> None:
        self.descriptor = -1
        self._modes: list[Any] | None = None
        self._lent = 0  # the process group that has it from this process
        try:
            self.descriptor = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError:
            self.was_ours = False
            return
        import termios

        self.was_ours = self.is_ours()
        try:
            self._modes = termios.tcgetattr(self.descriptor)
        except termios.error:  # hung up
            return

    @property
    def exists(self) -> bool:
        """Whether this process has a terminal."""
        return self.descriptor >= 0

    def sends(self, number: int) -> bool:
        """Say whether there is a terminal, and this a signal that it may send."""
        return self.exists and number in KEYS

    def is_ours(self) -> bool:
        """Say whether the process group of this process is in the foreground now."""
        return self._group() == os.getpgrp()

    def lend(self, group: int) -> None:
        """Bring another process group of this session to the foreground."""
        self._set(group)
        self._lent = group

    def take_back(self) -> None:
        """Take it back from a process group that it was lent to, or that took it and has died."""
        group = self._group()
        if group is None or group == os.getpgrp():
            return
        if group == self._lent:
            self._set(os.getpgrp())
        elif self.was_ours:
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                self._set(os.getpgrp())
            except PermissionError:
                return

    def restore_modes(self) -> None:
        """Give it the modes that it had at first, if this process is in the foreground: a killed command could not."""
        if self._modes is None or not self.is_ours():
            return
        import termios

        try:
            if termios.tcgetattr(self.descriptor) != self._modes:
                termios.tcsetattr(self.descriptor, termios.TCSADRAIN, self._modes)
        except termios.error:
            return

    def _group(self) -> int | None:
        try:
            return os.tcgetpgrp(self.descriptor)
        except OSError:  # there is none, or it was hung up
            return None

    def _set(self, group: int) -> None:
        try:
            os.tcsetpgrp(self.descriptor, group)  # SIGTTOU is blocked, so this is allowed from the background
        except OSError:  # the group has died, or the terminal is gone
            return
