"""Who exists, and who is whose child, in the kernel's own order: what is attached comes to the head of the list.

The list of children is doubly linked through the processes themselves, as the kernel's is, so that attaching and
detaching cost the same whatever its length.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .process import Process


class ProcTable:
    """The processes by pid, zombies included, in the order of their creation."""

    def __init__(self) -> None:
        self.by_pid: dict[int, Process] = {}
        self.last_pid = 0

    def new_pid(self) -> int:
        """Return the next pid: they count up and are never reused."""
        self.last_pid += 1
        return self.last_pid

    def add(self, process: Process) -> None:
        """Make a process findable."""
        self.by_pid[process.pid] = process

    def remove(self, process: Process) -> None:
        """Forget a process that was waited for."""
        del self.by_pid[process.pid]


def attach(child: Process, parent: Process) -> None:
    """Make ``child`` the first child of ``parent``: LIST_INSERT_HEAD on p_children (sys/kern/kern_fork.c, fork1())."""
    head = parent.first_child
    child.parent = parent
    child.previous_sibling = None
    child.next_sibling = head
    if head is not None:
        head.previous_sibling = child
    parent.first_child = child


def detach(child: Process) -> None:
    """Take ``child`` out of its parent's list: LIST_REMOVE on p_sibling."""
    before, after = child.previous_sibling, child.next_sibling
    if before is not None:
        before.next_sibling = after
    else:
        child.parent.first_child = after  # type: ignore[union-attr]  # only init has no parent, and it is never moved
    if after is not None:
        after.previous_sibling = before
    child.parent = child.previous_sibling = child.next_sibling = None


def reparent(child: Process, parent: Process) -> None:
    """Move ``child`` to the head of another list: proc_reparent() of sys/kern/kern_exit.c, in both systems."""
    detach(child)
    attach(child, parent)
