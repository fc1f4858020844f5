"""Which children this process made itself, so that an adopted orphan can be told from them: the kernel does not say.

Each way to make a child is noted where its pid is certain:

* ``os.fork()``, ``os.forkpty()``, pty, multiprocessing's fork, C code that runs Python's fork hooks: the child writes
  its pid into memory that it shares with this process.  (The parent's hook is not told the pid, and "the youngest
  child" is a guess: an orphan adopted in that moment is younger, and so is an orphan that the new child leaves.)
* subprocess, asyncio, ``os.popen()``, multiprocessing's spawn and fork server, ``os.posix_spawn()``: the functions
  that they come down to return the pid, and are replaced while this process is a reaper: see ``spawners``.
* ``os.system()``: its child is waited for inside the call, so it is among those born since the call began, while the
  call lasts.  The same goes for a copy of ``posix_spawn`` that was imported by name before; a child born during such a
  call is doubtful for good, because its pid is never told.
C code that forks by itself, without Python's hooks, remains unseen.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import RLock, get_ident  # threading's own: all of threading costs a fresh interpreter more

from . import spawners
from .child_records import EVER, STEP, TICK, Calls, Kinship, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from typing import Any

LONGEST = 1.0  # seconds that a fork may take
CELLS = 1024  # forks whose child has not yet written its pid
_EVENTS = {"os.system": False, "os.posix_spawn": True}  # whether the child outlives the call

lock = RLock()
"""Held while a child is being made, and while orphans are waited for: else a new child could be taken for an orphan."""
waiting = 0
"""How many threads are about to make a child: a wait for orphans lets them go first."""
listener: Callable[[], object] | None = None
"""Called when this process is about to make a child, with ``lock`` held but for os.system(); it must not raise."""
_watching = False
_hooked = False
_known = Kinship()
_calls = Calls(_known.doubts)
_cells: Any = None  # shared with forked children, which write their pid there; a memoryview of C ints
_free: list[int] = []
_forks: list[tuple[int, float]] = []  # under way: cell (-1: none was free), and since when
_unwritten: dict[int, Span] = {}  # by cell
_now: Callable[[], float] = time.time
_spawning = 0  # the thread that is in a replaced function
_spawns: list[float] = []  # under way, in that thread: since when


def watch(present: Callable[[], Iterable[int]], clock: Callable[[], float] | None = None) -> None:
    """Note every child that is made from now on.  Call it before this process becomes a reaper.

    Args:
        present: lists the pids of the children that exist already; they count as made here.  It is called when no
            other thread can make one unseen any more.
        clock: the clock of start times, if it is one that cannot be set, in seconds.
    """
    global _watching, _hooked, _cells, _now
    with lock:
        if _watching:
            return
        _forget()
        if not _hooked:
            _hooked = True
            os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
            # not in a Python function: an exception of a signal handler could leave the lock taken there
            os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
            os.register_at_fork(before=_announce)
            sys.addaudithook(_hear)
        _now, _known.grain = (clock, TICK) if clock else (time.time, STEP)
        from mmap import mmap

        _cells = memoryview(mmap(-1, CELLS * 4)).cast("i")
        _free.extend(range(CELLS))
        _watching = True
        spawners.replace(_spawn)
        _known.made.update((pid, EVER) for pid in present())


def stop() -> None:
    """Stop noting, and put the replaced functions back."""
    global _watching
    with lock:
        _watching = False
        spawners.put_back()
        _forget()


def is_watching() -> bool:
    """Say whether the children of this process are noted."""
    return _watching


def settle(children: Collection[int], born: Callable[[int], float]) -> None:
    """Note what is known by now, and drop what is over.  Call it, and list the children, with ``lock`` held.

    ``born`` tells the start time of a child; ProcessLookupError if there is none.
    """
    now = _now()
    for fork in [fork for fork in list(_forks) if now - fork[1] > LONGEST]:  # a KeyboardInterrupt in _in_parent()
        _forks.remove(fork)
        _note(*fork, fork[1] + LONGEST)
    _read_cells()
    _calls.settle(_now)
    _known.drop(children)
    for span in _known.over(_known.doubts, now, children, born):
        _known.doubts.remove(span)
    gone = _known.over(_unwritten.values(), now, children, born)  # the fork failed, or the child was collected
    for cell in [cell for cell, span in list(_unwritten.items()) if span in gone]:
        if _unwritten.pop(cell, None):
            _free.append(cell)


def orphans(pids: Iterable[int], born: Callable[[int], float]) -> list[int]:
    """Return those that this process cannot have made.  Call it with ``lock`` held, after settle()."""
    unnamed = _unnamed()
    doubtful = bool(unnamed or _known.doubts)
    return [pid for pid in pids if not ((doubtful or pid in _known.made) and _known.is_ours(pid, born, unnamed))]


def may_be_ours(pid: int, born: Callable[[int], float]) -> bool:
    """Say whether this process made the child, or may have."""
    with lock:
        _read_cells()
        return not orphans([pid], born)


def _unnamed() -> list[Span]:
    """Return when children were made whose pids are unknown so far; a signal handler may add one at any moment.

    A handler that interrupts code which is about to note a child may call this, too; ``lock`` keeps other threads out.
    """
    under_way = [*(since for _, since in list(_forks)), *list(_spawns)]
    return [*list(_unwritten.values()), *_calls.spans(), *(Span(since, _now()) for since in under_way)]


def _read_cells() -> None:
    for cell, span in list(_unwritten.items()):
        pid = _cells[cell]
        if pid and _unwritten.pop(cell, None):  # a signal handler that forks may have been faster
            _known.made[pid] = span
            _cells[cell] = 0
            _free.append(cell)


def _announce() -> None:
    """A fork is about to wait for the lock."""
    global waiting
    waiting += 1


def _before() -> None:
    """A fork begins: until its child has a cell, a wait for orphans could take the child for one."""
    global waiting
    waiting = max(0, waiting - 1)
    if _watching:
        if not _free:
            _read_cells()
        _forks.append((_free.pop() if _free else -1, _now()))
        if listener is not None:
            listener()


def _in_parent() -> None:
    if _watching:
        # none: a KeyboardInterrupt in _before()
        _note(*(_forks[-1] if _forks else (-1, _now() - LONGEST)), _now())
        if _forks:  # only now: a signal handler must know of the child at any moment
            _forks.pop()


def _note(cell: int, since: float, until: float) -> None:
    """Note a child that was forked in that time."""
    if cell < 0:
        _known.doubts.append(Span(since, until))
    else:
        _unwritten[cell] = Span(since, until)


def _in_child() -> None:
    """Tell the parent the pid of this process; a forked copy of a reaper is none itself."""
    global waiting, listener, _watching
    if not lock._is_owned():  # type: ignore[attr-defined]  # a KeyboardInterrupt while it was waited for
        lock._at_fork_reinit()  # type: ignore[attr-defined]
        lock.acquire()
    if _watching and _forks and _forks[-1][0] >= 0:
        _cells[_forks[-1][0]] = _pid_for_parent()
    waiting = 0
    listener = None
    _watching = False
    _forget()


def _pid_for_parent() -> int:
    """Return the pid as the parent sees it, also for the first process of a pid namespace."""
    if os.getppid():
        return os.getpid()
    try:
        return int(os.readlink("/proc/self"))
    except (OSError, ValueError):
        return 0  # nothing is written, so the child stays doubtful


def _forget() -> None:
    global _cells, _spawning
    for known in (_known, _calls, _unwritten, _free, _forks, _spawns):
        known.clear()
    _cells = None
    _spawning = 0


def _spawn(original: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Call a function that returns the pid of a new child, and note it."""
    global waiting, _spawning
    if not _watching:
        return original(*arguments, **options)
    waiting += 1
    with lock:
        waiting -= 1
        outer, since = _spawning, _now()
        try:
            _spawning = get_ident()
            _spawns.append(since)
            if listener is not None:
                listener()
            pid = original(*arguments, **options)
            if _watching:  # not in the copy of this process that runs preexec_fn
                _known.made[pid] = Span(since, _now())
        finally:
            _spawning = outer
            if _spawns:  # empty in a copy of this process
                _spawns.pop()
    return pid


def _hear(event: str, arguments: tuple[Any, ...], events: Mapping[str, bool] = _EVENTS) -> None:
    """Note calls that make a child without telling its pid: an audit hook, which stays for good, so it is short.

    ``events`` are those calls: an argument, because the names of this module are gone when Python shuts down.
    """
    if event in events and _watching and _spawning != get_ident():
        _calls.begin(sys._getframe(0).f_back, _EVENTS[event], _now)
        if listener is not None:
            listener()
