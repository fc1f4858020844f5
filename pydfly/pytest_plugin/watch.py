"""Which processes a test leaves behind: found cheaply after each test, and ended.

The process that runs the tests becomes a reaper once, so whatever a test starts stays below it, daemons too.  After
a test three questions are asked, the cheap ones first:

1. Has this process any children?  ECHILD from a wait that takes nothing: then it has no descendants either.
2. Has the machine a new pid since the last look (Linux: the last number of /proc/loadavg)?
3. Which of the new pids are descendants?  Only those are looked at, so the length of /proc does not matter.

Processes that were there before, and the children of other test workers, are never below this process, or are known.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection

from .. import structs
from ..backends import choice as select
from ..backends import forked_children, use
from ..backends.environment import machine
from ..backends.linux.procfile import newest_pid
from ..backends.waiting import has_dead_children
from ..constants import of
from ..ending import orphans
from ..ending.own_domain import OwnDomain
from ..errors import AlreadyReaperError, BackendError
from ..structs import DescendantInfo
from .births import Births, Origin
from .leaks import Leak, command_line, is_named, is_pythons_own

GRACE = 0.1
"""Seconds that a process may still take to end by itself after its test."""
_MANY = 2000  # new pids: then a listing of every process is less work
_PAUSE = 0.002


class Watch:
    """The descendants of this process, from now on.

    Args:
        allowed: names of processes that are no leaks, as patterns of the shell.

    Raises:
        BackendError: this system has no live backend, so processes cannot be watched.
    """

    def __init__(self, grace: float = GRACE, allowed: Collection[str] = ()) -> None:
        system = machine()
        if system != "linux" and system not in select.FLAVOURS:
            raise BackendError(f"{system} has no live backend: processes cannot be watched here")
        self._backend = select.start("linux" if system == "linux" else "native")
        self._processes = self._backend.processes
        self._own = os.getpid()
        self.grace = grace
        self._allowed = allowed
        self.births = Births()
        self._acquired = self._reap_control("PROC_REAP_ACQUIRE")
        forked_children.listener = self.births.hear
        self._newest = newest_pid()
        self._only_dead = False
        self._suspects: list[tuple[DescendantInfo, Origin]] = []
        self._family = {process.pid: process.start_time for process in self._processes.below(self._own)}
        self._origins: dict[int, Origin] = {}  # of those in the family that this program has started since
        self._active: dict[Origin, list[DescendantInfo]] = {}  # fixtures that are set up, and their processes

    def close(self) -> None:
        """Stop being a reaper."""
        if os.getpid() == self._own:
            forked_children.listener = None
            if self._acquired:
                self._reap_control("PROC_REAP_RELEASE")

    def _reap_control(self, command: str) -> bool:
        """Acquire or release; False if other code had done that."""
        try:
            self._backend.procctl(0, self._own, int(of(self._backend.flavour).Command[command]), structs.NULL)
        except AlreadyReaperError:
            return False
        return True

    def set_up(self, origin: Origin, value: object) -> None:
        """A fixture that outlives its test was set up: new processes are its own, and so are later ones of it."""
        self.births.value(origin, value)
        self._active.setdefault(origin, [])
        self.new()

    def torn_down(self, origin: Origin) -> None:
        """The fixture is gone: what is left of its processes is a leak now."""
        self.births.forget(origin)
        self.new()
        self._suspects += [(process, origin) for process in self._active.pop(origin, ())]

    def new(self) -> list[DescendantInfo]:
        """Take note of the living descendants that are not known yet; return them."""
        found = self._look_once()
        while self._only_dead:  # one that is dead already may have left a child
            found = self._look_once()
        for process in found:
            origin = self._origins[process.pid]
            if origin.kind == "test":
                self._suspects.append((process, origin))
            elif origin.kind == "fixture":
                if origin in self._active or origin == self.births.scope:
                    self._active.setdefault(origin, []).append(process)
                else:
                    self._suspects.append((process, origin))
        return found

    def suspects(self, exempt: Collection[str] = ()) -> list[tuple[DescendantInfo, Origin]]:
        """Return what was left behind since the last question, apart from what may be.

        ``exempt``: names of processes that are no leaks this once, as patterns of the shell.
        """
        self.new()
        found, self._suspects = self._suspects, []
        if not found:
            return []
        return self.alive(found, exempt)

    def check(self, exempt: Collection[str] = ()) -> list[Leak]:
        """Find what was left behind, give it its grace, and end it."""
        found = self.suspects(exempt)
        end = self._processes.clock() + self.grace
        is_over = False
        while found and not is_over:
            time.sleep(_PAUSE)
            is_over = self._processes.clock() >= end  # before the last look: this program may itself have been held up
            found = self.alive(found, exempt)
            found += self.suspects(exempt)  # one that ends may have left a child
        return self.end(found) if found else []

    def alive(
        self, found: list[tuple[DescendantInfo, Origin]], exempt: Collection[str] = ()
    ) -> list[tuple[DescendantInfo, Origin]]:
        """Return those that still live, as they are now, apart from what may be.

        A process is often found between its fork and its exec, when it has the name of what started it.
        """
        alive = {each.identity: each for each in self._processes.below(self._own) if each.state != "zombie"}
        allowed = (*self._allowed, *exempt)
        still = [(alive[process.identity], origin) for process, origin in found if process.identity in alive]
        return [(process, origin) for process, origin in still if not is_named(process, allowed)]

    def end(self, found: list[tuple[DescendantInfo, Origin]]) -> list[Leak]:
        """SIGKILL them and what they start meanwhile, until none of it lives."""
        commands = [(process, origin, command_line(process)) for process, origin in found]
        doomed = {process.pid: process.start_time for process, _ in found}
        for pid in doomed:
            self._family.pop(pid, None)
        with use(self._backend):
            report = OwnDomain("SIGKILL", 0.0, self._keep(doomed), self._family).end()
        left = {survivor.pid for survivor in report.survivors}
        self._collect(doomed)
        self._newest = newest_pid()
        self._suspects = []
        return [Leak(process, command, origin, process.pid not in left) for process, origin, command in commands]

    def _keep(self, doomed: dict[int, float]) -> Callable[[list[DescendantInfo]], list[DescendantInfo]]:
        """Return what tells leaks from the others: known processes are none, nor is what they or this process start.

        A new orphan comes from a leak: nothing else is known to start any at this moment.
        """

        def keep(listed: list[DescendantInfo]) -> list[DescendantInfo]:
            kept = []
            for process in listed:  # parents come first
                if doomed.get(process.pid) != process.start_time:
                    started_here = process.ppid == self._own and forked_children.may_be_ours(
                        process.pid, self._processes.born
                    )
                    if self._is_known(process) or process.ppid in self._family or started_here:
                        self._family[process.pid] = process.start_time
                        continue
                    doomed[process.pid] = process.start_time
                kept.append(process)
            return kept

        return keep

    def _collect(self, doomed: Collection[int]) -> None:
        """Wait for those that this program started: no other process can."""
        for pid in doomed:
            try:
                self._processes.reap(pid)
            except ChildProcessError:
                continue

    def _look_once(self) -> list[DescendantInfo]:
        self._only_dead = False
        if os.getpid() != self._own:
            return []
        dead = has_dead_children()
        if dead is None:
            self._family.clear()
            self._newest = newest_pid()
            return []
        newest = newest_pid()
        if newest is not None and newest == self._newest:
            return []
        found = self._between(self._newest, newest)
        self._newest = newest
        if dead:
            with use(self._backend):
                orphans.reap()
        return found

    def _between(self, last: int | None, newest: int | None) -> list[DescendantInfo]:
        """Look at the pids from after ``last`` to ``newest``; at all descendants where these are unknown."""
        if last is None or newest is None or not 0 < newest - last < _MANY:
            listed = self._processes.below(self._own)
            known = {each.pid: each.start_time for each in listed if self._is_known(each)}
            self._family.clear()
            self._family.update(known)
            self._origins = {pid: origin for pid, origin in self._origins.items() if pid in known}
        else:
            listed = [process for pid in range(last + 1, newest + 1) if (process := self._look(pid)) is not None]
        found = []
        grown = False
        for process in listed:  # parents have lower pids, or come first in a listing
            if (process.ppid == self._own or process.ppid in self._family) and not self._is_known(process):
                parent = self._origins.get(process.ppid)
                self._origins[process.pid] = parent or self._origin(process)
                self._family[process.pid] = process.start_time
                grown = True
                if process.state != "zombie" and not is_pythons_own(process.pid):
                    found.append(process)
        self._only_dead = grown and not found
        return found

    def _origin(self, process: DescendantInfo) -> Origin:
        if process.ppid != self._own:  # its parent was there before the first test
            return Origin("program", process.ppid, "a process from before")
        return self.births.of(process)

    def _look(self, pid: int) -> DescendantInfo | None:
        try:
            process: DescendantInfo = self._processes.info(pid)  # type: ignore[attr-defined]  # Linux only
        except ProcessLookupError:
            return None
        return process

    def _is_known(self, process: DescendantInfo) -> bool:
        return self._family.get(process.pid) == process.start_time
