"""Reaper domains in plain words: become the adopter of your orphans, list them, end them.

A process that has acquired a domain becomes the parent of every orphan among its descendants.  Being a reaper is
one attribute of the whole process, shared by all its threads and libraries, and is not inherited by fork.
"""

from __future__ import annotations

import _signal
from operator import index

from . import structs
from .backends import current, flavour
from .ending import orphans
from .errors import refusal
from .syscalls import control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager

    from .structs import DescendantInfo, DomainStatus, KillReport, Reaped

_HIGHEST = 127  # that kill(2) takes in both simulated systems


def acquire() -> None:
    """Become a reaper.

    Raises:
        AlreadyReaperError: EALREADY (DragonFly) or EBUSY (FreeBSD), this process is one already.

    Source: procctl(2), PROC_REAP_ACQUIRE.
    """
    control("PROC_REAP_ACQUIRE")


def release() -> None:
    """Stop being a reaper: later orphans go to the next reaper above.

    Raises:
        NotReaperError: ENOTCONN (DragonFly) or EINVAL (FreeBSD), this process is none.

    Source: procctl(2), PROC_REAP_RELEASE.
    """
    control("PROC_REAP_RELEASE")


def acquired() -> AbstractContextManager[None]:
    """Be a reaper for the length of a ``with`` block.

    Leaving the block releases; what is left then belongs to the next reaper above, so end them first (kill_all).
    In a child that was forked inside the block nothing is released: the child is no reaper.

    Raises:
        AlreadyReaperError: this process is a reaper already.
    """
    from contextlib import contextmanager

    @contextmanager
    def block() -> Iterator[None]:
        acquire()
        owner = current().processes.getpid()
        try:
            yield
        finally:
            if current().processes.getpid() == owner and owned():
                release()

    return block()


def owned() -> bool:
    """Say whether this process is a reaper."""
    return status().owned


def status() -> DomainStatus:
    """Say whether this process is a reaper, and what its domain holds.  What this system cannot tell is None.

    Source: procctl(2), PROC_REAP_STATUS.
    """
    answer = control("PROC_REAP_STATUS")
    if isinstance(answer, structs.ReaperStatusFreeBSD):
        return structs.DomainStatus(
            owned=answer.owned,
            real_init=bool(answer.flags & 2),
            reaper_pid=answer.reaper,
            first_pid=None if answer.pid == -1 else answer.pid,
            children=answer.children,
            descendants=answer.descendants,
        )
    assert isinstance(answer, structs.ReaperStatus)
    # DragonFly tells a non-reaper neither its reaper nor the members of that domain
    return structs.DomainStatus(
        owned=answer.owned,
        real_init=bool(answer.flags & 2),
        reaper_pid=current().processes.getpid() if answer.owned else None,
        first_pid=None if answer.pid_head == -1 else answer.pid_head,
        children=None,
        descendants=answer.refs if answer.owned else None,
    )


def descendants() -> list[DescendantInfo]:
    """List the members of this process's domain, zombies included, parents before their children.

    A snapshot: it races with every fork and exit, so an empty list does not prove that no process is left.

    Raises:
        OSError: EOPNOTSUPP, on Linux: /proc is not mounted, or belongs to another pid namespace.
    """
    return current().processes.descendants()


def reap(ignore: Collection[int] = ()) -> list[Reaped]:
    """Wait, without blocking, for the adopted orphans that have died, so that they do not pile up as zombies.

    Never for a child that this process made itself, by os.fork(), os.forkpty(), pty, os.posix_spawn(), os.system(),
    os.popen(), subprocess, multiprocessing, asyncio or ``pydfly.supervise()``: its owner would lose the exit status.
    Whatever is doubtful stays a zombie, such as the children from before ``acquire()``, and while os.system() runs
    every orphan born since.  What C code forks by itself, without Python's hooks, cannot be told from an orphan.

    Args:
        ignore: pids of more children that other code waits for.

    Returns:
        Pid and wait status of each.
    """
    return orphans.reap(ignore)


def kill_all(signal: int = _signal.SIGTERM, grace: float = 10.0) -> KillReport:
    """End every member of this process's domain; come back when none lives, also where they fork all the time.

    ``signal`` and SIGCONT go to each member at once, and to those born meanwhile; after one grace for all, SIGKILL
    until none lives.  Children from before ``acquire()`` are no members, and are left alone.  Dead children that have
    an owner (subprocess, ...) are left for their owner to wait for.

    Args:
        signal: ``int`` or ``signal.Signals``; SIGKILL needs no grace.
        grace: seconds until SIGKILL.

    Raises:
        NotReaperError: this process is no reaper.
        TypeError, ValueError: no signal, or a grace that is no time; nothing was ended.
        OSError: EOPNOTSUPP, on Linux: /proc is hidden, so that members cannot be found.

    Returns:
        Which processes were ended, which this process waited for, and which could not be ended (EPERM,
        uninterruptible) and why.
    """
    number = index(signal)
    if number not in (_signal.valid_signals() if current().live else range(1, _HIGHEST + 1)):
        raise ValueError(f"{signal!r} is no signal")
    if not 0 <= grace < float("inf"):
        raise ValueError(f"grace is a number of seconds, not {grace!r}")
    if not owned():
        raise refusal("procctl", "ENOTCONN" if flavour() == "dragonfly" else "EINVAL", operation="PROC_REAP_RELEASE")
    from .ending.own_domain import OwnDomain

    return OwnDomain(number, 0.0 if number == _signal.SIGKILL else grace).end()
