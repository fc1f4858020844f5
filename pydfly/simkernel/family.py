"""Parents and children, in the kernel's own order: a process that is attached comes to the head of the list.

The list of children is doubly linked through the processes themselves, as the kernel's is, so that attaching and
detaching cost the same whatever its length.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .proc import Proc


def attach(child: Proc, parent: Proc) -> None:
    """Make ``child`` the first child of ``parent``: LIST_INSERT_HEAD on p_children (sys/kern/kern_fork.c, fork1())."""
    head = parent.first_child
    child.parent = parent
    child.previous_sibling = None
    child.next_sibling = head
    if head is not None:
        head.previous_sibling = child
    parent.first_child = child


def detach(child: Proc) -> None:
    """Take ``child`` out of its parent's list: LIST_REMOVE on p_sibling."""
    before, after = child.previous_sibling, child.next_sibling
    if before is not None:
        before.next_sibling = after
    else:
        child.parent.first_child = after  # type: ignore[union-attr]  # only init has no parent, and it is never moved
    if after is not None:
        after.previous_sibling = before
    child.parent = child.previous_sibling = child.next_sibling = None


def reparent(child: Proc, parent: Proc) -> None:
    """Move ``child`` to the head of another list: proc_reparent() of sys/kern/kern_exit.c, in both systems."""
    detach(child)
    attach(child, parent)
