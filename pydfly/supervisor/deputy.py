"""The deputy: between guard and warden, so that no single kill leaves a line of defence of one.

It forks the warden, continues it when it was stopped, and ends the domain when it was killed; the guard above does
the same for the deputy.  So whoever kills one of them has two others against him.
"""

from __future__ import annotations

import os

from .domain import adopt_orphans, let_go
from .warden import STOPPED
from .watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from signal import struct_siginfo

    from .mailbox import Mailbox
else:
    import _signal


def stand(mailbox: Mailbox, guard: int, tell: int, grace: float, work: Callable[[int], int]) -> None:
    """Be the deputy in a process of its own; never returns.

    Args:
        mailbox: where everything arrives.
        guard: pid of the parent.
        tell: descriptor where the guard wants to read the pid of the warden.
        grace: seconds from SIGTERM to SIGKILL.
        work: what the warden's process does, given the pid of its parent; returns its exit status.
    """
    try:
        _stand(mailbox, guard, tell, grace, work)
    finally:
        _die()


def _stand(mailbox: Mailbox, guard: int, tell: int, grace: float, work: Callable[[int], int]) -> None:
    adopt_orphans()
    own = os.getpid()
    watch = Watch(mailbox, "pydfly-deputy")
    watch.child = os.fork()
    if watch.child == 0:
        os.close(tell)
        os._exit(work(own))
    os.write(tell, b"%d" % watch.child)
    let_go()

    def take(info: struct_siginfo) -> None:
        if info.si_signo == STOPPED and info.si_pid == watch.child and os.getppid() == guard:
            os.kill(guard, STOPPED)

    status = watch.until_dead(take)
    if not os.WIFEXITED(status):
        watch.end_all(grace)
    if os.getppid() == guard:
        os.kill(guard, _signal.SIGCONT)  # somebody may have stopped it
    if os.WIFEXITED(status):
        os._exit(os.WEXITSTATUS(status))


def _die() -> None:
    """End as one who was killed: whoever fails here is as bad as that, and those above take over."""
    import sys

    error = sys.exc_info()[1]
    if error is not None:
        import traceback

        traceback.print_exception(error)
    os.kill(os.getpid(), _signal.SIGKILL)
