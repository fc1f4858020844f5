"""The guard: stands at the top, hands signals down, and takes over when those below are killed.

``pydfly run`` is the guard itself.  For ``supervise()`` the guard is a program of its own, started from the
caller without running any Python code in a copy of it.
"""

from __future__ import annotations

import os
import time

from . import deputy, terminal
from .domain import adopt_orphans, close_all_but, die_with_parent, fill_standard_descriptors, let_go
from .mailbox import Mailbox
from .warden import END, KILL, STOPPED, TERMINAL, Warden
from .watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from signal import struct_siginfo

    from .conversation import Conversation
    from .launch import Launch
else:
    import _signal

FAILED = 125
_NAMES = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT", "SIGTSTP")
_FORWARDED = {getattr(_signal, name) for name in _NAMES}
_SECOND = 5.0  # seconds within which, or within the grace, a second Ctrl-C means "at once"


class Guard:
    """One domain, seen from the top.

    Args:
        launch: what to run.
        owner: the talk of the warden with the owner; None when this process is all the owner there is.
        parent: pid of the owner.
        kept: other descriptors that the warden needs.
    """

    def __init__(
        self, launch: Launch, owner: Conversation | None = None, parent: int = 0, kept: tuple[int, ...] = ()
    ) -> None:
        self._launch = launch
        self._owner = owner
        self._kept = kept
        self._mailbox = Mailbox()
        self._watch = Watch(self._mailbox, "pydfly-guard" if owner else "")
        self._parent = parent
        self._orders = -1
        self._interrupted = float("-inf")
        self._foreground = None if owner else terminal.Foreground()

    def keep(self, work: Callable[[Warden], int]) -> int | None:
        """Keep the domain until nobody is left.

        Args:
            work: what the warden's process does with the Warden, returning its exit status.

        Returns:
            The warden's exit status; None when it was killed, and others ended the domain.
        """
        adopt_orphans()
        if self._owner:
            die_with_parent(_signal.SIGCONT, self._parent)
        guard = os.getpid()
        reading, self._orders = os.pipe()
        told, tell = os.pipe()
        self._watch.child = os.fork()
        if self._watch.child == 0:
            os.close(self._orders)
            deputy.stand(
                self._mailbox,
                guard,
                tell,
                self._launch.grace,
                lambda pid: work(Warden(self._launch, self._mailbox, pid, reading, self._owner, self._kept)),
            )
        os.close(tell)
        self._watch.heir = int(os.read(told, 20) or 0)  # the warden
        let_go(self._orders, *self._kept)
        status = self._watch.until_dead(self._take)
        if self._foreground:
            self._foreground.take_back()
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status)
        self._watch.end_all(self._launch.grace)
        return None

    def _take(self, info: struct_siginfo) -> None:
        """Hand a signal down."""
        number = info.si_signo
        if self._owner:  # it asks the warden itself; what is sent to its guard by others is not for the command
            if os.getppid() != self._parent:
                self._order(END)
        elif number == _signal.SIGTERM:
            self._order(END)
        elif number == _signal.SIGINT and self._is_second():
            self._order(KILL)
        elif number == STOPPED:
            if info.si_pid == self._watch.child and self._foreground and self._foreground.exists:
                terminal.stop_myself()
        elif number in _FORWARDED:
            self._order(number | TERMINAL if terminal.sent_by_terminal(info) else number)

    def _is_second(self) -> bool:
        now = time.monotonic()
        before, self._interrupted = self._interrupted, now
        return now - before < max(self._launch.grace, _SECOND)

    def _order(self, order: int) -> None:
        try:  # noqa: SIM105  contextlib would be imported for this alone
            os.write(self._orders, bytes([order]))
        except BrokenPipeError:
            pass


def main(descriptor: int) -> int:
    """Be the guard of ``supervise()``: what to run comes over the socket to the owner."""
    from .conversation import Conversation
    from .launch import Launch

    os.set_inheritable(descriptor, False)
    fill_standard_descriptors()
    owner = Conversation(descriptor)
    first = owner.line.receive_first()
    if first is None:
        return 0  # the owner is gone before anything began
    _, fields, parent = first
    launch = Launch(**fields)
    close_all_but(descriptor, *launch.passed)
    status = Guard(launch, owner, parent).keep(_serve)
    return FAILED if status is None else 0


def _serve(warden: Warden) -> int:
    owner = warden.owner
    assert owner
    try:
        warden.start()
    except OSError as error:
        owner.failed(error)
        return 0
    warden.run()
    owner.ended(warden)
    return 0
