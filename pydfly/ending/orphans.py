"""Wait for the dead children of this process that no other code waits for: the orphans that it has adopted.

``backends.forked_children`` knows which children are its own, however they were made.  Doubtful ones are left alone: a
zombie too many is harmless, a stolen exit status is not.
"""

from __future__ import annotations

import time

from ..backends import current, forked_children
from ..backends.waiting import has_dead_children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ..structs import Reaped


BATCH = 128  # children that are looked at in one go
PAUSE = 0.0001  # seconds for a thread that makes a child: a lock is not fair, and it should not wait for all zombies


def reap(ignore: Collection[int] = ()) -> list[Reaped]:
    """Wait, without blocking, for every dead child that is an orphan; see ``reaper.reap``."""
    processes = current().processes
    if not current().live:
        return _collect([pid for pid in processes.child_members() if pid not in ignore])
    if not has_dead_children():
        return []
    if not forked_children.is_watching():
        # other code made this process a reaper: from now on its children are noted, and those that are there may be its
        forked_children.watch(processes.children)
    with forked_children.lock:
        children = processes.children()
        forked_children.settle(children, processes.births())
    collected: list[Reaped] = []
    for begin in range(0, len(children), BATCH):
        if forked_children.waiting:
            time.sleep(PAUSE)
        # no child is made between the question and the wait, so the pid cannot come to mean another process
        with forked_children.lock:
            batch = [pid for pid in children[begin : begin + BATCH] if pid not in ignore]
            collected += _collect(forked_children.orphans(batch, processes.births()))
    return collected


def _collect(pids: list[int]) -> list[Reaped]:
    processes = current().processes
    collected = []
    for pid in pids:
        try:
            reaped = processes.reap(pid)
        except ChildProcessError:  # other code was faster, with a wait for any child
            continue
        if reaped is not None:
            collected.append(reaped)
    return collected
