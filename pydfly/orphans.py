"""Which dead children of this process nobody else waits for: orphans that it has adopted.

The kernel does not say whether a child was forked or adopted.  So the others are known by their owners: the objects
of subprocess (asyncio uses them), of multiprocessing and of the supervisor, and every os.fork() of this process
since it became a reaper.  Whoever is doubtful is left alone: a zombie too many is harmless, a stolen exit status
is not.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import RLock  # threading's own, without what else threading costs a fresh interpreter

from .backends import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from .structs import Reaped

YOUNG = 5.0  # seconds: a child of this age may belong to an object that does not know its pid yet

_lock = RLock()  # no fork while orphans are reaped: the child would be dead before it is known
_forked: set[int] = set()  # children that os.fork() made
_hooked = False
_watching = False


def watch(on: bool) -> None:
    """Note every child that this process forks from now on, or no longer."""
    global _hooked, _watching
    _watching = on and current().live
    if _watching and not _hooked:
        _hooked = True
        os.register_at_fork(before=_hold, after_in_parent=_note, after_in_child=_forget)


def reap(ignore: Collection[int] = ()) -> list[Reaped]:
    """Wait, without blocking, for every dead child that is an orphan; see ``reaper.reap``."""
    with _lock:
        return _reap(ignore)


def _reap(ignore: Collection[int]) -> list[Reaped]:
    processes = current().processes
    own = processes.getpid()
    dead = [child for child in processes.descendants() if child.ppid == own and child.state == "zombie"]
    owned, unborn = _owned() if dead and current().live else (set(), False)
    collected = []
    for child in dead:
        if child.pid in owned or child.pid in ignore or (unborn and time.time() - child.start_time < YOUNG):
            continue
        try:
            reaped = processes.reap(child.pid)
        except ChildProcessError:  # somebody else was faster
            continue
        if reaped is not None:
            collected.append(reaped)
    return collected


def _hold() -> None:
    _lock.acquire()


def _note() -> None:
    """This process has just forked, and nobody reaps meanwhile: see ``before`` above."""
    try:
        if _watching:
            _note_youngest()
    finally:
        _lock.release()


def _note_youngest() -> None:
    """The new child is the youngest there is; orphans of the same moment count as well."""
    own = os.getpid()
    children = [process for process in current().processes.below(own) if process.ppid == own]
    _forked.intersection_update(child.pid for child in children)
    youngest = max((child.start_time for child in children), default=0.0)
    _forked.update(child.pid for child in children if child.start_time == youngest)


def _forget() -> None:
    """A forked copy of this process is no reaper."""
    global _lock, _watching
    _lock = RLock()
    _watching = False
    _forked.clear()


def _owned() -> tuple[set[int], bool]:
    """Return the children that somebody waits for, and whether there are owners who do not know their child yet."""
    import gc

    kinds = _kinds()
    owned = _forked | _services()
    unborn = False
    for thing in gc.get_objects() if kinds else ():
        # type() and not isinstance(), which would run the code of proxies
        field = next((field for kind, field in kinds.items() if issubclass(type(thing), kind)), None)
        if field is None:
            continue
        pid = getattr(thing, field, None)
        if pid is not None:
            owned.add(pid)
        elif getattr(thing, "returncode", None) is None:
            unborn = True
    return owned, unborn


def _kinds() -> dict[type[Any], str]:
    """Return the classes whose objects own a child, and the attribute that holds its pid."""
    homes = (
        ("subprocess", "Popen", "pid"),
        ("multiprocessing.popen_fork", "Popen", "pid"),  # the base of those that spawn, too
        ("pydfly.supervisor.handle", "Handle", "_guard"),
    )
    found = ((getattr(sys.modules.get(home), name, None), field) for home, name, field in homes)
    return {kind: field for kind, field in found if kind is not None}  # a module may be half imported


def _services() -> set[int]:
    """Return the helpers that multiprocessing keeps in the background."""
    homes = (
        ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
        ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid"),
    )
    pids = (getattr(getattr(sys.modules.get(home), name, None), field, None) for home, name, field in homes)
    return {pid for pid in pids if pid is not None}
