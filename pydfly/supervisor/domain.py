"""What guard and warden ask of the kernel: to adopt orphans, and to hear of the parent's death."""

from __future__ import annotations

import os
import sys


def adopt_orphans() -> None:
    """Become a reaper; who is one already stays one.

    Raises:
        SyscallError, BackendError, OSError: this system has no reapers.
    """
    if sys.platform == "linux":  # no more than this call: the whole friendly layer would cost twice the start
        from ..backends.prctl import PR_SET_CHILD_SUBREAPER, prctl

        prctl(PR_SET_CHILD_SUBREAPER, 1)
        return
    from ..errors import AlreadyReaperError
    from ..reaper import acquire

    try:
        acquire()
    except AlreadyReaperError:  # init is one from the start
        pass


def die_with_parent(signal: int, parent: int) -> None:
    """Have this process get a signal when its parent dies, also when it has died already.

    Called only where the parent has one thread: Linux sends the signal at the death of the forking thread.
    """
    if sys.platform == "linux":
        from ..backends.prctl import PR_SET_PDEATHSIG, prctl

        prctl(PR_SET_PDEATHSIG, signal)
    else:
        from ..pdeathsig import set as set_pdeathsig

        set_pdeathsig(signal)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal)
