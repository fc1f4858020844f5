"""DragonFly's reaper nodes: sys/kern/kern_fork.c, with its reference counts.

A node stands for a domain.  Every living process refers to one node; a node that lost its owner stays in the tree
for as long as anything refers to it.  ``refs`` counts living processes that refer to the node, its owner among them,
and nodes whose parent it is.
"""

from __future__ import annotations

from ..proc import Node, Proc

OWNED, REALINIT = 0x1, 0x2  # sys/sys/procctl.h: REAPER_STAT_OWNED, REAPER_STAT_REALINIT


def owns(process: Proc) -> bool:
    """The process is a reaper: its node is its own."""
    return process.node is not None and process.node.owner is process


def acquire(process: Proc) -> None:
    """reaper_init(): a new node below the present one, whose reference to the process it takes over (DP-1).

    init's node is born with one reference more than any other (RF-1 does not hold for it).
    """
    if process.pid == 1:
        process.node = Node(process, process.node, OWNED | REALINIT, 2)
    else:
        process.node = Node(process, process.node, OWNED, 1)


def enter(child: Proc, node: Node | None) -> None:
    """fork1(): the child becomes a member of the domain its parent is in now, owner or not."""
    child.node = node
    if node is not None:
        node.refs += 1  # reaper_hold()


def release(process: Proc) -> None:
    """Leave the node without owner and return to the one above: sys_procctl(), PROC_REAP_RELEASE (DP-2).

    The members keep the ownerless node.  reaper_exit() does the same for an owner that dies.
    """
    node = process.node
    assert node is not None
    node.owner = None
    process.node = node.parent
    if node.parent is not None:
        node.parent.refs += 1
    drop(node)


def leave(process: Proc) -> Node | None:
    """reaper_exit(): give up what one owns; return the node, whose reference the caller must drop().

    The kernel forgets the node; here a zombie keeps naming it, without a reference, so that a listing can tell
    whose member it was.
    """
    if owns(process):
        release(process)
    return process.node


def drop(node: Node | None) -> None:
    """reaper_drop(): the last reference frees the node, and with it its reference to the one above (RF-6)."""
    while node is not None:
        node.refs -= 1
        if node.refs > 0:
            return
        node = node.parent


def living_owner(node: Node | None) -> Proc | None:
    """reaper_get(): the nearest living owner, upwards; ownerless nodes are spliced out on the way (RF-7)."""
    while node is not None:
        if node.owner is not None:
            return node.owner
        above = node.parent
        while above is not None and above.owner is None and above.refs == 1:
            node.parent = above = above.parent  # our reference to the spliced node becomes one to its parent
        node = above
    return None


def encloses(outer: Node | None, node: Node | None) -> bool:
    """Say whether ``node`` is ``outer``, or is found below it."""
    while node is not None:
        if node is outer:
            return True
        node = node.parent
    return False


def confines(sender: Proc, target: Proc, direct: bool) -> bool:
    """reaper_sigtest(), turned round: say whether the sender's domain keeps its signals from the target (DS-1..4).

    ``direct``: the signal is for one pid; through a group or a broadcast the owner of the domain is out of reach.
    """
    own = sender.node
    if own is None:
        return False
    if own.owner is target and target is not sender and not direct:
        return True
    return not encloses(own, target.node)
