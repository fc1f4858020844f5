"""The guard: forks the warden, hands signals down, and takes over when the warden is killed.

``pydfly run`` is the guard itself.  For ``supervise()`` the guard is a program of its own, started from the
caller without running any Python code in a copy of it.
"""

from __future__ import annotations

import _signal
import os
import sys
import time

from .domain import adopt_orphans
from .mailbox import Mailbox
from .warden import END, KILL, Warden

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from signal import struct_siginfo

    from .launch import Launch

_FORWARDED = {getattr(_signal, name) for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT")}
_SECOND = 5.0  # seconds within which, or within the grace, a second Ctrl-C means "at once"


class Guard:
    """One warden, and whatever it may leave behind.

    Args:
        launch: what to run.
        work: what the warden's process does with the Warden, returning its exit status.
    """

    def __init__(self, launch: Launch, work: Callable[[Warden], int]) -> None:
        self._launch = launch
        self._work = work
        self._mailbox = Mailbox()
        self._warden = 0
        self._orders = -1
        self._interrupted = float("-inf")

    def keep(self) -> int | None:
        """Keep the domain until nobody is left.

        Returns:
            The warden's exit status; None when it was killed, and this process ended the domain.
        """
        adopt_orphans()
        own = os.getpid()
        reading, self._orders = os.pipe()
        self._warden = os.fork()
        if self._warden == 0:
            os.close(self._orders)
            status = 125
            try:
                status = self._work(Warden(self._launch, reading, self._mailbox, own))
            finally:
                os._exit(status)
        os.close(reading)
        while True:
            status = self._look()
            if status is not None:
                break
            self._take(self._mailbox.wait(None))
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status)
        self._end()
        return None

    def _look(self) -> int | None:
        """Collect dead children; return the warden's wait status once it is dead."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return None
            if pid == 0:
                return None
            if pid != self._warden:
                continue  # init of a container gets orphans that were never the warden's
            if not os.WIFSTOPPED(status):
                return status
            os.kill(pid, _signal.SIGCONT)  # a stopped warden guards nobody

    def _take(self, info: struct_siginfo | None) -> None:
        """Hand a signal down."""
        assert info is not None
        number = info.si_signo
        if number == _signal.SIGTERM:
            self._order(END)
        elif number == _signal.SIGINT and self._is_second():
            self._order(KILL)
        elif number in _FORWARDED:
            self._order(number)

    def _is_second(self) -> bool:
        now = time.monotonic()
        before, self._interrupted = self._interrupted, now
        return now - before < max(self._launch.grace, _SECOND)

    def _order(self, order: int) -> None:
        try:
            os.write(self._orders, bytes([order]))
        except BrokenPipeError:  # it is dead; SIGCHLD says so
            pass

    def _end(self) -> None:
        """End what a killed warden left: it is this process's now."""
        from ..ending import rounds

        now = time.monotonic()
        ending = rounds.Ending(rounds.actuator(), now, self._launch.grace)
        while True:
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            pause = ending.step(time.monotonic())
            if pause is None:
                return
            self._mailbox.wait(pause)
