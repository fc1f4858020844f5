"""FreeBSD's reaper domains: each reaper has a list of members, zombies among them, and each process a reaper.

Sources: sys/kern/kern_procctl.c; sys/kern/kern_exit.c, reaper_abandon_children() and reaper_clear();
sys/kern/kern_fork.c, do_fork().
"""

from __future__ import annotations

from collections.abc import Iterator

from ..proc import Proc


def reaper_of(process: Proc) -> Proc:
    """Return the process itself if it is a reaper, else the one that would adopt its children."""
    if process.domain is not None:
        return process
    assert process.reaper is not None
    return process.reaper


def enter(child: Proc, reaper: Proc, parent: Proc) -> None:
    """do_fork(): a member of its reaper's domain, in its parent's subtree or at the root of its own (FP-7)."""
    assert reaper.domain is not None
    child.reaper = reaper
    child.subtree = child.pid if reaper is parent and parent.parent is not None else parent.subtree
    reaper.domain[child.pid] = child


def members(reaper: Proc) -> Iterator[Proc]:
    """Return the members of a domain as the kernel lists them: the one that came last comes first (FP-4)."""
    assert reaper.domain is not None
    return reversed(reaper.domain.values())


def abandon(process: Proc, exiting: bool) -> None:
    """reaper_abandon_children(): hand the whole domain to the reaper above, one by one, so that its order reverses.

    After a RELEASE the children stay children (3.5); of a dead reaper they are adopted (LC-1), without a SIGCHLD.
    """
    above, domain = process.reaper, process.domain
    assert above is not None and above.domain is not None and domain is not None
    process.domain = None
    for member in reversed(domain.values()):
        member.reaper = above
        member.subtree = process.subtree
        above.domain[member.pid] = member
        if exiting and member.parent is process:
            member.reparent(above)


def leave(zombie: Proc) -> None:
    """proc_reap(): a process that was waited for is a member no longer; a dead reaper's domain ends only now."""
    if zombie.domain is not None:
        abandon(zombie, True)
    assert zombie.reaper is not None and zombie.reaper.domain is not None
    del zombie.reaper.domain[zombie.pid]
