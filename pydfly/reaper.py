"""Reaper domains in plain words: become the adopter of your orphans, see who they are, end them.

A process that has acquired a domain becomes the parent of every orphan among its descendants.  Being a reaper is
one attribute of the whole process, shared by all its threads and libraries, and is not inherited by fork.
"""

from __future__ import annotations

from . import structs
from .backends import current
from .syscalls import control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from .structs import DescendantInfo, DomainStatus


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

    Leaving the block releases; whoever is left then belongs to the next reaper above, so end them first (kill_all).
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
    """Say what this process is in the world of reapers.  What this system cannot tell is None.

    Source: procctl(2), PROC_REAP_STATUS.
    """
    answer = control("PROC_REAP_STATUS")
    if isinstance(answer, structs.ReaperStatusFreeBSD):
        return structs.DomainStatus(
            owned=bool(answer.flags & 1),
            real_init=bool(answer.flags & 2),
            reaper_pid=answer.reaper,
            first_pid=None if answer.pid == -1 else answer.pid,
            children=answer.children,
            descendants=answer.descendants,
        )
    assert isinstance(answer, structs.ReaperStatus)
    is_owner = bool(answer.flags & 1)
    # DragonFly tells a non-reaper neither who its reaper is nor who belongs to that domain
    return structs.DomainStatus(
        owned=is_owner,
        real_init=bool(answer.flags & 2),
        reaper_pid=current().processes.getpid() if is_owner else None,
        first_pid=None if answer.pid_head == -1 else answer.pid_head,
        children=None,
        descendants=answer.refs if is_owner else None,
    )


def descendants() -> list[DescendantInfo]:
    """List the members of this process's domain, zombies included, parents before their children.

    A snapshot: it races with every fork and exit, so an empty list does not prove that nobody is left.
    """
    return current().processes.descendants()
