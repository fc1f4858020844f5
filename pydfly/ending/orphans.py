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

from ..backends import current
from ..backends.waiting import waitid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ..structs import Reaped

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
    if current().live and not _somebody_is_dead():
        return []
    children = processes.child_members()  # before their owners are asked for, so that none of these is a later one
    owned, unborn = _owned() if current().live else (set(), False)
    others = owned.union(ignore)
    if unborn:
        others.update(child.pid for child in processes.descendants() if time.time() - child.start_time < YOUNG)
    collected = []
    for child in children:
        if child in others:
            continue
        try:
            reaped = processes.reap(child)
        except ChildProcessError:  # somebody else was faster
            continue
        if reaped is not None:
            collected.append(reaped)
    return collected


def _somebody_is_dead() -> bool:
    try:
        return waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


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
    # type() and id(), which run no code of proxies and metaclasses
    for thing in [thing for thing in gc.get_objects() if id(type(thing)) in kinds] if kinds else ():
        pid = getattr(thing, kinds[id(type(thing))], None)
        if getattr(thing, "returncode", None) is not None:
            continue  # it has collected its child, whose pid may be another one's now
        if pid is not None:
            owned.add(pid)
        elif hasattr(thing, "returncode"):
            unborn = True
    return owned, unborn


def _kinds() -> dict[int, str]:
    """Return the id() of each class whose objects own a child, and the attribute that holds its pid."""
    homes = (
        ("subprocess", "Popen", "pid"),
        ("multiprocessing.popen_fork", "Popen", "pid"),  # the base of those that spawn, too
        ("pydfly.supervisor.handle", "Handle", "_guard"),
    )
    found = ((getattr(sys.modules.get(home), name, None), field) for home, name, field in homes)
    kinds: list[tuple[type, str]] = [(kind, field) for kind, field in found if kind]  # a module may be half imported
    for kind, field in kinds:  # grows while it is walked
        subclasses: list[type] = type.__subclasses__(kind)
        kinds += [(subclass, field) for subclass in subclasses]
    return {id(kind): field for kind, field in kinds}


def _services() -> set[int]:
    """Return the helpers that multiprocessing keeps in the background."""
    homes = (
        ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
        ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid"),
    )
    pids = (getattr(getattr(sys.modules.get(home), name, None), field, None) for home, name, field in homes)
    return {pid for pid in pids if pid is not None}
