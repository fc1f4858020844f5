"""What must be true of a simulated DragonFly at any time, whatever happened before."""

from __future__ import annotations

from pydfly.simkernel import Kernel, Process
from pydfly.simkernel.dragonfly.reaping import Node


def check(kernel: Kernel) -> None:
    """Check everything that can be checked by looking."""
    everyone = list(kernel.processes())
    assert [process.pid for process in everyone] == sorted(process.pid for process in everyone)
    check_family(kernel, everyone)
    check_nodes(kernel, everyone)
    assert not kernel.doomed


def check_family(kernel: Kernel, everyone: list[Process]) -> None:
    """Every process but init has one living parent, is in its list once, and descends from init."""
    listed = [child for process in everyone for child in process.children]
    assert len(listed) == len(set(listed)) == len(everyone) - 1
    for process in everyone:
        assert kernel.find(process.pid) is process
        assert process.state in ("running", "stopped", "zombie")
        before = None
        for child in process.children:
            assert child.parent is process
            assert child.previous_sibling is before
            before = child
        if process is kernel.init:
            assert process.parent is None
        else:
            assert process.parent is not None and process.parent.alive
        if not process.alive:
            assert process.first_child is None and process.text is None and process.pending == []
    assert {kernel.init, *kernel.init.below()} == set(everyone)


def nodes_of(everyone: list[Process]) -> set[Node]:
    """Return every node that a living process refers to, directly or upwards."""
    found: set[Node] = set()
    for process in everyone:
        node = process.node if process.alive else None
        while node is not None and node not in found:
            found.add(node)
            node = node.parent
    return found


def check_nodes(kernel: Kernel, everyone: list[Process]) -> None:
    """References equal a recount; owners are alive and members of their own node; init owns the root."""
    nodes = nodes_of(everyone)
    for node in nodes:
        living = sum(process.alive and process.node is node for process in everyone)
        inner = sum(other.parent is node for other in nodes)
        root = node.owner is kernel.init
        assert node.refs == living + inner + root, node
        assert root == (node.parent is None)
        if node.owner is not None:
            assert node.owner.alive and node.owner.node is node
        else:
            assert node.refs > 0
    for process in everyone:
        if process.alive:
            assert living_reaper(process) is not None


def living_reaper(process: Process) -> Process | None:
    """Return the process that would adopt the children of another, found without the kernel's own walk."""
    node = process.node
    if node is not None and node.owner is process:
        node = node.parent
    while node is not None and node.owner is None:
        node = node.parent
    return process if process.ppid == 0 else node.owner if node is not None else None
