"""The processes around a simulated process: what the friendly layer asks of every backend."""

from __future__ import annotations

from collections.abc import Callable

from ...simkernel import Process
from ...structs import DescendantInfo, Reaped


def describe(process: Process) -> DescendantInfo:
    """Describe a simulated process; its start time is its place in the order of forks."""
    return DescendantInfo(process.pid, process.ppid, process.name, process.state, float(process.pid))


class SimulatedProcesses:
    """What one simulated process sees of the others, and does to them."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def getpid(self) -> int:
        """Return the pid of the acting process."""
        return self._process.pid

    def getppid(self) -> int:
        """Return the pid of its parent now."""
        return self._process.ppid

    def everyone(self) -> list[DescendantInfo]:
        """Return every process of the simulated machine."""
        return [describe(process) for process in self._process.kernel.processes()]

    def below(self, root: int) -> list[DescendantInfo]:
        """Return every descendant of a process, parents before their children."""
        top = self._process.kernel.find(root)
        return [] if top is None else [describe(process) for process in top.below()]

    def descendants(self) -> list[DescendantInfo]:
        """Return the members of the acting process's domain; all its descendants while it is no reaper."""
        own = self._process
        flavour = own.kernel.flavour
        owner = flavour.is_reaper(own)
        return [describe(process) for process in own.below() if not owner or flavour.is_member(process, own)]

    def children(self) -> list[int]:
        """Return the pids of its children, zombies included, the one attached last first."""
        return [child.pid for child in self._process.each_child()]

    def born(self, pid: int) -> float:
        """Return the start time of a child: its place in the order of forks."""
        return float(pid)

    def births(self) -> Callable[[int], float]:
        """Return what tells the start times of many children."""
        return self.born

    def send(self, target: DescendantInfo, signal: int) -> None:
        """Signal exactly this process; pids are never reused here, so a process that is gone is just not there."""
        self._process.kill(target.pid, signal)

    def child_members(self) -> list[int]:
        """Return the pids of those children, zombies included, that are members of the acting process's domain."""
        return [process.pid for process in self.descendants() if process.ppid == self.getpid()]

    def reap(self, pid: int) -> Reaped | None:
        """Wait for one child without blocking."""
        waited = self._process.wait(pid, nohang=True)
        return None if waited is None else Reaped(*waited)

    def wait(self, timeout: float) -> None:
        """Let the simulated clock pass the time: nothing else runs meanwhile."""
        self._process.kernel.clock += max(timeout, 0.0)

    def clock(self) -> float:
        """Return the simulated clock: seconds that wait() let pass."""
        return self._process.kernel.clock
