"""Signals as messages: every signal is blocked, and taken out one by one.

A process that waits like this has no handler that could run at a bad moment, no wake-up that could be lost, and
nothing to do while nothing happens.  Descriptors report by a signal too (SIGIO), so there is one place to wait at.
"""

from __future__ import annotations

import _signal  # signal itself makes enums of everything, which takes longer than all of this module
import os
import sys
import time
from fcntl import F_SETFL, F_SETOWN, fcntl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from signal import struct_siginfo
    from typing import ClassVar

_IS_DRAGONFLY = sys.platform.startswith("dragonfly")
# The BSDs discard a blocked signal that would be ignored anyway, and stop a process that waits for a signal by which it
# would be stopped (sys/kern/kern_sig.c, kern_sigtimedwait(), issignal()): so these get a handler that is never called
_DEFAULTS = ("SIGCHLD", "SIGIO", "SIGWINCH", "SIGCONT", "SIGURG", "SIGINFO", "SIGTSTP", "SIGTTIN", "SIGTTOU")
_CAUGHT = [getattr(_signal, name) for name in _DEFAULTS if hasattr(_signal, name)]
# DragonFly: two would write the process to a file (SIGCKPT, SIGCKPTEXIT), the others are ignored
_CAUGHT += sorted(_signal.valid_signals() & set(range(33, 64))) if _IS_DRAGONFLY else []
_IGNORED_BY_PYTHON = [_signal.SIGPIPE, _signal.SIGXFSZ]

_SI_KERNEL = (0x80, 0x10006)  # Linux, FreeBSD: the kernel itself; include/uapi/asm-generic/siginfo.h, sys/signal.h
_SI_USER = (0x10001, 0x10002, 0x10007)  # SI_USER, SI_QUEUE, SI_LWP of FreeBSD; Linux has no positive ones
_F_SETSIG = 10  # Linux: include/uapi/asm-generic/fcntl.h
LONGEST = 1e6  # seconds: what the call can take; a longer wait is several
MEMORY = 100  # signals that a witness remembers
LATELY = 1.0  # seconds that it remembers them: a question comes right after its signal
# DragonFly sends no SIGCHLD for an orphan that is dead when it is adopted (LC-4): there a reaper looks now and then
LOOK = 5.0 if _IS_DRAGONFLY else float("inf")
TELLS_SENDER = not _IS_DRAGONFLY
"""Whether the sender of a signal can be known: DragonFly tells no more than the number of one that was waited for."""


class Mailbox:
    """The signals of this process, from now on; ``restore`` gives a child back what was before.

    Args:
        mask: the signals that a child is to have blocked; None for those that this process has blocked until now.
        ignored: those among the signals that Python ignores for itself that were ignored before it did.

    Raises:
        OSError: EPERM, ENOSYS and the like: a filter of system calls refuses what every wait needs.
    """

    wake: ClassVar[int] = _signal.SIGIO
    """The signal by which descriptors report.  The kernel keeps one SIGIO at a time, so one that a process sends
    meanwhile is lost: a process that needs to see those has it changed, where possible (``queue_reports``)."""

    early: set[int] | None = None
    """Signals that came to the process group of this process before the command was in it: ``restore`` sends them to
    the command.  None where it is in another group, or its owner takes care of that."""

    def __init__(self, mask: Iterable[int] | None = None, ignored: Iterable[int] = ()) -> None:
        # what was ignored when this process began stays ignored, in the command, too
        self.null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)  # for the standard descriptors of helpers
        _signal.sigtimedwait([], 0)  # before anything is started: a helper that cannot wait would end it
        self._signals = _signal.valid_signals() - {_signal.SIGKILL, _signal.SIGSTOP}  # a real fault kills all the same
        blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, self._signals)
        self._mask = blocked if mask is None else mask
        self.ignored: set[int] = {
            number
            for number in self._signals
            if number not in _IGNORED_BY_PYTHON and _signal.getsignal(number) == _signal.SIG_IGN
        }
        self.ignored.update(ignored)
        for number in _CAUGHT:
            _signal.signal(number, _nothing)

    def wait(self, timeout: float | None) -> struct_siginfo | None:
        """Sleep until a signal comes, and take it; None after ``timeout`` seconds."""
        taken: struct_siginfo | None
        if timeout is None:
            taken = _signal.sigwaitinfo(self._signals)
        else:
            taken = _signal.sigtimedwait(self._signals, min(max(0.0, timeout), LONGEST))
        return taken

    def wait_until(self, due: float) -> struct_siginfo | None:
        """Sleep until a signal comes, and take it; None when the monotonic clock has come to ``due``."""
        rest = min(due - time.monotonic(), LOOK)
        return self.wait(None if rest == float("inf") else rest)

    def take_all(self) -> list[struct_siginfo]:
        """Take the signals that have come; a hundred at most, so that a flood of them ends."""
        taken: list[struct_siginfo] = []
        while len(taken) < 100 and (info := self.wait(0)) is not None:
            taken.append(info)
        return taken

    def note_early(self) -> None:
        """Note what has come to this process: before the fork of a child, which inherits no pending signal."""
        if self.early is not None:
            own = {_signal.SIGCHLD, _signal.SIGCONT, _signal.SIGIO, _signal.SIGPIPE, self.wake}
            self.early |= _signal.sigpending() - own

    def restore(self) -> None:
        """Give the signals back as they were: in a forked child, before its exec."""
        for number in self.early or ():
            os.kill(os.getpid(), number)  # it waits until the mask is set, here or by the command
        for number in _CAUGHT + _IGNORED_BY_PYTHON:
            _signal.signal(number, _signal.SIG_IGN if number in self.ignored else _signal.SIG_DFL)
        if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
            _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, self._mask)


class Witness:
    """Which signals have come to this process lately: another one of its group asks whether the group was meant."""

    def __init__(self) -> None:
        self._met: list[tuple[int, int, float]] = []  # number, pid of the sender, when

    def note(self, info: struct_siginfo | None) -> None:
        """Keep for a while which signal came from which process."""
        if info is not None and info.si_signo != _signal.SIGCHLD and sent_by_process(info):
            self._met.append((info.si_signo, sender(info), time.monotonic()))
            del self._met[:-MEMORY]

    def has_met(self, number: int, sender: int) -> bool:
        """Say whether a signal has come from this sender lately, also if it is pending still; each is told once."""
        while number in _signal.sigpending():
            self.note(_signal.sigtimedwait([number], 0))
        if number == Mailbox.wake:  # one of those may have reported a message that is still unread
            remind()
        since = time.monotonic() - LATELY
        found = any(met[:2] == (number, sender) and met[2] > since for met in self._met)
        self._met = [met for met in self._met if met[:2] != (number, sender)]
        return found


def listen(descriptor: int) -> None:
    """Have ``Mailbox.wake`` sent whenever a descriptor has something to read, or its other end is gone."""
    fcntl(descriptor, F_SETOWN, os.getpid())
    if Mailbox.wake != _signal.SIGIO:
        fcntl(descriptor, _F_SETSIG, Mailbox.wake)
    fcntl(descriptor, F_SETFL, os.O_NONBLOCK | os.O_ASYNC)


def remind() -> None:
    """Have the next wait end at once: something was left unread, and the kernel reports only what is new."""
    if Mailbox.wake in _signal.pthread_sigmask(_signal.SIG_BLOCK, []):
        os.kill(os.getpid(), Mailbox.wake)


def queue_reports() -> None:
    """Let descriptors report by a real-time signal, of which the kernel keeps each one; Linux only."""
    if sys.platform == "linux":
        Mailbox.wake = _signal.SIGRTMAX


def sent_by_kernel(info: struct_siginfo) -> bool:
    """Say whether it is known that no process sent a signal."""
    return TELLS_SENDER and info.si_code in _SI_KERNEL


def sent_by_process(info: struct_siginfo) -> bool:
    """Say whether a process may have sent a signal: with kill(2), sigqueue(3) or the like."""
    return not TELLS_SENDER or info.si_code <= 0 or info.si_code in _SI_USER


def sent_by_another(info: struct_siginfo) -> bool:
    """Say whether it is known that another process sent a signal."""
    return TELLS_SENDER and sent_by_process(info) and info.si_pid != os.getpid()


def sender(info: struct_siginfo) -> int:
    """Return the pid of the process that sent a signal; 0: it cannot be told."""
    return info.si_pid if TELLS_SENDER else 0


def _nothing(number: int, frame: object) -> None:
    pass
