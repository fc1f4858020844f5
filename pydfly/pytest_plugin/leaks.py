"""Processes that a test leaves behind: found cheaply after each test, named, and ended.

The process that runs the tests becomes a reaper once, so whatever a test starts stays below it, daemons too.  After
a test three questions are asked, the cheap ones first:

1. Has this process any children?  ECHILD from a wait that takes nothing: then it has no descendants either.
2. Has the machine a new pid since the last look (Linux: the last number of /proc/loadavg)?
3. Which of the new pids are descendants?  Only those are looked at, so the length of /proc does not matter.

Processes that were there before, and the children of other test workers, are never below this process, or are known.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

from .. import structs
from ..backends import choice as select
from ..backends import use
from ..backends.environment import machine
from ..constants import of
from ..ending import orphans
from ..errors import AlreadyReaperError, BackendError
from ..escape import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import NamedTuple

    from ..structs import DescendantInfo

    Owner = tuple[int, str]  # an identity, and a description
else:
    from ..records import NamedTuple

GRACE = 0.1
"""Seconds that a process may still take to end by itself after its test."""
PATIENCE = 5.0
"""Seconds after which a process that does not die of SIGKILL is left alone."""
_MANY = 2000  # new pids: then a listing of everyone is less work
_PAUSE = 0.002


class LeakedProcessWarning(UserWarning):
    """A test left a process behind."""


class Leak(NamedTuple):
    """One process that was left behind, as it was when it was found."""

    process: DescendantInfo
    """Pid, parent, name, state and start time."""
    command: str
    """Its command line, or its name in brackets where that cannot be read."""
    owner: str
    """The fixture that started it; empty for the test itself."""
    ended: bool
    """It is gone now."""

    def __str__(self) -> str:
        age = max(time.time() - self.process.start_time, 0.0)
        whose = f", of {self.owner}" if self.owner else ""
        left = "" if self.ended else ", and does not die of SIGKILL"
        return escape(f"{self.process.name} (pid {self.process.pid}, {age:.1f} s old{whose}{left}): {self.command}")


class Watch:
    """The descendants of this process, from now on.

    Raises:
        BackendError: this system has no live backend, so processes cannot be watched.
    """

    def __init__(self) -> None:
        system = machine()
        if system != "linux" and system not in select.FLAVOURS:
            raise BackendError(f"{system} has no live backend: processes cannot be watched here")
        self._backend = select.start("linux" if system == "linux" else "native")
        self._processes = self._backend.processes
        self._own = os.getpid()
        self._acquired = self._reap_control("PROC_REAP_ACQUIRE")
        self._newest = _newest_pid()
        self._only_dead = False
        self._owned: dict[Owner, list[DescendantInfo]] = {}
        self._suspects: list[tuple[DescendantInfo, str]] = []
        self._family = {process.pid: process.start_time for process in self._processes.below(self._own)}

    def close(self) -> None:
        """Be no reaper any longer."""
        if self._acquired and os.getpid() == self._own:
            self._reap_control("PROC_REAP_RELEASE")

    def _reap_control(self, command: str) -> bool:
        """Acquire or release; False if that was done by others."""
        try:
            self._backend.procctl(0, self._own, int(of(self._backend.flavour).Command[command]), structs.NULL)
        except AlreadyReaperError:
            return False
        return True

    def new(self) -> list[DescendantInfo]:
        """Return the living descendants that are not known yet; they are known from now on."""
        found = self._look_once()
        while self._only_dead:  # who is dead already may have left a successor
            found = self._look_once()
        return found

    def _look_once(self) -> list[DescendantInfo]:
        self._only_dead = False
        if os.getpid() != self._own:
            return []
        try:
            zombie = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            self._family = {}
            self._newest = _newest_pid()
            return []
        newest = _newest_pid()
        if newest is not None and newest == self._newest:
            return []
        found = self._between(self._newest, newest)
        self._newest = newest
        if zombie is not None:
            with use(self._backend):
                orphans.reap(ignore=self._family)
        return found

    def _between(self, last: int | None, newest: int | None) -> list[DescendantInfo]:
        """Look at the pids from after ``last`` to ``newest``; at everyone below this process where that is not told."""
        listed = self._processes.below(self._own) if last is None or newest is None else None
        if listed is None and last is not None and newest is not None and not 0 < newest - last < _MANY:
            listed = self._processes.below(self._own)
        if listed is None:
            assert last is not None and newest is not None
            listed = [process for pid in range(last + 1, newest + 1) if (process := self._look(pid)) is not None]
        else:
            self._family = {each.pid: each.start_time for each in listed if self._is_known(each)}
        found = []
        grown = False
        for process in listed:  # parents have lower pids, or come first in a listing
            if process.ppid != self._own and process.ppid not in self._family:
                continue
            if not self._is_known(process):
                self._family[process.pid] = process.start_time
                grown = True
                if process.state != "zombie" and not self._is_owned(process) and not _is_pythons_own(process.pid):
                    found.append(process)
        self._only_dead = grown and not found
        return found

    def _look(self, pid: int) -> DescendantInfo | None:
        try:
            process: DescendantInfo = self._processes.info(pid)  # type: ignore[attr-defined]  # Linux only
        except ProcessLookupError:
            return None
        return process

    def _is_known(self, process: DescendantInfo) -> bool:
        return self._family.get(process.pid) == process.start_time

    def _is_owned(self, process: DescendantInfo) -> bool:
        """Say whether a fixture has it: its parent is a process of that fixture."""
        for processes in self._owned.values():
            if any(process.ppid == owned.pid for owned in processes):
                processes.append(process)
                return True
        return False

    def give(self, owner: Owner) -> None:
        """What is new belongs to a fixture, and to the tests that use it."""
        found = self.new()
        if found:
            self._owned.setdefault(owner, []).extend(found)

    def take_back(self, owner: Owner) -> None:
        """The fixture is torn down: what is left of its processes is a leak now."""
        self._suspects += [(process, owner[1]) for process in self._owned.pop(owner, ())]

    def check(self) -> list[Leak]:
        """Find what was left behind, and end it."""
        leaked = [(process, "") for process in self.new()] + self._suspects
        self._suspects = []
        if not leaked:
            return []
        end = self._processes.clock() + GRACE
        while leaked and self._processes.clock() < end:
            alive = self._alive()
            leaked = [(process, owner) for process, owner in leaked if _identity(process) in alive]
            leaked += [(process, "") for process in self.new()]  # who ends may have left a successor
            time.sleep(_PAUSE if leaked else 0)
        commands = [(process, owner, command_line(process)) for process, owner in leaked]
        survivors = self._end([process for process, _ in leaked]) if leaked else []
        return [Leak(process, command, owner, process not in survivors) for process, owner, command in commands]

    def _alive(self) -> set[tuple[int, float]]:
        return {_identity(each) for each in self._processes.below(self._own) if each.state != "zombie"}

    def _end(self, doomed: list[DescendantInfo]) -> list[DescendantInfo]:
        """SIGKILL them and whatever they start meanwhile, until they are gone; return who is not."""
        end = self._processes.clock() + PATIENCE
        pids = {process.pid for process in doomed}
        while True:
            alive = self._alive()
            left = [process for process in doomed if _identity(process) in alive]
            for process in left:
                with suppress(ProcessLookupError, PermissionError):
                    self._processes.send(process, signal.SIGKILL)
            newborn = self.new()  # asked for after it was seen who is dead: a dead one forks nobody
            if not (left or newborn):
                self._newest = None  # the short look may miss one whose parent was born and died between two looks
                newborn = self.new()
            doomed += newborn
            pids |= {process.pid for process in newborn}
            if not (left or newborn) or self._processes.clock() > end:
                break
            time.sleep(_PAUSE)
        for pid in pids:
            with suppress(ChildProcessError):
                self._processes.reap(pid)
        return left


def _identity(process: DescendantInfo) -> tuple[int, float]:
    return process.pid, process.start_time


def _newest_pid() -> int | None:
    """Return the pid that the machine gave out last, or None where that is not told."""
    try:
        descriptor = os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return int(os.read(descriptor, 200).split()[-1])
    except (ValueError, IndexError):
        return None
    finally:
        os.close(descriptor)


def _is_pythons_own(pid: int) -> bool:
    """Say whether multiprocessing started it for the whole program, once: resource tracker and fork server."""
    known: Collection[object] = [
        getattr(getattr(sys.modules.get(module), name, None), attribute, None)
        for module, name, attribute in (
            ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
            ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid"),
        )
    ]
    return pid in known


def command_line(process: DescendantInfo) -> str:
    """Return the command line of a process."""
    import shlex

    if machine() == "linux":
        try:
            with open(f"/proc/{process.pid}/cmdline", "rb") as file:
                words = file.read().rstrip(b"\0").split(b"\0")
        except OSError:
            words = []
        return shlex.join(os.fsdecode(word) for word in words) if any(words) else f"[{process.name}]"
    import subprocess

    told = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(process.pid)], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or f"[{process.name}]"
