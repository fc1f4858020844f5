"""Being a good job of the shell that started ``pydfly run``: Ctrl-C, Ctrl-Z, fg.

The command stays in the guard's process group, so the terminal serves both at once: what it sends for Ctrl-C or
Ctrl-Z goes to the command directly, and needs no forwarding.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from signal import struct_siginfo
else:
    import _signal

_SI_KERNEL = (0x80, 0x10006)  # Linux, FreeBSD: nobody sent it but the kernel itself; include/uapi/asm-generic/siginfo.h


def sent_by_terminal(info: struct_siginfo) -> bool:
    """Say whether the terminal sent a signal, to the whole foreground process group."""
    return info.si_code in _SI_KERNEL


def stop_myself() -> None:
    """Stop as the command did, so that the shell takes the terminal back; returns when the shell says ``fg``.

    SIGTSTP and not SIGSTOP: in an orphaned process group, where nobody could ever continue this process, the kernel
    ignores it.
    """
    before = _signal.signal(_signal.SIGTSTP, _signal.SIG_DFL)
    mask = _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGTSTP])
    os.kill(os.getpid(), _signal.SIGTSTP)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
    _signal.signal(_signal.SIGTSTP, before)


class Foreground:
    """Whether there is a terminal, and whether this process group has it, to have it again at the end."""

    def __init__(self) -> None:
        group = self._group()
        self.exists = group is not None
        self._had = group == os.getpgrp()

    def take_back(self) -> None:
        """Become the foreground again if a process group that has died took that from this one."""
        group = self._group() if self._had else None
        if group is None or group == os.getpgrp():
            return
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            self._set(os.getpgrp())
        except PermissionError:
            return

    def _group(self) -> int | None:
        try:
            terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None  # no terminal
        try:
            return os.tcgetpgrp(terminal)
        except OSError:
            return None
        finally:
            os.close(terminal)

    def _set(self, group: int) -> None:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
        try:
            os.tcsetpgrp(terminal, group)  # SIGTTOU is blocked, so this is allowed from the background
        finally:
            os.close(terminal)
