"""wait(2) for children of every kind: the three calls of ``os``, where a system keeps a kind of children apart.

On the BSDs a child whose exit signal is not SIGCHLD is of another kind: rfork(2) makes one with RFTSIGZMB (FreeBSD) or
RFLINUXTHPN.  A plain wait passes over it and says ECHILD, as if there were none; with WLINUXCLONE wait sees children of
that kind *only*.  So a reaper has to ask twice, and no process is left only when both answers are ECHILD.

Source: sys/kern/kern_exit.c of FreeBSD 13.2, proc_to_reap(), and of DragonFly, kern_wait(): an exclusive or of the two.
"""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LINUX_CLONE = -0x80000000
"""WLINUXCLONE, sys/wait.h: 0x80000000 as the C int that the calls take."""
KINDS = (0, LINUX_CLONE) if sys.platform.startswith(("freebsd", "dragonfly")) else (0,)
"""What is added to the options, one wait each."""


def _of_every_kind(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call of ``os`` that asks for each kind of children; its last argument is the options."""

    def ask(*arguments: int) -> Any:
        *which, options = arguments
        answers = []
        for kind in KINDS:
            try:
                answer = call(*which, options | kind)
            except ChildProcessError:
                continue
            except OSError as error:
                if kind and error.errno == errno.EINVAL:  # a kernel that has no such kind
                    continue
                raise
            if answer is not None and answer[0]:
                return answer
            answers.append(answer)
        if not answers:
            raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD))
        return answers[0]

    return ask


# What is asked for a child of any kind must not block: pid -1 and P_ALL need WNOHANG.
waitpid: Callable[[int, int], tuple[int, int]] = os.waitpid if len(KINDS) == 1 else _of_every_kind(os.waitpid)
"""``os.waitpid(pid, options)`` for children of every kind; with pid -1 only with WNOHANG."""
wait4: Callable[[int, int], tuple[int, int, Any]] = os.wait4 if len(KINDS) == 1 else _of_every_kind(os.wait4)
"""``os.wait4(pid, options)`` for children of every kind; with pid -1 only with WNOHANG."""
waitid: Callable[[int, int, int], Any] = os.waitid if len(KINDS) == 1 else _of_every_kind(os.waitid)
"""``os.waitid(idtype, id, options)`` for children of every kind; with P_ALL only with WNOHANG."""


_DEATHS = (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED)


def is_death(answer: Any) -> bool:
    """Say whether ``waitid`` tells of a death: of a child that is traced it tells each stop, asked for or not.

    Any child can make its parent its tracer, with PTRACE_TRACEME.
    """
    return answer is not None and answer.si_code in _DEATHS


def look_at(pid: int) -> bool | None:
    """Say whether a child is dead, and leave it to be waited for; None: there is no such child."""
    try:
        return is_death(waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT))
    except ChildProcessError:
        return None


def has_dead_children() -> bool | None:
    """Say whether any child is dead, and leave it to be waited for; None: there is no child at all."""
    try:
        return waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return None
